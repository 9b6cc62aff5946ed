"""`/audit-events`: what was changed, when and by whom."""

from flask import Blueprint

from api.store import AuditEvent, Store
from endpoint.keyset import Keyset, Page
from endpoint.operation import operation
from org_guard.access_token import Principal
from org_guard.flask import RequireAuth


def create_blueprint(require_auth: RequireAuth, store: Store) -> Blueprint:
    """Make the route."""
    routes = Blueprint("audit_events", __name__)

    @routes.get("/audit-events")
    @require_auth("read:audit-events", role="admin")
    @operation("What was changed, the newest first", answer=Page[AuditEvent], paged=True)
    def list_audit_events(principal: Principal, keyset: Keyset) -> Page[AuditEvent]:
        return store.list_audit_events(principal, keyset)

    return routes
