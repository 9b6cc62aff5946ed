"""
Attacker: a former member, with a token that is still valid.
Wants: to read and change rows until the token expires, or a little longer.
Stopped by: `schema/0002_resource_api.sql` `enter_organization`

Every operation checks the membership in the same round trip as its own query. So the next request
is refused after a person was removed, blocked or demoted, or their organization was suspended.
"""

import re
from collections.abc import Callable

import psycopg
import pytest

from local_stack import seed
from tests.kit.marked_block import read_block
from tests.kit.target import Target

ABC = seed.organization("abc-inc").id


def remove(target: Target) -> None:
    target.api.set_role("joe", "abc-inc", None)


def block(target: Target) -> None:
    target.api.superuser.execute(
        "update org.app_user set blocked_at = now() where auth0_user_id = 'auth0|joe'"
    )


def forget(target: Target) -> None:
    target.api.superuser.execute("delete from org.app_user where auth0_user_id = 'auth0|joe'")


def suspend(target: Target) -> None:
    target.api.superuser.execute(
        "update org.organization set suspended_at = now() where id = %s", (ABC,)
    )


@pytest.mark.parametrize(
    ("revoke", "code"),
    [
        (remove, "not_a_member"),
        (block, "not_a_member"),
        (forget, "not_a_member"),
        (suspend, "organization_suspended"),
    ],
)
def test_a_removed_or_blocked_member_is_refused_at_the_next_request(
    target: Target, revoke: Callable[[Target], None], code: str
) -> None:
    """At every operation, with the token that passed there a moment ago."""
    token = target.token("joe", "abc-inc")
    for operation in target.operations():
        path = operation.path(**target.objects("abc-inc"))
        answer = target.request(operation.method, path, operation.body, token=token)
        assert answer.status_code in (200, 201, 204), f"{operation}: {answer.text}"

    objects = target.objects("abc-inc")
    revoke(target)
    before = target.snapshot("abc-inc")
    for operation in target.operations():
        path = operation.path(**objects)
        answer = target.request(operation.method, path, operation.body, token=token)
        assert answer.status_code == 403, operation
        if operation.method != "HEAD":
            assert answer.get_json()["code"] == code, operation
            assert str(ABC) not in answer.text
    assert target.snapshot("abc-inc") == before


def test_an_owner_who_was_demoted_may_do_only_what_members_may(target: Target) -> None:
    """The database says the role at every request; the role in the token does not count."""
    token = target.token("joe", "abc-inc")
    target.api.set_role("sue", "abc-inc", "owner")
    above = [one for one in target.operations() if one.role != "member"]
    assert len(above) >= 4
    for operation in above:
        path = operation.path(**target.objects("abc-inc"))
        answer = target.request(operation.method, path, operation.body, token=token)
        assert answer.status_code in (200, 201, 204), f"{operation}: {answer.text}"

    objects = target.objects("abc-inc")
    target.api.set_role("joe", "abc-inc", "member")
    before = target.snapshot("abc-inc")
    for operation in above:
        path = operation.path(**objects)
        answer = target.request(operation.method, path, operation.body, token=token)
        assert (answer.status_code, operation.method) == (403, operation.method)
        if operation.method != "HEAD":
            assert answer.get_json()["code"] == "insufficient_role", operation
    assert target.snapshot("abc-inc") == before
    assert target.get("/members", token=token).status_code == 200


def test_a_removed_member_keeps_their_other_organizations(target: Target) -> None:
    remove(target)

    assert target.get("/me").status_code == 403
    assert target.get("/me", slug="xyz-travel").get_json()["role"] == "member"


def test_a_member_who_is_added_again_has_the_new_role_even_with_an_old_token(
    target: Target,
) -> None:
    token = target.token("joe", "abc-inc")
    assert target.get("/me", token=token).get_json()["role"] == "owner"
    remove(target)
    assert target.get("/me", token=token).status_code == 403
    target.api.set_role("joe", "abc-inc", "member")

    assert target.get("/me", token=token).get_json()["role"] == "member"


@pytest.mark.parametrize("number", range(3))
def test_each_statement_under_revoking_in_security_md_refuses_the_next_request(
    target_d: Target, number: int
) -> None:
    """The owner of the tables runs it."""
    steps = read_block("SECURITY.md", "statements that revoke")
    statements = re.findall(r"`((?:delete|update) [^`]+;)`", steps)
    assert len(statements) == 3
    token = target_d.token("joe", "abc-inc")
    assert target_d.get("/me", token=token).status_code == 200
    owner = target_d.api.url.replace("//org_api@", "//org_owner@")
    with psycopg.connect(owner, autocommit=True) as conn:
        changed = conn.execute(statements[number]).rowcount

    assert changed == 1
    assert target_d.get("/me", token=token).status_code == 403
