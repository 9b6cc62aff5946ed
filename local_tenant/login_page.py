"""The login page: e-mail address and password, and in the demo a button for each user."""

import hmac

from flask import Blueprint, request
from werkzeug import Response

from local_tenant.answer import deliver_error
from local_tenant.authorize import proceed
from local_tenant.configuration import User
from local_tenant.cookies import remember_session
from local_tenant.logins import Login
from local_tenant.pages import login_page
from local_tenant.tenant import current_tenant

routes = Blueprint("login", __name__)


@routes.get("/u/login")
def show_login() -> Response:
    """
    Show the login page.

    Raises:
        DeadLoginError: this browser has no login with this `state` that waits for credentials.
    """
    login = current_tenant().records.find_transaction(
        request.args.get("state", ""), "login", request.host, request.cookies
    )
    return _login_page(login, login.login_hint)


@routes.post("/u/login")
def log_in() -> Response:
    """
    Log in the user with these credentials, or whose button was pressed, then run the Actions.

    Wrong credentials show the page again. A blocked user is sent to the application with an error.

    Raises:
        DeadLoginError: this browser has no login with this `state` that waits for credentials.
    """
    tenant = current_tenant()
    state = request.args.get("state", "")
    login = tenant.records.find_transaction(state, "login", request.host, request.cookies)
    user = _find_user()
    if user is None:
        return _login_page(login, request.form.get("email", ""), refused=True)
    login = tenant.records.take_transaction(state, "login", request.host, request.cookies)
    person = tenant.records.people[user.user_id]
    if person.blocked:
        assumptions = tenant.config.assumptions
        return deliver_error(login, assumptions.blocked_error, assumptions.blocked_description)
    with tenant.records.lock:
        person.logins_count += 1
    session = tenant.records.add_session(request.host, user.user_id)
    response = proceed(login, session)
    remember_session(response, session)
    return response


def _find_user() -> User | None:
    config = current_tenant().config
    if config.one_click and (user_id := request.form.get("user_id")):
        return next((user for user in config.users if user.user_id == user_id), None)
    return check_password(request.form.get("email", ""), request.form.get("password", ""))


def check_password(email: str, password: str) -> User | None:
    """Find the user with this e-mail address, in upper or lower case, and this password."""
    for user in current_tenant().config.users:
        same_address = user.email.casefold() == email.strip().casefold()
        same_password = hmac.compare_digest(user.password.encode(), password.encode())
        if same_address and same_password and user.password:
            return user
    return None


def _login_page(login: Login, email: str, *, refused: bool = False) -> Response:
    tenant = current_tenant()
    users = tenant.config.users if tenant.config.one_click else ()
    name = tenant.clients[login.client_id].name
    return login_page(client_name=name, email=email, users=users, refused=refused)
