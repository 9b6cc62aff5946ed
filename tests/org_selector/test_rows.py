"""
Each statement of a decision, alone: every condition in it is needed.

The rows that a statement must not touch belong to another user, who fits all its other conditions.
"""

from uuid import UUID, uuid4

import pytest

from local_stack import seed
from org_selector.choice_rows import ChoiceRows
from org_selector.question import Asked
from org_selector.rows import DecisionRows
from org_selector.standing import Organization, Profile, Standing
from tests.kit.statements import Statements

ABC, TRAVEL, SOLO, FROZEN = (
    seed.organization(slug).id for slug in ("abc-inc", "xyz-travel", "solo-works", "frozen-foods")
)
NONCE = "n" * 22


def _find(statements: Statements, login: str, asked: Asked | None = None) -> Standing:
    found = DecisionRows(statements.database).find_standing(f"auth0|{login}", asked)
    assert found is not None
    return found


def _choose(
    statements: Statements,
    login: str,
    org_id: UUID,
    nonce: str = NONCE,
    *,
    remember: bool = False,
    forget: bool = False,
) -> Organization | None:
    return ChoiceRows(statements.database).apply_selection(
        f"auth0|{login}", org_id=org_id, nonce=nonce, remember=remember, forget=forget
    )


def _written(statements: Statements) -> set[tuple[object, ...]]:
    """Return the versions of all rows that a decision may change; a written row gets a new one."""
    return set(
        statements.run(
            "select tableoid, ctid::text from org.app_user "
            "union all select tableoid, ctid::text from org.membership "
            "union all select tableoid, ctid::text from org.selection"
        )
    )


def _used(statements: Statements) -> set[tuple[object, ...]]:
    return set(
        statements.run("select user_id, org_id from org.membership where last_selected_at = now()")
    )


@pytest.mark.parametrize("person", seed.PEOPLE, ids=lambda person: person.login)
def test_a_user_is_found_by_their_own_id(statements: Statements, person: seed.SeedPerson) -> None:
    """An unknown user is not found, with an organization asked for or without."""
    rows = DecisionRows(statements.database)
    for asked in (None, Asked("hint", slug="abc-inc")):
        found = rows.find_standing(person.auth0_user_id, asked)
        assert found is not None
        assert found.user_id == statements.user_id(person.login)
        assert found.profile == Profile(person.auth0_user_id, person.email, True, person.name)
        assert not found.blocked
        assert rows.find_standing("auth0|stranger", asked) is None


def test_a_blocked_user_is_found_as_blocked_and_others_are_not(statements: Statements) -> None:
    statements.block("joe")

    for asked in (None, Asked("hint", slug="abc-inc")):
        assert _find(statements, "joe", asked).blocked
        assert not _find(statements, "sue", asked).blocked


@pytest.mark.parametrize(
    ("slug", "role", "suspended"),
    [("abc-inc", "member", False), ("xyz-travel", "admin", False), ("frozen-foods", "owner", True)],
)
def test_an_organization_of_a_member_is_found_by_id_and_by_slug(
    statements: Statements, slug: str, role: str, suspended: bool
) -> None:
    """With the membership role, and with nothing else."""
    one = seed.organization(slug)
    expected = Organization(str(one.id), slug, one.name, role, suspended)

    for asked in (Asked("hint", slug=slug), Asked("bound", org_id=one.id)):
        found = _find(statements, "sue", asked)
        assert (found.asked, found.default, found.usable, found.invited) == (
            *(expected, None, ()),
            False,
        )


@pytest.mark.parametrize(
    "asked",
    [
        Asked("hint", slug="solo-works"),
        Asked("hint", org_id=SOLO),
        Asked("hint", slug="no-such"),
        Asked("hint", org_id=uuid4()),
        Asked("hint"),
    ],
    ids=["slug", "id", "unknown slug", "unknown id", "neither"],
)
def test_an_organization_of_others_is_not_found(statements: Statements, asked: Asked) -> None:
    """Like one that does not exist; Ann is a member of it, Joe is not."""
    assert _find(statements, "joe", asked).asked is None
    assert _find(statements, "joe", Asked("hint", slug="abc-inc")).asked is not None


