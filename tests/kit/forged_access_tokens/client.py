"""`azp` or `client_id`: which application asked for the token."""

from typing import Final

from local_stack.access_tokens import ABSENT, AUDIENCE, CLIENT_ID, ISSUER
from tests.kit.forged_access_tokens.changes import ODD, change_client
from tests.kit.forged_access_tokens.kind import Row
from tests.kit.token_changes import change_claims

_APPLICATIONS: Final[dict[str, object]] = {
    "a list of the right one": [CLIENT_ID],
    "our API": AUDIENCE,
    "userinfo": f"{ISSUER}userinfo",
}

CLIENT: Final[dict[str, Row]] = {
    **{
        f"the application {what}": change_client(value)
        for what, value in (ODD | _APPLICATIONS).items()
    },
    "both names of the application": change_claims(azp=CLIENT_ID, client_id=CLIENT_ID),
    "two applications": change_claims(azp=CLIENT_ID, client_id="other"),
    "the other dialect's name too, null": lambda kind: kind.token(
        **{"client_id" if kind.typ == "JWT" else "azp": None}
    ),
    "the other dialect's name alone": lambda kind: kind.token(
        azp=CLIENT_ID if kind.typ == "at+jwt" else ABSENT,
        client_id=CLIENT_ID if kind.typ == "JWT" else ABSENT,
    ),
}
