"""Machines at the local tenant: client credentials, and signing keys by the Management API."""

import json
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus

import httpx2
import jwt
import pytest
from cryptography import x509

from local_stack.node import PROJECT, node
from local_tenant.assumptions import Assumptions
from local_tenant.configuration import MANAGEMENT_API, Api, Client, ClientGrant, TenantConfig, User
from local_tenant.signing import SigningKeys
from tests.kit.tenant import AUDIENCE, JOE, SPA, WEB, Running, Start, action, answered

SECRET = "a secret/with:+% and ü"
REPORTS = Client(
    client_id="reports",
    name="Reports",
    client_secret=SECRET,
    client_grants=(ClientGrant(AUDIENCE, ("read:projects", "write:projects")),),
)
EVERY_KEY_SCOPE = ("read:signing_keys", "create:signing_keys", "update:signing_keys")
OPERATOR = Client(
    client_id="operator",
    name="Operator",
    client_secret=SECRET,
    client_grants=(ClientGrant(MANAGEMENT_API, EVERY_KEY_SCOPE),),
)
API = Api(AUDIENCE, 600)


def ask(running: Running, how: str = "form", /, **changes: str | None) -> httpx2.Response:
    """Ask for a token as the machine `reports`, with the given changes; None leaves one out."""
    body = {
        "grant_type": "client_credentials",
        "client_id": "reports",
        "client_secret": SECRET,
        "audience": AUDIENCE,
    } | changes
    chosen = {name: value for name, value in body.items() if value is not None}
    headers = {}
    if how == "basic":
        pair = f"{quote_plus(chosen.pop('client_id'))}:{quote_plus(chosen.pop('client_secret'))}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    url = f"{running.url}/oauth/token"
    if how == "json":
        headers["Content-Type"] = "application/json"
        return WEB.post(url, content=json.dumps(chosen), headers=headers)
    return WEB.post(url, data=chosen, headers=headers)


def manage(running: Running, method: str, path: str, **changes: str | None) -> httpx2.Response:
    """Call the Management API as the machine `operator`."""
    asked = {"client_id": "operator", "audience": f"{running.url}/api/v2/"} | changes
    token = ask(running, **asked).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    return WEB.request(method, f"{running.url}/api/v2{path}", headers=bearer)


def published(running: Running) -> list[str]:
    """Return the kids of the key set, in its order."""
    found = WEB.get(f"{running.url}/.well-known/jwks.json").json()["keys"]
    return [key["kid"] for key in found]


# Client credentials


@pytest.mark.parametrize("how", ["form", "json", "basic"])
def test_machine_gets_a_token_of_the_documented_form(start: Start, how: str) -> None:
    running = start(clients=(SPA, REPORTS), apis=(API,))
    answer = ask(running, how)

    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    claims = running.verify(tokens.pop("access_token"), AUDIENCE)
    scope = "read:projects write:projects"
    assert tokens == {"token_type": "Bearer", "expires_in": 600, "scope": scope}
    assert claims.pop("exp") - claims.pop("iat") == 600
    assert claims == {
        "iss": f"{running.url}/",
        "sub": "reports@clients",
        "aud": AUDIENCE,
        "azp": "reports",
        "gty": "client-credentials",
        "scope": scope,
    }


def test_machine_gets_a_token_in_the_dialect_of_rfc_9068(start: Start) -> None:
    running = start(clients=(REPORTS,), apis=(replace(API, dialect="rfc9068_profile"),))
    tokens = [ask(running).json()["access_token"] for _ in range(2)]

    first, second = (running.verify(token, AUDIENCE) for token in tokens)
    assert {jwt.get_unverified_header(token)["typ"] for token in tokens} == {"at+jwt"}
    assert first["jti"] != second["jti"]
    assert (first["client_id"], first["sub"]) == ("reports", "reports@clients")
    names = {"iss", "sub", "aud", "iat", "exp", "scope", "client_id", "jti"}
    assert set(first) == names


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("write:projects", "write:projects"),
        ("write:projects  write:projects", "write:projects"),
        ("", "read:projects write:projects"),
    ],
)
def test_machine_may_ask_for_less(start: Start, asked: str, granted: str) -> None:
    running = start(clients=(REPORTS,), apis=(API,))

    assert ask(running, scope=asked).json()["scope"] == granted


