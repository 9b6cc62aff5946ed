"""`/organization`: the one that the access token names."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from api.names import OrganizationName
from api.rows.organization import Organization, OrganizationRows
from endpoint.operation import Body, operation
from org_guard import Guard, Principal


class OrganizationChange(Body):
    """The field of an organization that can be changed."""

    name: Annotated[OrganizationName, Field(examples=["ABC Inc"])]


def create_blueprint(guard: Guard) -> Blueprint:
    """Make the routes."""
    routes, organization = Blueprint("organization", __name__), OrganizationRows(guard.rows)

    @routes.get("/organization")
    @guard.require_auth("read:organization")
    @operation("The organization", answer=Organization)
    def load_organization(principal: Principal) -> Organization:
        return organization.load_organization(principal)

    @routes.patch("/organization")
    @guard.require_auth("write:organization", role="admin")
    @operation("Rename the organization", answer=Organization, body=OrganizationChange)
    def rename_organization(principal: Principal, body: OrganizationChange) -> Organization:
        return organization.rename_organization(principal, body.name)

    return routes
