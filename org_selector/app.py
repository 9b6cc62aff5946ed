"""The selector: one Flask app, built from its settings."""

from http import HTTPStatus

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from org_guard.role_check import require_plain_role
from org_selector import decisions
from org_selector.action_tokens import ActionTokens
from org_selector.choice_rows import ChoiceRows
from org_selector.choices import Choices
from org_selector.decisions import Decisions
from org_selector.errors import DatabaseUnavailable, SelectorError, _
from org_selector.picker import views
from org_selector.picker.cookie import LoginCookies
from org_selector.picker.html import render_error, set_up_pages
from org_selector.picker.lookup.rows import LookupRows
from org_selector.picker.rows import PickerRows
from org_selector.rows import DecisionRows
from org_selector.settings import SelectorSettings
from service import app as service_app
from service.app import Refusals
from service.health import require_schema
from service.problem import problem

SCHEMA_VERSION = 3  # the newest migration this code needs
MAX_FORM_BYTES = 65_536


def create_app(settings: SelectorSettings) -> Flask:
    """
    Build the selector. Call it after the fork: each process opens connections of its own.

    The database may be down at that moment: until it is back, requests that need it get a 503.
    A connection whose database role could see too much is not used.
    """
    database = settings.open_database(require_plain_role)
    session_secrets = [one.get_secret_value() for one in settings.session_token_secrets]
    tokens = ActionTokens(
        session_secrets=session_secrets,
        selection_secrets=[one.get_secret_value() for one in settings.selection_token_secrets],
        domains=settings.auth0_domain,
    )
    choices = Choices(ChoiceRows(database), new_organizations=settings.new_organizations)
    answers = Decisions(DecisionRows(database), choices, settings.trusted_email_connections)
    cookies = LoginCookies(session_secrets, secure=settings.selector_url.startswith("https:"))
    picker = views.Picker(
        tokens,
        cookies,
        PickerRows(database),
        LookupRows(database),
        settings.selector_url,
        new_organizations=settings.new_organizations,
    )
    app = service_app.create_app(
        __name__,
        database=database,
        require_ready=lambda: require_schema(database, SCHEMA_VERSION),
        refusals=_REFUSALS,
        max_body_bytes=MAX_FORM_BYTES,
    )
    set_up_pages(app, home=settings.app_origins[0])
    app.register_blueprint(decisions.create_blueprint(tokens, answers))
    app.register_blueprint(views.create_blueprint(picker))
    return app


def _answer(error: SelectorError) -> Response:
    return problem(error) if request.path == "/decisions" else render_error(error)


class _HttpError(SelectorError):
    """Flask's own errors: an unknown page, a wrong method, a body that is too large."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(type(error).__name__)
        self.status = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
        self.code = HTTPStatus(self.status).name.lower()
        if self.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self.title = _("There is nothing here")
            self.advice = _("Sign-in always begins in an app. Start again from there.")


_REFUSALS = Refusals(
    base=SelectorError,
    answer=_answer,
    unavailable=DatabaseUnavailable,
    http=_HttpError,
    unforeseen=SelectorError,
)
