"""The two functions that make memberships check everything themselves, not their callers."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID, uuid4

import psycopg
import pytest

from local_stack import seed
from tests.kit.running_selector import Selector

ABC = seed.organization("abc-inc").id
XYZ = seed.organization("xyz-travel").id
JOE = "auth0|joe"  # owner of ABC Inc, member of XYZ Travel
NINA = "auth0|nina"  # no organization


@pytest.fixture
def conn(selector: Selector) -> Iterator[psycopg.Connection]:
    """A connection of the selector's database role."""
    with psycopg.connect(selector.url, autocommit=True) as opened:
        yield opened


def find_user(selector: Selector, auth0_user_id: str) -> UUID:
    """Return a person's id, who need not have logged in before."""
    [(user_id,)] = selector.superuser.execute(
        "insert into org.app_user (auth0_user_id, email, email_verified, name) "
        "values (%(id)s, split_part(%(id)s, '|', 2) || '@example.com', true, 'Somebody') "
        "on conflict (auth0_user_id) do update set email_verified = true, blocked_at = null, "
        "email = excluded.email returning id",
        {"id": auth0_user_id},
    ).fetchall()
    return UUID(str(user_id))


def invite(
    selector: Selector,
    email: str = "nina@example.com",
    org_id: UUID = ABC,
    role: str = "member",
    inviter: str | None = JOE,
    days: int = 7,
) -> UUID:
    """Make an invitation as a superuser."""
    invited_by = find_user(selector, inviter) if inviter else None
    selector.superuser.execute(
        "delete from org.invitation where org_id = %s and email = %s and accepted_at is null",
        (org_id, email),
    )
    [(invitation_id,)] = selector.superuser.execute(
        "insert into org.invitation (org_id, email, role, expires_at, invited_by) "
        "values (%s, %s, %s, now() + %s * interval '1 day', %s) returning id",
        (org_id, email, role, days, invited_by),
    ).fetchall()
    return UUID(str(invitation_id))


def accept(
    conn: psycopg.Connection,
    invitation_id: UUID,
    who: str = NINA,
    nonce: str = "",
    bound_to: UUID | None = None,
) -> UUID | None:
    """Accept an invitation in a login of its own, or in the one with this nonce."""
    [(org_id,)] = conn.execute(
        "select org.accept_invitation(%s, %s, %s, 'spa', %s)",
        (who, invitation_id, nonce or uuid4().hex, bound_to),
    ).fetchall()
    return org_id if org_id is None else UUID(str(org_id))


def create(
    conn: psycopg.Connection, who: str, name: str, slug: str, nonce: str = ""
) -> UUID | None:
    """Create an organization in a login of its own, or in the one with this nonce."""
    [(org_id,)] = conn.execute(
        "select org.create_organization(%s, %s, %s, %s, 'spa')",
        (who, name, slug, nonce or uuid4().hex),
    ).fetchall()
    return org_id if org_id is None else UUID(str(org_id))


def find_role(selector: Selector, who: str, org_id: UUID) -> str | None:
    """Return a person's membership role."""
    row = selector.superuser.execute(
        "select m.role from org.membership m join org.app_user u on u.id = m.user_id "
        "where u.auth0_user_id = %s and m.org_id = %s",
        (who, org_id),
    ).fetchone()
    return row[0] if row else None


def count_events(selector: Selector, action: str, org_id: UUID) -> int:
    """Count the audit events of one kind."""
    [(count,)] = selector.superuser.execute(
        "select count(*) from org.audit_event where action = %s and org_id = %s", (action, org_id)
    ).fetchall()
    return int(count)


@contextmanager
def changed(selector: Selector, change: str, back: str) -> Iterator[None]:
    """Change something as a superuser, and put it back."""
    selector.superuser.execute(change.encode())
    try:
        yield
    finally:
        selector.superuser.execute(back.encode())


@pytest.fixture
def nina(selector: Selector) -> Iterator[UUID]:
    """Nina, without an organization before and after."""
    user_id = find_user(selector, NINA)
    yield user_id
    selector.superuser.execute("delete from org.membership where user_id = %s", (user_id,))
    selector.superuser.execute("delete from org.selection where user_id = %s", (user_id,))
    find_user(selector, NINA)


