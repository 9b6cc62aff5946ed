"""
Rendering the pages: one template each, the style inlined, no script but the one that continues.

Every page carries its own Content-Security-Policy. Nothing that came from a request is ever
marked safe. Names of organizations stand in `<bdi>`, so that a name in a right-to-left script
cannot reorder the rest of its line.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, request

from org_guard.base_url import base_url
from org_selector.errors import DatabaseUnavailable, SelectorError
from org_selector.login_transaction import LoginTransaction
from org_selector.picker.languages import Language, Languages

TEMPLATES = Path(__file__).parents[1] / "templates"
if not TEMPLATES.is_dir():  # a checkout; an installed package carries them inside
    TEMPLATES = Path(__file__).parents[2] / "templates"


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


STYLE = (TEMPLATES / "style.css").read_text("utf-8")
CONTINUE_SCRIPT = "document.forms[0].submit()"
_POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; img-src data:; "
    f"style-src {_hash(STYLE)}; "
)
PAGE_POLICY = _POLICY + "form-action 'self'"


def continue_policy(tenant_url: str, app_origin: str) -> str:
    """
    Return the policy of the page that posts to Auth0.

    Chromium applies `form-action` to every redirect after the submit, up to the app's callback,
    and to the way back to the app where the login is over. So the policy allows https: in
    general, and the two origins for a tenant on plain http or an app with its own scheme.
    """
    targets = f"https: {tenant_url} {app_origin}".rstrip()
    return f"{_POLICY}script-src {_hash(CONTINUE_SCRIPT)}; form-action {targets}"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the page of this request, as far as it is known."""

    transaction: LoginTransaction | None = None
    account: str | None = None  # what the page calls the person: address, name or Auth0's id

    @property
    def switch_account_url(self) -> str:
        """Return where "Not you?" leads: out of Auth0's session, then back to the app."""
        if self.transaction is None:
            return ""
        query = {"client_id": self.transaction.client_id, "returnTo": self.transaction.app_origin}
        return f"{base_url(self.transaction.issuer)}/v2/logout?{urlencode(query)}"


_STRANGER = Viewer()


def show_to(transaction: LoginTransaction, account: str | None = None) -> None:
    """Note who looks at the page of this request, the page of an error included."""
    g.viewer = Viewer(transaction, account)


def set_up_pages(app: Flask, home: str) -> None:
    """
    Load the languages of the pages.

    Args:
        home: where pages lead back to if the login's own app is unknown.
    """
    app.extensions["languages"] = Languages(TEMPLATES)
    app.extensions["home"] = home


def find_language() -> Language:
    """Return the language of the login, else of the browser."""
    languages: Languages = current_app.extensions["languages"]
    return languages.choose(_list_wanted_languages())


def render_page(
    template: str, *, status: int = 200, policy: str = PAGE_POLICY, **context: object
) -> Response:
    """Render *template* for the viewer, in their language."""
    viewer = _viewer()
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
    """Render the page of *error*, with a way on: the same page again, or back to the app."""
    transaction = _viewer().transaction
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


def _viewer() -> Viewer:
    viewer: Viewer = g.get("viewer", _STRANGER)
    return viewer


def _list_wanted_languages() -> Iterator[str]:
    if transaction := _viewer().transaction:
        yield transaction.locale
    # Read only where the login names no language that we have: most of them do.
    yield from request.accept_languages.values()
