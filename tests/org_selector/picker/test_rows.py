"""
Each statement of the picker, alone: every condition in it is needed.

The rows that a statement must not find belong to another user, who fits all its other conditions.
"""

from uuid import UUID

import pytest

from local_stack import seed
from org_selector.picker.rows import (
    ListedInvitation,
    ListedOrganization,
    OrganizationList,
    PickerRows,
)
from tests.kit.statements import Statements

ABC, TRAVEL, SOLO, FROZEN = (
    seed.organization(slug).id for slug in ("abc-inc", "xyz-travel", "solo-works", "frozen-foods")
)
NONCE = "n" * 22
START = ("", UUID(int=0))
ANY_SEARCH = ""  # every name contains it


def _load(
    statements: Statements,
    login: str,
    search: str | None = None,
    after: tuple[str, UUID] = START,
) -> OrganizationList | None:
    rows = PickerRows(statements.database)
    user = f"auth0|{login}"
    if search is None:
        return rows.load_page(user, nonce=NONCE, after=after)
    return rows.search_page(user, nonce=NONCE, after=after, search=search)


def _slugs(found: OrganizationList | None) -> list[str]:
    assert found is not None
    return [one.slug for one in found.by_name]


def _recent(found: OrganizationList | None) -> list[str]:
    assert found is not None
    return [one.slug for one in found.recent]


def _use(statements: Statements, login: str, slug: str, ago: str) -> None:
    statements.run(
        "update org.membership set last_selected_at = now() - %s::text::interval "
        "where user_id = %s and org_id = %s",
        *(ago, statements.user_id(login), seed.organization(slug).id),
    )


@pytest.mark.parametrize("search", [None, ANY_SEARCH])
@pytest.mark.parametrize("person", seed.PEOPLE, ids=lambda person: person.login)
def test_a_person_sees_their_own_organizations(
    statements: Statements, person: seed.SeedPerson, search: str | None
) -> None:
    """By name, at most twenty; and their own address and name."""
    found = _load(statements, person.login, search)
    assert found is not None
    names = {slug: seed.organization(slug).name for slug in person.roles}
    by_name = sorted(names, key=lambda slug: (names[slug].lower(), seed.organization(slug).id))

    assert (found.email, found.name) == (person.email, person.name)
    assert [(one.slug, one.name, one.role, one.suspended) for one in found.by_name] == [
        (slug, names[slug], person.roles[slug], slug == "frozen-foods") for slug in by_name[:20]
    ]
    assert all(one.id == str(seed.organization(one.slug).id) for one in found.by_name)
    assert all(one.name_key == one.name.lower() for one in found.by_name)
    assert {one.last_selected_at for one in found.by_name} <= {None}
    assert found.more is (len(names) > 20)
    assert found.recent == ()
    assert found.default_name is None
    assert found.already_chosen is False


@pytest.mark.parametrize("search", [None, ANY_SEARCH])
def test_an_unknown_user_and_a_blocked_user_see_nothing(
    statements: Statements, search: str | None
) -> None:
    """The block of one user changes nothing for others."""
    statements.block("joe")
    _use(statements, "joe", "abc-inc", "1 day")

    assert _load(statements, "joe", search) is None
    assert _load(statements, "stranger", search) is None
    assert _slugs(_load(statements, "sue", search)) == ["abc-inc", "frozen-foods", "xyz-travel"]


@pytest.mark.parametrize("search", [None, ANY_SEARCH])
def test_the_default_and_a_choice_of_this_login_are_found(
    statements: Statements, search: str | None
) -> None:
    """Another user's default and another login's choice are not."""
    statements.run(
        "update org.app_user set default_org_id = %s where auth0_user_id = 'auth0|joe'", TRAVEL
    )
    for nonce, login in (("another", "joe"), (NONCE, "sue")):
        statements.run(
            "insert into org.selection (nonce, user_id, org_id) values (%s, %s, %s)",
            *(nonce, statements.user_id(login), ABC),
        )
        joe, sue = _load(statements, "joe", search), _load(statements, "sue", search)
        assert joe is not None
        assert sue is not None
        assert joe.already_chosen is sue.already_chosen is (nonce == NONCE)
        assert (joe.default_name, sue.default_name) == ("XYZ Travel", None)


