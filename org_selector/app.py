"""The selector: one Flask app from settings, with every collaborator passed in."""

from http import HTTPStatus

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from org_selector import decisions
from org_selector import rows as directory
from org_selector.action_tokens import ActionTokens
from org_selector.errors import DatabaseUnavailable, SelectorError, _
from org_selector.picker import views as select
from org_selector.picker.cookie import LoginCookies
from org_selector.picker.html import TEMPLATES, render_page, set_up_pages
from org_selector.picker.views import Picker, switch_account_url
from org_selector.settings import SelectorSettings
from service import app as service_app
from service.app import Refusals
from service.health import require_schema
from service.pool import Database
from service.problem import problem

SCHEMA_VERSION = 1  # the newest migration this code needs
MAX_FORM_BYTES = 65_536


def create_app(settings: SelectorSettings) -> Flask:
    """
    Build the selector. Call it after the fork: it opens its own connections on first use.

    The database may be down at this moment; every answer that needs it is a 503 until it is
    back. A database role that could see too much is never used.
    """
    database = Database(
        settings.database_url.get_secret_value(),
        size=settings.threads,
        configure=directory.require_plain_role,
    )
    session_secrets = [one.get_secret_value() for one in settings.session_token_secrets]
    tokens = ActionTokens(
        session_secrets=session_secrets,
        selection_secrets=[one.get_secret_value() for one in settings.selection_token_secrets],
        domains=settings.auth0_domain,
    )
    answer = decisions.Decisions(database, settings.trusted_email_connections).answer
    cookies = LoginCookies(session_secrets, secure=settings.selector_url.startswith("https:"))
    picker = Picker(tokens, cookies, database, settings.selector_url)
    app = service_app.create_app(
        __name__,
        database=database,
        require_ready=lambda: require_schema(database, SCHEMA_VERSION),
        refusals=_refusals(settings.app_origins[0]),
        max_body_bytes=MAX_FORM_BYTES,
        template_folder=str(TEMPLATES),
    )
    set_up_pages(app)
    app.register_blueprint(decisions.create_blueprint(tokens, answer))
    app.register_blueprint(select.create_blueprint(picker))
    return app


def _refusals(home: str) -> Refusals:
    def answer(error: SelectorError) -> Response:
        if request.path == "/decisions":
            return problem(error)
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

    return Refusals(
        bases=(SelectorError,),
        answer=answer,
        unavailable=DatabaseUnavailable,
        http=_HttpError,
        unforeseen=SelectorError,
    )


class _HttpError(SelectorError):
    """What Flask itself refuses: no such page, wrong method, too large."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(type(error).__name__)
        self.status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        self.code = HTTPStatus(self.status).name.lower()
        if self.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.title = _("There is nothing here")
            self.advice = _("Sign-in always begins in an app. Start again from there.")