def test_at_most_two_usable_organizations_are_found_in_the_order_of_names(
    statements: Statements,
) -> None:
    """Neither suspended organizations nor those of others are found."""
    usable = {
        login: [one.slug for one in _find(statements, login).usable]
        for login in ("joe", "ann", "nina", "sue", "max")
    }

    assert usable == {
        "joe": ["abc-inc", "xyz-travel"],
        "ann": ["solo-works"],
        "nina": [],
        "sue": ["abc-inc", "xyz-travel"],
        "max": ["customer-0001", "customer-0002"],
    }
    [solo] = _find(statements, "ann").usable
    assert solo == Organization(str(SOLO), "solo-works", "Solo Works", "owner", suspended=False)


def test_the_users_own_default_is_found(statements: Statements) -> None:
    """A suspended one is found as suspended."""
    for login, org_id in (("joe", TRAVEL), ("sue", FROZEN)):
        statements.run(
            "update org.app_user set default_org_id = %s where id = %s",
            *(org_id, statements.user_id(login)),
        )
    joe, sue, ann = (_find(statements, login) for login in ("joe", "sue", "ann"))

    assert joe.default == Organization(
        str(TRAVEL), "xyz-travel", "XYZ Travel", "member", suspended=False
    )
    assert len(joe.usable) == 2
    assert sue.default is not None
    assert (sue.default.slug, sue.default.role, sue.default.suspended) == (
        *("frozen-foods", "owner"),
        True,
    )
    assert ann.default is None
    assert joe.asked is None


@pytest.mark.parametrize(
    ("change", "invited"),
    [
        (None, True),
        ("update org.app_user set email = upper(email)", True),
        ("update org.app_user set email_verified = false", False),
        ("update org.app_user set email = null", False),
        ("update org.invitation set email = 'another@example.com'", False),
        ("update org.invitation set accepted_at = now()", False),
        ("update org.invitation set expires_at = now() + interval '1 microsecond'", True),
        ("update org.invitation set expires_at = now()", False),
    ],
)
def test_only_an_open_invitation_to_the_verified_address_is_found(
    statements: Statements, change: str | None, invited: bool
) -> None:
    """Addresses are compared in lower case. At its time of expiry an invitation has expired."""
    statements.invite("joe@example.com", SOLO)
    if change:
        statements.conn.execute(change.encode())

    assert _find(statements, "joe").invited is invited
    assert _find(statements, "sue").invited is False


def test_a_profile_is_inserted_once_and_written_only_if_it_changed(statements: Statements) -> None:
    """Each of its three fields counts."""
    rows = DecisionRows(statements.database)
    profiles = [
        Profile("auth0|newcomer", "new@example.com", True, "New"),
        Profile("auth0|newcomer", "other@example.com", True, "New"),
        Profile("auth0|newcomer", "other@example.com", False, "New"),
        Profile("auth0|newcomer", "other@example.com", False, "Newer"),
        Profile("auth0|newcomer", None, False, None),
    ]
    others = _find(statements, "joe")

    for profile in profiles:
        rows.save_profile(profile)
        assert _find(statements, "newcomer").profile == profile
        before = _written(statements)
        rows.save_profile(profile)
        assert _written(statements) == before
    assert _find(statements, "joe") == others


def test_a_choice_is_recorded_for_this_user_and_organization_only(
    statements: Statements,
) -> None:
    """Sue is a member of it, too, and Joe of another one."""
    before = _written(statements)

    assert _choose(statements, "joe", TRAVEL) == Organization(
        str(TRAVEL), "xyz-travel", "XYZ Travel", "member", suspended=False
    )
    joe = statements.user_id("joe")
    assert statements.run("select nonce, user_id, org_id from org.selection") == [
        (NONCE, joe, TRAVEL)
    ]
    assert _used(statements) == {(joe, TRAVEL)}
    assert statements.list_defaults() == set()
    assert len(before - _written(statements)) == 1  # the membership


@pytest.mark.parametrize("why", ["of others", "unknown", "suspended", "blocked", "a stranger"])
def test_a_choice_that_is_not_allowed_changes_nothing(statements: Statements, why: str) -> None:
    """The nonce stays unused."""
    if why == "blocked":
        statements.block("sue")
    login = "stranger" if why == "a stranger" else "sue"
    org_id = {"of others": SOLO, "unknown": uuid4(), "suspended": FROZEN}.get(why, ABC)
    before = _written(statements)

    assert _choose(statements, login, org_id, remember=True) is None
    assert _written(statements) == before
    assert _choose(statements, "joe", ABC) is not None


