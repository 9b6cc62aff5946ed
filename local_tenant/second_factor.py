"""
The page of a second factor, after an Action has called `challengeWith`, `enrollWith` or the like.

As at Auth0, the flow goes on with the next Action, and `event.authentication.methods` then names
`mfa` and the type of the factor, for as long as the session lasts.
"""

import hmac
import secrets
import time

from flask import Blueprint, redirect, request, url_for
from werkzeug import Response

from local_tenant.answer import deliver_error
from local_tenant.authorize import run
from local_tenant.cookies import bind_login
from local_tenant.logins import Login, format_time
from local_tenant.pages import second_factor_page
from local_tenant.parameters import describe_request, read_parameters
from local_tenant.pipeline import Denied, FactorAsked, find_asked_factor
from local_tenant.tenant import current_tenant

routes = Blueprint("second_factor", __name__)
MAX_WRONG_CODES = 10  # in one login


@routes.get("/u/mfa")
def show() -> Response:
    """
    Show the page.

    Raises:
        DeadLoginError: this browser has no login with this `state` that waits for a factor.
    """
    return _page(_find_login())


@routes.post("/u/mfa")
def prove() -> Response:
    """
    Check the code, then run the next Actions; a wrong code shows the page again.

    Raises:
        DeadLoginError: this browser has no login with this `state` that waits for a factor.
    """
    login = _find_login()
    tenant = current_tenant()
    asked, code = login.asked_factors[0], _find_code(login)
    if not hmac.compare_digest(code.encode(), request.form.get("code", "").strip().encode()):
        login.wrong_codes += 1
        if login.wrong_codes < MAX_WRONG_CODES:
            return _page(login, refused=True)
        _take_login()
        return deliver_error(login, "access_denied", "Too many wrong codes.")
    login = _take_login()
    with tenant.records.lock:
        if asked.enroll:
            tenant.records.people[login.user_id].factors[asked.types[0]] = code
        if session := tenant.records.sessions.get(login.session_id):
            proved = {"name": "mfa", "type": asked.types[0], "timestamp": format_time(time.time())}
            session.methods.append(proved)
    login.proved_factors.append(asked.types[0])
    # event.request now describes this request (Auth0's page "Actions: limitations").
    login.request = describe_request(read_parameters(request.args), read_parameters(request.form))
    match find_asked_factor(tenant, login):
        case FactorAsked():
            state = tenant.records.suspend(login, "factor")
            return bind_login(redirect(url_for("second_factor.show", state=state)), login)
        case Denied(error, description):
            return deliver_error(login, error, description)
    return run(login)


def _find_login() -> Login:
    state = request.args.get("state", "")
    return current_tenant().records.find_transaction(state, "factor", request.host, request.cookies)


def _take_login() -> Login:
    state = request.args.get("state", "")
    return current_tenant().records.take_transaction(state, "factor", request.host, request.cookies)


def _find_code(login: Login) -> str:
    asked = login.asked_factors[0]
    if not asked.enroll:
        return current_tenant().records.people[login.user_id].factors[asked.types[0]]
    login.new_factor_code = login.new_factor_code or f"{secrets.randbelow(1_000_000):06}"
    return login.new_factor_code


def _page(login: Login, *, refused: bool = False) -> Response:
    enroll = login.asked_factors[0].enroll
    shown = enroll or current_tenant().config.one_click
    code = _find_code(login) if shown else ""
    return second_factor_page(enroll=enroll, code=code, refused=refused)
