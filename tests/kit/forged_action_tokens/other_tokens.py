"""Tokens of another kind, each signed by its own secret."""

from typing import Final

from tests.kit.action_tokens import (
    ABSENT,
    HEADER,
    ORG_ID,
    SELECTION_SECRET,
    SESSION_SECRET,
    STATE,
    sign,
    valid_selection_claims,
)
from tests.kit.forged_action_tokens.kind import SESSION, TOKENS, Row, find_other
from tests.kit.token_changes import change_claims


def sign_selection() -> str:
    """Sign a selection token as the picker does."""
    transaction = TOKENS.verify_session_token(SESSION.token())
    choice: dict[str, str | bool] = {"org_id": ORG_ID, "remember": True, "forget": False}
    return TOKENS.sign_selection_token(transaction, STATE, choice)


OTHER_TOKENS: Final[dict[str, Row]] = {
    "a selection token": lambda kind: sign(HEADER, valid_selection_claims(), SELECTION_SECRET),
    "a selection token under the session secret": lambda kind: sign(
        HEADER, valid_selection_claims(), SESSION_SECRET
    ),
    "a selection token of ours": lambda kind: sign_selection(),
    "the other kind of token": lambda kind: find_other(kind).token(),
    "the aud of the other kind": lambda kind: kind.token(aud=find_other(kind).claims()["aud"]),
    "another Action's redirect token": change_claims(
        aud=ABSENT, client_id=ABSENT, body_sha256=ABSENT
    ),
}