def test_grant_without_scopes_gives_a_token_without_scope(start: Start) -> None:
    bare = replace(REPORTS, client_grants=(ClientGrant(AUDIENCE),))
    running = start(clients=(bare,), apis=(API,))
    tokens = ask(running).json()

    assert "scope" not in tokens
    assert "scope" not in running.verify(tokens["access_token"], AUDIENCE)


def test_actions_never_run_for_a_machine(start: Start) -> None:
    running = start(action("api.access.deny('no')"), clients=(SPA, REPORTS), apis=(API,))

    assert ask(running).status_code == 200
    assert not running.tenant.records.executions
    denied = running.log_in(running.browser())
    assert answered(denied)["error"] == "access_denied"
    assert len(running.tenant.records.executions) == 1


@pytest.mark.parametrize(
    ("changes", "status", "error", "description"),
    [
        ({"client_secret": "wrong"}, 401, "access_denied", "Unauthorized"),
        ({"client_secret": ""}, 401, "access_denied", "Unauthorized"),
        ({"client_secret": None}, 401, "access_denied", "Unauthorized"),
        ({"client_id": "nobody"}, 401, "invalid_client", "Unauthorized"),
        ({"client_id": None}, 401, "invalid_client", "Unauthorized"),
        ({"client_id": "spa"}, 403, "unauthorized_client", "'client_credentials' not allowed"),
        ({"grant_type": "password"}, 403, "unauthorized_client", "'password' not allowed"),
        ({"grant_type": "refresh_token"}, 403, "unauthorized_client", "not allowed"),
        ({"audience": None}, 403, "access_denied", "Non-global clients"),
        ({"audience": "https://x"}, 403, "access_denied", "within domain: https://x"),
        ({"audience": "https://other"}, 403, "access_denied", 'access "https://other"'),
        ({"audience": MANAGEMENT_API}, 403, "access_denied", "Service not enabled"),
        ({"scope": "read:projects admin"}, 403, "access_denied", "granted scopes: admin"),
        ({"scope": "openid"}, 403, "access_denied", "granted scopes: openid"),
    ],
)
def test_machine_with_a_wrong_request_is_refused(
    start: Start, changes: dict[str, str | None], status: int, error: str, description: str
) -> None:
    running = start(clients=(SPA, REPORTS), apis=(API, Api("https://other")))

    assert ask(running).status_code == 200
    response = ask(running, **changes)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert description in response.json()["error_description"]
    assert SECRET not in response.text


def test_machine_gets_tokens_only_for_apis_it_has_a_grant_for(start: Start) -> None:
    running = start(clients=(REPORTS, OPERATOR), apis=(API,))
    audience = f"{running.url}/api/v2/"

    assert ask(running, client_id="operator", audience=audience).json()["expires_in"] == 86_400
    assert ask(running).json()["expires_in"] == 600
    for refused in (ask(running, audience=audience), ask(running, client_id="operator")):
        assert (refused.status_code, refused.json()["error"]) == (403, "access_denied")


def test_secret_is_accepted_by_basic_and_not_in_two_places(start: Start) -> None:
    running = start(clients=(SPA, REPORTS), apis=(API,))

    wrong = ask(running, "basic", client_secret="wrong")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "access_denied")
    assert wrong.headers["www-authenticate"].startswith("Basic ")
    pair = b64encode(f"reports:{quote_plus(SECRET)}".encode()).decode()
    body = {"grant_type": "client_credentials", "audience": AUDIENCE}
    for added, status in (
        ({}, 200),
        ({"client_id": "reports"}, 200),
        ({"client_id": "spa"}, 400),
        ({"client_secret": SECRET}, 400),
    ):
        response = WEB.post(
            f"{running.url}/oauth/token",
            data=body | added,
            headers={"Authorization": f"Basic {pair}"},
        )
        assert response.status_code == status, response.text


def test_secret_by_basic_and_a_wrong_secret_are_answered_as_assumed(start: Start) -> None:
    row = Assumptions(secret_by_basic=False, wrong_secret_error="invalid_client")
    running = start(clients=(REPORTS,), apis=(API,), assumptions=row)

    assert ask(running).status_code == 200
    assert ask(running, "basic").status_code == 401
    assert ask(running, client_secret="wrong").json()["error"] == "invalid_client"


