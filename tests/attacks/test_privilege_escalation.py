"""
Attacker: a member or an admin of an organization, with a valid token for it.
Wants: a higher membership role for themselves or a friend, or to remove an owner.
Stopped by: `api/rows/roles.py` `may_change`, `org_guard/row_security.py` `RowSecurity`

Membership roles are read and compared behind a lock on the organization, in the transaction that
changes them. Only an owner may make a member an owner, or demote or remove an owner, and the last
owner stays.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from tests.kit.target import Target

ROLES = ("member", "admin", "owner")
Attempt = Callable[[str, str], tuple[int, str | None]]


@pytest.fixture
def crowded(target: Target) -> Target:
    """ABC Inc with two owners, an admin and two members."""
    for login, role in (
        ("joe", "owner"),
        ("ann", "owner"),
        ("max", "admin"),
        ("sue", "member"),
        ("nina", "member"),
    ):
        target.api.set_role(login, "abc-inc", role)
    return target


def change(target: Target, actor: str, whom: str, role: str) -> tuple[int, str | None]:
    """Give a role; return the status and the error code."""
    path = f"/members/{target.api.user_id(whom)}"
    answer = target.request("PATCH", path, {"role": role}, login=actor)
    return answer.status_code, answer.get_json().get("code")


def remove(target: Target, actor: str, whom: str) -> tuple[int, str | None]:
    """Remove a member; return the status and the error code."""
    answer = target.request("DELETE", f"/members/{target.api.user_id(whom)}", login=actor)
    return answer.status_code, (answer.get_json() or {}).get("code") if answer.data else None


def roles(target: Target) -> dict[str, str]:
    """Return the membership role of each person in ABC Inc."""
    rows = target.api.superuser.execute(
        "select u.auth0_user_id, m.role from org.membership m "
        "join org.app_user u on u.id = m.user_id "
        "join org.organization o on o.id = m.org_id where o.slug = 'abc-inc'"
    ).fetchall()
    return {login.removeprefix("auth0|"): role for login, role in rows}


def test_only_an_owner_makes_or_demotes_owners(crowded: Target) -> None:
    """All changes that an owner, an admin and a member can try, at others and at themselves."""
    before = roles(crowded)
    people = {"joe": "owner", "max": "admin", "sue": "member"}
    for actor, own_role in people.items():
        for whom in ("ann", "joe", "max", "sue", "nina"):
            for role in ROLES:
                allowed = own_role == "owner" or (
                    own_role == "admin" and "owner" not in (before[whom], role)
                )
                # The role that the person has already: nothing changes, so nothing is refused.
                allowed |= own_role == "admin" and before[whom] == role
                expected = (200, None) if allowed else (403, "insufficient_role")
                assert change(crowded, actor, whom, role) == expected, (actor, whom, role)
                found = roles(crowded)
                assert found == before | ({whom: role} if allowed else {})
                crowded.api.set_role(whom, "abc-inc", before[whom])


def test_members_remove_only_themselves_and_admins_remove_no_owner(crowded: Target) -> None:
    """An owner removes anyone, and every member may leave."""
    before = roles(crowded)
    for actor in ("joe", "max", "sue"):
        for whom in ("ann", "joe", "max", "sue", "nina"):
            allowed = actor == whom or (
                before[actor] != "member" and (before[actor] == "owner" or before[whom] != "owner")
            )
            expected = (204, None) if allowed else (403, "insufficient_role")
            assert remove(crowded, actor, whom) == expected, (actor, whom)
            assert (whom in roles(crowded)) is not allowed
            crowded.api.set_role(whom, "abc-inc", before[whom])


def test_a_member_is_refused_at_every_operation_of_admins(crowded: Target) -> None:
    """The token has every scope; an admin passes at each of them."""
    above = [one for one in crowded.operations() if one.role != "member"]
    assert {str(one) for one in above} >= {
        "PATCH /organization",
        "PATCH /members/<uuid:user_id>",
        "GET /audit-events",
        "DELETE /projects/<uuid:project_id>",
    }
    for operation in above:
        path = operation.path(**crowded.objects("abc-inc"))
        before = crowded.snapshot("abc-inc")
        refused = crowded.request(operation.method, path, operation.body, login="sue")
        assert refused.status_code == 403, operation
        assert crowded.snapshot("abc-inc") == before
        passed = crowded.request(operation.method, path, operation.body, login="max")
        assert passed.status_code in (200, 201, 204), operation


def test_an_owner_whose_token_lacks_the_scope_is_refused(crowded: Target) -> None:
    """At every operation; the answer names the missing scope."""
    for operation in crowded.operations():
        if operation.scope is None:
            continue
        others = {one.scope for one in crowded.operations() if one.scope} - {operation.scope}
        path = operation.path(**crowded.objects("abc-inc"))
        for scope in (" ".join(sorted(others)), "", operation.scope.upper(), "*", "admin"):
            token = crowded.token("joe", "abc-inc", scope=scope)
            answer = crowded.request(operation.method, path, operation.body, token=token)
            assert answer.status_code == 403, operation
            assert f'scope="{operation.scope}"' in answer.headers["WWW-Authenticate"]
        token = crowded.token("joe", "abc-inc", scope=operation.scope)
        answer = crowded.request(operation.method, path, operation.body, token=token)
        assert answer.status_code in (200, 201, 204), operation


def test_a_membership_role_that_does_not_exist_is_refused(crowded: Target) -> None:
    """Another spelling of one that exists is refused, too."""
    path, before = f"/members/{crowded.api.user_id('sue')}", roles(crowded)
    for role in ("superuser", "OWNER", "owner ", "", None, ["owner"], 1, True, {"role": "owner"}):
        assert crowded.request("PATCH", path, {"role": role}).status_code == 422
    assert roles(crowded) == before


def test_the_last_owner_cannot_leave_be_demoted_or_be_removed(crowded: Target) -> None:
    """With a second owner they can leave."""
    assert change(crowded, "joe", "ann", "admin") == (200, None)
    for role in ("admin", "member"):
        assert change(crowded, "joe", "joe", role) == (409, "last_owner")
    assert remove(crowded, "joe", "joe") == (409, "last_owner")
    for actor in ("ann", "max", "sue"):
        assert remove(crowded, actor, "joe") == (403, "insufficient_role")
    assert roles(crowded)["joe"] == "owner"
    assert change(crowded, "joe", "max", "owner") == (200, None)
    assert remove(crowded, "joe", "joe") == (204, None)


def test_two_owners_who_leave_or_demote_each_other_at_once_leave_one_owner(crowded: Target) -> None:
    """Twelve rounds, each with two requests at the same moment."""
    attempts: tuple[Attempt, ...] = (
        lambda who, other: remove(crowded, who, who),
        lambda who, other: remove(crowded, who, other),
        lambda who, other: change(crowded, who, who, "member"),
        lambda who, other: change(crowded, who, other, "member"),
    )
    for attempt in attempts * 3:
        for login in ("joe", "ann"):
            crowded.api.set_role(login, "abc-inc", "owner")
        with ThreadPoolExecutor(2) as threads:
            barrier = Barrier(2, timeout=10)
            answers = list(
                threads.map(partial(at_once, barrier, attempt), ("joe", "ann"), ("ann", "joe"))
            )
        owners = [login for login, role in roles(crowded).items() if role == "owner"]
        assert len(owners) == 1, answers
        first, second = sorted(status for status, _ in answers)
        assert first in (200, 204)
        assert second in (403, 404, 409)


def at_once(barrier: Barrier, attempt: Attempt, who: str, other: str) -> tuple[int, str | None]:
    """Wait for the other thread, then try."""
    barrier.wait()
    return attempt(who, other)


def test_a_user_id_that_only_looks_like_a_members_is_refused(crowded: Target) -> None:
    """User ids are compared exactly."""
    assert crowded.get("/me").status_code == 200
    for sub in (
        "auth0|JOE",
        "auth0|joe ",
        " auth0|joe",
        "auth0|joe\n",
        "joe",
        "auth0|j\u043ee",
        "%",
    ):
        token = crowded.token("joe", "abc-inc", sub=sub)
        assert crowded.get("/me", token=token).status_code == 403, sub
    assert crowded.get("/me", token=crowded.token(sub="auth0|joe\x00")).status_code == 401
