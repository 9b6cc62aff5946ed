"""The end of a login: the answer to the application, in the `response_mode` it asked for."""

from urllib.parse import urlencode, urlsplit, urlunsplit

from flask import redirect
from werkzeug import Response

from local_tenant.cookies import release_login
from local_tenant.logins import Login
from local_tenant.pages import error_page, form_post_page, web_message_page
from local_tenant.tenant import current_tenant

RESPONSE_MODES = ("query", "fragment", "form_post", "web_message")


class PageError(Exception):
    """
    An error that the tenant shows on its own page, because no redirect URI can be trusted.

    Args:
        status: the HTTP status.
        error: the code, for developers.
        why: a sentence that says what is wrong.
        next_step: a sentence that says what to do.
    """

    def __init__(self, status: int, error: str, why: str, next_step: str) -> None:
        super().__init__(error)
        self.status, self.error, self.why, self.next_step = status, error, why, next_step


def deliver_error(login: Login, error: str, description: str) -> Response:
    """Send the application an OAuth error (RFC 6749 section 4.1.2.1), which ends the login."""
    return deliver(login, {"error": error, "error_description": description})


def deliver(login: Login, answer: dict[str, str]) -> Response:
    """Send the answer and the application's `state` to the redirect URI; this ends the login."""
    if login.app_state is not None:
        answer = answer | {"state": login.app_state}
    response: Response
    match login.response_mode:
        case "form_post":
            response = form_post_page(login.redirect_uri, answer)
        case "web_message":
            response = _send_message(login, answer)
        case mode:
            response = redirect(
                add_parameters(login.redirect_uri, answer, fragment=mode == "fragment")
            )
    return release_login(response, login)


def _send_message(login: Login, answer: dict[str, str]) -> Response:
    """Answer with a page that posts a message to the callback's origin, if it is a web origin."""
    parts = urlsplit(login.redirect_uri)
    origin = f"{parts.scheme}://{parts.netloc}"
    if origin not in current_tenant().clients[login.client_id].web_origins:
        return error_page(
            current_tenant().config.assumptions.error_page_status,
            "invalid_request",
            "The origin of the callback is not among the application's allowed web origins.",
            "Add it to the application's settings in the tenant.",
        )
    return web_message_page(origin, answer)


def add_parameters(url: str, added: dict[str, str], *, fragment: bool = False) -> str:
    """
    Add parameters to the query of a URL, or replace its fragment by them.

    The query that the URL already has stays as it is, byte for byte.
    """
    parts = urlsplit(url)
    if fragment:
        return urlunsplit(parts._replace(fragment=urlencode(added)))
    query = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return urlunsplit(parts._replace(query=query))
