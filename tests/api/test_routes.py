"""The resource API: what each route answers to whom, and what it leaves in the audit trail."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from werkzeug.routing import Map
from werkzeug.test import TestResponse

from local_stack import access_tokens, seed
from local_stack.access_tokens import ABSENT
from local_stack.stack import API_SCOPES, Stack
from org_guard import Guard, Principal
from org_selector.app import create_app as create_selector
from tests.kit.routes import (
    NAMED,
    ROWS,
    TIME,
    Row,
    add_invitation,
    add_project,
    code,
    events,
    place,
    snapshot,
)
from tests.kit.running_api import RunningApi, run_api
from tests.kit.running_selector import Selector
from tests.kit.running_selector import make_settings as make_selector_settings
from tests.kit.visit import enter, names

ABC, TRAVEL = seed.organization("abc-inc"), seed.organization("xyz-travel")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SCOPES = frozenset(API_SCOPES.split())
# By name, so that a new route is either guarded or named here.
DOCUMENTATION = {f"documentation.{name}" for name in ("openapi", "docs", "redoc", "guide")}
UNGUARDED = {"healthz", "readyz"} | DOCUMENTATION


every_route = pytest.mark.parametrize("row", ROWS, ids=str)


def send(api: RunningApi, row: Row, **options: Any) -> TestResponse:
    """Send a row's request as a member of ABC Inc; require that a refusal changes nothing."""
    path = place(api, row)
    before = snapshot(api)
    answer = api.request(row.method, path, row.body, **options)
    if answer.status_code >= 400:
        assert snapshot(api) == before
    return answer


def number_of_events(api: RunningApi) -> int:
    """Count the audit events of all organizations."""
    row = api.superuser.execute("select count(*) from org.audit_event").fetchone()
    assert row is not None
    return int(row[0])


# What each route answers.


def test_me_returns_the_person_the_role_and_the_organization(api: RunningApi) -> None:
    """The same person may have another role in another organization."""
    expected = {
        "id": str(api.user_id("joe")),
        "name": "Joe Doe",
        "email": "joe@example.com",
        "role": "owner",
        "organization": {"id": str(ABC.id), "slug": "abc-inc", "name": "ABC Inc"},
    }

    assert api.get("/me").get_json() == expected
    there = {"id": str(TRAVEL.id), "slug": "xyz-travel", "name": "XYZ Travel"}
    assert api.get("/me", slug="xyz-travel").get_json() == expected | {
        "role": "member",
        "organization": there,
    }


def test_an_organization_is_shown_and_renamed(api: RunningApi) -> None:
    """Its slug does not change."""
    before = api.get("/organization").get_json()
    assert before.keys() == {"id", "slug", "name", "created_at"}
    assert TIME.fullmatch(before["created_at"])

    renamed = api.request("PATCH", "/organization", {"name": "ABC ★ Ltd"})

    assert renamed.status_code == 200
    assert renamed.get_json() == before | {"name": "ABC ★ Ltd"}
    assert api.get("/organization").get_json() == renamed.get_json()
    assert api.get("/organization", slug="xyz-travel").get_json()["name"] == "XYZ Travel"


def test_members_are_listed_changed_and_removed(api: RunningApi) -> None:
    """In the order of joining; the answer to a change is the changed member."""
    api.set_role("nina", "abc-inc", "member")
    page = api.get("/members").get_json()
    assert page["next"] is None
    assert [one["name"] for one in page["items"]][-1] == "Nina New"
    assert sorted(one["name"] for one in page["items"]) == ["Joe Doe", "Nina New", "Sue Frost"]
    nina = page["items"][-1]
    assert nina.keys() == {"id", "name", "email", "role", "joined_at"}
    assert (nina["id"], nina["role"]) == (str(api.user_id("nina")), "member")
    assert TIME.fullmatch(nina["joined_at"])

    changed = api.request("PATCH", f"/members/{nina['id']}", {"role": "admin"})
    assert changed.status_code == 200
    assert changed.get_json() == nina | {"role": "admin"}
    assert api.get("/me", login="nina").get_json()["role"] == "admin"

    removed = api.request("DELETE", f"/members/{nina['id']}")
    assert (removed.status_code, removed.data) == (204, b"")
    assert "Content-Type" not in removed.headers
    assert nina["id"] not in {one["id"] for one in api.get("/members").get_json()["items"]}
    assert code(api.get("/me", login="nina")) == "not_a_member"


