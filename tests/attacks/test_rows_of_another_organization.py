"""
Attacker: an owner of one organization who knows ids and cursors of another, from a link or a leak.
Wants: to read, change or delete the other organization's rows, or to learn that they exist.
Stopped by: `schema/0002_resource_api.sql` `entered` `entered_reads`

Row-level security hides those rows, so the API answers their ids with a 404 of the same bytes as
for an id that does not exist. How long the answers take is not compared.
"""

from uuid import UUID, uuid4

from werkzeug.test import TestResponse

from local_stack import seed
from tests.kit.routes import add_invitation
from tests.kit.target import Operation, Target

SOLO = seed.organization("solo-works")
VARYING = {"X-Request-Id", "Date"}


def ids_of(target: Target, slug: str) -> dict[str, list[UUID]]:
    """Return every id that an organization has, by the name of the path's parameter."""
    rows = target.snapshot(slug)
    found = {
        "project_id": [UUID(row["id"]) for (row,) in rows["project"]],
        "user_id": [UUID(row["user_id"]) for (row,) in rows["membership"]],
        "invitation_id": [UUID(row["id"]) for (row,) in rows["invitation"]],
    }
    events = [UUID(row["id"]) for (row,) in rows["audit_event"]]
    assert all(found.values())
    assert events
    return {name: [*ids, *events, SOLO.id] for name, ids in found.items()}


def test_an_id_of_another_organization_is_answered_like_one_that_does_not_exist(
    target: Target,
) -> None:
    """At every operation: the same status, headers and body, and no row changes."""
    target.request("POST", "/projects", {"name": "Theirs"}, login="ann", slug="solo-works")
    token = target.token("joe", "abc-inc")
    add_invitation(target.api, "solo-works")
    foreign, before = ids_of(target, "solo-works"), target.snapshot("solo-works")
    with_id = [one for one in target.operations() if "<" in one.rule]
    assert len(with_id) >= 5
    for operation in with_id:
        [parameter] = [name for name in foreign if name in operation.rule]
        own = ask(target, operation, token, target.objects("abc-inc")[parameter])
        assert own.status_code in (200, 204), f"{operation}: {own.text}"
        nothing = ask(target, operation, token, uuid4())
        assert nothing.status_code == 404, operation
        for id_ in foreign[parameter]:
            answer = ask(target, operation, token, id_)
            assert looks(answer) == looks(nothing), f"{operation} {id_}"
    assert target.snapshot("solo-works") == before


def test_a_plain_member_cannot_tell_ids_of_others_from_unknown_ids_either(target: Target) -> None:
    """A 404, or a 403 where their membership role is too low, is the same for both."""
    token = target.token("sue", "abc-inc")
    target.request("POST", "/projects", {"name": "Theirs"}, login="ann", slug="solo-works")
    add_invitation(target.api, "solo-works")
    foreign, before = ids_of(target, "solo-works"), target.snapshot("solo-works")
    for operation in target.operations():
        if "<" in operation.rule:
            [parameter] = [name for name in foreign if name in operation.rule]
            nothing = ask(target, operation, token, uuid4())
            assert nothing.status_code == (404 if operation.role == "member" else 403)
            for id_ in foreign[parameter]:
                assert looks(ask(target, operation, token, id_)) == looks(nothing)
    assert target.snapshot("solo-works") == before


def test_another_spelling_of_an_id_of_another_organization_is_not_found(target: Target) -> None:
    """Among them spellings that a UUID parser takes."""
    ours, theirs = target.add_project("abc-inc"), target.add_project("solo-works")
    nothing = target.get(f"/projects/{uuid4()}")
    assert target.get(f"/projects/{ours}").status_code == 200
    for spelling in ("{}", "urn:uuid:{}", "{{{}}}", "{}%00", "{}%20", "%20{}", "{}/", "{}.json"):
        answer = target.get(f"/projects/{spelling.format(theirs)}")
        assert looks(answer) == looks(nothing), spelling
    assert looks(target.get(f"/projects/{theirs.hex}")) == looks(nothing)
    assert looks(target.get(f"/projects/{str(theirs).upper()}")) == looks(nothing)


def test_every_list_shows_rows_of_the_entered_organization_only(target: Target) -> None:
    """Both organizations have rows in every list."""
    for login, slug in (("joe", "abc-inc"), ("ann", "solo-works")):
        body = {"name": f"Made in {slug}"}
        assert target.request("POST", "/projects", body, login=login, slug=slug).status_code == 201
        add_invitation(target.api, slug)
    words = [
        *(str(id_) for ids in ids_of(target, "solo-works").values() for id_ in ids),
        "ann@example.com",
        "Ann Solo",
        "solo-works",
        *seed.PROJECTS["solo-works"],
    ]
    for path in ("/me", "/organization", "/members", "/projects", "/invitations", "/audit-events"):
        theirs = target.get(f"{path}", login="ann", slug="solo-works")
        assert any(word in theirs.text for word in words), path
        answer = target.get(path)
        assert answer.status_code == 200
        assert not [word for word in words if word in answer.text]


def test_a_cursor_of_another_organization_shows_rows_of_the_entered_one_only(
    target: Target,
) -> None:
    """A cursor names a position in time, and gives access to nothing."""
    for number in range(3):
        target.add_project("solo-works", f"Theirs {number}")
        target.add_project("abc-inc", f"Ours {number}")
    for path in ("/projects", "/members", "/invitations", "/audit-events"):
        if path == "/members":
            target.api.set_role("nina", "solo-works", "member")
        if path == "/invitations":
            for _ in range(2):
                add_invitation(target.api, "solo-works")
        if path == "/audit-events":
            for number in range(2):
                body = {"name": f"Noted {number}"}
                target.request("POST", "/projects", body, login="ann", slug="solo-works")
        page = target.get(f"{path}?limit=1", login="ann", slug="solo-works")
        cursor = page.get_json()["next"]
        assert cursor is not None, path
        theirs = target.get(f"{path}?after={cursor}", login="ann", slug="solo-works").get_json()
        assert theirs["items"]
        answer = target.get(f"{path}?after={cursor}").get_json()
        own = {one["id"] for one in target.get(f"{path}?limit=100").get_json()["items"]}
        assert {one["id"] for one in answer["items"]} <= own
        assert not own & {one["id"] for one in theirs["items"]}


def ask(target: Target, operation: Operation, token: str, id_: UUID) -> TestResponse:
    """Send the operation with an id in its path."""
    path = operation.path(user_id=id_, project_id=id_, invitation_id=id_)
    return target.request(operation.method, path, operation.body, token=token)


def looks(answer: TestResponse) -> tuple[object, ...]:
    """Return everything of an answer that must be the same."""
    headers = sorted((name, value) for name, value in answer.headers if name not in VARYING)
    return answer.status_code, answer.data, headers
