"""Several requests at the same moment: real threads, real transactions, one outcome that holds."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import psycopg
import pytest
from werkzeug.test import TestResponse

from local_stack import seed
from local_stack.stack import Stack
from tests.kit.routes import add_project, code, events
from tests.kit.running_api import RunningApi

ABC = seed.organization("abc-inc")
ROUNDS = 15
Call = Callable[[], TestResponse]


def at_once(*calls: Call) -> list[TestResponse]:
    """Make all calls at the same moment, each in a thread of its own."""
    barrier = threading.Barrier(len(calls))

    def run(call: Call) -> TestResponse:
        barrier.wait(timeout=10)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [one.result() for one in [pool.submit(run, call) for call in calls]]


def owners(api: RunningApi) -> int:
    """Count the owners of ABC Inc."""
    row = api.superuser.execute(
        "select count(*) from org.membership where org_id = %s and role = 'owner'", (ABC.id,)
    ).fetchone()
    assert row is not None
    return int(row[0])


def change(api: RunningApi, by: str, whom: str, role: str | None) -> Call:
    """Return a request that gives a person another membership role, or with None removes them."""
    path, token = f"/members/{api.user_id(whom)}", api.token(by)
    if role is None:
        return lambda: api.request("DELETE", path, token=token)
    return lambda: api.request("PATCH", path, {"role": role}, token=token)


@contextmanager
def held(api: RunningApi, stack: Stack, lock: str) -> Iterator[psycopg.Connection]:
    """Hold a lock in another session; commit at the end of the block."""
    url = stack.postgres.url(api.database_name, "postgres")
    with psycopg.connect(url) as conn:
        conn.execute(lock)
        yield conn


@contextmanager
def waiting(api: RunningApi, call: Call) -> Iterator[Future[TestResponse]]:
    """Send a request; run the block when the request waits for a lock in Postgres."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call)
        deadline = time.monotonic() + 5
        while not api.superuser.execute(
            "select 1 from pg_stat_activity where usename = 'org_api' and wait_event_type = 'Lock' "
            "and datname = current_database()"
        ).fetchone():
            assert time.monotonic() < deadline
            assert not answer.done(), answer.result().text
        yield answer


HOLD_ORGANIZATION = f"select from org.organization where id = '{ABC.id}' for no key update"

DUELS: dict[str, tuple[tuple[str, str, str | None], tuple[str, str, str | None]]] = {
    "demote each other": (("joe", "sue", "admin"), ("sue", "joe", "admin")),
    "demote themselves": (("joe", "joe", "member"), ("sue", "sue", "admin")),
    "remove each other": (("joe", "sue", None), ("sue", "joe", None)),
    "leave": (("joe", "joe", None), ("sue", "sue", None)),
    "demotes and removes": (("joe", "sue", "member"), ("sue", "joe", None)),
    "leaves and demotes": (("joe", "joe", None), ("sue", "sue", "member")),
}


@pytest.mark.parametrize("duel", DUELS)
def test_of_two_owners_who_act_at_once_exactly_one_stays(api: RunningApi, duel: str) -> None:
    """Each of the two requests alone would be allowed."""
    first, second = DUELS[duel]
    winners = set()
    for _ in range(ROUNDS):
        for login in ("joe", "sue"):
            api.set_role(login, "abc-inc", "owner")
        answers = at_once(change(api, *first), change(api, *second))
        statuses = [one.status_code for one in answers]

        assert owners(api) == 1, statuses
        assert sum(status < 300 for status in statuses) == 1, statuses
        winners.add(statuses[0] < 300)
        [refused] = [one for one in answers if one.status_code >= 300]
        assert code(refused) in ("last_owner", "insufficient_role", "not_a_member")


@pytest.mark.parametrize(
    ("meanwhile", "role", "expected"),
    [("demoted", "member", "insufficient_role"), ("removed", None, "not_a_member")],
)
@pytest.mark.parametrize("new_role", ["admin", None], ids=["promotes", "removes"])
def test_an_admin_who_is_demoted_or_removed_during_a_change_is_refused(
    api: RunningApi,
    stack: Stack,
    meanwhile: str,
    role: str | None,
    expected: str,
    new_role: str | None,
) -> None:
    """The request entered as an admin and then waited for the lock; nothing changes."""
    api.set_role("sue", "abc-inc", "admin")
    api.set_role("nina", "abc-inc", "member")
    with (
        held(api, stack, HOLD_ORGANIZATION) as conn,
        waiting(api, change(api, "sue", "nina", new_role)) as answer,
    ):
        if role is None:
            conn.execute("delete from org.membership where user_id = %s", (api.user_id("sue"),))
        else:
            sue = api.user_id("sue")
            conn.execute("update org.membership set role = %s where user_id = %s", (role, sue))
        conn.commit()
        refused = answer.result(timeout=5)

    assert (refused.status_code, code(refused)) == (403, expected), meanwhile
    assert api.get("/me", login="nina").get_json()["role"] == "member"
    assert events(api) == []


