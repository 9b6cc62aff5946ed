"""
What the picker looks up again before it signs a choice: every condition in it is needed.

The rows that a statement must not find belong to another user, who fits all its other conditions.
"""

from uuid import UUID, uuid4

import pytest

from local_stack import seed
from org_selector.picker.lookup.rows import Creatable, FoundInvitation, LookupRows, Selectable
from tests.kit.statements import Statements

ABC, TRAVEL, SOLO, FROZEN = (
    seed.organization(slug).id for slug in ("abc-inc", "xyz-travel", "solo-works", "frozen-foods")
)
NONCE = "n" * 22


@pytest.mark.parametrize(
    ("login", "org_id", "selectable"),
    [
        ("joe", ABC, True),
        ("joe", TRAVEL, True),
        ("joe", SOLO, False),
        ("joe", uuid4(), False),
        ("sue", FROZEN, False),
        ("sue", ABC, True),
        ("nina", ABC, False),
    ],
)
def test_a_member_may_choose_an_organization_that_is_not_suspended(
    statements: Statements, login: str, org_id: UUID, selectable: bool
) -> None:
    """A choice that this login already made is found, one of another login is not."""
    rows = LookupRows(statements.database)
    for nonce in (None, "another", NONCE):
        if nonce is not None:
            statements.run(
                "insert into org.selection (nonce, user_id, org_id) values (%s, %s, %s)",
                *(nonce, statements.user_id("ann"), SOLO),
            )
        found = rows.find_selectable(f"auth0|{login}", org_id=org_id, nonce=NONCE)
        assert found == Selectable(already_chosen=nonce == NONCE, selectable=selectable)


def test_an_unknown_user_or_a_blocked_user_may_choose_nothing(statements: Statements) -> None:
    """The block of one user changes nothing for others."""
    rows = LookupRows(statements.database)
    statements.block("joe")

    for login in ("joe", "stranger"):
        assert rows.find_selectable(f"auth0|{login}", org_id=ABC, nonce=NONCE) is None
    assert rows.find_selectable("auth0|sue", org_id=ABC, nonce=NONCE) is not None


@pytest.fixture
def invitation_id(statements: Statements) -> UUID:
    """An open invitation of Joe to Solo Works."""
    return statements.invite("joe@example.com", SOLO)


def _choose_before(statements: Statements, nonce: str = NONCE) -> None:
    """Let a login have a choice: this one, or another."""
    statements.run(
        "insert into org.selection (nonce, user_id, org_id) values (%s, %s, %s)",
        *(nonce, statements.user_id("ann"), SOLO),
    )


@pytest.mark.parametrize(
    ("change", "acceptable"),
    [
        (None, True),
        ("update org.app_user set email = upper(email)", True),
        ("update org.app_user set email_verified = false", False),
        ("update org.invitation set email = 'another@example.com'", False),
        ("update org.invitation set expires_at = now()", False),
        ("update org.invitation set accepted_at = now()", False),
        ("update org.organization set suspended_at = now() where slug = 'solo-works'", False),
    ],
)
def test_an_open_invitation_to_the_verified_address_can_be_accepted(
    statements: Statements, invitation_id: UUID, change: str | None, acceptable: bool
) -> None:
    """By this person, and in an application that allows the organization."""
    if change:
        statements.conn.execute(change.encode())
    rows = LookupRows(statements.database)

    def find(login: str = "joe", bound_to: UUID | None = None) -> Selectable | None:
        return rows.find_acceptable(
            f"auth0|{login}", invitation_id=invitation_id, bound_to=bound_to, nonce=NONCE
        )

    assert find() == Selectable(already_chosen=False, selectable=acceptable)
    assert find(bound_to=SOLO) == Selectable(already_chosen=False, selectable=acceptable)
    assert find(bound_to=ABC) == Selectable(already_chosen=False, selectable=False)
    assert find("sue") == Selectable(already_chosen=False, selectable=False)
    assert find("stranger") is None
    _choose_before(statements, "another nonce")
    assert find() == Selectable(already_chosen=False, selectable=acceptable)
    _choose_before(statements)
    assert find() == Selectable(already_chosen=True, selectable=acceptable)
    statements.block("joe")
    assert find() is None


def test_an_unknown_invitation_can_not_be_accepted(
    statements: Statements, invitation_id: UUID
) -> None:
    rows = LookupRows(statements.database)
    for wanted in (uuid4(), invitation_id):
        found = rows.find_acceptable("auth0|joe", invitation_id=wanted, bound_to=None, nonce=NONCE)
        assert found == Selectable(already_chosen=False, selectable=wanted == invitation_id)


def test_a_person_may_create_an_organization_beside_those_they_have(
    statements: Statements,
) -> None:
    """One, while the address is not verified."""
    rows = LookupRows(statements.database)
    joe, names = statements.user_id("joe"), ["ABC Inc", "XYZ Travel"]

    def find(login: str = "joe") -> Creatable | None:
        return rows.find_creatable(f"auth0|{login}", nonce=NONCE)

    assert find() == Creatable(already_chosen=False, may_create=True, names=names)
    statements.run("update org.app_user set email_verified = false where id = %s", joe)
    assert find() == Creatable(already_chosen=False, may_create=True, names=names)
    statements.run("update org.organization set created_by = %s where slug = 'solo-works'", joe)
    assert find() == Creatable(already_chosen=False, may_create=False, names=names)
    statements.run("update org.app_user set email_verified = true where id = %s", joe)
    _choose_before(statements, "another nonce")
    assert find() == Creatable(already_chosen=False, may_create=True, names=names)
    _choose_before(statements)
    assert find() == Creatable(already_chosen=True, may_create=True, names=names)
    assert find("stranger") is None
    statements.block("joe")
    assert find() is None
    many = find("max")
    assert many is not None
    assert (len(many.names), many.names[0]) == (1_000, "Customer 0001")


def test_the_invitation_of_a_link_is_found_for_any_account(
    statements: Statements, invitation_id: UUID
) -> None:
    """So the page can say for which address it is. One that is not open is not found."""
    rows = LookupRows(statements.database)

    def find(login: str, bound_to: UUID | None = None) -> FoundInvitation | None:
        return rows.find_invitation(
            f"auth0|{login}", invitation_id=invitation_id, bound_to=bound_to
        )

    assert find("joe") == FoundInvitation("joe@example.com", same_address=True, verified=True)
    assert find("sue") == FoundInvitation("joe@example.com", same_address=False, verified=True)
    assert find("sue", SOLO) == find("sue")
    assert find("sue", ABC) is None
    assert find("ann") == find("sue")  # although she is a member of it
    assert find("stranger") is None
    statements.run("update org.app_user set email_verified = false, email = upper(email)")
    assert find("joe") == FoundInvitation("joe@example.com", same_address=True, verified=False)
    statements.run("update org.app_user set email = null")
    assert find("joe") == FoundInvitation("joe@example.com", same_address=False, verified=False)
    statements.run("update org.app_user set email = 'joe@example.com' where name = 'Joe Doe'")
    statements.join("joe", "solo-works")
    assert find("joe") is None
    assert find("sue") is not None
    statements.run("update org.invitation set expires_at = now()")
    assert find("sue") is None
