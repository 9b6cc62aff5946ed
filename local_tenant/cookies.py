"""
The tenant's cookies: one for the single sign-on session, and one for each unfinished login.

All are `SameSite=None; Secure; HttpOnly`: the picker, on another site, posts to /continue, and
silent logins happen in frames. Browsers accept `Secure` cookies from http://localhost.
"""

from flask import request
from werkzeug import Response

from local_tenant.logins import Login, Session
from local_tenant.tenant import current_tenant

SESSION_COOKIE = "auth0"
LOGIN_COOKIE_LIFETIME = 3600  # seconds, as long as the login itself
MANY_LOGINS = 12  # unfinished logins of one browser whose cookies are kept


def find_session() -> Session | None:
    """Find the session of this browser at this host."""
    cookie = request.cookies.get(SESSION_COOKIE, "")
    return current_tenant().records.find_session(cookie, request.host)


def remember_session(response: Response, session: Session) -> None:
    """Set the cookie of a session."""
    _set(
        response,
        SESSION_COOKIE,
        session.cookie,
        current_tenant().config.assumptions.session_lifetime,
    )


def forget_session(response: Response) -> None:
    """Delete the cookie of the session."""
    _delete(response, SESSION_COOKIE)


def bind_login(response: Response, login: Login) -> Response:
    """
    Set the cookie that binds the login to this browser.

    The browser keeps the cookies of MANY_LOGINS unfinished logins; older ones are deleted.
    """
    _set(response, login.cookie_name, login.browser, LOGIN_COOKIE_LIFETIME)
    unfinished = [name for name in request.cookies if name.startswith("login_")]
    for name in unfinished[:-MANY_LOGINS]:
        _delete(response, name)
    return response


def release_login(response: Response, login: Login) -> Response:
    """Delete the cookie of a login that has ended."""
    if login.cookie_name in request.cookies:
        _delete(response, login.cookie_name)
    return response


def _set(response: Response, name: str, value: str, max_age: int) -> None:
    response.set_cookie(
        name, value, max_age=max_age, path="/", secure=True, httponly=True, samesite="None"
    )


def _delete(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="None")
