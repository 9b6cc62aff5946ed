"""
The interactive login: /authorize, and /continue after an Action has redirected the browser.

As at Auth0, the session exists before the first Action runs, and stays if the login is denied or
abandoned.
"""

import re
import time
from urllib.parse import urlsplit, urlunsplit

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from local_tenant.answer import RESPONSE_MODES, PageError, add_parameters, deliver, deliver_error
from local_tenant.configuration import Client
from local_tenant.cookies import bind_login, find_session
from local_tenant.logins import DeadLoginError, Login, Session
from local_tenant.pages import error_page
from local_tenant.parameters import Parameters, check_ext, describe_request, read_parameters, text
from local_tenant.pipeline import Denied, FactorAsked, Granted, Redirect, run_actions
from local_tenant.tenant import current_tenant

routes = Blueprint("authorize", __name__)
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # S256, RFC 7636 section 4.2


@routes.route("/authorize", methods=["GET", "POST"])
def authorize() -> Response:
    """Begin a login: check the request, show the login page if needed, then run the Actions."""
    parameters = read_parameters(request.values)
    login = _new_login(parameters)
    try:
        _read_request(login, parameters)
    except ValueError as problem:
        return deliver_error(login, "invalid_request", str(problem))
    tenant = current_tenant()
    if login.response_type != ("code",):
        return deliver_error(login, "unsupported_response_type", "Only code is served here.")
    if login.audience is not None and login.audience not in tenant.apis:
        return deliver_error(login, "access_denied", f"Service not found: {login.audience}")
    session = find_session()
    if session is None or _must_authenticate(login, session):
        if "none" in login.prompt:
            return deliver_error(login, "login_required", "Login required")
        state = tenant.records.suspend(login, "login")
        return bind_login(redirect(url_for("login.show_login", state=state)), login)
    return proceed(login, session)


def _new_login(parameters: Parameters) -> Login:
    """
    Make a login of a known client with one of its callbacks.

    Raises:
        PageError: the client or the callback is unknown, so there is no URL to redirect to.
    """
    status = current_tenant().config.assumptions.error_page_status
    try:
        client_id, redirect_uri = text(parameters, "client_id"), text(parameters, "redirect_uri")
    except ValueError as problem:
        raise PageError(status, "invalid_request", str(problem), "Correct the request.") from None
    client = current_tenant().clients.get(client_id)
    if client is None:
        raise PageError(
            status,
            "unauthorized_client",
            "The tenant knows no application with this client_id.",
            "Compare the client_id of the application with the tenant's settings.",
        )
    redirect_uri = redirect_uri or next(iter(client.callbacks), "")
    if redirect_uri not in client.callbacks:
        raise PageError(
            status,
            "invalid_request",
            "Callback URL mismatch: this redirect_uri is not registered for the application.",
            "Add it to the application's allowed callback URLs, character by character.",
        )
    return Login(client_id=client_id, host=request.host, request={}, redirect_uri=redirect_uri)


def _read_request(login: Login, parameters: Parameters) -> None:
    """
    Read the request into the login (OpenID Connect Core section 3.1.2.1, RFC 7636 section 4.3).

    Raises:
        ValueError: a sentence about the first parameter that is wrong.
    """
    login.app_state = text(parameters, "state") if "state" in parameters else None
    mode = text(parameters, "response_mode") or "query"
    if mode not in RESPONSE_MODES:
        raise ValueError(f"response_mode must be one of {', '.join(RESPONSE_MODES)}.")
    login.response_mode = mode
    login.response_type = tuple(text(parameters, "response_type").split())
    login.scopes = tuple(dict.fromkeys(text(parameters, "scope").split()))
    login.audience = text(parameters, "audience") or None
    login.nonce = text(parameters, "nonce") or None
    login.login_hint = text(parameters, "login_hint")
    login.ui_locales = tuple(text(parameters, "ui_locales").split())
    login.prompt = tuple(text(parameters, "prompt").split())
    if "none" in login.prompt and len(login.prompt) > 1:
        raise ValueError("prompt=none cannot be combined with another prompt.")
    if max_age := text(parameters, "max_age"):
        if not re.fullmatch(r"[0-9]{1,9}", max_age):
            raise ValueError("max_age must be a number of seconds.")
        login.max_age = int(max_age)
    login.code_challenge = text(parameters, "code_challenge")
    if not CHALLENGE.fullmatch(login.code_challenge):
        raise ValueError("A public client must send a code_challenge of 43 base64url characters.")
    if text(parameters, "code_challenge_method") != "S256":
        raise ValueError("code_challenge_method must be S256.")
    assumptions = current_tenant().config.assumptions
    body = read_parameters(request.form)
    shown = parameters if assumptions.posted_parameters_in_query else read_parameters(request.args)
    login.request = describe_request(check_ext(shown, assumptions), body)


