"""The two tokens that the selector takes: how each is made, and what refuses it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from org_selector.action_tokens import ActionTokens
from org_selector.errors import InvalidDecisionToken, InvalidSessionToken, SelectorError
from tests.kit.action_tokens import (
    ABSENT,
    CUSTOM_DOMAIN,
    DOMAIN,
    HEADER,
    SELECTION_SECRET,
    SESSION_SECRET,
    sign,
    valid_decision_claims,
    valid_session_claims,
)

OLD_SESSION_SECRET: Final = "session-secret-before-rotation-1"
BODY: Final = b'{"user":{"id":"auth0|joe"}}'
TOKENS: Final = ActionTokens(
    session_secrets=[SESSION_SECRET, OLD_SESSION_SECRET],
    selection_secrets=[SELECTION_SECRET, "selection-secret-before-rotation"],
    domains=[DOMAIN, CUSTOM_DOMAIN],
)


@dataclass(frozen=True)
class Kind:
    """One of the two tokens the selector takes: how it is made and what refuses it."""

    claims: Callable[..., dict[str, Any]]
    verify: Callable[[str], object]
    refusal: type[SelectorError]
    lifetime: int

    def token(self, **changes: object) -> str:
        """Make a well-signed token with some claims changed."""
        return sign(HEADER, self.claims(**changes), SESSION_SECRET)

    def with_header(self, **changes: object) -> str:
        """Make a well-signed token with valid claims and a changed header."""
        header = dict(HEADER) | changes
        present = {name: value for name, value in header.items() if value is not ABSENT}
        return sign(present, self.claims(), SESSION_SECRET)

    def json(self, **changes: object) -> str:
        """The claims as text, for rows that JSON libraries would not write."""
        return json.dumps(self.claims(**changes))

    def signed_text(self, claims: str) -> str:
        """Make a well-signed token of claims given as text."""
        return sign(HEADER, claims.encode(), SESSION_SECRET)


SESSION: Final = Kind(valid_session_claims, TOKENS.verify_session_token, InvalidSessionToken, 300)
DECISION: Final = Kind(
    lambda **changes: valid_decision_claims(BODY, **changes),
    lambda token: TOKENS.verify_decision_token(token, lambda: BODY),
    InvalidDecisionToken,
    30,
)
# A function, so that every token is fresh.
Row = Callable[[Kind], str]


def now() -> int:
    """Return the time in whole seconds."""
    return int(time.time())


def find_other(kind: Kind) -> Kind:
    """Return the kind that *kind* is not."""
    return DECISION if kind is SESSION else SESSION
