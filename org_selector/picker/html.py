"""
Rendering the pages: one template each, the style inlined, no script but the one that continues.

Every page carries its own Content-Security-Policy. Nothing that came from a request is ever
marked safe. Names of organizations stand in `<bdi>`, so that a name in a right-to-left script
cannot reorder the rest of its line.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, Response, current_app, g, render_template, request
from jinja2 import StrictUndefined

from org_guard.base_url import base_url
from org_selector.errors import DatabaseUnavailable, SelectorError
from org_selector.login_transaction import LoginTransaction
from org_selector.picker.languages import Translations, direction

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

    transaction: LoginTransaction | None
    account: str | None  # what the page calls the person: address, name or Auth0's id

    @property
    def switch_account_url(self) -> str:
        """Return where "Not you?" leads: out of Auth0's session, then back to the app."""
        if self.transaction is None:
            return ""
        query = {"client_id": self.transaction.client_id, "returnTo": self.transaction.app_origin}
        return f"{base_url(self.transaction.issuer)}/v2/logout?{urlencode(query)}"


def show_to(transaction: LoginTransaction, account: str | None = None) -> None:
    """Note who looks at the page of this request, the page of an error included."""
    g.viewer = Viewer(transaction, account)


def set_up_pages(app: Flask, home: str) -> None:
    """
    Teach *app*'s templates the languages and the style.

    Args:
        home: where pages lead back to if the login's own app is unknown.
    """
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: g.catalog.gettext(text),
        ngettext=lambda one, many, n: g.catalog.ngettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.globals |= {"style": STYLE, "continue_script": CONTINUE_SCRIPT}
    app.extensions["translations"] = Translations(TEMPLATES / "locale")
    app.extensions["home"] = home


def render_page(
    template: str, *, status: int = 200, policy: str = PAGE_POLICY, **context: object
) -> Response:
    """Render *template* for the viewer, in the language of the login, else of the browser."""
    viewer = _viewer()
    translations: Translations = current_app.extensions["translations"]
    wanted = [viewer.transaction.locale] if viewer.transaction else []
    wanted += [tag for tag, _ in request.accept_languages]
    language = translations.choose(wanted)
    g.catalog = translations.load(language)
    html = render_template(
        template,
        language=language,
        direction=direction(language),
        viewer=viewer,
        reference=g.request_id,
        **context,
    )
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response


def render_error(error: SelectorError) -> Response:
    """Render the page of *error*, with a way on: the same page again, or back to the app."""
    transaction = _viewer().transaction
    response = render_page(
        "error.html",
        status=error.status,
        error=error,
        home=(transaction.app_origin if transaction else "") or current_app.extensions["home"],
        retry=request.path if isinstance(error, DatabaseUnavailable) else None,
    )
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _viewer() -> Viewer:
    viewer: Viewer | None = g.get("viewer")
    return viewer or Viewer(None, None)
