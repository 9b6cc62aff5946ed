"""
What accepting an invitation and creating an organization write, and when a login is noted.

That the two are allowed is tested with the functions in Postgres (tests/schema).
"""

from uuid import UUID

import pytest

from local_stack import seed
from org_selector.choice_rows import ChoiceRows
from org_selector.question import Asked
from org_selector.rows import DecisionRows
from org_selector.standing import Organization
from tests.kit.statements import Statements

ABC, SOLO = seed.organization("abc-inc").id, seed.organization("solo-works").id
TRAVEL = seed.organization("xyz-travel").id
NONCE = "n" * 22
JOE = "joe@example.com"


def accept(
    statements: Statements,
    invitation_id: UUID,
    *,
    bound_to: UUID | None = None,
    remember: bool = False,
    forget: bool = False,
) -> Organization | None:
    """Accept an invitation as Joe."""
    return ChoiceRows(statements.database).accept_invitation(
        "auth0|joe",
        invitation_id=invitation_id,
        nonce=NONCE,
        client_id="portal",
        bound_to=bound_to,
        remember=remember,
        forget=forget,
    )


def create(
    statements: Statements, *, remember: bool = False, forget: bool = False
) -> Organization | None:
    """Create an organization as Joe."""
    return ChoiceRows(statements.database).create_organization(
        "auth0|joe",
        name="Acme",
        slug="acme-inc",
        nonce=NONCE,
        client_id="portal",
        remember=remember,
        forget=forget,
    )


def test_an_accepted_invitation_is_answered_with_the_organization(statements: Statements) -> None:
    """In this login, with this application."""
    assert accept(statements, statements.invite(JOE, SOLO)) == Organization(
        str(SOLO), "solo-works", "Solo Works", "admin", suspended=False
    )
    assert statements.run("select nonce, org_id from org.selection") == [(NONCE, SOLO)]
    assert statements.run("select client_id from org.audit_event where org_id = %s", SOLO) == [
        ("portal",)
    ]


def test_an_invitation_of_another_organization_than_the_applications_is_refused(
    statements: Statements,
) -> None:
    """Nothing was written, so the right one can still be accepted."""
    invitation_id = statements.invite(JOE, SOLO)

    assert accept(statements, invitation_id, bound_to=TRAVEL) is None
    assert accept(statements, invitation_id, bound_to=SOLO) is not None


def test_a_new_organization_is_answered_with_its_slug(statements: Statements) -> None:
    """In this login, with this application."""
    created = create(statements)

    assert created is not None
    assert (created.slug, created.name, created.role) == ("acme-inc", "Acme", "owner")
    assert statements.run("select nonce, org_id::text from org.selection") == [(NONCE, created.id)]
    assert statements.run(
        "select client_id from org.audit_event where org_id::text = %s", created.id
    ) == [("portal",)]


@pytest.mark.parametrize("kind", ["accept", "create"])
@pytest.mark.parametrize(
    ("remember", "forget", "expected"),
    [(False, False, "before"), (True, False, "new"), (True, True, "new"), (False, True, "none")],
)
def test_the_default_is_what_the_person_wanted(
    statements: Statements, kind: str, remember: bool, forget: bool, expected: str
) -> None:
    """Of this person only."""
    for login in ("joe", "sue"):
        statements.run(
            "update org.app_user set default_org_id = %s where id = %s",
            *(TRAVEL, statements.user_id(login)),
        )
    made = (
        accept(statements, statements.invite(JOE, SOLO), remember=remember, forget=forget)
        if kind == "accept"
        else create(statements, remember=remember, forget=forget)
    )
    assert made is not None

    joes = {"before": TRAVEL, "new": UUID(made.id), "none": None}[expected]
    assert statements.list_defaults() == {("auth0|sue", TRAVEL)} | (
        {("auth0|joe", joes)} if joes else set()
    )


def test_a_login_is_noted_for_this_person_and_organization(statements: Statements) -> None:
    """Who, where, with which application, and how the organization was found."""
    DecisionRows(statements.database).note_login(
        "auth0|sue", org_id=str(ABC), client_id="portal", way="hint"
    )
    sue = statements.user_id("sue")
    [event] = statements.run(
        "select org_id, actor_user_id, client_id, action, target_id, target_name = actor_name, "
        "details from org.audit_event where at = now()"
    )

    assert event == (ABC, sue, "portal", "member.logged_in", sue, True, {"way": "hint"})


BOUND = Asked("bound", org_id=SOLO)


@pytest.mark.parametrize(
    ("change", "invited"),
    [
        (None, True),
        ("update org.app_user set email_verified = false", False),
        ("update org.invitation set email = 'another@example.com'", False),
        ("update org.invitation set accepted_at = now()", False),
        ("update org.invitation set expires_at = now()", False),
        ("update org.organization set suspended_at = now() where slug = 'solo-works'", False),
    ],
)
def test_a_bound_application_finds_an_open_invitation_to_its_organization(
    statements: Statements, change: str | None, invited: bool
) -> None:
    """A hint finds none: it would tell who invites whom."""
    statements.invite(JOE, SOLO)
    if change:
        statements.conn.execute(change.encode())
    rows = DecisionRows(statements.database)

    def is_invited(asked: Asked, login: str = "joe") -> bool:
        found = rows.find_standing(f"auth0|{login}", asked)
        assert found is not None
        return found.invited

    assert is_invited(BOUND) is invited
    assert not is_invited(Asked("hint", org_id=SOLO))
    assert not is_invited(Asked("bound", org_id=TRAVEL))
    assert not is_invited(Asked("bound", slug="solo-works"))
    assert not is_invited(BOUND, "sue")


def test_a_member_is_not_invited_to_their_own_organization(statements: Statements) -> None:
    """An invitation may be left over from before."""
    statements.invite(JOE, ABC)
    rows = DecisionRows(statements.database)
    for asked in (None, Asked("bound", org_id=ABC)):
        found = rows.find_standing("auth0|joe", asked)
        assert found is not None
        assert not found.invited


@pytest.mark.parametrize(("role", "invited"), [("owner", True), ("admin", True), ("member", False)])
def test_an_invitation_is_open_while_its_inviter_may_give_the_role(
    statements: Statements, role: str, invited: bool
) -> None:
    """An admin who was made a member since then may give no role."""
    statements.join("nina", "solo-works", role)
    statements.invite(JOE, SOLO, inviter="nina")
    found = DecisionRows(statements.database).find_standing("auth0|joe", None)
    assert found is not None
    assert found.invited is invited
