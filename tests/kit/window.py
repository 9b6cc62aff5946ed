"""A window of a real browser: what a person does and sees in it."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from playwright.sync_api import Browser, Locator, Page, expect

from local_stack import seed
from local_stack.person import claims_of
from local_stack.stack import AUDIENCE, NAMESPACE, Stack

PICKER = "Choose an organization"
WAIT = 20_000  # milliseconds; reached only when something is broken
expect.set_options(timeout=WAIT)


class Window:
    """
    One tab of a browser.

    Its methods wait for what a person waits for, and never for a fixed time. `mistakes` collects
    errors that no page may cause.
    """

    def __init__(self, stack: Stack, page: Page, mistakes: list[str]) -> None:
        self.stack = stack
        self.page = page
        self.mistakes = mistakes
        page.on("pageerror", lambda error: mistakes.append(str(error)))
        page.on("popup", lambda popup: mistakes.append(f"a popup: {popup.url}"))
        page.on("console", lambda message: self._judge(message.type, message.text))

    def _judge(self, kind: str, text: str) -> None:
        # Other errors on the console, such as a refused request, may be the purpose of a test.
        if kind == "error" and "Content Security Policy" in text:
            self.mistakes.append(text)

    def another(self) -> "Window":
        """Open a second window of the same browser."""
        return Window(self.stack, self.page.context.new_page(), self.mistakes)

    # The app

    def open_app(self) -> Self:
        """Open the app's URL and wait until it shows a state."""
        self.page.goto(f"{self.stack.spa_url}/")
        return self.settle()

    def settle(self) -> Self:
        """Wait until the browser has arrived at the app and the app shows a state."""
        self.page.locator("main[data-state]:not([data-state=loading])").wait_for()
        return self

    def expect_state(self, state: str) -> Self:
        """Wait until the app is in this state."""
        self.page.locator(f"main[data-state={state}]").wait_for()
        return self

    def expect_organization(self, slug: str) -> Self:
        """Wait until the app is logged in; page and both tokens must name this organization."""
        wanted = seed.organization(slug)
        self.expect_state("logged-in")
        expect(self.page.locator("#organization-name")).to_have_text(wanted.name)
        shown, identity = self.read_tokens()
        access = claims_of(self.access_token())

        assert access[f"{NAMESPACE}org_id"] == str(wanted.id)
        assert shown[f"{NAMESPACE}org_id"] == str(wanted.id)
        assert identity[f"{NAMESPACE}org_id"] == str(wanted.id)
        assert identity[f"{NAMESPACE}org_name"] == wanted.name
        return self

    def wait_for_lists(self) -> Self:
        """
        Wait until the app has the API's answers: the person, members, projects, invitations, audit.

        A test that changes the database behind an open app waits first; otherwise one of these
        requests may find the change, and the app shows it before the test's next click.
        """
        self.page.locator("#members").get_by_role("button", name="Leave organization").wait_for()
        for region in self.page.locator(
            "#projects:visible, #invitations:visible, #audit:visible"
        ).all():
            rows, none = region.get_by_role("listitem"), region.locator("[data-part=empty]")
            rows.or_(none).locator("visible=true").first.wait_for()
        return self

    def read_tokens(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the claims of access token and ID token that the app shows."""
        access = self.page.locator("#access-token").text_content()
        identity = self.page.locator("#id-token").text_content()
        return json.loads(access or "{}"), json.loads(identity or "{}")

    def access_token(self) -> str:
        """Return the access token that the app would send to its API now."""
        token = self.page.evaluate("organizations.getAccessToken()")
        assert isinstance(token, str)
        return token

    def start_login(self, hint: str = "") -> Self:
        """Begin a login in the app; with *hint*, type that organization into its field."""
        if hint:
            self.page.fill("#org-hint", hint)
            self.page.press("#org-hint", "Enter")
        else:
            self.page.click("#log-in")
        return self

    def sign_in(self, login: str, hint: str = "") -> Self:
        """Open the app and log in; stay at the next page, the picker or the app."""
        return self.open_app().start_login(hint).log_in(login)

    def enter(self, login: str, organization: str) -> Self:
        """Open the app, log in, choose, and wait until the app has its tokens."""
        self.sign_in(login).choose(seed.organization(organization).name)
        return self.expect_organization(organization)

    # The tenant

    def log_in(self, login: str) -> Self:
        """Fill in the tenant's login page and submit it."""
        self.page.fill("#email", f"{login}@example.com")
        self.page.fill("#password", seed.PASSWORD)
        self.page.click("button.main")
        return self

    def open_login(self, verifier: str = "v" * 43, **parameters: str) -> Self:
        """Begin a login without the app, which needs scripts."""
        self.page.goto(authorize_url(self.stack, verifier, **parameters))
        return self

    # The picker

    @property
    def heading(self) -> Locator:
        """The first visible heading."""
        return self.page.locator("h1:visible").first

    def expect_heading(self, text: str) -> Self:
        """Wait for a page with this heading."""
        expect(self.heading).to_have_text(text)
        return self

    def expect_picker(self) -> Self:
        """Wait for the picker."""
        return self.expect_heading(PICKER)

    def row(self, name: str) -> Locator:
        """Return the organization's row; the upper one, if it is also listed as recently used."""
        exactly = re.compile(f"^{re.escape(name)}$")
        named = self.page.locator("bdi.name").filter(has_text=exactly)
        return self.page.locator(".row").filter(has=named).first

    def choose(self, name: str) -> Self:
        """Press the organization's row."""
        self.expect_picker()
        self.row(name).click()
        return self

    def expect_text(self, selector: str, text: str) -> Self:
        """Wait until an element has this text."""
        expect(self.page.locator(selector)).to_have_text(text)
        return self

    def query(self) -> dict[str, str]:
        """Return the query parameters of the URL."""
        return dict(parse_qsl(urlsplit(self.page.url).query))

    # The keyboard

    def press(self, *keys: str) -> Self:
        """Press keys one after the other."""
        for key in keys:
            self.page.keyboard.press(key)
        return self

    def tab_to(self, selector: str, text: str = "") -> Self:
        """Press Tab until this element has the focus."""
        for _ in range(40):
            focused = self.page.locator(f"{selector}:focus")
            if focused.filter(has_text=text).count():
                return self
            self.page.keyboard.press("Tab")
        raise AssertionError(f"Tab never reaches {selector} {text}")

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        found = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert isinstance(found, int)
        return found


@contextmanager
def open_window(chromium: Browser, stack: Stack, **options: Any) -> Iterator[Window]:
    """
    Open a window of a new browser, without cookies and cache.

    At the end the test fails if a page threw an error, violated its content security policy or
    opened a popup.
    """
    context = chromium.new_context(**options)
    try:
        context.set_default_timeout(WAIT)
        mistakes: list[str] = []
        yield Window(stack, context.new_page(), mistakes)

        assert mistakes == []
    finally:
        context.close()


def authorize_url(stack: Stack, verifier: str, **parameters: str) -> str:
    """Return a URL that begins a login; `ext_org="abc-inc"` becomes the parameter `ext-org`."""
    digest = hashlib.sha256(verifier.encode()).digest()
    query = {
        "client_id": "spa",
        "redirect_uri": f"{stack.spa_url}/",
        "response_type": "code",
        "scope": "openid profile email offline_access",
        "audience": AUDIENCE,
        "state": "app-state",
        "nonce": "app-nonce",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    } | {
        name.replace("_", "-") if name.startswith("ext") else name: value
        for name, value in parameters.items()
    }
    return f"{stack.tenant_url}/authorize?{urlencode(query)}"
