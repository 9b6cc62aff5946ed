"""
Attacker: an application of the same tenant, or a person who finds an ID token in a page or a log.
Wants: to use an ID token as an access token; both are signed with the same key.
Stopped by: `org_guard/token_claims.py` `require_client`

The audience is not the only check: a token whose client is its audience, or with a claim that only
ID tokens have, is refused with any audience.
"""

from typing import Any

import pytest

from local_stack import access_tokens
from local_stack.access_tokens import ABSENT, AUDIENCE, NAMESPACE
from local_stack.person import Person, claims_of
from tests.kit.login import SignedIn, sign_in
from tests.kit.target import Target


@pytest.fixture
def target(standing_target: Target) -> Target:
    """The shared API: no test here changes a row."""
    return standing_target


def test_the_id_token_of_a_real_login_is_refused_at_every_read(signed_in: SignedIn) -> None:
    """The access token of the same login passes at each of them."""
    for operation in signed_in.target.operations():
        if operation.method == "GET":
            path = operation.path(**signed_in.target.objects("abc-inc"))
            passed = signed_in.target.get(path, token=signed_in.tokens.access_token)
            assert passed.status_code == 200, f"{operation}: {passed.text}"
            refused = signed_in.target.get(path, token=signed_in.tokens.id_token)
            assert refused.status_code == 401, operation


def test_the_running_api_refuses_an_id_token_over_http(person: Person) -> None:
    tokens = person.open_app(ext_org="abc-inc").log_in("joe@example.com").redeem()
    for token, status in ((tokens.access_token, 200), (tokens.id_token, 401)):
        bearer = {"Authorization": f"Bearer {token}"}
        assert person.http.get(f"{person.stack.api_url}/me", headers=bearer).status_code == status


def test_an_id_token_whose_audience_is_the_api_is_refused(person: Person, target: Target) -> None:
    """For example of an application whose client id is the API's identifier."""
    identity = claims_of(sign_in(person, target.design).id_token)
    ours = target.claims()
    claims = identity | {
        name: ours[name]
        for name in ("iss", "scope", "permissions", f"{NAMESPACE}org_id")
        if name in ours
    }
    odd = {"nonce": ABSENT, f"{NAMESPACE}org_slug": ABSENT, f"{NAMESPACE}org_name": ABSENT}
    assert call(target, claims | odd | {"aud": [AUDIENCE], "azp": "spa"}) == 200
    for changes in (
        {"aud": AUDIENCE},
        {"aud": [AUDIENCE, "spa"]},
        {"aud": [AUDIENCE], "azp": "spa"},
        odd | {"aud": AUDIENCE},
        odd | {"aud": [AUDIENCE, "spa"], "azp": "spa"},
        odd | {"aud": [AUDIENCE], "azp": AUDIENCE},
        odd | {"aud": [AUDIENCE], "client_id": AUDIENCE},
        odd | {"aud": [AUDIENCE], "azp": "spa", "nonce": "app-nonce"},
        odd | {"aud": [AUDIENCE], "azp": "spa", "at_hash": "MTIzNDU2Nzg5MDEyMzQ1Ng"},
        odd | {"aud": [AUDIENCE], "azp": "spa", f"{NAMESPACE}org_slug": "abc-inc"},
        odd | {"aud": [AUDIENCE], "azp": "spa", f"{NAMESPACE}org_name": "ABC Inc"},
    ):
        assert call(target, claims | changes) == 401, changes


def call(target: Target, claims: dict[str, Any]) -> int:
    """Return the status for a token with these claims, signed with the tenant's key."""
    present = {name: value for name, value in claims.items() if value is not ABSENT}
    return target.get("/me", token=access_tokens.sign(claims=present)).status_code
