"""`sub`: whom the token stands for."""

from typing import Final

from local_stack.access_tokens import AUTH0_USER_ID, CLIENT_ID
from tests.kit.forged_access_tokens.changes import ODD
from tests.kit.forged_access_tokens.kind import Row
from tests.kit.token_changes import list_claims

_SUBJECTS: Final[dict[str, object]] = {
    "a list of the right one": [AUTH0_USER_ID],
    "of 256 characters": "s" * 256,
    "of 5000 characters": "s" * 5_000,
    "the application": CLIENT_ID,
    "the application as a client": f"{CLIENT_ID}@clients",
}

PERSON: Final[dict[str, Row]] = {**list_claims("sub", ODD | _SUBJECTS)}
