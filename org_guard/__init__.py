"""
Guard the Flask API of one organization per request, behind an Auth0 tenant.

    from org_guard import Guard, answer_refusals

    guard = Guard(
        domains=["example.eu.auth0.com"],  # as in AUTH0_DOMAIN, the canonical one first
        audience="https://api.example.com/",
        namespace="https://example.com/claims/",
        connections=pool.connection,  # a pool of the database role org_api
    )
    answer_refusals(app)

    @app.get("/invoices")
    @guard.require_auth("read:invoices", role="admin")
    def list_invoices(principal):
        return jsonify(guard.rows.select(principal, "select number, cents from invoice"))

`GuardByClaimAlone` is for an API that cannot ask our database, `GuardByHeader` for tokens that
name all organizations. docs/your-own-table.md shows a whole app.
"""

from org_guard.access_token import AccessTokenVerifier
from org_guard.errors import (
    GuardError,
    InsufficientRole,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    KeysUnavailable,
    MissingToken,
    NotAMember,
    OrganizationSuspended,
)
from org_guard.flask import Guard, GuardByClaimAlone, answer_refusals
from org_guard.organization_header import GuardByHeader
from org_guard.principal import Principal
from org_guard.role_check import UnsafeRole, require_row_security
from org_guard.row_security import RowSecurity
from org_guard.signing_keys import SigningKeys

__all__ = [
    "AccessTokenVerifier",
    "Guard",
    "GuardByClaimAlone",
    "GuardByHeader",
    "GuardError",
    "InsufficientRole",
    "InsufficientScope",
    "InvalidRequest",
    "InvalidToken",
    "KeysUnavailable",
    "MissingToken",
    "NotAMember",
    "OrganizationSuspended",
    "Principal",
    "RowSecurity",
    "SigningKeys",
    "UnsafeRole",
    "answer_refusals",
    "require_row_security",
]