def test_secret_with_a_lone_surrogate_is_refused(start: Start) -> None:
    running = start(clients=(REPORTS,), apis=(API,))

    assert ask(running, "json", client_secret="\ud800").status_code == 401


def test_machine_cannot_begin_a_login(start: Start) -> None:
    running = start(clients=(SPA, REPORTS), apis=(API,))
    browser = running.browser()

    assert running.authorize(browser).status_code == 302
    for redirect_uri in (None, "http://localhost:3000/"):
        page = running.authorize(browser, client_id="reports", redirect_uri=redirect_uri)
        assert page.status_code == 400
        assert "location" not in page.headers


def test_token_of_a_machine_is_refused_at_userinfo(start: Start) -> None:
    running = start(clients=(SPA, REPORTS), apis=(API,))
    person = running.tokens()["access_token"]
    for token, status in ((person, 200), (ask(running).json()["access_token"], 401)):
        bearer = {"Authorization": f"Bearer {token}"}
        assert WEB.get(f"{running.url}/userinfo", headers=bearer).status_code == status


@pytest.mark.parametrize("filled", [True, False])
def test_token_of_a_machine_has_permissions_only_as_assumed(start: Start, filled: bool) -> None:
    api = replace(API, dialect="access_token_authz", enforce_policies=True)
    row = Assumptions(machine_permissions=filled)
    running = start(clients=(REPORTS,), apis=(api,), assumptions=row)
    claims = running.verify(ask(running).json()["access_token"], AUDIENCE)

    assert claims["permissions"] == (["read:projects", "write:projects"] if filled else [])
    assert claims["scope"] == "read:projects write:projects"


def test_openid_client_gets_a_token_either_way(start: Start) -> None:
    """A certified library encodes the secret, and reads discovery and the answer."""
    running = start(clients=(REPORTS,), apis=(API,))
    script = """
        import * as openid from 'openid-client';
        const [issuer, secret, audience] = process.argv.slice(1);
        for (const way of ['ClientSecretPost', 'ClientSecretBasic']) {
          const options = { execute: [openid.allowInsecureRequests] };
          const auth = openid[way](secret);
          const url = new URL(issuer);
          const config = await openid.discovery(url, 'reports', undefined, auth, options);
          const tokens = await openid.clientCredentialsGrant(config, { audience });
          console.log(JSON.stringify([tokens.scope, tokens.expires_in, tokens.access_token]));
        }
    """
    argv = [str(node()), "--input-type=module", "--eval", script]
    done = subprocess.run(
        [*argv, f"{running.url}/", SECRET, AUDIENCE],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=30,
    )

    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 2, done.stderr
    for scope, lifetime, token in answers:
        assert (scope, lifetime) == ("read:projects write:projects", 600)
        assert running.verify(token, AUDIENCE)["sub"] == "reports@clients"


def test_discovery_names_grants_and_methods(start: Start) -> None:
    running = start()
    document = WEB.get(f"{running.url}/.well-known/openid-configuration").json()

    assert set(document["grant_types_supported"]) == {
        "authorization_code",
        "refresh_token",
        "password",
        "client_credentials",
    }
    assert document["token_endpoint_auth_methods_supported"] == [
        "none",
        "client_secret_post",
        "client_secret_basic",
    ]


# Signing keys


def test_next_key_is_published_before_it_signs(start: Start) -> None:
    running = start(clients=(REPORTS,), apis=(API,))
    before = published(running)
    old = ask(running).json()["access_token"]
    running.tenant.rotate_signing_key()
    new = ask(running).json()["access_token"]

    assert len(before) in (2, 3)  # the keys are shared with other tests
    assert jwt.get_unverified_header(old)["kid"] == before[0]
    assert jwt.get_unverified_header(new)["kid"] == before[1]
    after = published(running)
    assert (after[0], after[2:]) == (before[1], [before[0]])
    assert after[1] not in before
    for token in (old, new):
        assert running.verify(token, AUDIENCE)["sub"] == "reports@clients"