@pytest.mark.parametrize("search", [None, ANY_SEARCH])
@pytest.mark.parametrize("count", [20, 21])
def test_a_page_holds_twenty_and_the_next_page_begins_after_them(
    statements: Statements, search: str | None, count: int
) -> None:
    """Organizations with equal names are told apart by their ids."""
    for number in range(count):
        org_id = UUID(int=count - number)
        statements.run(
            "insert into org.organization (id, slug, name) values (%s, %s, 'Same')",
            *(org_id, f"same-{org_id.int}"),
        )
        statements.run(
            "insert into org.membership (user_id, org_id, role) values (%s, %s, 'member')",
            *(statements.user_id("nina"), org_id),
        )
    first = _load(statements, "nina", search)
    assert first is not None
    last = first.by_name[-1]
    second = _load(statements, "nina", search, (last.name_key, UUID(last.id)))
    assert second is not None

    assert _slugs(first) == [f"same-{number}" for number in range(1, 21)]
    assert _slugs(second) == [f"same-{number}" for number in range(21, count + 1)]
    assert (first.more, second.more) == (count > 20, False)


def test_the_three_used_last_come_first_on_the_first_page(statements: Statements) -> None:
    """Newest first, with the time, and in the list by name as well. Uses of others do not count."""
    for number in range(1, 6):
        _use(statements, "max", f"customer-{number:04}", f"{abs(3 - number) + 1} days")
        _use(statements, "max", f"customer-{number + 100:04}", f"{number} hours")
    _use(statements, "sue", "abc-inc", "1 minute")
    first = _load(statements, "max")
    assert first is not None
    expected = ["customer-0101", "customer-0102", "customer-0103"]

    assert _recent(first) == expected
    assert [one.last_selected_at for one in first.recent] == [
        row[0]
        for row in statements.run(
            "select last_selected_at from org.membership where user_id = %s and org_slug = any(%s) "
            "order by org_slug",
            *(statements.user_id("max"), expected),
        )
    ]
    assert _slugs(first)[:2] == ["customer-0001", "customer-0002"]
    last = first.by_name[-1]
    assert _recent(_load(statements, "max", None, (last.name_key, UUID(last.id)))) == []
    assert _recent(_load(statements, "max", "customer")) == []
    assert _recent(_load(statements, "joe")) == []


def test_a_used_organization_is_listed_with_everything_the_page_shows(
    statements: Statements,
) -> None:
    """A suspended one is listed, too."""
    _use(statements, "sue", "frozen-foods", "0 days")
    found = _load(statements, "sue")
    assert found is not None
    [(now,)] = statements.run("select now()")

    assert found.recent == (
        ListedOrganization(
            id=str(FROZEN),
            slug="frozen-foods",
            name="Frozen Foods",
            name_key="frozen foods",
            role="owner",
            suspended=True,
            last_selected_at=now,
        ),
    )


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("abc", ["abc-inc"]),
        ("TRAV", ["xyz-travel"]),
        ("c", ["abc-inc"]),
        ("i", ["abc-inc"]),
        ("x", ["xyz-travel"]),
        ("solo", []),
        ("%", []),
        ("_", []),
    ],
)
def test_a_short_list_is_searched_for_a_part_of_the_name(
    statements: Statements, search: str, found: list[str]
) -> None:
    """Without regard to case; no character is special."""
    assert _slugs(_load(statements, "joe", search)) == found


@pytest.mark.parametrize("more", [0, 1])
def test_a_list_of_more_than_a_hundred_is_searched_for_beginnings(
    statements: Statements, more: int
) -> None:
    """With exactly a hundred, for parts. Organizations of others do not count."""
    nina = statements.user_id("nina")
    statements.run(
        "insert into org.membership (user_id, org_id, role) select %s, id, 'member' "
        "from org.organization where slug like 'customer-%%' order by slug limit %s",
        *(nina, 99 + more),
    )
    statements.join("nina", "xyz-travel")

    assert _slugs(_load(statements, "nina", "travel")) == ([] if more else ["xyz-travel"])
    assert _slugs(_load(statements, "nina", "XYZ")) == ["xyz-travel"]
    assert _slugs(_load(statements, "nina", "customer 001")) == [
        f"customer-001{number}" for number in range(10)
    ]
    assert _slugs(_load(statements, "max", "2000")) == []
    assert _slugs(_load(statements, "joe", "travel")) == ["xyz-travel"]


