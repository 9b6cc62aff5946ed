"""`/audit-events`: which changes were made and who logged in, when and by whom."""

from flask import Blueprint

from api.rows.audit_events import AuditEvent, AuditEventRows
from endpoint.keyset import Keyset, Page
from endpoint.operation import operation
from org_guard import Guard, Principal


def create_blueprint(guard: Guard) -> Blueprint:
    """Make the route."""
    routes, audit_events = Blueprint("audit_events", __name__), AuditEventRows(guard.rows)

    @routes.get("/audit-events")
    @guard.require_auth("read:audit-events", role="admin")
    @operation("Changes and logins, newest first", answer=Page[AuditEvent], paged=True)
    def list_audit_events(principal: Principal, keyset: Keyset) -> Page[AuditEvent]:
        return audit_events.list_audit_events(principal, keyset)

    return routes
