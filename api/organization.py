"""`/me` and `/organization`: who calls, and where."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field, StringConstraints

from api.store import Me, Organization, Store
from endpoint.operation import Body, operation
from org_guard.access_token import Principal
from org_guard.flask import RequireAuth

Name = Annotated[
    str,
    Field(description="One line with something on it; no control characters."),
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
    ),
]


class OrganizationChange(Body):
    """What may be changed about an organization."""

    name: Name


def create_blueprint(require_auth: RequireAuth, store: Store) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("organization", __name__)

    @routes.get("/me")
    @require_auth()
    @operation("Who calls, in which organization, with which role", answer=Me)
    def load_me(principal: Principal) -> Me:
        return store.load_me(principal)

    @routes.get("/organization")
    @require_auth("read:organization")
    @operation("The organization", answer=Organization)
    def load_organization(principal: Principal) -> Organization:
        return store.load_organization(principal)

    @routes.patch("/organization")
    @require_auth("write:organization", role="admin")
    @operation("Rename the organization", answer=Organization, body=OrganizationChange)
    def rename_organization(principal: Principal, body: OrganizationChange) -> Organization:
        return store.rename_organization(principal, body.name)

    return routes
