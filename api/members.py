"""`/members`: who belongs to the organization, and in which membership role."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from api.errors import LastOwner
from api.ids import UserId
from api.rows.members import Member, MemberRows
from api.rows.roles import MembershipRole
from endpoint.errors import NotFound
from endpoint.keyset import Keyset, Page
from endpoint.operation import Body, operation
from org_guard import Guard, GuardByHeader, Principal
from org_guard.errors import InsufficientRole


class MemberChange(Body):
    """What may be changed about a member."""

    role: Annotated[MembershipRole, Field(examples=["admin"])]


def create_blueprint(guard: Guard | GuardByHeader) -> Blueprint:
    """Make the routes."""
    routes, members = Blueprint("members", __name__), MemberRows(guard.rows)

    @routes.get("/members")
    @guard.require_auth("read:members")
    @operation("The members, who joined first comes first", answer=Page[Member], paged=True)
    def list_members(principal: Principal, keyset: Keyset) -> Page[Member]:
        return members.list_members(principal, keyset)

    @routes.patch("/members/<uuid:user_id>")
    @guard.require_auth("write:members", role="admin")
    @operation(
        "Give a member another role; only an owner makes and unmakes owners",
        answer=Member,
        body=MemberChange,
        errors=[NotFound, LastOwner],
    )
    def change_role(principal: Principal, user_id: UserId, body: MemberChange) -> Member:
        member = members.change_role(principal, user_id, body.role)
        if member is None:
            raise NotFound
        return member

    # Anybody may leave, so the guard cannot ask for a role; `may_change` does for everybody else.
    @routes.delete("/members/<uuid:user_id>")
    @guard.require_auth("write:members")
    @operation(
        "Remove a member (admins), or leave (anybody)",
        status=204,
        errors=[NotFound, LastOwner, InsufficientRole],
    )
    def remove_member(principal: Principal, user_id: UserId) -> None:
        if not members.remove_member(principal, user_id):
            raise NotFound

    return routes
