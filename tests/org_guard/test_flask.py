"""The guard of an app without our database: which requests reach the view, and how others end."""

import logging
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

import org_guard
from local_stack import access_tokens
from local_stack.access_tokens import ABSENT, AUDIENCE, CUSTOM_DOMAIN, DOMAIN, NAMESPACE, jwk
from org_guard import (
    Guard,
    GuardByClaimAlone,
    GuardByHeader,
    Principal,
    SigningKeys,
    answer_refusals,
)
from tests.kit.key_endpoint import Endpoint, jwks

ROLE = f"{NAMESPACE}org_role"


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    """A client of an app that trusts the claims alone."""
    endpoint = Endpoint(jwks(jwk()))
    guard = GuardByClaimAlone(
        domains=[DOMAIN, CUSTOM_DOMAIN],
        audience=AUDIENCE,
        namespace=NAMESPACE,
        keys=SigningKeys(endpoint.url),
    )
    app = Flask(__name__)
    answer_refusals(app)

    @app.get("/reports/<int:number>")
    @guard.require_auth("read:reports write:reports", role="admin")
    def show_report(principal: Principal, number: int) -> dict[str, object]:
        return {"organization": principal.org_id, "number": number}

    assert vars(show_report)["required_scope"] == "read:reports write:reports"
    assert vars(show_report)["required_role"] == "admin"
    yield app.test_client()
    endpoint.close()


def bearer(**changes: object) -> dict[str, str]:
    """The header of an admin with both scopes; *changes* are made to the claims."""
    said = {ROLE: "admin", "scope": "openid write:reports read:reports"} | changes
    return {
        "Authorization": f"Bearer {access_tokens.sign(claims=access_tokens.valid_claims(**said))}"
    }


def test_an_admin_with_both_scopes_sees_the_report(client: FlaskClient) -> None:
    """With a token of each of the tenant's domains, and "Bearer" in any case."""
    expected = {"organization": access_tokens.ORG_ID, "number": 7}
    for domain in (DOMAIN, CUSTOM_DOMAIN):
        answer = client.get("/reports/7", headers=bearer(iss=f"https://{domain}/"))
        assert (answer.status_code, answer.json) == (200, expected)
    token = bearer()["Authorization"].removeprefix("Bearer ")
    for header in (f"bearer {token}", f"BEARER   {token}", f"\tBearer\t{token}"):
        assert client.get("/reports/7", headers={"Authorization": header}).json == expected


@pytest.mark.parametrize("role", ["member", "", "ADMIN", "emperor", None, 7, ABSENT])
def test_a_lower_or_unknown_role_in_the_token_is_refused(client: FlaskClient, role: object) -> None:
    """An owner passes where an admin is required."""
    assert client.get("/reports/7", headers=bearer(**{ROLE: "owner"})).status_code == 200
    refused = client.get("/reports/7", headers=bearer(**{ROLE: role}))
    assert (refused.status_code, refused.get_json()["code"]) == (403, "insufficient_role")


@pytest.mark.parametrize(
    "scope", ["read:reports", "write:reports", "", ABSENT, "read:reports write"]
)
def test_a_token_with_one_scope_of_two_is_refused(client: FlaskClient, scope: object) -> None:
    """The answer names both scopes."""
    refused = client.get("/reports/7", headers=bearer(scope=scope))
    assert (refused.status_code, refused.get_json()["code"]) == (403, "insufficient_scope")
    assert refused.headers["WWW-Authenticate"].endswith('scope="read:reports write:reports"')


def test_a_refusal_is_logged_with_its_check_and_without_the_token(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The answers are all the same."""
    caplog.set_level(logging.INFO, "org_guard")
    answers = []
    for changes, detail in (({"iss": "https://evil.example/"}, "iss"), ({"exp": 1}, "time")):
        caplog.clear()
        header = bearer(**changes)
        answers.append(client.get("/reports/7", headers=header))
        [record] = [one for one in caplog.records if one.name == "org_guard"]
        assert record.levelname == "INFO"
        assert record.getMessage() == f"refused, invalid_token: {detail}"

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.data for answer in answers}) == 1


def test_an_outage_of_the_keys_is_logged_as_an_error(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    """It is our fault, so it is logged more loudly than a refusal."""
    guard = GuardByClaimAlone(domains=["localhost:1"], audience=AUDIENCE, namespace=NAMESPACE)
    answer_refusals(app := Flask(__name__))
    app.get("/")(guard.require_auth()(lambda principal: ""))

    answer = app.test_client().get("/", headers=bearer(iss="http://localhost:1/"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    refusals = [one for one in caplog.records if "refused" in one.getMessage()]
    assert [one.levelname for one in refusals] == ["ERROR"]


def test_a_guard_of_an_unknown_role_is_an_error_when_the_app_starts() -> None:
    """Not only at the first request."""
    guard = GuardByClaimAlone(domains=[DOMAIN], audience=AUDIENCE, namespace=NAMESPACE)
    for role in ("member", "admin", "owner"):
        guard.require_auth(role=role)
    for role in ("boss", "Owner", ""):
        with pytest.raises(ValueError, match="member, admin, owner"):
            guard.require_auth(role=role)


@pytest.mark.parametrize("kind", [Guard, GuardByHeader, GuardByClaimAlone])
@pytest.mark.parametrize(
    "domains", [[], DOMAIN, [f"https://{DOMAIN}"], [DOMAIN, f"{CUSTOM_DOMAIN}/"]], ids=str
)
def test_a_guard_refuses_domains_that_are_not_host_names(
    kind: type[GuardByClaimAlone], domains: list[str]
) -> None:
    """A URL, or one string instead of a list, would fetch keys elsewhere and refuse every token."""
    wiring: dict[str, object] = {"audience": AUDIENCE, "namespace": NAMESPACE}
    if kind is not GuardByClaimAlone:
        wiring["connections"] = None
    kind(domains=[DOMAIN, "localhost:3030"], **wiring)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="domains is a list of hosts"):
        kind(domains=domains, **wiring)  # type: ignore[arg-type]


def test_every_public_name_can_be_imported_from_the_package() -> None:
    """The package's docstring names `Guard`, which connects the others."""
    assert all(hasattr(org_guard, name) for name in org_guard.__all__)
    assert sorted(org_guard.__all__) == org_guard.__all__
    assert "guard = Guard(" in (org_guard.__doc__ or "")
