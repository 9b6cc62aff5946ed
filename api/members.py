"""`/members`: the people in the organization, and their membership roles."""

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
from org_guard import Guard, Principal
from org_guard.errors import InsufficientRole


class MemberChange(Body):
    """The field of a member that can be changed."""

    role: Annotated[MembershipRole, Field(examples=["admin"])]


def create_blueprint(guard: Guard) -> Blueprint:
    """Make the routes."""
    routes, members = Blueprint("members", __name__), MemberRows(guard.rows)

    @routes.get("/members")
    @guard.require_auth("read:members")
    @operation("The members, in the order in which they joined", answer=Page[Member], paged=True)
    def list_members(principal: Principal, keyset: Keyset) -> Page[Member]:
        return members.list_members(principal, keyset)

    @routes.patch("/members/<uuid:user_id>")
    @guard.require_auth("write:members", role="admin")
    @operation(
        "Change a member's role; only an owner may give or take the role of owner",
        answer=Member,
        body=MemberChange,
        errors=[NotFound, LastOwner],
    )
    def change_role(principal: Principal, user_id: UserId, body: MemberChange) -> Member:
        return members.change_role(principal, user_id, body.role)

    # Every member may leave, so the guard demands no role; `may_change` checks who removes others.
    @routes.delete("/members/<uuid:user_id>")
    @guard.require_auth("write:members")
    @operation(
        "Remove a member (admins and owners), or leave the organization (every member)",
        status=204,
        errors=[NotFound, LastOwner, InsufficientRole],
    )
    def remove_member(principal: Principal, user_id: UserId) -> None:
        members.remove_member(principal, user_id)

    return routes
