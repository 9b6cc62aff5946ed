"""Who may change whose membership role: one function without I/O, easy to read and to test."""

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
    Decide whether *actor* may change or remove *target*.

    Admins and owners may change and remove others. Only an owner may make, change or remove an
    owner. The last owner who is not blocked cannot be changed or removed. Every other member may
    leave.

    Args:
        actor: the membership role of the person who makes the request.
        target: the present membership role of the person to change.
        new_role: the role to give; None removes the target.
        is_self: whether actor and target are the same person.
        another_owner: whether the organization has an owner beside the target who is not blocked.

    Not checked: that both are members, and that nothing changes meanwhile. `MemberRows` locks the
    organization before it looks both up.
    """
    leaves = is_self and new_role is None
    if not leaves:  # every member may leave, whatever the role
        if actor == "member":
            return "insufficient_role"
        if target == new_role:
            return "same"
        if "owner" in (target, new_role) and actor != "owner":
            return "insufficient_role"
    if target == "owner" and not another_owner:
        return "last_owner"
    return "change"
