"""The pages in every language that has a catalog."""

import gettext

import pytest
from babel.messages import extract, pofile

from local_stack.node import PROJECT
from tests.kit.running_selector import Selector
from tests.kit.visit import enter

LOCALES = PROJECT / "templates" / "locale"
LANGUAGES = sorted(entry.name for entry in LOCALES.iterdir() if entry.is_dir())


def list_texts() -> set[str]:
    """Return every text of the pages, as a translator sees it."""
    method_map = [
        ("org_selector/**.py", "python"),
        ("templates/**.html", "jinja2"),
        ("templates/**.txt", "jinja2"),
    ]
    found = set()
    for folder in ("org_selector", "templates"):
        for _, _, message, _, _ in extract.extract_from_dir(
            PROJECT / folder,
            [(pattern.partition("/")[2], method) for pattern, method in method_map],
            options_map={"**.html": {"trimmed": "true"}},
            keywords=extract.DEFAULT_KEYWORDS,
        ):
            found.add(message[0] if isinstance(message, tuple) else message)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_of_the_pages_is_translated_and_compiled(language: str) -> None:
    """After a change of a text, run `make translations`."""
    folder = LOCALES / language / "LC_MESSAGES"
    with (folder / "messages.po").open("rb") as file:
        catalog = pofile.read_po(file, locale=language)
    with (folder / "messages.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    translated = {
        message.id[0] if isinstance(message.id, (list, tuple)) else message.id: message.string
        for message in catalog
        if message.id and message.string and not message.fuzzy
    }

    assert list_texts() == set(translated)
    for source, text in translated.items():
        if isinstance(text, str):
            assert compiled.gettext(source) == text


@pytest.mark.parametrize(
    ("language", "direction", "title"),
    [
        ("en", "ltr", "Choose an organization"),
        ("de", "ltr", "Organisation wählen"),
        ("ar", "rtl", "اختر مؤسسة"),
    ],
)
def test_the_page_uses_the_language_of_the_login_then_of_the_browser(
    selector: Selector, language: str, direction: str, title: str
) -> None:
    """The app's `ui_locales` first, then the browser's languages, then English."""
    by_login = enter(selector, locale=f"{language}-XX").page(accept_language="fr, de, ar")
    by_browser = enter(selector, locale="").page(accept_language=f"fr, {language};q=0.5")

    for page in (by_login, by_browser):
        assert f'<html lang="{language}" dir="{direction}">' in page.text
        assert f"<h1>{title}</h1>" in page.text


def test_the_page_is_english_in_a_language_without_a_translation(selector: Selector) -> None:
    """An unknown language tag is not an error."""
    for locale in ("xx", "zz-ZZ", "../de", "de/../ar"):
        page = enter(selector, locale=locale).page().text
        assert '<html lang="en" dir="ltr">' in page, locale
