"""
The HTML pages: one template each, their style inlined, no script but the one that continues.

Every page carries its own Content-Security-Policy. Nothing that came from a request is ever
marked safe; names of organizations are isolated with `<bdi>` so that no name can turn the
rest of a line round.
"""

import base64
import gettext
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from flask import Flask, Response, current_app, g, render_template, request
from jinja2 import StrictUndefined

from org_selector.login_transaction import LoginTransaction

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
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


def continue_policy(tenant_url: str, app_origin: str) -> str:
    """
    Return the policy of the page that posts to Auth0.

    Chromium holds `form-action` against every redirect after the submit, up to the app's
    callback, or a dead login's way back to the app: hence https: in general, and the two
    origins for a plain-http stand-in or an app with its own scheme.
    """
    targets = f"https: {tenant_url} {app_origin}".rstrip()
    return f"{_POLICY}script-src {_hash(CONTINUE_SCRIPT)}; form-action {targets}"


def set_up_pages(app: Flask) -> None:
    """Teach *app*'s templates the languages and the style."""
    translations = Translations(TEMPLATES / "locale")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: g.catalog.gettext(text),
        ngettext=lambda one, many, n: g.catalog.ngettext(one, many, n),
        newstyle=True,
    )
    app.jinja_env.filters["initials"] = initials
    app.jinja_env.globals |= {"style": STYLE, "continue_script": CONTINUE_SCRIPT}
    app.extensions["translations"] = translations


def render_page(
    template: str,
    *,
    transaction: LoginTransaction | None,
    status: int = 200,
    policy: str = PAGE_POLICY,
    **context: object,
) -> Response:
    """Render *template* in the language of the login, else of the browser."""
    translations: Translations = current_app.extensions["translations"]
    wanted = [transaction.locale] if transaction else []
    wanted += [tag for tag, _ in request.accept_languages]
    language = translations.choose(wanted)
    g.catalog = translations.load(language)
    html = render_template(
        template,
        language=language,
        direction=direction(language),
        transaction=transaction,
        reference=g.request_id,
        now=datetime.now(UTC),
        **context,
    )
    response = Response(html, status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = policy
    response.headers["Vary"] = "Cookie, Accept-Language"
    return response


def initials(name: str) -> str:
    """Return one or two characters that stand for *name*, whatever it is made of."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return "•"
    return "".join(word[0] for word in words[:2]).upper()


class Translations:
    """The catalogs of one folder; English is the text itself and always there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        languages = sorted(entry.name for entry in folder.glob("*") if entry.is_dir())
        self.languages = ("en", *languages)

    def choose(self, wanted: Iterable[str]) -> str:
        """Return the first of *wanted* (BCP 47 tags) that there is a catalog for, else "en"."""
        for tag in wanted:
            language = tag.replace("_", "-").partition("-")[0].lower()
            if language in self.languages:
                return language
        return "en"

    @cache  # noqa: B019 - one object a process, a handful of languages
    def load(self, language: str) -> gettext.NullTranslations:
        """Return the catalog of a language that `choose` returned."""
        return gettext.translation("messages", self._folder, [language], fallback=True)


def direction(language: str) -> str:
    """Return the `dir` of a page in *language*."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"
