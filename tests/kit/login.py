"""A person who logs in at the local tenant, and an API that trusts that tenant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local_stack.person import Person, Tokens
from local_stack.stack import ALL_ORGANIZATIONS_AUDIENCE, API_SCOPES, AUDIENCE
from org_guard import GuardByHeader
from tests.kit.running_api import run_api
from tests.kit.target import GUARDS, Target

SCOPE = f"openid profile email offline_access {API_SCOPES}"
AUDIENCES = {"C": ALL_ORGANIZATIONS_AUDIENCE, "D": AUDIENCE}


@dataclass
class SignedIn:
    """Joe's tokens, in design D for ABC Inc, and the API that they are for."""

    target: Target
    tokens: Tokens


def sign_in(person: Person, design: str, **parameters: str) -> Tokens:
    """Log Joe in for the API of this design."""
    asked = {"audience": AUDIENCES[design], "scope": SCOPE} | parameters
    if design == "D":
        asked = {"ext_org": "abc-inc"} | asked
    return person.open_app(**asked).log_in("joe@example.com").redeem()


@contextmanager
def run_for_tenant(person: Person, design: str) -> Iterator[Target]:
    """Run an API of this design that trusts the tenant of the local stack."""
    keys_url = f"{person.stack.tenant_url}/.well-known/jwks.json"
    make_guard = _guard_other_audience if design == "C" else GUARDS[design]
    with run_api(person.stack.postgres, keys_url, make_guard) as api:
        yield Target(api, design)


def _guard_other_audience(**wiring: Any) -> GuardByHeader:
    return GuardByHeader(**wiring | {"audience": ALL_ORGANIZATIONS_AUDIENCE})
