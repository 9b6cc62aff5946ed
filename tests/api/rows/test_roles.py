"""Who may change whose membership role: every case, without a database."""

from itertools import product
from typing import get_args

import pytest

from api.rows.roles import MembershipRole, Verdict, may_change

OWNER, ADMIN, MEMBER = roles = get_args(MembershipRole)
BOTH = (True, False)


@pytest.mark.parametrize(
    ("actor", "target", "new_role", "verdict"),
    [
        # An owner may change and remove every other member.
        (OWNER, MEMBER, OWNER, "change"),
        (OWNER, ADMIN, OWNER, "change"),
        (OWNER, OWNER, ADMIN, "change"),
        (OWNER, OWNER, MEMBER, "change"),
        (OWNER, OWNER, None, "change"),
        (OWNER, ADMIN, None, "change"),
        (OWNER, MEMBER, None, "change"),
        # An admin may change and remove admins and members, but no owner, and makes no owner.
        (ADMIN, MEMBER, ADMIN, "change"),
        (ADMIN, ADMIN, MEMBER, "change"),
        (ADMIN, ADMIN, None, "change"),
        (ADMIN, MEMBER, None, "change"),
        (ADMIN, MEMBER, OWNER, "insufficient_role"),
        (ADMIN, ADMIN, OWNER, "insufficient_role"),
        (ADMIN, OWNER, ADMIN, "insufficient_role"),
        (ADMIN, OWNER, MEMBER, "insufficient_role"),
        (ADMIN, OWNER, None, "insufficient_role"),
        # The role that a member has already is not a change, and an admin may ask for it.
        (OWNER, OWNER, OWNER, "same"),
        (OWNER, ADMIN, ADMIN, "same"),
        (ADMIN, OWNER, OWNER, "same"),
        (ADMIN, ADMIN, ADMIN, "same"),
        (ADMIN, MEMBER, MEMBER, "same"),
        # A member may not change or remove others, nor ask for the role they already have.
        (MEMBER, MEMBER, MEMBER, "insufficient_role"),
        (MEMBER, MEMBER, ADMIN, "insufficient_role"),
        (MEMBER, OWNER, OWNER, "insufficient_role"),
        (MEMBER, ADMIN, None, "insufficient_role"),
        (MEMBER, MEMBER, None, "insufficient_role"),
        (MEMBER, OWNER, None, "insufficient_role"),
    ],
)
def test_only_an_owner_makes_demotes_and_removes_owners(
    actor: MembershipRole, target: MembershipRole, new_role: MembershipRole | None, verdict: Verdict
) -> None:
    """The organization has a second owner, so the rule of the last owner does not apply."""
    assert may_change(actor, target, new_role, is_self=False, another_owner=True) == verdict


@pytest.mark.parametrize("role", roles)
def test_every_member_may_leave(role: MembershipRole) -> None:
    """Leaving needs no membership role; a change of the own role does."""
    assert may_change(role, role, None, is_self=True, another_owner=True) == "change"
    above = {OWNER: "same", ADMIN: "insufficient_role", MEMBER: "insufficient_role"}
    assert may_change(role, role, OWNER, is_self=True, another_owner=True) == above[role]


@pytest.mark.parametrize("new_role", [ADMIN, MEMBER, None])
@pytest.mark.parametrize("is_self", BOTH)
def test_the_last_owner_cannot_leave_or_be_demoted_or_removed(
    new_role: MembershipRole | None, is_self: bool
) -> None:
    """With a second owner they can."""
    assert may_change(OWNER, OWNER, new_role, is_self=is_self, another_owner=False) == "last_owner"
    assert may_change(OWNER, OWNER, new_role, is_self=is_self, another_owner=True) == "change"


def test_the_last_owner_may_ask_for_the_role_they_have() -> None:
    """Nothing would change, so nothing is refused."""
    assert may_change(OWNER, OWNER, OWNER, is_self=True, another_owner=False) == "same"


@pytest.mark.parametrize(("actor", "new_role"), list(product((ADMIN, MEMBER), (*roles, None))))
def test_an_admin_who_tries_to_demote_an_owner_does_not_learn_if_it_is_the_last(
    actor: MembershipRole, new_role: MembershipRole | None
) -> None:
    """The caller's membership role is checked first."""
    first, second = (
        may_change(actor, OWNER, new_role, is_self=False, another_owner=there) for there in BOTH
    )
    assert first == second != "last_owner"


@pytest.mark.parametrize(
    ("actor", "target", "new_role"), list(product(roles, (ADMIN, MEMBER), (*roles, None)))
)
def test_a_second_owner_changes_the_verdict_only_about_an_owner(
    actor: MembershipRole, target: MembershipRole, new_role: MembershipRole | None
) -> None:
    """The verdict about an admin or a member is the same with and without one."""
    for is_self in BOTH:
        first, second = (
            may_change(actor, target, new_role, is_self=is_self, another_owner=there)
            for there in BOTH
        )
        assert first == second