def test_projects_are_created_shown_changed_and_deleted(api: RunningApi) -> None:
    """A change of one field keeps the other; Location is the project's path."""
    made = api.request("POST", "/projects", {"name": "Rocket", "description": "to the\nmoon"})
    assert made.status_code == 201
    project = made.get_json()
    assert project.keys() == {"id", "name", "description", "created_at", "updated_at"}
    assert ID.fullmatch(project["id"])
    assert TIME.fullmatch(project["created_at"])
    assert project["updated_at"] == project["created_at"]
    assert made.headers["Location"] == f"/projects/{project['id']}"
    assert api.get(made.headers["Location"]).get_json() == project
    assert api.get("/projects").get_json()["items"][0] == project  # the newest first

    changed = api.request("PATCH", made.headers["Location"], {"name": "Rocket 2"})
    assert changed.status_code == 200
    later = changed.get_json()["updated_at"]
    assert changed.get_json() == project | {"name": "Rocket 2", "updated_at": later}
    assert later > project["updated_at"]
    assert api.get(made.headers["Location"]).get_json() == changed.get_json()
    emptied = api.request("PATCH", made.headers["Location"], {"description": ""})
    assert emptied.get_json()["description"] == ""

    assert api.request("DELETE", made.headers["Location"]).status_code == 204
    assert code(api.get(made.headers["Location"])) == "not_found"
    assert code(api.request("DELETE", made.headers["Location"])) == "not_found"


def test_the_audit_trail_is_listed_with_the_newest_event_first(api: RunningApi) -> None:
    """One event is shown with every field."""
    assert api.get("/audit-events").get_json() == {"items": [], "next": None}
    first = api.request("POST", "/projects", {"name": "First"}).get_json()
    second = api.request("POST", "/projects", {"name": "Second"}).get_json()
    newest, oldest = api.get("/audit-events").get_json()["items"]

    assert (newest["target"]["id"], oldest["target"]["id"]) == (second["id"], first["id"])
    assert ID.fullmatch(newest.pop("id"))
    assert TIME.fullmatch(newest.pop("at"))
    assert newest == {
        "action": "project.created",
        "actor": {"id": str(api.user_id("joe")), "name": "Joe Doe"},
        "target": {"kind": "project", "id": second["id"], "name": "Second"},
        "details": {},
        "client_id": access_tokens.CLIENT_ID,
    }


def test_times_are_utc_in_every_time_zone_of_the_database(stack: Stack, keys_url: str) -> None:
    """The cluster may be configured for other services, too."""
    with run_api(stack.postgres, keys_url) as api:
        api.superuser.execute(f"alter database {api.database_name} set timezone = 'Asia/Kolkata'")

        assert TIME.fullmatch(api.get("/organization").get_json()["created_at"])
        made = api.request("POST", "/projects", {"name": "Now"}).get_json()
        assert TIME.fullmatch(made["created_at"])
        age = datetime.now().astimezone() - datetime.fromisoformat(made["created_at"])
        assert abs(age) < timedelta(seconds=10)


def test_every_answer_forbids_caches_to_store_it(api: RunningApi) -> None:
    """Answers, refusals and errors have the same strict headers and a request id."""
    answers = [
        api.get("/me"),
        api.get("/me", login="ann"),
        api.get("/nothing"),
        api.request("PATCH", "/organization", {}),
        api.app.test_client().get("/me"),
    ]

    assert [one.status_code for one in answers] == [200, 403, 404, 422, 401]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers
    assert len({one.headers["X-Request-Id"] for one in answers}) == len(answers)