def test_an_invitation_makes_a_member_with_its_role_once(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """It is accepted, audited, and of no use afterwards."""
    invitation_id = invite(selector, role="admin")
    events = count_events(selector, "invitation.accepted", ABC)

    assert accept(conn, invitation_id) == ABC
    assert find_role(selector, NINA, ABC) == "admin"
    assert count_events(selector, "invitation.accepted", ABC) == events + 1
    assert accept(conn, invitation_id) is None
    assert count_events(selector, "invitation.accepted", ABC) == events + 1


def test_the_same_choice_of_the_same_login_is_answered_again(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """An answer can be lost. Any other choice in this login gets nothing."""
    invitation_id, nonce = invite(selector), uuid4().hex
    other = invite(selector, org_id=XYZ, inviter=None)

    assert accept(conn, invitation_id, nonce=nonce) == ABC
    assert accept(conn, invitation_id, nonce=nonce) == ABC
    assert accept(conn, other, nonce=nonce) is None
    assert create(conn, NINA, "Acme", "acme", nonce) is None
    selector.superuser.execute(
        "update org.selection set created_at = now() - interval '61 seconds' where nonce = %s",
        (nonce,),
    )
    assert accept(conn, invitation_id, nonce=nonce) is None
    assert accept(conn, other) == XYZ


CLOSED: dict[str, Callable[[Selector], UUID]] = {
    "expired": lambda selector: invite(selector, days=-1),
    "for another address": lambda selector: invite(selector, "ann@example.com"),
    "of an inviter who is no member": lambda selector: invite(selector, inviter="auth0|stranger"),
    "of a member, who may not invite": lambda selector: invite(selector, org_id=XYZ),
    "unknown": lambda _: uuid4(),
}


@pytest.mark.parametrize("kind", CLOSED)
def test_an_invitation_that_is_not_open_makes_no_member(
    selector: Selector, conn: psycopg.Connection, nina: UUID, kind: str
) -> None:
    """All of them look alike: nothing happens."""
    invitation_id = CLOSED[kind](selector)

    assert accept(conn, invitation_id) is None
    assert find_role(selector, NINA, ABC) is None
    assert accept(conn, invite(selector)) == ABC


CHANGES = {
    "the person is blocked": (
        "update org.app_user set blocked_at = now() where auth0_user_id = 'auth0|nina'",
        "update org.app_user set blocked_at = null where auth0_user_id = 'auth0|nina'",
    ),
    "the address is not verified": (
        "update org.app_user set email_verified = false where auth0_user_id = 'auth0|nina'",
        "update org.app_user set email_verified = true where auth0_user_id = 'auth0|nina'",
    ),
    "the address is another one now": (
        "update org.app_user set email = 'n@example.com' where auth0_user_id = 'auth0|nina'",
        "update org.app_user set email = 'nina@example.com' where auth0_user_id = 'auth0|nina'",
    ),
    "the organization is suspended": (
        "update org.organization set suspended_at = now() where slug = 'abc-inc'",
        "update org.organization set suspended_at = null where slug = 'abc-inc'",
    ),
    "the inviter is blocked": (
        "update org.app_user set blocked_at = now() where auth0_user_id = 'auth0|joe'",
        "update org.app_user set blocked_at = null where auth0_user_id = 'auth0|joe'",
    ),
    "the inviter is a member only": (
        "update org.membership set role = 'member' where org_slug = 'abc-inc' and user_id = "
        "(select id from org.app_user where auth0_user_id = 'auth0|joe')",
        "update org.membership set role = 'owner' where org_slug = 'abc-inc' and user_id = "
        "(select id from org.app_user where auth0_user_id = 'auth0|joe')",
    ),
    "the inviter is an admin, and the invitation is for an owner": (
        "update org.membership set role = 'admin' where org_slug = 'abc-inc' and user_id = "
        "(select id from org.app_user where auth0_user_id = 'auth0|joe')",
        "update org.membership set role = 'owner' where org_slug = 'abc-inc' and user_id = "
        "(select id from org.app_user where auth0_user_id = 'auth0|joe')",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_changed_since_the_invitation_counts(
    selector: Selector, conn: psycopg.Connection, nina: UUID, kind: str
) -> None:
    """Everything is looked up again in the statement that makes the member."""
    invitation_id = invite(selector, role="owner")
    with changed(selector, *CHANGES[kind]):
        assert accept(conn, invitation_id) is None
        assert find_role(selector, NINA, ABC) is None

    assert accept(conn, invitation_id) == ABC
    assert find_role(selector, NINA, ABC) == "owner"


def test_an_application_of_one_organization_takes_invitations_to_it_only(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """Design A: its logins can end in no other organization."""
    invitation_id = invite(selector)

    assert accept(conn, invitation_id, bound_to=XYZ) is None
    assert accept(conn, invitation_id, bound_to=ABC) == ABC


def test_a_member_who_accepts_keeps_the_role(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """They became a member by another way; an old invitation neither lifts nor lowers them."""
    invitation_id = invite(selector)
    selector.add("nina", "abc-inc", "admin")

    assert accept(conn, invitation_id) == ABC
    assert find_role(selector, NINA, ABC) == "admin"


def test_of_twenty_at_once_one_accepts(selector: Selector, nina: UUID) -> None:
    """One person, one invitation, twenty logins: one of them becomes the acceptance."""
    invitation_id = invite(selector)
    events = count_events(selector, "invitation.accepted", ABC)

    def accept_once(_: int) -> UUID | None:
        with psycopg.connect(selector.url, autocommit=True) as conn:
            return accept(conn, invitation_id)

    with ThreadPoolExecutor(20) as pool:
        results = list(pool.map(accept_once, range(20)))

    assert sorted(map(str, results)) == sorted([str(ABC), *["None"] * 19])
    assert count_events(selector, "invitation.accepted", ABC) == events + 1


def test_a_new_organization_has_its_creator_as_owner(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """And an audit event; the same choice again creates no second one."""
    nonce = uuid4().hex
    created = create(conn, NINA, "Acme & Söhne", "acme-soehne", nonce)

    assert created is not None
    assert find_role(selector, NINA, created) == "owner"
    assert count_events(selector, "organization.created", created) == 1
    assert create(conn, NINA, "Acme & Söhne", "acme-soehne", nonce) == created
    assert create(conn, NINA, "Another", "another", nonce) is None
    assert count_events(selector, "organization.created", created) == 1


def test_a_slug_is_never_used_twice(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """Not even after its organization was deleted: old links must not lead to another one."""
    first = create(conn, NINA, "Twice", "twice")
    selector.superuser.execute("delete from org.organization where id = %s", (first,))
    second = create(conn, NINA, "Twice", "twice")
    [(slug,)] = selector.superuser.execute(
        "select slug from org.organization where id = %s", (second,)
    ).fetchall()

    assert slug == "twice-2"
    with pytest.raises(psycopg.errors.UniqueViolation, match="is or was that of another"):
        selector.superuser.execute(
            "insert into org.organization (slug, name) values ('twice', 'Twice')"
        )


def test_a_slug_is_never_shaped_like_an_id(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """A link with an id and a link with a slug can be told apart."""
    wanted = str(uuid4())
    created = create(conn, NINA, wanted, wanted)
    [(slug,)] = selector.superuser.execute(
        "select slug from org.organization where id = %s", (created,)
    ).fetchall()

    assert slug == f"{wanted}-2"


def test_a_name_that_is_not_allowed_creates_nothing(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """The service checks before; the database does not rely on it."""
    with pytest.raises(psycopg.errors.CheckViolation):
        create(conn, NINA, "Acme\u202e", "acme-rtl")
    assert create(conn, NINA, "Acme", "acme-rtl") is not None


def test_without_a_verified_address_a_person_creates_one_organization(
    selector: Selector, conn: psycopg.Connection, nina: UUID
) -> None:
    """So a stranger with a thousand logins has one."""
    with changed(selector, *CHANGES["the address is not verified"]):
        first = create(conn, NINA, "First", "first-of-nina")
        assert first is not None
        assert create(conn, NINA, "Second", "second-of-nina") is None
    assert create(conn, NINA, "Second", "second-of-nina") is not None
    with changed(selector, *CHANGES["the person is blocked"]):
        assert create(conn, NINA, "Third", "third-of-nina") is None


@pytest.mark.parametrize(
    "statement",
    [
        "insert into org.membership (user_id, org_id, role) select id, '{abc}', 'owner' "
        "from org.app_user",
        "insert into org.organization (slug, name) values ('mine', 'Mine')",
        "update org.invitation set accepted_at = null",
        "insert into org.audit_event (org_id, actor_user_id, client_id, action, target_id) "
        "values ('{abc}', null, 'spa', 'invitation.accepted', '{abc}')",
        "update org.audit_event set action = 'member.logged_in'",
        "delete from org.audit_event",
    ],
)
def test_the_selector_makes_memberships_in_no_other_way(
    conn: psycopg.Connection, statement: str
) -> None:
    """Its database role may call the functions, and note logins."""
    conn.execute(
        "insert into org.audit_event (org_id, actor_user_id, client_id, action, target_id) "
        "values (%s, null, 'spa', 'member.logged_in', %s)",
        (ABC, ABC),
    )
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement.format(abc=ABC).encode())
