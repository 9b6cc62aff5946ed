"""The API: one Flask app from settings, with every collaborator passed in."""

from collections.abc import Callable

from flask import Flask

from api import audit_events, documentation, me, members, organization, projects
from api.settings import ApiSettings
from endpoint.answers import REFUSALS
from endpoint.errors import MAX_BODY_BYTES
from endpoint.idempotency import IDEMPOTENCY_KEY
from org_guard.access_token import AccessTokenVerifier
from org_guard.errors import KeysUnavailable
from org_guard.flask import RequireAuth
from org_guard.organization_header import (
    HEADER,
    OrganizationFromHeader,
)
from org_guard.organizations_token import OrganizationsTokenVerifier
from org_guard.role_check import require_row_security
from org_guard.row_security import RowSecurity
from org_guard.signing_keys import SigningKeys
from org_guard.verified_tokens import VerifiedTokens
from service import app as service_app
from service.cors import Cors
from service.health import NotReady, require_schema
from service.pool import Database

SCHEMA_VERSION = 2  # the newest migration this code needs
Guard = Callable[[ApiSettings, SigningKeys, RowSecurity], RequireAuth]


def require_one_organization(
    settings: ApiSettings, keys: SigningKeys, rows: RowSecurity
) -> RequireAuth:
    """Guard by tokens of one organization: designs A, B and D."""
    verifier = AccessTokenVerifier(
        issuers=settings.issuers,
        audience=settings.auth0_audience,
        namespace=settings.claim_namespace,
        keys=keys,
    )
    return RequireAuth(VerifiedTokens(verifier.verify, keys), rows)


def require_organization_header(
    settings: ApiSettings, keys: SigningKeys, rows: RowSecurity
) -> RequireAuth:
    """Guard by tokens of all organizations and a header: design C."""
    verifier = OrganizationsTokenVerifier(
        issuers=settings.issuers,
        audience=settings.auth0_audience,
        namespace=settings.claim_namespace,
        keys=keys,
    )
    return OrganizationFromHeader(VerifiedTokens(verifier.verify, keys), rows)


def create_app(settings: ApiSettings, guard: Guard = require_one_organization) -> Flask:
    """
    Build the API. Call it after the fork: it opens its own connections on first use.

    Postgres and the tenant's keys may be out of reach at this moment; every answer that needs
    them is a 503 until they are back. A database role that could see too much is never used.
    """
    database = Database(
        settings.database_url.get_secret_value(),
        size=settings.threads,
        configure=require_row_security,
    )
    keys = SigningKeys(settings.keys_url)
    rows = RowSecurity(database.connection, database.read)
    require_auth = guard(settings, keys, rows)

    def require_ready() -> None:
        require_schema(database, SCHEMA_VERSION)
        try:
            keys.require()
        except KeysUnavailable as error:
            raise NotReady(f"no signing keys: {error.detail}") from error

    app = service_app.create_app(
        __name__,
        database=database,
        require_ready=require_ready,
        refusals=REFUSALS,
        max_body_bytes=MAX_BODY_BYTES,
        cors=Cors(
            settings.app_origins,
            methods=["GET", "POST", "PATCH", "DELETE"],
            request_headers=["Authorization", "Content-Type", IDEMPOTENCY_KEY, HEADER],
            exposed_headers=["Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"],
        ),
    )
    for noun in (me, organization, members, audit_events, projects):
        app.register_blueprint(noun.create_blueprint(require_auth, rows))
    app.register_blueprint(documentation.create_blueprint())
    return app
