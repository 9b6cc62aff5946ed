"""
Attacker: an attacker who got a signing key of the tenant before it was rotated and revoked.
Wants: tokens signed with that key to keep working, or the rotation to break valid tokens.
Stopped by: `org_guard/signing_keys.py` `find`, `org_guard/verified_tokens.py` `VerifiedTokens`

A rotation breaks no valid token. After the first refresh the API refuses a revoked key, and every
token that it remembered as verified with it. The first request after five minutes starts a refresh
in the background; after ten minutes it waits for the refresh.
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import httpx2
import jwt
import pytest

from local_stack import seed
from local_stack.stack import API_SCOPES, AUDIENCE, NAMESPACE, SIGNING_KEY_SCOPES, Stack
from local_tenant.configuration import MANAGEMENT_API, Api, Client, ClientGrant
from org_guard import SigningKeys
from tests.kit.key_endpoint import Clock, eventually
from tests.kit.running_api import run_api
from tests.kit.target import GUARDS, Target
from tests.kit.tenant import JOE, SPA, WEB, Running, Start

_numbers = itertools.count()
MAX_AGE = 300.0
SECRET = "the operator's own secret"
OPERATOR = Client(
    "operator",
    "Operator",
    client_secret=SECRET,
    client_grants=(ClientGrant(MANAGEMENT_API, SIGNING_KEY_SCOPES),),
)
ACTION = f"""exports.onExecutePostLogin = async (event, api) =>
    api.accessToken.setCustomClaim('{NAMESPACE}org_id', '{seed.organization("abc-inc").id}');"""


@pytest.fixture
def clock() -> Clock:
    """The clock by which the API tells the age of its keys."""
    return Clock()


@pytest.fixture
def tenant(start: Start) -> Running:
    """A tenant whose keys an operator may rotate."""
    users = (replace(JOE, permissions={AUDIENCE: (*API_SCOPES.split(), "org:abc-inc")}),)
    return start(ACTION, apis=(Api(AUDIENCE, 600),), clients=(SPA, OPERATOR), users=users)


@pytest.fixture
def target(stack: Stack, tenant: Running, clock: Clock) -> Iterator[Target]:
    """An API on that tenant."""
    keys_url = f"{tenant.url}/.well-known/jwks.json"
    make_guard = partial(GUARDS["D"], keys=SigningKeys(keys_url, clock=clock))
    with run_api(stack.postgres, keys_url, make_guard) as api:
        yield Target(api, "D")


def log_in(tenant: Running) -> str:
    """Return a new token, also within one second of the last one."""
    scope = f"openid {API_SCOPES} {next(_numbers)}"
    login = tenant.log_in(tenant.browser(), audience=AUDIENCE, scope=scope)
    token: str = tenant.exchange(login).json()["access_token"]
    return token


def manage(tenant: Running, method: str, path: str) -> httpx2.Response:
    """Call the tenant's Management API as the operator."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": "operator",
        "client_secret": SECRET,
        "audience": f"{tenant.url}/api/v2/",
    }
    token = WEB.post(f"{tenant.url}/oauth/token", data=fields).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    answer = WEB.request(method, f"{tenant.url}/api/v2/keys/signing{path}", headers=bearer)
    answer.raise_for_status()
    return answer


def kid(token: str) -> str:
    """Return the id of the key that signed *token*."""
    found: str = jwt.get_unverified_header(token)["kid"]
    return found


def test_after_a_rotation_old_and_new_tokens_pass(
    tenant: Running, target: Target, clock: Clock
) -> None:
    """At once, and after the API has refreshed its keys."""
    old = log_in(tenant)
    assert target.get("/me", token=old).status_code == 200
    manage(tenant, "POST", "/rotate")
    new = log_in(tenant)
    assert kid(new) != kid(old)
    for token in (old, new, old, new):
        assert target.get("/me", token=token).status_code == 200
    clock.now += MAX_AGE
    for _ in range(3):
        for token in (old, log_in(tenant)):
            assert target.get("/me", token=token).status_code == 200


def test_a_key_that_was_never_published_before_it_signed_is_found(
    tenant: Running, target: Target, clock: Clock
) -> None:
    """After two rotations at once, as in an emergency."""
    old = log_in(tenant)
    assert target.get("/me", token=old).status_code == 200
    for _ in range(2):
        manage(tenant, "POST", "/rotate")
    clock.now += 10.0  # what the next fetch waits for after the last one
    new = log_in(tenant)

    assert target.get("/me", token=new).status_code == 200


def test_a_token_of_a_revoked_key_is_refused_after_the_next_refresh(
    tenant: Running, target: Target, clock: Clock
) -> None:
    """Even if it was verified, and remembered, a moment before."""
    old = log_in(tenant)
    manage(tenant, "POST", "/rotate")
    new = log_in(tenant)
    for token in (old, new):
        assert target.get("/me", token=token).status_code == 200
    manage(tenant, "PUT", f"/{kid(old)}/revoke")
    assert target.get("/me", token=old).status_code == 200  # the keys were not refreshed yet
    clock.now += MAX_AGE
    assert target.get("/me", token=log_in(tenant)).status_code == 200  # begins the refresh
    eventually(lambda: target.get("/me", token=old).status_code == 401)

    for token in (new, log_in(tenant)):
        assert target.get("/me", token=token).status_code == 200
    for method, path in (("GET", "/projects"), ("POST", "/projects"), ("GET", "/members")):
        body = {"name": "x"} if method == "POST" else None
        assert target.request(method, path, body, token=old).status_code == 401


def test_a_token_that_a_thief_signs_is_refused_once_the_key_is_revoked(
    tenant: Running, target: Target, clock: Clock
) -> None:
    """The thief has a copy of the private key, so the token passes until then."""
    stolen = tenant.tenant.keys.current
    manage(tenant, "POST", "/rotate")
    now = int(time.time())
    claims: dict[str, object] = {
        "iss": f"{tenant.url}/",
        "sub": "auth0|ann",
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 600,
        "azp": "spa",
        f"{NAMESPACE}org_id": str(seed.organization("solo-works").id),
    }

    def forge(**changes: object) -> str:
        headers = {"kid": stolen.kid, "typ": "JWT"}
        return jwt.encode(claims | changes, stolen.private, algorithm="RS256", headers=headers)

    assert target.get("/me", token=forge()).status_code == 200
    manage(tenant, "PUT", f"/{stolen.kid}/revoke")
    clock.now += MAX_AGE
    assert target.get("/me", token=log_in(tenant)).status_code == 200
    eventually(lambda: target.get("/me", token=forge()).status_code == 401)

    assert target.get("/me", token=forge(exp=now + 500)).status_code == 401
    assert target.get("/me", token=log_in(tenant)).status_code == 200


def test_after_a_quiet_night_the_first_request_with_a_revoked_key_is_refused(
    tenant: Running, target: Target, clock: Clock
) -> None:
    """The API got no request all night; this one waits for the refresh."""
    stolen = log_in(tenant), log_in(tenant)
    assert target.get("/me", token=stolen[0]).status_code == 200
    manage(tenant, "POST", "/rotate")
    manage(tenant, "PUT", f"/{kid(stolen[0])}/revoke")
    clock.now += 2 * MAX_AGE

    assert target.get("/me", token=stolen[1]).status_code == 401
    assert target.get("/me", token=stolen[0]).status_code == 401  # forgotten with its key
    assert target.get("/me", token=log_in(tenant)).status_code == 200