def test_names_that_only_sort_near_the_searched_beginning_are_not_found(
    statements: Statements,
) -> None:
    """Not even one that continues with the highest code point."""
    highest = "\U0010ffff"
    for name in ("Custom", "Customer 2", "Customer 2" + highest, "Customer 2z", "Customer 3"):
        statements.run(
            "with made as (insert into org.organization (slug, name) values (%s, %s) returning id) "
            "insert into org.membership (user_id, org_id, role) select %s, id, 'member' from made",
            *(f"made-{len(name)}-{ord(name[-1]):x}", name, statements.user_id("max")),
        )

    assert _slugs(_load(statements, "max", "customer 2"))[:2] == ["made-10-32", "customer-2000"]
    found = _load(statements, "max", "customer 2")
    assert found is not None
    assert [one.name for one in found.by_name][2:] == ["Customer 2z"]


def test_open_invitations_to_the_verified_address_stand_on_the_first_page(
    statements: Statements,
) -> None:
    """The newest first, with the person who invited; none on later pages."""
    statements.join("nina", "customer-0002", "admin")
    customer = [seed.organization(f"customer-000{number}").id for number in (1, 2, 3)]
    older = statements.invite("joe@example.com", customer[0], hours_ago=2)
    newer = statements.invite("joe@example.com", customer[1], inviter="nina")
    statements.invite("joe@example.com", ABC)  # a member already
    statements.invite("sue@example.com", customer[2])
    statements.invite("joe@example.com", customer[2], inviter="sue")  # she is no member there
    found = _load(statements, "joe")

    assert found is not None
    assert found.invitations == (
        ListedInvitation(str(newer), "Nina New", "Customer 0002", "admin"),
        ListedInvitation(str(older), None, "Customer 0001", "admin"),
    )
    assert len(found.by_name) == 2
    for number in range(10, 20):
        statements.invite("joe@example.com", seed.organization(f"customer-00{number}").id)
    many = _load(statements, "joe")
    assert many is not None
    assert len(many.invitations) == 10
    later = _load(statements, "joe", after=("abc inc", UUID(int=0)))
    assert later is not None
    assert later.invitations == ()


def test_the_invitation_of_the_link_comes_first_and_a_bound_application_has_its_own_only(
    statements: Statements,
) -> None:
    customer = [seed.organization(f"customer-000{number}").id for number in (1, 2)]
    older = statements.invite("joe@example.com", customer[0], hours_ago=2)
    newer = statements.invite("joe@example.com", customer[1])
    rows = PickerRows(statements.database)

    def load(**changes: UUID) -> list[UUID]:
        found = rows.load_page("auth0|joe", nonce=NONCE, after=START, **changes)
        assert found is not None
        return [UUID(one.id) for one in found.invitations]

    assert load() == [newer, older]
    assert load(invitation_id=older) == [older, newer]
    assert load(bound_to=customer[0]) == [older]
    assert load(bound_to=UUID(int=0)) == []


@pytest.mark.parametrize(
    "change",
    [
        "update org.app_user set email_verified = false where auth0_user_id = 'auth0|joe'",
        "update org.app_user set email = 'j@example.com' where auth0_user_id = 'auth0|joe'",
        "update org.invitation set expires_at = now()",
        "update org.invitation set accepted_at = now()",
        "update org.organization set suspended_at = now() where slug = 'customer-0001'",
    ],
)
def test_an_invitation_that_cannot_be_accepted_is_not_listed(
    statements: Statements, change: str
) -> None:
    """Addresses are compared in lower case."""
    statements.run("update org.app_user set email = 'Joe@Example.com' where name = 'Joe Doe'")
    statements.invite("joe@example.com", seed.organization("customer-0001").id)
    before = _load(statements, "joe")
    statements.conn.execute(change.encode())
    after = _load(statements, "joe")

    assert before is not None
    assert after is not None
    assert (len(before.invitations), after.invitations) == (1, ())


def test_a_person_without_a_verified_address_may_create_one_organization(
    statements: Statements,
) -> None:
    """Each of both conditions counts."""
    joe = statements.user_id("joe")
    for verified, created, may in (
        (True, False, True),
        (True, True, True),
        (False, False, True),
        (False, True, False),
    ):
        statements.run("update org.app_user set email_verified = %s where id = %s", verified, joe)
        statements.run(
            "update org.organization set created_by = %s where slug = 'abc-inc'",
            joe if created else None,
        )
        found = _load(statements, "joe")
        assert found is not None
        assert found.may_create is may
