"""`/me`: the caller in the entered organization."""

from flask import Blueprint

from api.rows.me import Me, MeRows
from endpoint.operation import operation
from org_guard import Guard, Principal


def create_blueprint(guard: Guard) -> Blueprint:
    """Make the route."""
    routes, me = Blueprint("me", __name__), MeRows(guard.rows)

    @routes.get("/me")
    @guard.require_auth()
    @operation("The caller, with membership role and organization", answer=Me)
    def load_me(principal: Principal) -> Me:
        return me.load_me(principal)

    return routes
