"""Every page a person can reach: axe finds no fault, and nothing is wider than a small screen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Route, expect

from local_stack import seed
from local_stack.stack import Stack
from org_selector.app import create_app
from tests.kit.action_tokens import HEADER, SESSION_SECRET, STATE, sign, valid_session_claims
from tests.kit.running_selector import make_settings
from tests.kit.window import Window, open_window

pytestmark = pytest.mark.long  # axe takes a second for each page, width and colour scheme

SMALL = 320
ABC = seed.organization("abc-inc")
Visit = Callable[[Window, str], object]


@contextmanager
def open_for_axe(chromium: Browser, stack: Stack, language: str = "en") -> Iterator[Window]:
    """Open a window in which axe can run, without transitions of colours."""
    options = {"bypass_csp": True, "reduced_motion": "reduce", "locale": language}
    with open_window(chromium, stack, **options) as window:
        yield window


def inspect(window: Window) -> None:
    """Check the page as it is: light and dark, on a usual and on a small screen."""
    page = window.page
    for width in (1100, SMALL):
        page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")

            assert window.overflow() == 0, (width, scheme)
            if width == SMALL:
                found = Axe().run(page)
                assert found.violations_count == 0, f"{scheme}: {found.generate_report()}"


def picker(login: str, **parameters: str) -> Visit:
    """Log in as far as the picker."""

    def visit(window: Window, language: str) -> None:
        window.open_login(ui_locales=language, **parameters).log_in(login)
        window.page.wait_for_url("**/select/*")
        window.heading.wait_for()

    return visit


def search(text: str) -> Visit:
    """Search among two thousand."""

    def visit(window: Window, language: str) -> None:
        picker("max")(window, language)
        window.page.fill("#search", text)
        window.page.press("#search", "Enter")
        window.page.wait_for_url("**search=*")

    return visit


def continuing(window: Window, language: str) -> None:
    """Choose, and stay on the page that continues: the tenant does not answer."""
    picker("joe")(window, language)
    window.page.route("**/continue?*", lambda route: route.fulfill(status=204))
    with window.page.expect_response("**/continue?*"):
        window.row("XYZ Travel").click()


def already_chosen(window: Window, language: str) -> None:
    """Finish the login, then go back to its picker."""
    picker("joe")(window, language)
    address = window.page.url
    window.row("XYZ Travel").click()
    window.page.wait_for_url(f"{window.stack.spa_url}/**")
    window.settle()
    window.page.goto(address)


def forged_form(window: Window, language: str) -> None:
    """Post a form that our page did not make."""
    picker("joe")(window, language)
    window.page.evaluate("document.querySelector('[name=form]').value = 'forged'")
    window.row("XYZ Travel").click()
    window.page.locator(".reference").wait_for()


def wrong_name(window: Window, language: str) -> None:
    """Try to create an organization whose name shows nothing."""
    picker("nina")(window, language)
    window.page.fill("#new_organization", "\u2800")
    window.page.locator("form.create button").click()
    window.page.locator("#fault").wait_for()


def similar_name(window: Window, language: str) -> None:
    """Try to create an organization that one has already."""
    picker("joe")(window, language)
    window.page.locator("details.create summary").click()
    window.page.fill("#new_organization", "ABC inc.")
    window.page.locator("form.create button").click()
    window.page.locator("#fault").wait_for()


def at(path: str) -> Visit:
    """Open an address of the selector."""
    return lambda window, language: window.page.goto(window.stack.selector_url + path)


PAGES: dict[str, Visit] = {
    "picker of joe": picker("joe"),
    "picker of max": picker("max"),
    "picker of odd": picker("odd"),
    "picker of sue": picker("sue"),
    "picker with a notice": picker("joe", ext_org="solo-works"),
    "picker with a search": search("customer 12"),
    "picker with a search for nothing": search("zebra"),
    "new organization": picker("nina"),
    "new organization with a wrong name": wrong_name,
    "new organization with a similar name": similar_name,
    "closed invitation": picker("joe", ext_invitation="x"),
    "continuing": continuing,
    "already chosen": already_chosen,
    "forged form": forged_form,
    "broken link": at("/select?session_token=garbage&state=garbage"),
    "no such page": at("/nothing"),
}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("name", PAGES)
def test_each_page_of_the_selector_is_accessible_and_fits(
    chromium: Browser, stack: Stack, name: str, language: str
) -> None:
    """Light and dark, small and wide, left to right and right to left."""
    with open_for_axe(chromium, stack, language) as window:
        PAGES[name](window, language)
        html = window.page.locator("html")

        expect(html).to_have_attribute("dir", "rtl" if language == "ar" else "ltr")
        expect(window.page.locator("h1")).to_have_count(1)
        inspect(window)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_pages_of_an_invitation_are_accessible_and_fit(
    chromium: Browser, stack: Stack, superuser: psycopg.Connection, language: str
) -> None:
    """For the person it was sent to, and for another one who opens its link."""
    [(invitation_id,)] = superuser.execute(
        "insert into org.invitation (org_id, email, role, expires_at, invited_by) select %s, "
        "'nina@example.com', 'member', now() + interval '1 day', user_id from org.membership "
        "where org_id = %s and role = 'owner' limit 1 returning id::text",
        (ABC.id, ABC.id),
    ).fetchall()
    try:
        for login in ("nina", "joe"):
            with open_for_axe(chromium, stack, language) as window:
                picker(login, ext_invitation=invitation_id)(window, language)
                inspect(window)
    finally:
        superuser.execute("delete from org.invitation")


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_name_begins_where_its_row_begins(
    chromium: Browser, stack: Stack, language: str
) -> None:
    """Beside its initials, in every direction of writing."""
    with open_for_axe(chromium, stack, language) as window:
        picker("odd")(window, language)
        edges = window.page.locator("bdi.name").evaluate_all(
            "names => names.map((name) => getComputedStyle(name).textAlign)"
        )

        assert set(edges) == {"right" if language == "ar" else "left"}


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_of_an_application_bound_to_a_suspended_organization_is_accessible(
    chromium: Browser, stack: Stack, superuser: psycopg.Connection, language: str
) -> None:
    change = "update org.organization set suspended_at = {} where id = %s"
    superuser.execute(change.format("now()"), (ABC.id,))
    try:
        with open_for_axe(chromium, stack, language) as window:
            picker("joe", client_id="abc-app")(window, language)
            assert window.page.locator(".row").count() == 0
            expect(window.page.locator(".reference")).to_be_visible()
            inspect(window)
    finally:
        superuser.execute(change.format("null"), (ABC.id,))


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_page_of_a_selector_without_its_database_is_accessible(
    chromium: Browser, stack: Stack, language: str
) -> None:
    """It offers to try again."""
    app = create_app(make_settings("postgresql://org_selector@/nothing?host=/nowhere"))
    client, origin = app.test_client(), "https://select.example.com"

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(origin)
        response = client.get(path, base_url=origin)
        route.fulfill(
            status=response.status_code, headers=dict(response.headers), body=response.data
        )

    try:
        with open_for_axe(chromium, stack, language) as window:
            window.page.route(f"{origin}/**", answer)
            token = sign(HEADER, valid_session_claims(locale=language), SESSION_SECRET)
            address = f"/select?session_token={token}&state={STATE}"
            entered = client.get(address, base_url=origin)
            window.page.goto(origin + entered.location)
            if language == "en":
                window.expect_heading("Sign-in is taking a short break")
                expect(window.page.get_by_role("link", name="Try again")).to_be_visible()
            inspect(window)
    finally:
        app.extensions["database"].close()


def test_each_page_of_the_tenant_is_accessible_and_fits(chromium: Browser, stack: Stack) -> None:
    """Login, wrong password, and an error that may not be sent to any application."""
    with open_for_axe(chromium, stack) as window:
        window.open_login().expect_heading("Log in")
        inspect(window)
        window.log_in("nobody")
        window.page.locator("#refused").wait_for()
        inspect(window)
        window.open_login(client_id="nobody").expect_heading("This login cannot go on")
        inspect(window)


def test_each_state_of_the_app_is_accessible_and_fits(chromium: Browser, stack: Stack) -> None:
    with open_for_axe(chromium, stack) as window:
        window.page.route("**/config.json", lambda route: None)  # never answered
        window.page.goto(f"{stack.spa_url}/")
        window.expect_state("loading")
        inspect(window)
        window.page.unroute("**/config.json")
        window.open_app().expect_state("logged-out")
        inspect(window)
        window.start_login().log_in("joe").choose("XYZ Travel").expect_organization("xyz-travel")
        window.page.evaluate("document.querySelectorAll('details').forEach((e) => e.open = true)")
        inspect(window)
        for state, call in STATES:
            window.page.evaluate(f"import('/views.js').then((views) => views.{call} && null)")
            window.expect_state(state)
            inspect(window)


STATES = (
    ("logged-out", "showLoggedOut('solo-works', 'logged-out')"),
    ("logged-out", "showLoggedOut(null, 'choose')"),
    ("refused", "showRefused('not_a_member')"),
    ("mismatch", f"showMismatch('solo-works', {{ name: '{'Long Name ' * 20}' }})"),
    ("removed", "showRemoved('XYZ Travel')"),
)
