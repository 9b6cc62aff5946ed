"""The API: one Flask app from settings, with every collaborator passed in."""

from collections.abc import Callable

import psycopg
import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from api import audit_events, documentation, members, organization, projects
from api.settings import ApiSettings
from api.store import Store, find_schema_version
from endpoint.errors import ApiError, BadRequest, InvalidInput, MethodNotAllowed, NotFound
from endpoint.operation import MAX_BODY_BYTES, BodyTooLarge
from org_guard.access_token import AccessTokenVerifier
from org_guard.errors import GuardError, KeysUnavailable
from org_guard.flask import RequireAuth, refuse
from org_guard.organization_header import (
    HEADER,
    OrganizationFromHeader,
    OrganizationsTokenVerifier,
)
from org_guard.row_security import RowSecurity, require_row_security
from org_guard.signing_keys import SigningKeys
from org_guard.verified_tokens import VerifiedTokens
from service.cors import allow_origins
from service.headers import add_headers
from service.health import NotReady, add_health
from service.logs import log_requests
from service.pool import Database, Unavailable
from service.problem import problem

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
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False  # its redirect would be built from the Host of the request
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    database = Database(
        settings.database_url.get_secret_value(),
        size=settings.threads,
        configure=require_row_security,
    )
    keys = SigningKeys(settings.keys_url)
    rows = RowSecurity(database.connection, database.read)
    require_auth, store = guard(settings, keys, rows), Store(rows)

    def require_ready() -> None:
        try:
            version = database.read(find_schema_version)
            keys.require()
        except Unavailable as error:
            raise NotReady(error.detail) from error
        except KeysUnavailable as error:
            raise NotReady(f"no signing keys: {error.detail}") from error
        except psycopg.ProgrammingError as error:  # no such table, or not for us
            raise NotReady("run: org-selector migrate") from error
        if version < SCHEMA_VERSION:
            raise NotReady("run: org-selector migrate")

    log_requests(app)
    allow_origins(
        app,
        settings.app_origins,
        methods=["GET", "POST", "PATCH", "DELETE"],
        request_headers=["Authorization", "Content-Type", projects.IDEMPOTENCY_KEY, HEADER],
        exposed_headers=["Location", "Retry-After", "WWW-Authenticate", "X-Request-Id"],
    )
    add_headers(app)
    _require_one_spelling(app)
    add_health(app, require_ready)
    for noun in (organization, members, audit_events, projects):
        app.register_blueprint(noun.create_blueprint(require_auth, store))
    app.register_blueprint(documentation.create_blueprint())
    _answer_errors(app)
    app.extensions["database"] = database
    return app


def _require_one_spelling(app: Flask) -> None:
    @app.before_request
    def refuse_slashes() -> None:
        # Werkzeug takes //me for /me; a rule of whoever stands in front of us would not.
        if request.environ["PATH_INFO"].startswith("//"):
            raise NotFound


# What Flask itself refuses. A malformed id is one more object that does not exist.
_REFUSALS: dict[int, type[ApiError]] = {404: NotFound, 405: MethodNotAllowed, 413: BodyTooLarge}


def _answer_errors(app: Flask) -> None:
    @app.errorhandler(GuardError)
    def refuse_access(error: GuardError) -> Response:
        g.log = {"error": error.code, "detail": error.detail}
        return refuse(error)

    @app.errorhandler(ApiError)
    def refuse_request(error: ApiError) -> Response:
        g.log = {"error": error.code, "detail": error.detail}
        extra: dict[str, object] = {"detail": error.description}
        if isinstance(error, InvalidInput):
            extra["errors"] = error.errors
        return problem(error.status, error.code, extra=extra)

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        g.log = {"error": "temporarily_unavailable", "detail": error.detail}
        extra = {"detail": KeysUnavailable.description}
        return problem(503, "temporarily_unavailable", retry_after=5, extra=extra)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        code = error.code or 500
        refusal = _REFUSALS.get(code, BadRequest if code < 500 else ApiError)
        response = refuse_request(refusal(type(error).__name__))
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(allowed)
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        structlog.get_logger().exception("unforeseen", request_id=g.request_id)
        return refuse_request(ApiError(type(error).__name__))