def test_key_set_carries_certificates_of_its_keys(start: Start) -> None:
    running = start()
    for entry in WEB.get(f"{running.url}/.well-known/jwks.json").json()["keys"]:
        certificate = x509.load_der_x509_certificate(b64decode(entry["x5c"][0]))
        assert jwt.PyJWK(entry).key == certificate.public_key()
        assert set(entry) == {"kty", "use", "alg", "kid", "n", "e", "x5t", "x5c"}


def test_operator_rotates_the_signing_key_over_http(start: Start) -> None:
    running = start(clients=(REPORTS, OPERATOR), apis=(API,))
    before = published(running)
    old = ask(running).json()["access_token"]

    answer = manage(running, "POST", "/keys/signing/rotate")
    assert answer.status_code == 201
    after = published(running)
    assert (after[0], after[2:]) == (before[1], [before[0]])
    assert answer.json()["kid"] == after[1]
    x509.load_pem_x509_certificate(answer.json()["cert"].encode())
    assert running.verify(old, AUDIENCE)
    token = ask(running).json()["access_token"]
    assert jwt.get_unverified_header(token)["kid"] == before[1]

    listed = manage(running, "GET", "/keys/signing").json()
    positions = [
        (key["kid"], key.get("current"), key.get("next"), key.get("previous")) for key in listed
    ]
    assert positions == [
        (after[0], True, None, None),
        (after[1], None, True, None),
        (after[2], None, None, True),
    ]
    assert listed[0]["fingerprint"].replace(":", "") == listed[0]["thumbprint"]
    assert len(listed[0]["thumbprint"]) == 40


def test_operator_revokes_the_previous_key_and_all_it_signed(start: Start) -> None:
    running = start(clients=(REPORTS, OPERATOR), apis=(API,))
    operator = {"client_id": "operator", "audience": f"{running.url}/api/v2/"}
    old = ask(running, **operator).json()["access_token"]
    bearer = {"Authorization": f"Bearer {old}"}
    listing = f"{running.url}/api/v2/keys/signing"
    manage(running, "POST", "/keys/signing/rotate")
    current, following, previous = published(running)

    for kid, status in ((current, 400), (following, 400), ("nobody", 404)):
        refused = manage(running, "PUT", f"/keys/signing/{kid}/revoke")
        assert (refused.status_code, refused.json()["statusCode"]) == (status, status)
    assert published(running) == [current, following, previous]
    assert WEB.get(listing, headers=bearer).status_code == 200

    answer = manage(running, "PUT", f"/keys/signing/{previous}/revoke")
    assert (answer.status_code, answer.json()["kid"]) == (200, previous)
    assert published(running) == [current, following]
    assert WEB.get(listing, headers=bearer).status_code == 401
    assert manage(running, "PUT", f"/keys/signing/{previous}/revoke").status_code == 404


@pytest.mark.parametrize("scope", [None, "create:signing_keys", "update:signing_keys"])
def test_management_api_requires_the_scopes(start: Start, scope: str | None) -> None:
    running = start(clients=(OPERATOR,), apis=(API,))
    before = published(running)
    answer = manage(running, "POST", "/keys/signing/rotate", scope=scope)

    if scope is None:
        assert answer.status_code == 201
        return
    assert answer.status_code == 403
    assert answer.json() == {
        "statusCode": 403,
        "error": "Forbidden",
        "message": "Insufficient scope, expected any of: create:signing_keys,update:signing_keys",
        "errorCode": "insufficient_scope",
    }
    assert published(running) == before
    others = [("GET", "/keys/signing", "update:signing_keys")]
    others.append(("PUT", f"/keys/signing/{before[-1]}/revoke", "read:signing_keys"))
    for method, path, wrong in others:
        assert manage(running, method, path, scope=wrong).status_code == 403


