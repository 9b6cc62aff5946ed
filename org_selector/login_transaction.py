"""
The login that waits for a choice, as a session token describes it.

Checked here: each claim that the Action adds is text of the form in `SESSION_CLAIMS`, and `version`
is a number. Claims that a later Action adds are ignored. Signature, issuer, audience, subject and
times are checked before, in `action_tokens.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from org_selector.errors import InvalidSessionToken

_PATTERNS = {  # for the whole value; where it may be empty, "" means "not given"
    "client_id": r".{1,255}",
    "client_name": r".{0,80}",
    "nonce": r"[\w-]{16,64}",
    "hint": r".{0,255}",
    "invitation": r".{0,64}",
    "bound": r".{0,64}",
    "notice": r"[a-z_]{0,64}",
    # Pages link to it and their policy names it: an http(s) origin, or the scheme of a native app.
    "app_origin": r"(?!(?:javascript|data|vbscript|blob|file|https?):\Z)"
    r"(https?://[\w.:\[\]-]{1,247}|[a-z][\w+.-]{0,253}:)?",
    "locale": r".{0,35}",
}
SESSION_CLAIMS = {name: re.compile(text, re.A | re.S) for name, text in _PATTERNS.items()}


@dataclass(frozen=True, slots=True)
class LoginTransaction:
    """What a verified session token says: whose login waits, for which application."""

    issuer: str  # the tenant's bare host, one of the configured domains
    auth0_user_id: str
    expires_at: int  # seconds since the epoch
    client_id: str
    client_name: str
    nonce: str  # one login, one choice
    hint: str  # user input: the signature does not make it right
    invitation: str  # user input, too
    bound: str  # the one organization that the application serves, or ""
    notice: str  # why the page is shown
    app_origin: str
    locale: str

    @property
    def invitation_id(self) -> UUID | None:
        """The invitation that the app's link named; `None` also if the text is no id."""
        return _read_id(self.invitation)

    @property
    def bound_to(self) -> UUID | None:
        """The one organization of the application; one that does not exist if the text is no id."""
        return (_read_id(self.bound) or UUID(int=0)) if self.bound else None


def _read_id(unverified_text: str) -> UUID | None:
    try:
        return UUID(unverified_text)
    except ValueError:
        return None


def read_login_transaction(verified_claims: Mapping[str, Any]) -> LoginTransaction:
    """
    Read the Action's claims from a token that passed all other checks.

    Raises:
        InvalidSessionToken: a claim is missing or has another form; the detail is its name.
    """
    version = verified_claims.get("version")
    if type(version) is not int or version < 1:
        raise InvalidSessionToken("version")
    own: dict[str, Any] = {name: verified_claims.get(name) for name in SESSION_CLAIMS}
    for name, pattern in SESSION_CLAIMS.items():
        if not isinstance(own[name], str) or not pattern.fullmatch(own[name]):
            raise InvalidSessionToken(name)
    claims = verified_claims
    return LoginTransaction(claims["iss"], claims["sub"], claims["exp"], **own)
