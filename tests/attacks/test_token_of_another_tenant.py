"""
Attacker: the administrator of another Auth0 tenant, who can put any claim into a token.
Wants: to pass as one of our members, with the same user id, audience and organization claim.
Stopped by: `org_guard/access_token.py` `_require_signature`, `org_guard/signing_keys.py` `find`

The guard takes keys from the configured tenant only, and `iss` must equal one of its domains.
"""

from dataclasses import replace

import pytest

from local_stack import access_tokens, seed
from local_stack.access_tokens import ABSENT, CUSTOM_DOMAIN, DOMAIN, ISSUER, sign, valid_header
from local_stack.stack import API_SCOPES, AUDIENCE, NAMESPACE, Stack
from local_tenant.configuration import Api
from local_tenant.signing import SigningKeys
from tests.kit.running_api import run_api
from tests.kit.target import GUARDS, Target
from tests.kit.tenant import JOE, Running, Start

ACTION = f"""exports.onExecutePostLogin = async (event, api) =>
    api.accessToken.setCustomClaim('{NAMESPACE}org_id', '{seed.organization("abc-inc").id}');"""
ISSUERS = {
    "another tenant's": "https://attacker.eu.auth0.com/",
    "no slash": f"https://{DOMAIN}",
    "two slashes": f"https://{DOMAIN}//",
    "without https": f"http://{DOMAIN}/",
    "the host alone": DOMAIN,
    "in capitals": f"https://{DOMAIN.upper()}/",
    "a beginning": f"https://{DOMAIN}.attacker.example/",
    "an end": f"https://attacker.example/{ISSUER}",
    "with a port": f"https://{DOMAIN}:443/",
    "with a user": f"https://{DOMAIN}@attacker.example/",
    "two": [ISSUER, "https://attacker.eu.auth0.com/"],
    "an object": {"iss": ISSUER},
    "empty": "",
    "null": None,
    "absent": ABSENT,
}


@pytest.fixture
def target(standing_target: Target) -> Target:
    """The shared API: no test here changes a row."""
    return standing_target


@pytest.fixture(scope="module")
def keys() -> SigningKeys:
    """The keys that both tenants of the first test sign with."""
    return SigningKeys()


@pytest.mark.parametrize("design", ["C", "D"])
@pytest.mark.parametrize("same_keys", [False, True], ids=["own keys", "same keys"])
def test_the_token_of_a_real_login_at_another_tenant_is_refused(
    stack: Stack, start: Start, design: str, same_keys: bool
) -> None:
    """Everything but the tenant is the same; in the second case even the signing keys are."""
    ours, theirs = (_tenant(start, design) for _ in range(2))
    if not same_keys:
        theirs.tenant.keys = SigningKeys()
    token, foreign = _log_in(ours), _log_in(theirs)
    with run_api(stack.postgres, f"{ours.url}/.well-known/jwks.json", GUARDS[design]) as api:
        target = Target(api, design)
        assert target.get("/me", token=token).status_code == 200
        assert target.get("/me", token=foreign).status_code == 401


def test_a_token_signed_with_another_tenants_key_is_refused_under_our_issuer(
    target: Target,
) -> None:
    """With that key's own id, and with the id of our key."""
    assert target.get("/me").status_code == 200
    for kid in ("their-key", access_tokens.KID):
        token = sign(valid_header(kid=kid), target.claims(), key="their-key")
        assert target.get("/me", token=token).status_code == 401


def test_a_token_whose_issuer_only_resembles_ours_is_refused(target: Target) -> None:
    """The issuer must equal one of the tenant's domains."""
    for domain in (DOMAIN, CUSTOM_DOMAIN):
        token = target.token(iss=f"https://{domain}/")
        assert target.get("/me", token=token).status_code == 200
    for name, issuer in ISSUERS.items():
        assert target.get("/me", token=target.token(iss=issuer)).status_code == 401, name


def _tenant(start: Start, design: str) -> Running:
    permissions = {AUDIENCE: (*API_SCOPES.split(), "org:abc-inc")}
    users = (replace(JOE, permissions=permissions),)
    if design == "D":
        return start(ACTION, apis=(Api(AUDIENCE, 600),), users=users)
    api = Api(AUDIENCE, 600, dialect="access_token_authz", enforce_policies=True)
    return start(apis=(api,), users=users)


def _log_in(running: Running) -> str:
    scope = f"openid {API_SCOPES}"
    login = running.log_in(running.browser(), audience=AUDIENCE, scope=scope)
    token: str = running.exchange(login).json()["access_token"]
    return token