# Who may do what.


@every_route
def test_a_member_may_do_what_the_table_says_for_their_role(api: RunningApi, row: Row) -> None:
    """The role is the database's. There is a second owner, so no one is the last."""
    api.set_role("ann", "abc-inc", "owner")
    for role, status in (("owner", row.owner), ("admin", row.admin), ("member", row.member)):
        api.set_role("joe", "abc-inc", role)
        answer = send(api, row)

        assert answer.status_code == status, role
        if status == 403:
            assert code(answer) == "insufficient_role"
            assert "WWW-Authenticate" not in answer.headers  # no new token would help


@pytest.mark.parametrize("actor", ["owner", "admin", "member"])
@pytest.mark.parametrize("target", ["owner", "admin", "member"])
def test_only_an_owner_makes_and_demotes_owners(api: RunningApi, actor: str, target: str) -> None:
    """An admin may change admins and members only."""
    api.set_role("ann", "abc-inc", "owner")
    for role in ("owner", "admin", "member"):
        api.set_role("joe", "abc-inc", actor)
        api.set_role("nina", "abc-inc", target)
        answer = api.request("PATCH", f"/members/{api.user_id('nina')}", {"role": role})
        allowed = actor == "owner" or (
            actor == "admin" and (role == target or "owner" not in (role, target))
        )

        assert answer.status_code == (200 if allowed else 403), role
        if not allowed:
            assert code(answer) == "insufficient_role"
        assert api.get("/me", login="nina").get_json()["role"] == (role if allowed else target)

    api.set_role("nina", "abc-inc", target)
    allowed = actor == "owner" or (actor == "admin" and target != "owner")
    removal = api.request("DELETE", f"/members/{api.user_id('nina')}")
    assert removal.status_code == (204 if allowed else 403)
    assert api.get("/me", login="nina").status_code == (403 if allowed else 200)


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
def test_every_member_may_leave(api: RunningApi, role: str) -> None:
    """Leaving needs no role, and removes no other person."""
    api.set_role("nina", "abc-inc", role)
    api.superuser.execute(  # what a foreign key must clear, in a table the API may not write
        "update org.app_user set default_org_id = %s where id = %s", (ABC.id, api.user_id("nina"))
    )

    left = api.request("DELETE", f"/members/{api.user_id('nina')}", login="nina")
    assert left.status_code == 204
    assert code(api.get("/me", login="nina")) == "not_a_member"
    assert len(api.get("/members").get_json()["items"]) == 2
    assert api.request("DELETE", f"/members/{api.user_id('nina')}").status_code == 404


def test_the_last_owner_cannot_leave_or_step_down(api: RunningApi) -> None:
    """With a second owner they can."""
    me = f"/members/{api.user_id('joe')}"
    api.set_role("sue", "abc-inc", "admin")
    for method, body in (
        ("DELETE", None),
        ("PATCH", {"role": "admin"}),
        ("PATCH", {"role": "member"}),
    ):
        answer = api.request(method, me, body)
        assert (answer.status_code, code(answer)) == (409, "last_owner")
    assert api.request("PATCH", me, {"role": "owner"}).status_code == 200  # no change
    assert api.get("/me").get_json()["role"] == "owner"

    # An owner of another organization is not an owner here.
    assert api.get("/me", login="ann", slug="solo-works").get_json()["role"] == "owner"
    api.set_role("sue", "abc-inc", "owner")
    assert api.request("PATCH", me, {"role": "admin"}).status_code == 200
    assert (
        code(api.request("DELETE", f"/members/{api.user_id('sue')}", login="sue")) == "last_owner"
    )


