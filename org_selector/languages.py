"""
The languages of pages and mails, and the templates of each.

A template is compiled once for each language, and its fixed texts are translated at that moment.
Showing a page looks up no fixed text.
"""

import gettext
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.ext import Extension
from markupsafe import escape

from org_selector.picker.texts import PageTexts

TEMPLATES = Path(__file__).parent / "templates"
if not TEMPLATES.is_dir():  # in a clone; an installed package has them inside
    TEMPLATES = Path(__file__).parents[1] / "templates"
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_FIXED_TEXT = re.compile(r'{{ _\("([^"]+)"\) }}')


class _FixedTexts(Extension):
    """Replace each `{{ _("text") }}` by its translation before the template is compiled."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        translate = cast(Callable[[str], str], self.environment.globals["translate"])
        escapes = cast(Callable[[str | None], bool], self.environment.autoescape)(name)
        return _FIXED_TEXT.sub(
            lambda text: escape(translate(text[1])) if escapes else translate(text[1]), source
        )


class Language:
    """
    One language of pages and mails.

    Args:
        tag: the language part of a BCP 47 tag: "de", not "de-AT".
        templates: the folder of the templates; its `locale/` holds the catalogs.
    """

    def __init__(self, tag: str, templates: Path) -> None:
        self.catalog = gettext.translation("messages", templates / "locale", [tag], fallback=True)
        self.page_texts = PageTexts.translate(self.catalog)
        self.templates = Environment(
            loader=FileSystemLoader(templates),
            autoescape=select_autoescape(disabled_extensions=["txt"], default=True),
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_FixedTexts],
        )
        self.tag = tag
        self.direction = "rtl" if tag in _RIGHT_TO_LEFT else "ltr"
        self.templates.globals |= {
            "language": tag,
            "direction": self.direction,
            "translate": self.catalog.gettext,
        }

    def render(self, template: str, **context: object) -> str:
        """Return a page or a mail; the values of *context* are escaped, except in plain text."""
        return self.templates.get_template(template).render(context)


class Languages:
    """English, in which the texts are written, and each language that has a catalog."""

    def __init__(self, templates: Path) -> None:
        tags = [folder.name for folder in (templates / "locale").glob("*") if folder.is_dir()]
        self._languages = {tag: Language(tag, templates) for tag in ("en", *tags)}

    def choose(self, wanted: Iterable[str]) -> Language:
        """Return the first language of *wanted* (BCP 47 tags) that we have, else English."""
        for tag in wanted:
            language = tag.replace("_", "-").partition("-")[0].lower()
            if language in self._languages:
                return self._languages[language]
        return self._languages["en"]
