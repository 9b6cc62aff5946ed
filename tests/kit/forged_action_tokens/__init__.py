"""
Session and decision tokens that an attacker forged, and the valid ones they are made of.

Each row is one thing an attacker does to a token that is valid without it. One file a family.
"""

from typing import Final

from tests.kit.forged_action_tokens.changes import change_header, change_time, write_claims
from tests.kit.forged_action_tokens.header_members import HEADER_MEMBERS
from tests.kit.forged_action_tokens.json_texts import JSON
from tests.kit.forged_action_tokens.kind import (
    BODY,
    DECISION,
    OLD_SESSION_SECRET,
    SESSION,
    TOKENS,
    Kind,
    Row,
    now,
)
from tests.kit.forged_action_tokens.other_tokens import OTHER_TOKENS, sign_selection
from tests.kit.forged_action_tokens.own_claims import FORGED_DECISIONS, FORGED_SESSIONS
from tests.kit.forged_action_tokens.raw_strings import RAW
from tests.kit.forged_action_tokens.registered_claims import REGISTERED_CLAIMS
from tests.kit.forged_action_tokens.signatures import FOREIGN_SECRET, SIGNATURES
from tests.kit.token_changes import change_claims

__all__ = [
    "BODY",
    "DECISION",
    "FOREIGN_SECRET",
    "FORGED_DECISIONS",
    "FORGED_SESSIONS",
    "FORGERIES",
    "OLD_SESSION_SECRET",
    "SESSION",
    "TOKENS",
    "Kind",
    "Row",
    "change_claims",
    "change_header",
    "change_time",
    "now",
    "sign_selection",
    "write_claims",
]

# For both kinds of token.
FORGERIES: Final[dict[str, Row]] = {
    **SIGNATURES,
    **HEADER_MEMBERS,
    **JSON,
    **RAW,
    **REGISTERED_CLAIMS,
    **OTHER_TOKENS,
}
