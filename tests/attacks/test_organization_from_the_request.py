"""
Attacker: a member of one organization or of two, with a token for one of them.
Wants: to act in another organization by naming it in a header, query, body, cookie or path.
Stopped by: `org_guard/token_claims.py` `require_organization`, `endpoint/operation.py` `operation`

In design D the API reads the organization from the token and from no other part of the request.
A parameter or field that an operation does not take is refused.
"""

import json
from typing import Any

from local_stack import access_tokens, seed
from tests.kit.running_api import APP_ORIGIN
from tests.kit.target import BODIES, Target

ABC, TRAVEL = seed.organization("abc-inc"), seed.organization("xyz-travel")
NAMES = ("X-Organization", "X-Org-Id", "X-Org", "X-Tenant-Id", "Organization", "Org-Id")
PARAMETERS = ("org_id", "organization", "org", "organization_id", "tenant", "ext-org", "slug")


def test_a_header_that_names_another_organization_changes_nothing(target_d: Target) -> None:
    """Joe belongs to both organizations; the answer is the same bytes as without the header."""
    wishes = [{name: value} for name in NAMES for value in (TRAVEL.slug, str(TRAVEL.id))]
    wishes += [
        {"Host": "xyz-travel.example.com"},
        {"X-Forwarded-Host": "xyz-travel.example.com"},
        {"Forwarded": "host=xyz-travel.example.com"},
        {"X-Forwarded-Prefix": "/xyz-travel"},
        {"X-Original-URL": f"/organizations/{TRAVEL.id}/me"},
        {"X-User-Id": "auth0|sue"},
        {"X-Forwarded-User": "auth0|sue"},
        {"Referer": f"{APP_ORIGIN}/?org_id={TRAVEL.id}"},
        {"Cookie": f"org_id={TRAVEL.id}; organization=xyz-travel; session=x"},
    ]
    for path in ("/me", "/organization", "/members", "/projects", "/audit-events"):
        plain = target_d.get(path)
        assert plain.status_code == 200
        for headers in wishes:
            assert target_d.get(path, headers=headers).data == plain.data, headers


def test_a_query_parameter_that_names_another_organization_is_refused(target_d: Target) -> None:
    """An operation refuses every parameter that it does not take."""
    for path in ("/me", "/organization", "/members", "/projects", "/audit-events"):
        assert target_d.get(path).status_code == 200
        for name in PARAMETERS:
            for value in (TRAVEL.slug, str(TRAVEL.id)):
                answer = target_d.get(f"{path}?{name}={value}")
                assert answer.status_code == 422
                assert answer.get_json()["errors"][0]["parameter"] == name


def test_a_field_in_a_body_that_names_another_organization_is_refused(target_d: Target) -> None:
    """At every operation that takes a body; no row of either organization changes."""
    objects = target_d.objects("abc-inc")
    before = target_d.snapshot("abc-inc"), target_d.snapshot("xyz-travel")
    with_body = [one for one in target_d.operations() if one.body is not None]
    assert len(with_body) == len(BODIES)
    for operation in with_body:
        for name in (*PARAMETERS, "id", "user_id", "created_at", "auth0_user_id"):
            body: Any = operation.body
            path = operation.path(**objects)
            answer = target_d.request(operation.method, path, body | {name: str(TRAVEL.id)})
            assert answer.status_code == 422, operation
            assert answer.get_json()["errors"][0]["pointer"] == f"/{name}"
    assert (target_d.snapshot("abc-inc"), target_d.snapshot("xyz-travel")) == before
    for operation in with_body:
        passed = target_d.request(operation.method, operation.path(**objects), operation.body)
        assert passed.status_code in (200, 201)


def test_a_body_that_names_a_field_twice_is_refused(target_d: Target) -> None:
    """One JSON reader would take the first value, another one the last."""
    token = target_d.token()
    for body, status in (('{"name":"A"}', 201), ('{"name":"A","name":"B"}', 400)):
        headers = {"Authorization": f"Bearer {token}"}
        answer = target_d.api.app.test_client().post(
            "/projects", data=body, content_type="application/json", headers=headers
        )
        assert answer.status_code == status


def test_a_token_outside_one_authorization_header_is_refused(target_d: Target) -> None:
    """RFC 6750 section 2 also knows a form field and a query parameter; the guard takes neither."""
    token, client = target_d.token(), target_d.api.app.test_client
    other = target_d.token("ann", "solo-works")
    bearer = ("Authorization", f"Bearer {token}")

    assert client().get("/me", headers=[bearer]).status_code == 200
    assert client().get(f"/me?access_token={token}").status_code == 401
    assert client().get("/me", headers={"Cookie": f"access_token={token}"}).status_code == 401
    assert client().post("/projects", data={"access_token": token}).status_code == 401
    assert client().get("/me", headers={"X-Access-Token": token}).status_code == 401
    assert client().get("/me", headers=[bearer, bearer]).status_code == 400
    second = ("Authorization", f"Bearer {other}")
    for pair in ([bearer, second], [second, bearer]):
        assert client().get("/me", headers=pair).status_code == 400
    for value in (
        f"Bearer {token} {other}",
        f"Bearer {token},{other}",
        f"Bearer {token}, {bearer}",
    ):
        assert client().get("/me", headers={"Authorization": value}).status_code == 400
    for value in (f"Token {token}", f"Basic {token}", token, "Bearer", f"Bearer={token}"):
        assert client().get("/me", headers={"Authorization": value}).status_code == 401


def test_a_path_that_names_an_organization_is_not_found(target_d: Target) -> None:
    """Like a path with additional slashes, dots, capitals or parameters. None is redirected."""
    assert target_d.get("/projects").status_code == 200
    for path in (
        f"/organizations/{TRAVEL.id}",
        f"/organizations/{TRAVEL.id}/projects",
        f"/organization/{TRAVEL.id}",
        f"/{TRAVEL.slug}/projects",
        f"/projects/../{TRAVEL.slug}/projects",
        "//projects",
        "/projects/",
        "/./projects",
        "/projects;org=xyz-travel",
        "/Projects",
        "/projects%2F",
        "/%2e%2e/projects",
    ):
        answer = target_d.get(path)
        assert answer.status_code == 404, path
        assert "Location" not in answer.headers


def test_a_token_that_says_owner_gives_a_member_no_rights_of_an_owner(target_d: Target) -> None:
    """Sue is a member in the database."""
    role = {f"{access_tokens.NAMESPACE}org_role": "owner"}
    token = target_d.token("sue", "abc-inc", **role)

    assert target_d.get("/me", token=token).get_json()["role"] == "member"
    answer = target_d.request("PATCH", "/organization", {"name": "Mine"}, token=token)
    assert answer.get_json()["code"] == "insufficient_role"
    assert json.loads(target_d.get("/organization").data)["name"] == ABC.name
