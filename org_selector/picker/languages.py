"""The languages of the pages: which there are, which one to use, and which way it is written."""

import gettext
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


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
    """Return the `dir` attribute of a page in *language*."""
    return "rtl" if language in _RIGHT_TO_LEFT else "ltr"