def test_an_owner_who_becomes_the_last_during_a_change_stays_owner(
    api: RunningApi, stack: Stack
) -> None:
    """The owners are counted behind the lock, not when the request enters."""
    api.set_role("sue", "abc-inc", "owner")
    for role in ("member", None):
        api.set_role("joe", "abc-inc", "owner")
        with (
            held(api, stack, HOLD_ORGANIZATION) as conn,
            waiting(api, change(api, "joe", "joe", role)) as answer,
        ):
            conn.execute(
                "update org.membership set role = 'member' where user_id = %s",
                (api.user_id("sue"),),
            )
            conn.commit()
            assert code(answer.result(timeout=5)) == "last_owner"
    assert owners(api) == 1


@pytest.mark.parametrize("new_role", ["admin", None], ids=["promotes", "removes"])
def test_a_change_of_a_locked_membership_gets_a_503_and_changes_nothing(
    api: RunningApi, stack: Stack, new_role: str | None
) -> None:
    """The error arrives with COMMIT; the audit event of the change is rolled back, too."""
    api.set_role("nina", "abc-inc", "member")
    call = change(api, "joe", "nina", new_role)
    lock = f"select from org.membership where user_id = '{api.user_id('nina')}' for update"
    with held(api, stack, lock):
        refused = call()
    assert (refused.status_code, code(refused)) == (503, "temporarily_unavailable")
    assert api.get("/me", login="nina").get_json()["role"] == "member"
    assert events(api) == []

    assert call().status_code in (200, 204)
    assert len(events(api)) == 1


def test_an_admin_who_is_demoted_at_once_promotes_before_that_or_not_at_all(
    api: RunningApi,
) -> None:
    """The promotion succeeds if it came first; a plain member never promotes."""
    api.set_role("nina", "abc-inc", "member")
    for _ in range(ROUNDS):
        api.set_role("sue", "abc-inc", "admin")
        api.set_role("nina", "abc-inc", "member")
        demoted, promoted = at_once(
            change(api, "joe", "sue", "member"), change(api, "sue", "nina", "admin")
        )

        assert demoted.status_code == 200
        assert promoted.status_code in (200, 403)
        role = "admin" if promoted.status_code == 200 else "member"
        assert api.get("/me", login="nina").get_json()["role"] == role
        assert api.request("PATCH", "/organization", {"name": "X"}, login="sue").status_code == 403


def test_a_request_that_begins_after_a_removal_was_answered_is_refused(api: RunningApi) -> None:
    """Three threads send requests of the removed person all the time."""
    token, removed_at = api.token("sue"), [float("inf")]
    stop = threading.Event()
    seen: list[tuple[float, int]] = []

    def work() -> None:
        while not stop.is_set():
            began = time.monotonic()
            answer = api.request("POST", "/projects", {"name": "Mine"}, token=token)
            seen.append((began, answer.status_code))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    assert change(api, "joe", "sue", None)().status_code == 204
    removed_at[0] = time.monotonic()
    while sum(began > removed_at[0] for began, _ in list(seen)) < 20:
        time.sleep(0.005)
    stop.set()
    for thread in threads:
        thread.join(timeout=10)

    assert {status for began, status in seen if began > removed_at[0]} == {403}
    made = sum(status == 201 for _, status in seen)
    assert made > 0
    noted = [one for one in list_all_events(api) if one["action"] == "project.created"]
    assert len(noted) == made


