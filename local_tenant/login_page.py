"""The login page: e-mail address and password, and in the demo a button for each user."""

import hmac

from flask import Blueprint, request
from werkzeug import Response

from local_tenant.answer import deliver_error
from local_tenant.authorize import proceed
from local_tenant.configuration import LinkedIdentity, User
from local_tenant.cookies import remember_session
from local_tenant.logins import Login
from local_tenant.pages import login_page
from local_tenant.tenant import current_tenant

routes = Blueprint("login", __name__)
Connection = tuple[str, str]


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
    found = _find_user()
    if found is None:
        return _login_page(login, request.form.get("email", ""), refused=True)
    user, connection = found
    login = tenant.records.take_transaction(state, "login", request.host, request.cookies)
    person = tenant.records.people[user.user_id]
    if person.blocked:
        assumptions = tenant.config.assumptions
        return deliver_error(login, assumptions.blocked_error, assumptions.blocked_description)
    with tenant.records.lock:
        person.logins_count += 1
    session = tenant.records.add_session(request.host, user.user_id, connection)
    response = proceed(login, session)
    remember_session(response, session)
    return response


def _find_user() -> tuple[User, Connection] | None:
    config = current_tenant().config
    if config.one_click and (user_id := request.form.get("user_id")):
        by_id = {user.user_id: user for user in config.users}
        pressed = by_id.get(user_id)
        return None if pressed is None else (pressed, (pressed.connection, pressed.strategy))
    return check_password(request.form.get("email", ""), request.form.get("password", ""))


def check_password(email: str, password: str) -> tuple[User, Connection] | None:
    """
    Find the user with this password and one identity of this e-mail address, in any case.

    Returns:
        The user, and name and strategy of the identity's connection.
    """
    wanted = email.strip().casefold()
    for user in current_tenant().config.users:
        if not user.password or not hmac.compare_digest(user.password.encode(), password.encode()):
            continue
        identities: tuple[User | LinkedIdentity, ...] = (user, *user.linked)
        for identity in identities:
            if identity.email.casefold() == wanted:
                return user, (identity.connection, identity.strategy)
    return None


def _login_page(login: Login, email: str, *, refused: bool = False) -> Response:
    tenant = current_tenant()
    users = tenant.config.users if tenant.config.one_click else ()
    name = tenant.clients[login.client_id].name
    return login_page(client_name=name, email=email, users=users, refused=refused)
