"""`scope` and `permissions`: what the application may do."""

from typing import Final

from tests.kit.forged_access_tokens.changes import ODD
from tests.kit.forged_access_tokens.kind import Row
from tests.kit.token_changes import list_claims

_SCOPES: Final[dict[str, object]] = {"a list of the right ones": ["read:projects"]}
_PERMISSIONS: Final[dict[str, object]] = {
    "a string": "org:abc-inc",
    "an object": {"org:abc-inc": True},
}


def _without(values: dict[str, object], *names: str) -> dict[str, object]:
    """Leave out the values that are allowed."""
    return {what: value for what, value in values.items() if what not in names}


SCOPE_AND_PERMISSIONS: Final[dict[str, Row]] = {
    **list_claims("scope", _without(ODD, "missing", "empty") | _SCOPES),
    **list_claims("permissions", _without(ODD, "missing", "an empty list") | _PERMISSIONS),
}