def _must_authenticate(login: Login, session: Session) -> bool:
    if "login" in login.prompt:
        return True
    return login.max_age is not None and time.time() - session.authenticated_at > login.max_age


@routes.route("/continue", methods=["GET", "POST"])
def resume() -> Response:
    """
    Resume the login in the Action that redirected the browser.

    Each `state` works once, and only in the browser that began the login.

    Raises:
        DeadLoginError: the login cannot be resumed; `end_dead_login` answers.
    """
    tenant = current_tenant()
    state = request.args.get("state", "")
    if not state and tenant.config.assumptions.continue_state_in_body:
        state = request.form.get("state", "")
    login = tenant.records.take_transaction(state, "redirect", request.host, request.cookies)
    # event.request now describes /continue, not /authorize (Auth0's page "Actions: limitations").
    login.request = describe_request(read_parameters(request.args), read_parameters(request.form))
    return run(login, resumed=True)


def proceed(login: Login, session: Session) -> Response:
    """Run the Actions for the user of this session and turn their outcome into a response."""
    login.user_id, login.session_id = session.user_id, session.id
    login.authenticated_at = session.authenticated_at
    login.connection = session.connection
    return run(login)


def run(login: Login, *, resumed: bool = False) -> Response:
    """Run the Actions from `login.position` on and turn their outcome into a response."""
    tenant = current_tenant()
    match run_actions(tenant, login, resumed=resumed):
        case Granted():
            return deliver(login, {"code": tenant.records.add_code(login)})
        case Denied(error, description):
            return deliver_error(login, error, description)
        case Redirect(url):
            state = tenant.records.suspend(login, "redirect")
            return bind_login(redirect(_add_state(url, state)), login)
        case FactorAsked():
            state = tenant.records.suspend(login, "factor")
            return bind_login(redirect(url_for("second_factor.show", state=state)), login)


def _add_state(url: str, state: str) -> str:
    if current_tenant().config.assumptions.own_state_is_replaced:
        parts = urlsplit(url)
        kept = [part for part in parts.query.split("&") if part.partition("=")[0] != "state"]
        url = urlunsplit(parts._replace(query="&".join(kept)))
    return add_parameters(url, {"state": state})


DEAD_LOGINS = {
    "used": "This login was already finished or continued, in this or another window.",
    "expired": "This login was left open for more than an hour.",
    "other_browser": "This login began in another browser, or the browser kept no cookies.",
    "session_ended": "You logged out before this login was complete.",
    "unknown": "The tenant has no unfinished login with this state.",
}


@routes.app_errorhandler(DeadLoginError)
def end_dead_login(problem: DeadLoginError) -> Response:
    """Redirect to the application's `initiate_login_uri`; without one, say what happened."""
    tenant = current_tenant()
    client: Client | None = tenant.clients.get(problem.client_id)
    if client is not None and client.initiate_login_uri:
        return redirect(client.initiate_login_uri)
    return error_page(
        tenant.config.assumptions.dead_login_status,
        "invalid_request",
        DEAD_LOGINS[problem.reason],
        "Go back to the application and log in again.",
    )
