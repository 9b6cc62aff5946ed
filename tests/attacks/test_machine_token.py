"""
Attacker: a machine client to which the tenant gave every scope.
Wants: an organization's data, with a client-credentials token, which needs no login.
Stopped by: `org_guard/token_claims.py` `require_person`

The post-login Action does not run for a machine, so its token has no organization. With one (in
design C a permission is enough, and machines may have permissions) the token is still refused,
because it stands for no person.
"""

from dataclasses import replace

import httpx2
import pytest

from local_stack import seed
from local_stack.access_tokens import ABSENT
from local_stack.stack import API_SCOPES, AUDIENCE, NAMESPACE, Stack
from local_tenant.configuration import Api, Client, ClientGrant
from tests.kit.running_api import run_api
from tests.kit.target import GUARDS, Target
from tests.kit.tenant import JOE, SPA, WEB, Running, Start

SECRET = "the machine's own secret"
SCOPES = (*API_SCOPES.split(), "org:abc-inc", "org:xyz-travel")
MACHINE = Client(
    "nightly-job",
    "Nightly job",
    client_secret=SECRET,
    client_grants=(ClientGrant(AUDIENCE, SCOPES),),
)
ACTION = f"""exports.onExecutePostLogin = async (event, api) =>
    api.accessToken.setCustomClaim('{NAMESPACE}org_id', '{seed.organization("abc-inc").id}');"""


@pytest.fixture
def target(standing_target: Target) -> Target:
    """The shared API: no test here changes a row."""
    return standing_target


@pytest.mark.parametrize("dialect", ["access_token", "rfc9068_profile"])
@pytest.mark.parametrize("design", ["C", "D"])
def test_a_machine_of_the_tenant_is_refused_at_every_operation(
    stack: Stack, start: Start, design: str, dialect: str
) -> None:
    """In both of Auth0's dialects; a person with the same scopes and permissions passes."""
    rbac = design == "C"
    form = f"{dialect}_authz" if rbac else dialect
    its_api = Api(AUDIENCE, 600, dialect=form, enforce_policies=rbac)  # type: ignore[arg-type]
    running = start(
        *([] if rbac else [ACTION]),
        apis=(its_api,),
        clients=(SPA, MACHINE),
        users=(replace(JOE, permissions={AUDIENCE: SCOPES}),),
    )
    scope = f"openid {API_SCOPES}"
    login = running.log_in(running.browser(), audience=AUDIENCE, scope=scope)
    person = running.exchange(login).json()["access_token"]
    machine = machine_token(running)
    with run_api(stack.postgres, f"{running.url}/.well-known/jwks.json", GUARDS[design]) as api:
        target = Target(api, design)
        for operation in target.operations():
            path = operation.path(**target.objects("abc-inc"))
            refused = target.request(operation.method, path, operation.body, token=machine)
            assert refused.status_code == 401, operation
            passed = target.request(operation.method, path, operation.body, token=person)
            assert passed.status_code in (200, 201, 204), f"{operation}: {passed.text}"


def test_the_running_api_refuses_a_machine_with_every_scope(stack: Stack) -> None:
    fields = {
        "grant_type": "client_credentials",
        "client_id": "nightly-job",
        "client_secret": stack.machine_secret,
        "audience": AUDIENCE,
    }
    with httpx2.Client(trust_env=False, timeout=10) as web:
        token = web.post(f"{stack.tenant_url}/oauth/token", data=fields).json()["access_token"]
        for path in ("/me", "/organization", "/members", "/projects", "/audit-events"):
            bearer = {"Authorization": f"Bearer {token}"}
            assert web.get(f"{stack.api_url}{path}", headers=bearer).status_code == 401


def test_a_machine_whose_token_names_an_organization_is_refused(target: Target) -> None:
    """An Action for machines may set our claims, too."""
    assert target.get("/me").status_code == 200
    for changes in (
        {"sub": "nightly-job@clients", "azp": "nightly-job", "gty": "client-credentials"},
        {"sub": "nightly-job@clients", "azp": "nightly-job"},
        {"sub": "nightly-job@clients", "azp": ABSENT, "client_id": "nightly-job"},
        {"sub": "nightly-job", "azp": "nightly-job"},
        {"gty": "client-credentials"},
        {"sub": ABSENT},
    ):
        assert target.get("/me", token=target.token(**changes)).status_code == 401, changes


def machine_token(running: Running) -> str:
    """Ask the tenant for a token as the machine."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": "nightly-job",
        "client_secret": SECRET,
        "audience": AUDIENCE,
    }
    answer = WEB.post(f"{running.url}/oauth/token", data=fields)
    token: str = answer.json()["access_token"]
    return token