def test_management_api_refuses_every_other_token(start: Start) -> None:
    running = start(clients=(SPA, REPORTS, OPERATOR), apis=(API,))
    url = f"{running.url}/api/v2/keys/signing"
    person = running.tokens()
    audience = f"{running.url}/api/v2/"
    right = ask(running, client_id="operator", audience=audience).json()["access_token"]
    now = int(time.time())
    claims = {"iss": f"{running.url}/", "aud": audience, "scope": " ".join(EVERY_KEY_SCOPE)}
    expired = running.tenant.keys.sign(claims | {"iat": now - 90, "exp": now - 60})
    forged = SigningKeys().sign(claims | {"iat": now, "exp": now + 60})
    wrong: list[Mapping[str, str]] = [
        {"Authorization": f"Bearer {token}"}
        for token in (
            person["access_token"],
            person["id_token"],
            ask(running).json()["access_token"],
            expired,
            forged,
            right[:-2],
            "x.y.z",
        )
    ]
    for headers in [*wrong, {}, {"Authorization": f"Basic {right}"}]:
        refused = WEB.get(url, headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (401, "Unauthorized")
        assert WEB.post(f"{url}/rotate", headers=headers).status_code == 401
    # The issuer follows the host, and so do the tokens.
    other = url.replace("localhost", "127.0.0.1")
    bearer = {"Authorization": f"Bearer {right}"}
    assert WEB.get(other, headers=bearer).status_code == 401
    assert WEB.get(url, headers=bearer).status_code == 200


def test_rotation_keeps_and_revokes_keys_as_assumed(start: Start) -> None:
    row = Assumptions(
        rotation_needs_both_scopes=False,
        rotation_answers="current",
        rotation_keeps_older_keys=True,
        unrevocable_key_status=409,
        unknown_key_status=410,
    )
    running = start(clients=(OPERATOR,), apis=(API,), assumptions=row)
    before = published(running)
    answer = manage(running, "POST", "/keys/signing/rotate", scope="update:signing_keys")
    manage(running, "POST", "/keys/signing/rotate")

    assert (answer.status_code, answer.json()["kid"]) == (201, before[1])
    after = published(running)
    assert after[2:] == [before[1], before[0], *before[2:]]
    assert manage(running, "PUT", f"/keys/signing/{after[0]}/revoke").status_code == 409
    assert manage(running, "PUT", "/keys/signing/nobody/revoke").status_code == 410
    for kid in after[2:]:
        assert manage(running, "PUT", f"/keys/signing/{kid}/revoke").status_code == 200


# Configuration


def test_machines_and_permissions_survive_json() -> None:
    config = TenantConfig(
        clients=(SPA, REPORTS, OPERATOR),
        users=(replace(JOE, permissions={AUDIENCE: ("org:abc-inc", "read:projects")}),),
        apis=(replace(API, dialect="rfc9068_profile_authz", enforce_policies=True),),
    )

    assert TenantConfig.from_json(config.to_json()) == config
    assert SECRET not in repr(config)


def test_configuration_that_auth0_would_not_take_is_refused() -> None:
    strict = replace(API, scopes=("read:projects", "write:projects"))

    def tenant(**changes: Any) -> TenantConfig:
        base = TenantConfig(clients=(REPORTS,), users=(JOE,), apis=(strict,))
        return replace(base, **changes)

    def joe(*permissions: str, audience: str = AUDIENCE) -> tuple[User]:
        return (replace(JOE, permissions={audience: permissions}),)

    tenant(users=joe("read:projects"))
    with pytest.raises(ValueError, match=r"permissions of auth0.joe name no scope .*: org:abc-inc"):
        tenant(users=joe("read:projects", "org:abc-inc"))
    with pytest.raises(ValueError, match="name no API of this tenant: https://x"):
        tenant(users=joe("read:projects", audience="https://x"))
    with pytest.raises(ValueError, match="client grants of reports name no API"):
        tenant(apis=())
    with pytest.raises(ValueError, match="client grants of reports name no scope"):
        tenant(apis=(replace(strict, scopes=("read:projects",)),))
    with pytest.raises(ValueError, match="has a secret and callbacks"):
        replace(SPA, client_secret=SECRET)
    with pytest.raises(ValueError, match="has client grants and no secret"):
        replace(REPORTS, client_secret="")
    document = json.loads(tenant().to_json())
    document["users"][0]["permissions"] = {AUDIENCE: "read:projects"}
    with pytest.raises(ValueError, match=r"users\[0\]\.permissions.*: Input should be .* array"):
        TenantConfig.from_json(json.dumps(document))
    document["users"][0]["permissions"] = {AUDIENCE: ["org:abc-inc"]}
    with pytest.raises(ValueError, match=r"configuration: the permissions of .* name no scope"):
        TenantConfig.from_json(json.dumps(document))