def test_another_choice_of_a_login_is_refused(statements: Statements) -> None:
    """For another organization, and for another user."""
    assert _choose(statements, "joe", ABC) is not None
    before = _written(statements)

    for login, org_id in (("joe", TRAVEL), ("sue", ABC)):
        assert _choose(statements, login, org_id, remember=True) is None
    assert _written(statements) == before
    assert _choose(statements, "joe", TRAVEL, "another nonce") is not None


def test_the_same_choice_again_writes_nothing_but_its_own_row(statements: Statements) -> None:
    """Its default and its last use were written the first time."""
    first = _choose(statements, "joe", ABC, remember=True)
    statements.run("update org.app_user set default_org_id = %s where name = 'Joe Doe'", TRAVEL)
    before = _written(statements)

    assert _choose(statements, "joe", ABC, remember=True) == first
    assert len(before - _written(statements)) == 1
    assert statements.list_defaults() == {("auth0|joe", TRAVEL)}
    age = statements.run("select count(*) from org.selection where created_at = now()")
    assert age == [(1,)]


@pytest.mark.parametrize(("age", "again"), [("59 seconds", True), ("60 seconds", False)])
def test_the_same_choice_again_is_granted_for_one_minute(
    statements: Statements, age: str, again: bool
) -> None:
    """Another nonce can still be used after that."""
    assert _choose(statements, "joe", ABC) is not None
    statements.run("update org.selection set created_at = now() - %s::text::interval", age)

    assert (_choose(statements, "joe", ABC) is not None) is again
    assert _choose(statements, "joe", ABC, "another nonce") is not None


def test_remembering_sets_the_default_of_this_user_only(statements: Statements) -> None:
    """Forgetting clears it. An unchanged default is not written."""
    sues = ("auth0|sue", TRAVEL)
    assert _choose(statements, "sue", TRAVEL, "of sue", remember=True)
    for number, (remember, forget, org_id, expected) in enumerate(
        [
            (False, False, ABC, set()),
            (False, True, ABC, set()),
            (True, False, ABC, {("auth0|joe", ABC)}),
            (True, False, ABC, {("auth0|joe", ABC)}),
            (False, False, TRAVEL, {("auth0|joe", ABC)}),
            (True, True, TRAVEL, {("auth0|joe", TRAVEL)}),
            (False, True, TRAVEL, set()),
            (False, False, ABC, set()),
        ]
    ):
        before, known = _written(statements), statements.list_defaults()
        assert _choose(
            statements, "joe", org_id, f"nonce {number}", remember=remember, forget=forget
        )
        assert statements.list_defaults() == {sues} | expected
        changed = len(before - _written(statements))
        assert changed == 1 + (known != statements.list_defaults())  # the membership, the default


def test_a_choice_deletes_two_old_nonces_and_no_young_one(statements: Statements) -> None:
    """A nonce of exactly one day is still young."""
    for nonce, age in (("a", "25 hours"), ("b", "3 days"), ("c", "2 days"), ("d", "24 hours")):
        statements.run(
            "insert into org.selection (nonce, user_id, org_id, created_at) "
            "values (%s, %s, %s, now() - %s::text::interval)",
            *(nonce, statements.user_id("joe"), ABC, age),
        )
    left = []
    for nonce in ("first", "second"):
        _choose(statements, "joe", ABC, nonce)
        left.append({row[0] for row in statements.run("select nonce from org.selection")})

    assert left == [{"a", "d", "first"}, {"d", "first", "second"}]


@pytest.mark.parametrize(
    ("before", "noted"),
    [
        (None, True),
        ("61 seconds", True),
        ("1 minute", False),
        ("1 second", False),
    ],
)
def test_a_use_without_the_picker_is_recorded_once_a_minute(
    statements: Statements, before: str | None, noted: bool
) -> None:
    """For this user and organization only."""
    joe, sue = statements.user_id("joe"), statements.user_id("sue")
    statements.run(
        "update org.membership set last_selected_at = now() - %s::text::interval "
        "where user_id = %s",
        *(before, joe),
    )
    DecisionRows(statements.database).save_last_use(joe, str(ABC))

    assert _used(statements) == ({(joe, ABC)} if noted else set())
    DecisionRows(statements.database).save_last_use(sue, str(ABC))
    assert (sue, ABC) in _used(statements)
