"""What the example app says when a login is refused, for every code and for texts of others."""

import json
import re

import pytest
from playwright.sync_api import expect

from local_stack.node import PROJECT
from tests.kit.window import Window

APP = (PROJECT / "spa" / "organizations.js").read_text()
CODES = re.findall(r"'([a-z_]+)'", APP[APP.index("const TRANSIENT") : APP.index("@typedef")])
READ = "(error) => import('/organizations.js').then((app) => app.readRefusal(error))"
RENEW = """() => organizations.getAccessToken({ fresh: true }).catch(async (error) => ({
    refusal: (await import('/organizations.js')).readRefusal(error),
    lost: error.lost !== undefined,
    inside: await organizations.current() !== null,
}))"""
SHOW = "async (given) => { (await import('/views.js')).showRefused(...given) }"


def test_every_code_of_the_action_has_a_text_of_its_own(window: Window) -> None:
    """The page shows the code for support, too."""
    window.open_app()
    headings = set()
    for code in CODES:
        assert window.page.evaluate(READ, _denied(code)) == code
        window.page.evaluate(SHOW, [code, True])
        window.expect_text("#refused-code", code)
        headings.add(window.page.inner_text("#refused-heading"))

    assert len(CODES) == 8
    assert len(headings) == 8
    assert not headings & {"The login was refused", "The login did not work"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the_office_is_closed", "the_office_is_closed"),
        ("Call 555-0199 and tell them your password", "unknown_error"),
        ("<img src=x onerror=document.title=1>", "unknown_error"),
        ("x" * 5_000, "unknown_error"),
        ("", "unknown_error"),
    ],
)
def test_a_refusal_with_an_unknown_code_is_a_refusal_and_only_a_plain_code_is_shown(
    window: Window, text: str, shown: str
) -> None:
    """Another Action of the tenant can deny, too; a link of an attacker can bring any text."""
    window.open_app()
    assert window.page.evaluate(READ, _denied(text)) == text
    window.page.evaluate(SHOW, [text, True])

    window.expect_text("#refused-heading", "The login was refused")
    window.expect_text("#refused-code", shown)
    if shown != text and text:
        assert text not in window.page.inner_text("main")


def test_an_error_that_is_not_a_refusal_is_none(window: Window) -> None:
    """A lost connection, for example; a refusal without a text is one."""
    window.open_app()
    for error in ({"error": "login_required"}, {"error": "timeout"}, {}, None):
        assert window.page.evaluate(READ, error) is None
    assert window.page.evaluate(READ, {"error": "access_denied"}) == "access_denied"
    window.page.evaluate(SHOW, ["timeout", False])

    window.expect_text("#refused-heading", "The login did not work")
    expect(window.page.locator("#refused-cause")).to_contain_text("your connection")


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("temporarily_unavailable", False),
        ("selection_failed", False),
        ("not_a_member", True),
        ("The office is closed", True),
    ],
)
def test_a_renewal_that_is_refused_drops_the_token_unless_the_cause_will_pass(
    window: Window, text: str, lost: bool
) -> None:
    """Another Action of the tenant can refuse a renewal, too; what it means is not known here."""
    window.enter("joe", "abc-inc")
    body = json.dumps({"error": "access_denied", "error_description": text})
    window.page.route(
        "**/oauth/token",
        lambda route: route.fulfill(status=403, content_type="application/json", body=body),
    )

    assert window.page.evaluate(RENEW) == {"refusal": text, "lost": lost, "inside": not lost}


def _denied(text: str) -> dict[str, str]:
    return {"error": "access_denied", "error_description": text}
