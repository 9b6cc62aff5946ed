"""The API as a Flask app: settings in, app out. Nothing is global."""

from collections.abc import Callable

from flask import Flask

from api import audit_events, documentation, invitations, me, members, organization, projects
from api.settings import ApiSettings
from endpoint.errors import MAX_BODY_BYTES, REFUSALS
from endpoint.idempotency import IDEMPOTENCY_KEY
from org_guard import Guard, KeysUnavailable, require_row_security
from org_guard.organization_header import HEADER
from service import app as service_app
from service.cors import Cors
from service.health import require_schema
from service.pool import Unavailable

SCHEMA_VERSION = 3  # the newest migration this code needs
MakeGuard = Callable[..., Guard]


def create_app(settings: ApiSettings, make_guard: MakeGuard = Guard) -> Flask:
    """
    Build the API. Call it after the fork, since threads and connections do not survive one.

    Postgres and the tenant's keys may be out of reach at this moment; every answer that needs them
    is a 503 until they are back. A database role that could see too much is never used.

    Args:
        make_guard: `Guard` for tokens of one organization (designs A, B and D), `GuardByHeader`
            for tokens of all organizations and a header (design C).
    """
    database = settings.open_database(require_row_security)
    guard = make_guard(
        domains=settings.auth0_domain,
        audience=settings.auth0_audience,
        namespace=settings.claim_namespace,
        connections=database.connection,  # for writes
        fetch=database.fetch,  # for reads, which it repeats when a connection is lost
    )

    def require_ready() -> None:
        require_schema(database, SCHEMA_VERSION)
        try:
            guard.keys.require()  # without keys every token would be refused
        except KeysUnavailable as error:
            raise Unavailable(f"no signing keys: {error.detail}") from error

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
    for noun in (me, organization, members, invitations, audit_events, projects):
        app.register_blueprint(noun.create_blueprint(guard))
    app.register_blueprint(documentation.create_blueprint())
    return app
