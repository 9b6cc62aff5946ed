"""Claims that a token which names all organizations among the permissions (design C) lacks."""

from typing import Final

from local_stack.access_tokens import NAMESPACE, ORG_CLAIM, ORG_ID
from tests.kit.forged_access_tokens.kind import ORG_ROLE, Row
from tests.kit.token_changes import change_claims

_ODD_CLAIMS: Final[dict[str, object]] = {"a UUID": ORG_ID, "null": None, "empty": "", "a list": []}
FORGED_PERMISSIONS: Final[dict[str, Row]] = {
    f"{what}, {odd}": change_claims(**{name: value})
    for what, name in {
        "one organization as a claim": ORG_CLAIM,
        "a role as a claim": ORG_ROLE,
        "an unknown claim of ours": f"{NAMESPACE}org_more",
    }.items()
    for odd, value in _ODD_CLAIMS.items()
}