def list_all_events(api: RunningApi) -> list[dict[str, Any]]:
    """Return the whole audit trail, page after page."""
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = api.get("/audit-events", query_string={"limit": "100"} | after).get_json()
        found += page["items"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


def post_patiently(api: RunningApi, body: object, key: str) -> Call:
    """Create a project; after a 503 try again with the same key, as the 503 says."""
    token = api.token()

    def post() -> TestResponse:
        for _ in range(20):
            answer = api.request(
                "POST", "/projects", body, token=token, headers={"Idempotency-Key": key}
            )
            if answer.status_code != 503:
                break
            time.sleep(0.2)
        return answer

    return post


def test_forty_identical_requests_create_one_project(api: RunningApi) -> None:
    """One key, one project, one audit event; all forty get the same answer."""
    answers = at_once(*[post_patiently(api, {"name": "Once"}, "the-key")] * 40)

    assert {one.status_code for one in answers} == {201}
    assert len({(one.data, one.headers["Location"]) for one in answers}) == 1
    names = [one["name"] for one in api.get("/projects").get_json()["items"]]
    assert names.count("Once") == 1
    assert len(events(api)) == 1


def test_one_key_for_two_different_projects_creates_one_and_refuses_the_other(
    api: RunningApi,
) -> None:
    for n in range(ROUNDS):
        first, second = at_once(
            post_patiently(api, {"name": "A"}, f"key-{n}"),
            post_patiently(api, {"name": "B"}, f"key-{n}"),
        )
        assert sorted([first.status_code, second.status_code]) == [201, 422]
        assert code(first if first.status_code == 422 else second) == "idempotency_key_reused"
    assert len(events(api)) == ROUNDS


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_a_second_request_with_a_key_waits_for_the_first(
    api: RunningApi, stack: Stack, ending: str
) -> None:
    """If the first one fails, the second creates the project."""
    body, key = {"name": "Once"}, "the-key"
    made = post_patiently(api, body, key)()
    row = api.superuser.execute(
        "delete from org.idempotency_key returning org_id, user_id, key, request_sha256, answer"
    ).fetchone()
    url = stack.postgres.url(api.database_name, "postgres")
    with psycopg.connect(url) as conn:
        conn.execute(
            "insert into org.idempotency_key (org_id, user_id, key, request_sha256, answer) "
            "values (%s, %s, %s, %s, %s)",
            row,
        )
        with waiting(api, post_patiently(api, body, key)) as answer:
            getattr(conn, ending)()
            second = answer.result(timeout=5)

    assert second.status_code == 201
    assert (second.data == made.data) is (ending == "commit")
    names = [one["name"] for one in api.get("/projects").get_json()["items"]]
    assert names.count("Once") == (1 if ending == "commit" else 2)


def _require_chain(edges: list[list[str]], begin: str, end: str) -> None:
    """Require that each change began with the value that an earlier change ended with."""
    following = {old: new for old, new in edges}
    assert len(following) == len(edges)
    value = begin
    for _ in edges:
        value = following[value]
    assert value == end


def test_two_changes_of_one_project_at_once_run_one_after_the_other(api: RunningApi) -> None:
    """Of one field the later value stays, and the trail has both; two fields both change."""
    project = f"/projects/{add_project(api, name='start')}"

    def rename(**fields: str) -> Call:
        return lambda: api.request("PATCH", project, fields)

    for n in range(ROUNDS):
        answers = at_once(rename(name=f"{n} a"), rename(name=f"{n} b"))
        assert [one.status_code for one in answers] == [200, 200]
    edges = [one["details"]["name"] for one in list_all_events(api)]
    assert len(edges) == 2 * ROUNDS
    _require_chain(edges, "start", api.get(project).get_json()["name"])

    for n in range(ROUNDS):
        at_once(rename(name=f"name {n}"), rename(description=f"text {n}"))
        found = api.get(project).get_json()
        assert (found["name"], found["description"]) == (f"name {n}", f"text {n}")


def test_of_two_deletions_of_one_project_one_succeeds_and_one_finds_nothing(
    api: RunningApi,
) -> None:
    """A change at the same moment succeeds or finds nothing."""
    for _ in range(ROUNDS):
        project = f"/projects/{add_project(api)}"
        delete = partial(api.request, "DELETE", project)
        rename = partial(api.request, "PATCH", project, {"name": "Changed"})
        *deleted, changed = at_once(delete, delete, rename)

        assert sorted(one.status_code for one in deleted) == [204, 404]
        assert changed.status_code in (200, 404)
    actions = [one["action"] for one in list_all_events(api)]
    assert actions.count("project.deleted") == ROUNDS


def test_renames_role_changes_and_new_members_do_not_block_each_other(
    api: RunningApi, stack: Stack
) -> None:
    """All of them lock the organization before its memberships, so all succeed."""
    api.set_role("sue", "abc-inc", "admin")
    api.set_role("nina", "abc-inc", "member")
    names = iter([f"Name {n}" for n in range(ROUNDS * 2)])
    url = stack.postgres.url(api.database_name, "postgres")

    def repeat(call: Callable[[int], TestResponse]) -> Call:
        def run() -> TestResponse:
            for n in range(ROUNDS):
                answer = call(n)
                assert answer.status_code < 300, answer.text
            return answer

        return run

    nina, ann = api.user_id("nina"), api.user_id("ann")
    tokens = {login: api.token(login) for login in ("joe", "sue")}

    def rename(login: str) -> Callable[[int], TestResponse]:
        return lambda _n: api.request(
            "PATCH", "/organization", {"name": next(names)}, token=tokens[login]
        )

    def give_role(n: int) -> TestResponse:
        role = {"role": ("admin", "member")[n % 2]}
        return api.request("PATCH", f"/members/{nina}", role, token=tokens["joe"])

    def join_and_leave(_n: int) -> TestResponse:
        with psycopg.connect(url) as conn:  # as the selector and the CLI do it
            conn.execute(
                "insert into org.membership (user_id, org_id, role) values (%s, %s, 'member')",
                (ann, ABC.id),
            )
            conn.execute(
                "update org.membership set last_selected_at = now() where org_id = %s", (ABC.id,)
            )
        return api.request("DELETE", f"/members/{ann}", token=tokens["sue"])

    at_once(repeat(rename("joe")), repeat(rename("sue")), repeat(give_role), repeat(join_and_leave))

    renames = [
        one["details"]["name"]
        for one in list_all_events(api)
        if one["action"] == "organization.updated"
    ]
    assert len(renames) == 2 * ROUNDS
    _require_chain(renames, "ABC Inc", api.get("/organization").get_json()["name"])
    copies = api.superuser.execute(
        "select distinct org_name from org.membership where org_id = %s", (ABC.id,)
    ).fetchall()
    assert copies == [(api.get("/organization").get_json()["name"],)]


def test_each_of_five_people_at_once_gets_only_their_own_answer(api: RunningApi) -> None:
    """Each sends forty requests; the API has four connections."""
    people = [("joe", "abc-inc"), ("joe", "xyz-travel"), ("sue", "abc-inc"), ("ann", "solo-works")]
    people.append(("nina", "abc-inc"))  # not a member there
    expected = {one: api.get("/me", login=one[0], slug=one[1]).data for one in people}
    projects = {one: api.get("/projects", login=one[0], slug=one[1]).data for one in people}
    assert len(set(expected.values())) == len(people)

    def run(one: tuple[str, str]) -> Call:
        def visit() -> TestResponse:
            token = api.token(*one)
            for _ in range(20):
                assert api.get("/me", token=token).data == expected[one]
                answer = api.get("/projects", token=token)
                assert answer.data == projects[one]
            return answer

        return visit

    at_once(*(run(one) for one in people))


@pytest.mark.parametrize(
    ("what", "refusal"),
    [
        ("delete from org.membership where user_id = %(user)s", "not_a_member"),
        ("update org.membership set role = 'member' where user_id = %(user)s", "insufficient_role"),
        ("update org.app_user set blocked_at = now() where id = %(user)s", "not_a_member"),
    ],
    ids=["removed", "demoted", "blocked"],
)
def test_an_admin_who_loses_the_right_while_waiting_for_a_lock_changes_nothing(
    api: RunningApi, stack: Stack, what: str, refusal: str
) -> None:
    """The request had entered before, and enters again behind the lock."""
    api.set_role("sue", ABC.slug, "admin")
    api.set_role("ann", ABC.slug, "member")
    calls = [
        lambda: api.request("PATCH", "/organization", {"name": "Mine"}, login="sue"),
        change(api, "sue", "ann", "admin"),
        change(api, "sue", "ann", None),
    ]
    try:
        for call in calls:
            api.set_role("sue", ABC.slug, "admin")
            with ThreadPoolExecutor(1) as pool:
                lock = f"select from org.organization where id = '{ABC.id}' for update"
                with held(api, stack, lock) as other:
                    answer = pool.submit(call)
                    time.sleep(0.15)  # the request has entered and waits; it gives up after 0.5 s
                    other.execute(what.encode(), {"user": api.user_id("sue")})
                assert code(answer.result()) == refusal
            api.superuser.execute("update org.app_user set blocked_at = null")
    finally:
        api.set_role("sue", ABC.slug, "member")
        api.set_role("ann", ABC.slug, None)
