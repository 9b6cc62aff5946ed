"""Who may change whose membership role: a pure function, so that it can be read beside its test."""

from typing import Literal

MembershipRole = Literal["owner", "admin", "member"]
Verdict = Literal["change", "same", "insufficient_role", "last_owner"]


def may_change(
    actor: MembershipRole,
    target: MembershipRole,
    new_role: MembershipRole | None,
    *,
    is_self: bool,
    another_owner: bool,
) -> Verdict:
    """
    Admins and owners change and remove others. Only an owner makes, unmakes or removes owners. The
    last owner stays. Every member may leave.

    Args:
        actor: the membership role of the person who asks.
        target: the membership role that is to be changed.
        new_role: what it shall become; None: the target is to be removed.
        is_self: whether the two are one person.
        another_owner: whether the organization has an owner beside the target.

    Not checked: that both belong to the organization, and that nothing changes meanwhile. The
    caller looks both up behind a lock.
    """
    leaves = is_self and new_role is None
    if not leaves:
        if actor == "member":
            return "insufficient_role"
        if target == new_role:
            return "same"
        if "owner" in (target, new_role) and actor != "owner":
            return "insufficient_role"
    if target == "owner" and not another_owner:
        return "last_owner"
    return "change"
