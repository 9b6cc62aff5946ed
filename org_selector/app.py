"""The selector: one Flask app from settings, with every collaborator passed in."""

from http import HTTPStatus

import psycopg
import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from org_selector import decisions
from org_selector import rows as directory
from org_selector.action_tokens import SelectorTokens
from org_selector.errors import DatabaseUnavailable, SelectorError, _
from org_selector.picker import views as select
from org_selector.picker.cookie import LoginCookies
from org_selector.picker.html import TEMPLATES, render_page, set_up_pages
from org_selector.picker.views import Picker, switch_account_url
from org_selector.settings import SelectorSettings
from service.headers import add_headers
from service.health import NotReady, add_health
from service.logs import log_requests
from service.pool import Database, Unavailable
from service.problem import problem

SCHEMA_VERSION = 1  # the newest migration this code needs
MAX_FORM_BYTES = 65_536


def create_app(settings: SelectorSettings) -> Flask:
    """
    Build the selector. Call it after the fork: it opens its own connections on first use.

    The database may be down at this moment; every answer that needs it is a 503 until it is
    back. A database role that could see too much is never used.
    """
    app = Flask(__name__, static_folder=None, template_folder=str(TEMPLATES))
    app.url_map.merge_slashes = False  # its redirect would be built from the Host of the request
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_FORM_BYTES
    database = Database(
        settings.database_url.get_secret_value(),
        size=settings.threads,
        configure=directory.require_plain_role,
    )
    session_secrets = [one.get_secret_value() for one in settings.session_token_secrets]
    tokens = SelectorTokens(
        session_secrets=session_secrets,
        selection_secrets=[one.get_secret_value() for one in settings.selection_token_secrets],
        domains=settings.auth0_domain,
    )
    answer = decisions.Decisions(database, settings.trusted_email_connections).answer
    cookies = LoginCookies(session_secrets, secure=settings.selector_url.startswith("https:"))
    picker = Picker(tokens, cookies, database, settings.selector_url)

    def require_ready() -> None:
        try:
            version = database.read(directory.find_schema_version)
        except Unavailable as error:
            raise NotReady(error.detail) from error
        except psycopg.ProgrammingError as error:  # no such table, or not for us
            raise NotReady("run: org-selector migrate") from error
        if version < SCHEMA_VERSION:
            raise NotReady("run: org-selector migrate")

    log_requests(app)
    add_headers(app)
    add_health(app, require_ready)
    set_up_pages(app)
    app.register_blueprint(decisions.create_blueprint(tokens, answer))
    app.register_blueprint(select.create_blueprint(picker))
    _answer_errors(app, settings.app_origins[0])
    app.extensions["database"] = database
    return app


def _answer_errors(app: Flask, home: str) -> None:
    @app.errorhandler(SelectorError)
    def refuse(error: SelectorError) -> Response:
        g.log = {"error": error.code, "detail": error.detail}
        if request.path == "/decisions":
            return problem(error.status, error.code, retry_after=error.retry_after)
        transaction = g.get("transaction")
        response = render_page(
            "error.html",
            transaction=transaction,
            status=error.status,
            error=error,
            home=(transaction.app_origin if transaction else "") or home,
            retry=request.path if isinstance(error, DatabaseUnavailable) else None,
            account=g.get("account"),
            switch_account_url=switch_account_url(transaction) if transaction else None,
        )
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        return refuse(DatabaseUnavailable(error.detail))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        response = refuse(_HttpError(error))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(error.valid_methods)
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        structlog.get_logger().exception("unforeseen", request_id=g.request_id)
        return refuse(SelectorError(type(error).__name__))


class _HttpError(SelectorError):
    """What Flask itself refuses: no such page, wrong method, too large."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(type(error).__name__)
        self.status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        self.code = HTTPStatus(self.status).name.lower()
        if self.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.title = _("There is nothing here")
            self.advice = _("Sign-in always begins in an app. Start again from there.")