def test_a_blocked_owner_does_not_count_as_another_owner(api: RunningApi) -> None:
    """
    A blocked person cannot log in, so the organization would be without an owner.

    Reproduced at commit 3d47401.
    """
    me = f"/members/{api.user_id('joe')}"
    api.set_role("sue", "abc-inc", "owner")
    block = "update org.app_user set blocked_at = {} where id = %s"
    api.superuser.execute(block.format("now()"), (api.user_id("sue"),))
    for method, body in (("DELETE", None), ("PATCH", {"role": "member"})):
        assert code(api.request(method, me, body)) == "last_owner"

    # The blocked owner can be removed, and counts again once the block has ended.
    api.superuser.execute(block.format("null"), (api.user_id("sue"),))
    assert api.request("PATCH", me, {"role": "member"}).status_code == 200
    api.set_role("joe", "abc-inc", "owner")
    api.superuser.execute(block.format("now()"), (api.user_id("sue"),))
    assert api.request("DELETE", f"/members/{api.user_id('sue')}").status_code == 204


def test_a_token_without_the_scope_of_a_route_is_refused(api: RunningApi) -> None:
    """The answer names the missing scope. A token with that scope alone passes."""
    for row in ROWS:
        assert send(api, row, token=api.token(scope=row.scope or ABSENT)).status_code == row.owner
        if row.scope is None:
            continue
        others = " ".join(sorted(SCOPES - {row.scope}))
        alike = f"{row.scope}s x{row.scope} {row.scope.upper()} {row.scope.replace(':', ' ')} *"
        for scopes in (others, ABSENT, "", alike):
            answer = send(api, row, token=api.token(scope=scopes))
            assert (answer.status_code, code(answer)) == (403, "insufficient_scope"), row
            challenge = f'Bearer error="insufficient_scope", scope="{row.scope}"'
            assert answer.headers["WWW-Authenticate"] == challenge


def test_the_role_in_the_token_gives_no_rights(api: RunningApi) -> None:
    """The database says the current role."""
    role = f"{access_tokens.NAMESPACE}org_role"
    token = api.token("sue", **{role: "owner"})

    assert api.get("/me", token=token).get_json()["role"] == "member"
    assert code(api.get("/audit-events", token=token)) == "insufficient_role"
    assert code(api.request("PATCH", "/organization", NAMED, token=token)) == "insufficient_role"
    api.set_role("sue", "abc-inc", "admin")
    assert api.get("/me", token=token).get_json()["role"] == "admin"
    assert api.get("/audit-events", token=token).status_code == 200
    for nothing in (ABSENT, None, 7, "emperor"):
        changes: dict[str, Any] = {role: nothing}
        assert api.get("/me", token=api.token("sue", **changes)).status_code == 200


def _remove(api: RunningApi) -> None:
    api.set_role("sue", "abc-inc", None)


def _block(api: RunningApi) -> None:
    api.superuser.execute(
        "update org.app_user set blocked_at = now() where id = %s", (api.user_id("sue"),)
    )


def _suspend(api: RunningApi) -> None:
    api.superuser.execute(
        "update org.organization set suspended_at = now() where id = %s", (ABC.id,)
    )


def _delete_person(api: RunningApi) -> None:
    api.superuser.execute("delete from org.app_user where id = %s", (api.user_id("sue"),))


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (_remove, "not_a_member"),
        (_block, "not_a_member"),
        (_suspend, "organization_suspended"),
        (_delete_person, "not_a_member"),
    ],
)
def test_a_person_without_a_membership_is_refused_at_the_next_request(
    api: RunningApi, act: Any, expected: str
) -> None:
    """At every route, with the token that passed a moment ago."""
    api.set_role("sue", "abc-inc", "owner")
    token = api.token("sue")
    for row in ROWS:
        assert send(api, row, token=token).status_code == row.owner, row
    act(api)

    for row in ROWS:
        answer = send(api, row, token=token)
        assert (answer.status_code, code(answer)) == (403, expected), row
    if act is _remove:
        api.set_role("sue", "abc-inc", "member")
        assert api.get("/me", token=token).get_json()["role"] == "member"


