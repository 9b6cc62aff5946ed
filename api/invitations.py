"""`/invitations`: addresses that may become members, and the mail that tells them."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field, StringConstraints

from api.addresses import EmailAddress
from api.errors import (
    AlreadyInvited,
    AlreadyMember,
    MailedJustNow,
    TooManyInvitations,
)
from api.ids import InvitationId
from api.rows.invitations import Invitation, InvitationRows
from api.rows.roles import MembershipRole
from endpoint.errors import IdempotencyKeyReused, NotFound
from endpoint.idempotency import IDEMPOTENCY_KEY, IdempotencyKey, read_keyed_request
from endpoint.keyset import Keyset, Page
from endpoint.operation import Body, operation
from org_guard import Guard, Principal
from org_guard.errors import InsufficientRole

Language = Annotated[
    str,
    Field(
        description="The language of the mail, as browsers name it (BCP 47). If there is no "
        "translation, or it is empty, the mail is in English.",
        examples=["de"],
    ),
    StringConstraints(max_length=35, pattern=r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$"),
]


class NewInvitation(Body):
    """An address to invite, and the membership role that it gets."""

    email: EmailAddress
    role: Annotated[MembershipRole, Field(examples=["member"])] = "member"
    language: Language = ""


def create_blueprint(guard: Guard) -> Blueprint:
    """Make the routes."""
    routes, invitations = Blueprint("invitations", __name__), InvitationRows(guard.rows)

    @routes.get("/invitations")
    @guard.require_auth("read:invitations", role="admin")
    @operation(
        "The invitations that wait or have expired, newest first",
        answer=Page[Invitation],
        paged=True,
    )
    def list_invitations(principal: Principal, keyset: Keyset) -> Page[Invitation]:
        return invitations.list_invitations(principal, keyset)

    @routes.post("/invitations")
    @guard.require_auth("write:invitations", role="admin")
    @operation(
        "Invite an address for 7 days, by mail; only an owner may invite an owner",
        answer=Invitation,
        status=201,
        body=NewInvitation,
        errors=[
            AlreadyInvited,
            AlreadyMember,
            TooManyInvitations,
            MailedJustNow,
            IdempotencyKeyReused,
        ],
        headers={IDEMPOTENCY_KEY: IdempotencyKey},
    )
    def add_invitation(principal: Principal, body: NewInvitation) -> Invitation:
        request = read_keyed_request(body)
        return invitations.add_invitation(principal, body.email, body.role, body.language, request)

    @routes.post("/invitations/<uuid:invitation_id>/resend")
    @guard.require_auth("write:invitations", role="admin")
    @operation(
        "Send the mail again, at most once a minute; the 7 days begin again",
        answer=Invitation,
        errors=[NotFound, AlreadyMember, TooManyInvitations, MailedJustNow, InsufficientRole],
    )
    def resend_invitation(principal: Principal, invitation_id: InvitationId) -> Invitation:
        return invitations.resend_invitation(principal, invitation_id)

    @routes.delete("/invitations/<uuid:invitation_id>")
    @guard.require_auth("write:invitations", role="admin")
    @operation("Withdraw an invitation", status=204, errors=[NotFound, InsufficientRole])
    def withdraw_invitation(principal: Principal, invitation_id: InvitationId) -> None:
        invitations.withdraw_invitation(principal, invitation_id)

    return routes
