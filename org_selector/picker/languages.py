"""
The languages of the pages: which there are, which one a page uses, and its texts.

Each language has templates of its own, in which the texts were translated when the template was
compiled. A page that is shown looks up no fixed text at all.
"""

import gettext
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.ext import Extension
from markupsafe import escape

from org_selector.picker.page import PageTexts

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_FIXED_TEXT = re.compile(r'{{ _\("([^"]+)"\) }}')


class _FixedTexts(Extension):
    """Put the translation of each `{{ _("text") }}` into a template before it is compiled."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        translate = cast(Callable[[str], str], self.environment.globals["translate"])
        return _FIXED_TEXT.sub(lambda text: escape(translate(text[1])), source)


class Language:
    """
    One language of the pages.

    Args:
        tag: BCP 47, the language alone: "de", not "de-AT".
        templates: the folder of the templates; `locale/` in it holds the catalogs.
    """

    def __init__(self, tag: str, templates: Path) -> None:
        self.catalog = gettext.translation("messages", templates / "locale", [tag], fallback=True)
        self.page_texts = PageTexts.translate(self.catalog)
        self.templates = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[_FixedTexts],
        )
        direction = "rtl" if tag in _RIGHT_TO_LEFT else "ltr"
        self.templates.globals |= {
            "language": tag,
            "direction": direction,
            "translate": self.catalog.gettext,
        }

    def render(self, template: str, **context: object) -> str:
        """Return the HTML of a page; what *context* holds is escaped."""
        return self.templates.get_template(template).render(context)


class Languages:
    """English, which is the texts themselves, and each language that has a catalog."""

    def __init__(self, templates: Path) -> None:
        tags = [folder.name for folder in (templates / "locale").glob("*") if folder.is_dir()]
        self._languages = {tag: Language(tag, templates) for tag in ("en", *tags)}

    def choose(self, wanted: Iterable[str]) -> Language:
        """Return the first of *wanted* (BCP 47 tags) that is there, else English."""
        for tag in wanted:
            language = tag.replace("_", "-").partition("-")[0].lower()
            if language in self._languages:
                return self._languages[language]
        return self._languages["en"]
