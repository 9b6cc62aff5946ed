"""`/me`: who calls, and where."""

from flask import Blueprint

from api.rows.me import Me, MeRows
from endpoint.operation import operation
from org_guard.flask import RequireAuth
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity


def create_blueprint(require_auth: RequireAuth, rows: RowSecurity) -> Blueprint:
    """Make the route."""
    routes, me = Blueprint("me", __name__), MeRows(rows)

    @routes.get("/me")
    @require_auth()
    @operation("Who calls, in which organization, with which role", answer=Me)
    def load_me(principal: Principal) -> Me:
        return me.load_me(principal)

    return routes
