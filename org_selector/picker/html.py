"""
The pages: one template each, the style inline, and one script, which submits the last form.

Every page has a Content-Security-Policy of its own. Text from a request or from the database is
always escaped. Names stand in `<bdi>`: a right-to-left name cannot reorder the rest of its line.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, request

from org_guard.base_url import base_url
from org_selector.errors import DatabaseUnavailable, SelectorError
from org_selector.languages import TEMPLATES, Language, Languages
from org_selector.login_transaction import LoginTransaction


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


STYLE = (TEMPLATES / "style.css").read_text("utf-8")
# Submits at once: before the page is loaded, so that it does not become a page of its own for the
# browser's "back". Every submit disables the button, so that a second click sends nothing. A page
# that the browser restores has its button again.
CONTINUE_SCRIPT = """
const [form] = document.forms
const button = form.querySelector('button')
form.onsubmit = () => { button.disabled = true }
window.onpageshow = ({ persisted }) => {
  if (persisted) button.disabled = false
}
form.requestSubmit()
"""
_POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; img-src data:; "
    f"style-src {_hash(STYLE)}; "
)
PAGE_POLICY = _POLICY + "form-action 'self'"


def continue_policy(tenant_url: str, app_origin: str) -> str:
    """
    Return the policy of the page that posts the choice to Auth0.

    Chromium applies `form-action` to every redirect after the submit: to the app's callback, and
    to the app's login page if the login has expired. So the policy allows https: in general. The
    two origins are for a tenant on http and for an app with a scheme of its own.
    """
    targets = f"https: {tenant_url} {app_origin}".rstrip()
    return f"{_POLICY}script-src {_hash(CONTINUE_SCRIPT)}; form-action {targets}"


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person in front of the browser, as far as this request knows."""

    transaction: LoginTransaction | None = None
    account: str | None = None  # shown on the page: e-mail address, name or Auth0's id

    @property
    def switch_account_url(self) -> str:
        """Return the link of "Not you?": it ends Auth0's session and leads back to the app."""
        if self.transaction is None:
            return ""
        query = {"client_id": self.transaction.client_id, "returnTo": self.transaction.app_origin}
        return f"{base_url(self.transaction.issuer)}/v2/logout?{urlencode(query)}"


_UNKNOWN_VIEWER = Viewer()


def show_to(transaction: LoginTransaction, account: str | None = None) -> None:
    """Remember the person for the page of this request, which may be an error's."""
    g.viewer = Viewer(transaction, account)


def set_up_pages(app: Flask, home: str) -> None:
    """
    Load the languages of the pages.

    Args:
        home: the app that error pages link to if the login's own app is unknown.
    """
    app.extensions["languages"] = Languages(TEMPLATES)
    app.extensions["home"] = home


def find_language() -> Language:
    """Return the language that the login names, else one that the browser prefers."""
    languages: Languages = current_app.extensions["languages"]
    return languages.choose(_list_wanted_languages())


def render_page(
    template: str, *, status: int = 200, policy: str = PAGE_POLICY, **context: object
) -> Response:
    """Render *template* in the person's language."""
    viewer = _find_viewer()
    html = find_language().render(
        template,
        style=STYLE,
        account=viewer.account,
        switch_account_url=viewer.switch_account_url,
        **context,
    )
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response


def render_error(error: SelectorError) -> Response:
    """Render the page of *error*, with a link to try again or to go back to the app."""
    transaction = _find_viewer().transaction
    translate = find_language().catalog.gettext
    response = render_page(
        "error.html",
        status=error.status,
        title=translate(error.title),
        advice=translate(error.advice),
        home=(transaction.app_origin if transaction else "") or current_app.extensions["home"],
        retry=request.path if isinstance(error, DatabaseUnavailable) else None,
        reference=g.request_id,
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _find_viewer() -> Viewer:
    viewer: Viewer = g.get("viewer", _UNKNOWN_VIEWER)
    return viewer


def _list_wanted_languages() -> Iterator[str]:
    if transaction := _find_viewer().transaction:
        yield transaction.locale
    # A generator, because most logins name a language that we have: no header is parsed then.
    yield from request.accept_languages.values()