def test_a_token_of_another_organization_sees_and_changes_nothing(api: RunningApi) -> None:
    """Ann is an owner elsewhere; a token that names ABC Inc, where she is no member, is refused."""
    nowhere: dict[str, Any] = {access_tokens.ORG_CLAIM: str(uuid4())}
    for row in ROWS:
        for token in (api.token("ann", "abc-inc"), api.token(**nowhere)):
            answer = send(api, row, token=token)
            assert (answer.status_code, code(answer)) == (403, "not_a_member"), row


# What is not there.

OBJECTS = [row for row in ROWS if "{" in row.path]


def _comparable(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return an answer without the parts that always differ."""
    kept = [(k, v) for k, v in answer.headers if k not in ("X-Request-Id", "Date")]
    return answer.status_code, answer.data, kept


@pytest.mark.parametrize("row", OBJECTS, ids=str)
def test_an_id_of_another_organization_gets_the_answer_of_an_unknown_id(
    api: RunningApi, row: Row
) -> None:
    """A malformed id gets the same bytes, too."""
    foreign_project = add_project(api, "xyz-travel")
    api.set_role("nina", "xyz-travel", "member")
    foreign = {
        "project": foreign_project,
        "member": str(api.user_id("nina")),
        "invitation": add_invitation(api, "xyz-travel"),
    }
    [kind] = [kind for kind in foreign if f"{{{kind}}}" in row.path]
    own = {
        "project": add_project(api),
        "member": str(api.user_id("sue")),
        "invitation": add_invitation(api),
    }[kind]

    def request(unverified_id: str) -> TestResponse:
        path = row.path.replace(f"{{{kind}}}", unverified_id)
        return api.request(row.method, path, row.body)

    before = snapshot(api)
    nowhere = _comparable(request(str(uuid4())))
    assert nowhere[0] == 404
    assert b'"code": "not_found"' in nowhere[1]
    malformed = [
        own[:-1],
        own + "0",
        own.replace("-", ""),
        f"{{{own}}}",
        f"urn:uuid:{own}",
        "1",
        "-1",
    ]
    malformed += [
        "null",
        "%00",
        f"{own}%00",
        f"{own}%0A",
        f"%20{own}",
        "..",
        "%2e%2e",
        "٣" * 36,
        "x" * 5000,
    ]
    malformed += [
        own[:35] + "g",
        "0" * 36,
        own.replace("-", "_"),
        f"{own};x",
        f"{own}/",
        f"{own}%2F",
    ]
    for unverified_id in [foreign[kind], str(UUID(int=0)), str(UUID(int=2**128 - 1)), *malformed]:
        assert _comparable(request(unverified_id)) == nowhere, unverified_id
    assert snapshot(api) == before

    assert request(own).status_code == row.owner


def test_lists_and_changes_stay_inside_the_organization(api: RunningApi) -> None:
    """Joe belongs to two; each of his tokens shows and changes one of them."""
    abc = {one["name"] for one in api.get("/projects").get_json()["items"]}
    travel = {one["name"] for one in api.get("/projects", slug="xyz-travel").get_json()["items"]}
    assert abc == set(seed.PROJECTS["abc-inc"])
    assert travel == set(seed.PROJECTS["xyz-travel"])

    api.set_role("nina", "xyz-travel", "member")
    assert len(api.get("/members").get_json()["items"]) == 2
    assert len(api.get("/members", slug="xyz-travel").get_json()["items"]) == 3
    api.request("POST", "/projects", {"name": "Here"})
    api.set_role("joe", "xyz-travel", "owner")
    assert len(events(api)) == 1
    assert events(api, "xyz-travel") == []
    assert "Here" not in api.get("/projects", slug="xyz-travel").text


# That nothing is unguarded.


def _rules(url_map: Map) -> set[tuple[str, str, str]]:
    return {
        (rule.endpoint, method, rule.rule)
        for rule in url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_route_is_guarded_or_listed_as_public(api: RunningApi) -> None:
    """Each guarded route has a row in the table above, with its scope."""
    guarded = {}
    for endpoint, method, rule in _rules(api.app.url_map):
        view = api.app.view_functions[endpoint]
        assert hasattr(view, "required_scope") is (endpoint not in UNGUARDED), endpoint
        if endpoint not in UNGUARDED:
            guarded[method, rule] = vars(view)["required_scope"]

    assert guarded == {(row.method, row.rule): row.scope for row in ROWS}
    assert {endpoint for endpoint, _, _ in _rules(api.app.url_map)} >= UNGUARDED


def test_a_request_without_a_valid_token_is_refused_at_every_route(api: RunningApi) -> None:
    """HEAD included."""
    client = api.app.test_client()
    for row in ROWS:
        path = place(api, row)
        before = snapshot(api)
        for method in [row.method, "HEAD"] if row.method == "GET" else [row.method]:
            answer = client.open(path, method=method, json=row.body)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), row
            answer = client.open(path, method=method, headers={"Authorization": "Bearer x.y.z"})
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
        assert snapshot(api) == before


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json", "/docs"])
def test_a_public_path_answers_alike_with_and_without_a_token(api: RunningApi, path: str) -> None:
    """Probes and documentation are public."""
    client = api.app.test_client()
    answer = client.get(path)
    again = client.get(path, headers={"Authorization": f"Bearer {api.token()}"})

    assert answer.status_code == again.status_code == 200
    assert answer.data == again.data


@pytest.fixture
def open_to_more(stack: Stack, keys_url: str) -> Iterator[tuple[RunningApi, Guard]]:
    """An API to which a test adds views, and its guard."""
    made: list[Guard] = []

    def make_guard(**wiring: Any) -> Guard:
        made.append(Guard(**wiring))
        return made[0]

    with run_api(stack.postgres, keys_url, make_guard) as api:
        yield api, made[0]


def test_a_view_that_does_not_enter_the_organization_gets_a_500(
    open_to_more: tuple[RunningApi, Guard],
) -> None:
    """For every caller, so its developer notices it at once. The view's answer is discarded."""
    api, guard = open_to_more

    @api.app.get("/forgets")
    @guard.require_auth("read:projects")
    def forget(_principal: Principal) -> str:
        return "the secret"

    @api.app.get("/enters")
    @guard.require_auth("read:projects")
    def come_in(principal: Principal) -> str:
        with guard.rows.organization(principal) as conn:
            row = conn.execute("select name from org.organization").fetchone()
            return str(row)

    @api.app.get("/enters-as-another")
    @guard.require_auth("read:projects", role="owner")
    def sneak_in(principal: Principal) -> str:
        with guard.rows.organization(replace(principal, org_role="member")):
            return "the secret"

    @api.app.get("/enters-in-a-lower-role")
    @guard.require_auth("read:projects", role="owner")
    def stoop(principal: Principal) -> str:
        with guard.rows.visit("member"), guard.rows.organization(principal):
            return "the secret"

    assert api.get("/enters").text == "('ABC Inc',)"
    expected = {
        ("nina", "/enters-as-another"): (403, "not_a_member"),
        ("nina", "/enters-in-a-lower-role"): (403, "not_a_member"),
        ("sue", "/enters-as-another"): (403, "insufficient_role"),
    }
    for login in ("joe", "sue", "nina"):
        for path in ("/forgets", "/enters-as-another", "/enters-in-a-lower-role"):
            answer = api.get(path, login=login)
            assert (answer.status_code, code(answer)) == expected.get(
                (login, path), (500, "unexpected")
            )
            assert "secret" not in answer.text
    assert api.get("/enters").status_code == 200  # the entry before counts for its request only
    assert api.get("/forgets").status_code == 500


def test_an_unexpected_error_is_a_500_without_details_and_undoes_the_change(
    open_to_more: tuple[RunningApi, Guard],
) -> None:
    api, guard = open_to_more

    @api.app.post("/fails")
    @guard.require_auth()
    def fail(principal: Principal) -> str:
        with guard.rows.organization(principal) as conn:
            conn.execute("update org.organization set name = 'Changed'")
            raise ZeroDivisionError("the secret")

    answer = api.request("POST", "/fails")

    assert (answer.status_code, code(answer)) == (500, "unexpected")
    assert "secret" not in answer.text
    assert api.get("/organization").get_json()["name"] == "ABC Inc"


# What is noted.


def test_every_change_is_recorded_in_the_audit_trail(api: RunningApi) -> None:
    """Who did what to what, with which application, and the values before and after."""
    api.set_role("nina", "abc-inc", "member")
    joe, sue, nina = (str(api.user_id(login)) for login in ("joe", "sue", "nina"))
    by_phone = api.token(azp="phone")
    by_machine = access_tokens.sign(
        access_tokens.valid_header(typ="at+jwt"),
        access_tokens.rfc9068_claims(
            sub="auth0|joe", client_id="desk", **{access_tokens.ORG_CLAIM: str(ABC.id)}
        ),
    )
    api.request("PATCH", "/organization", {"name": "ABC Ltd"}, token=by_phone)
    api.request("PATCH", f"/members/{sue}", {"role": "admin"}, token=by_machine)
    project = api.request("POST", "/projects", {"name": "A"}, login="nina").get_json()["id"]
    api.request("PATCH", f"/projects/{project}", {"name": "B"}, login="nina")
    api.request("PATCH", f"/projects/{project}", {"name": "C", "description": "d"}, login="sue")
    api.request("PATCH", f"/projects/{project}", {"name": "C", "description": "e"}, login="sue")
    api.request("DELETE", f"/projects/{project}", login="sue")
    api.request("DELETE", f"/members/{nina}", login="sue")
    api.request("DELETE", f"/members/{sue}", login="sue")

    noted = [
        (
            one["action"],
            one["actor"]["id"],
            one["actor"]["name"],
            one["target"]["kind"],
            one["target"]["id"],
            one["target"]["name"],
            one["details"],
            one["client_id"],
        )
        for one in events(api)
    ]
    abc = ("organization", str(ABC.id))
    by_joe, by_sue, by_nina = (joe, "Joe Doe"), (sue, "Sue Frost"), (nina, "Nina New")
    it, spa = ("project", project), access_tokens.CLIENT_ID
    assert noted == [
        (
            "organization.updated",
            *by_joe,
            *abc,
            "ABC Ltd",
            {"name": ["ABC Inc", "ABC Ltd"]},
            "phone",
        ),
        ("member.role_changed", *by_joe, "member", *by_sue, {"role": ["member", "admin"]}, "desk"),
        ("project.created", *by_nina, *it, "A", {}, spa),
        ("project.updated", *by_nina, *it, "B", {"name": ["A", "B"]}, spa),
        ("project.updated", *by_sue, *it, "C", {"name": ["B", "C"], "description": ["", "d"]}, spa),
        ("project.updated", *by_sue, *it, "C", {"description": ["d", "e"]}, spa),
        ("project.deleted", *by_sue, *it, "C", {}, spa),
        ("member.removed", *by_sue, "member", *by_nina, {}, spa),
        ("member.left", *by_sue, "member", *by_sue, {}, spa),
    ]
    times = [one["at"] for one in events(api)]
    assert times == sorted(times)


def test_logins_and_what_the_selector_made_stand_in_the_trail(api: RunningApi) -> None:
    """Also what an administrator of the service did, who is no person in the database."""
    joe = api.user_id("joe")
    for action, actor in (
        ("organization.created", joe),
        ("member.logged_in", joe),
        ("invitation.accepted", joe),
        ("organization.updated", None),
    ):
        api.superuser.execute(
            "insert into org.audit_event (org_id, actor_user_id, actor_name, client_id, action, "
            "target_id, details) values (%s, %s, 'Joe Doe', 'portal', %s, %s, %s)",
            (ABC.id, actor, action, joe, '{"way": "hint"}'),
        )
    noted = {one["action"]: one for one in events(api)}

    by_joe = {"id": str(joe), "name": "Joe Doe"}
    assert {action: one["actor"] for action, one in noted.items()} == {
        "organization.created": by_joe,
        "member.logged_in": by_joe,
        "invitation.accepted": by_joe,
        "organization.updated": None,
    }
    assert noted["member.logged_in"]["target"]["kind"] == "member"
    assert noted["invitation.accepted"]["target"]["kind"] == "invitation"
    assert noted["member.logged_in"]["details"] == {"way": "hint"}
    assert noted["member.logged_in"]["client_id"] == "portal"


def test_a_request_that_changes_nothing_is_not_recorded(api: RunningApi) -> None:
    """The same value again, a refusal, a repeated Idempotency-Key."""
    project = add_project(api)
    joe, sue = api.user_id("joe"), api.user_id("sue")
    key = {"Idempotency-Key": "one"}
    assert api.request("POST", "/projects", NAMED, headers=key).status_code == 201
    updated = api.get(f"/projects/{project}").get_json()["updated_at"]
    assert number_of_events(api) == 1

    def status(method: str, path: str, body: object = None, **options: Any) -> int:
        return api.request(method, path, body, **options).status_code

    assert status("PATCH", "/organization", {"name": "ABC Inc"}) == 200
    assert status("PATCH", f"/members/{sue}", {"role": "member"}) == 200
    assert status("PATCH", f"/projects/{project}", {}) == 200
    assert status("PATCH", f"/projects/{project}", {"name": "Theirs", "description": ""}) == 200
    assert status("POST", "/projects", NAMED, headers=key) == 201
    assert status("POST", "/projects", {"name": "Another"}, headers=key) == 422
    assert status("POST", "/projects", {"name": ""}) == 422
    assert status("PATCH", f"/members/{joe}", {"role": "member"}) == 409
    assert status("DELETE", f"/members/{joe}") == 409
    assert status("DELETE", f"/members/{joe}", login="sue") == 403
    assert status("PATCH", "/organization", NAMED, login="sue") == 403
    assert status("PATCH", f"/projects/{project}", NAMED, slug="xyz-travel") == 404
    assert status("DELETE", f"/members/{uuid4()}") == 404
    assert status("PATCH", f"/projects/{project}", NAMED, token=api.token(scope="")) == 403
    assert api.get(f"/projects/{project}").get_json()["updated_at"] == updated
    assert number_of_events(api) == 1

    assert status("PATCH", f"/projects/{project}", {"description": "at last"}) == 200
    assert number_of_events(api) == 2


def test_a_renamed_organization_has_its_new_name_on_the_picker(
    api: RunningApi, stack: Stack
) -> None:
    """The copies of the name in membership are changed, those of other organizations are not."""
    url = stack.postgres.url(api.database_name, "org_selector")
    app = create_selector(make_selector_settings(url))
    try:
        page = enter(Selector(app, api.superuser, url, ""))
        assert names(page.page()) == ["ABC Inc", "XYZ Travel"]
        assert api.request("PATCH", "/organization", {"name": "Zebra Works"}).status_code == 200

        assert sorted(names(page.page())) == ["XYZ Travel", "Zebra Works"]
    finally:
        app.extensions["database"].close()


def test_the_audit_trail_keeps_the_names_of_removed_members(api: RunningApi) -> None:
    """Even if the person is deleted from every other table."""
    sue = str(api.user_id("sue"))
    api.request("PATCH", f"/members/{sue}", {"role": "admin"})
    project = api.request("POST", "/projects", {"name": "Hers"}, login="sue").get_json()["id"]
    api.request("DELETE", f"/projects/{project}", login="sue")
    api.request("DELETE", f"/members/{sue}", login="sue")
    before = events(api)
    api.superuser.execute("update org.app_user set name = 'Nobody' where id = %s", (sue,))
    api.superuser.execute("delete from org.app_user where id = %s", (sue,))

    assert events(api) == before
    assert [(one["actor"]["name"], one["target"]["name"]) for one in before] == [
        ("Joe Doe", "Sue Frost"),
        ("Sue Frost", "Hers"),
        ("Sue Frost", "Hers"),
        ("Sue Frost", "Sue Frost"),
    ]
