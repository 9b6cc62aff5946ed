"""Tokens that are bound to a key, delegated, or an agent's own; none is supported yet."""

from typing import Final

from tests.kit.forged_access_tokens.changes import ODD
from tests.kit.forged_access_tokens.kind import Row
from tests.kit.token_changes import list_claims

# Absence is the only pass. Auth0 never sends these claims empty.
_PRESENT: Final = {what: value for what, value in ODD.items() if what != "missing"}
_BINDINGS: Final[dict[str, object]] = {
    "of DPoP": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"},
    "of mTLS": {"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"},
}
_ACTORS: Final[dict[str, object]] = {
    "a service": {"sub": "agent@clients"},
    "a chain": {"sub": "one@clients", "act": {"sub": "two@clients"}},
}
_PROFILES: Final[dict[str, object]] = {
    "an agent": "agent",
    "in capitals": "User",
    "with a space": "user ",
    "a list": ["user"],
}

BOUND_AND_DELEGATED: Final[dict[str, Row]] = {
    **list_claims("cnf", _PRESENT | _BINDINGS),
    **list_claims("act", _PRESENT | _ACTORS),
    **list_claims("sub_profile", _PRESENT | _PROFILES),
}
