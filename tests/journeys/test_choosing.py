"""What people do at a login: a real browser, the real login library and Action, a real database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from playwright.sync_api import Browser, Route, expect

from local_stack import seed
from local_stack.person import Person, claims_of
from local_stack.stack import DATABASE, NAMESPACE, Stack
from tests.kit.window import Window, open_window

ALREADY = "You have already chosen in this sign-in"
TRAVEL, ABC = seed.organization("xyz-travel"), seed.organization("abc-inc")


@contextmanager
def restored(superuser: psycopg.Connection, stack: Stack) -> Iterator[psycopg.Connection]:
    """Let a test change memberships and organizations; restore them afterwards."""
    try:
        yield superuser
    finally:
        superuser.execute("update org.app_user set default_org_id = null")
        superuser.execute(
            "update org.organization set suspended_at = null where slug <> 'frozen-foods'"
        )
        seed.seed(stack.postgres.url(DATABASE, "postgres"))


def test_joe_chooses_xyz_travel_and_both_tokens_and_the_app_name_it(window: Window) -> None:
    window.sign_in("joe").expect_picker()
    expect(window.page.locator(".account")).to_contain_text("joe@example.com")
    expect(window.page.locator(".app")).to_have_text("Continue to Example App")

    window.choose("XYZ Travel").expect_organization("xyz-travel")
    access = claims_of(window.access_token())

    assert {name: value for name, value in access.items() if name.startswith(NAMESPACE)} == {
        f"{NAMESPACE}org_id": str(TRAVEL.id),
        f"{NAMESPACE}org_role": "member",
    }
    assert window.page.url == f"{window.stack.spa_url}/"


def test_a_person_logs_in_and_chooses_by_keyboard_alone(window: Window) -> None:
    """Tab and Enter reach everything; the focus is where a person would start."""
    window.open_app()
    window.tab_to("#log-in").press("Enter")
    window.page.locator("#email").wait_for()
    expect(window.page.locator("#email")).to_be_focused()
    window.press(*"joe@example.com", "Tab", *seed.PASSWORD, "Enter")
    window.expect_picker()
    window.tab_to("button.row", "XYZ Travel").press("Enter")

    window.expect_organization("xyz-travel")


def test_ann_who_has_one_organization_sees_no_page(window: Window) -> None:
    """She gets from the login page straight into the app."""
    visited: list[str] = []
    window.page.on("framenavigated", lambda frame: visited.append(frame.url))

    window.sign_in("ann").expect_organization("solo-works")

    assert not [url for url in visited if url.startswith(window.stack.selector_url)]


def test_joe_switches_without_a_password_by_the_picker_and_by_name(window: Window) -> None:
    """The session at the tenant is enough. By name, no page is shown."""
    window.enter("joe", "xyz-travel")
    window.page.click("#switch")
    window.choose("ABC Inc").expect_organization("abc-inc")

    window.page.fill("#switch-to", "XYZ Travel")
    window.page.press("#switch-to", "Enter")

    window.expect_text("#result", "You have switched to XYZ Travel.")
    window.expect_organization("xyz-travel")

    with window.page.expect_navigation(url="**/?code=*"):
        window.page.evaluate("{ organizations.switchOrganization('abc-inc') }")
    window.settle().expect_organization("abc-inc")


def test_a_login_that_names_an_organization_shows_no_page(window: Window) -> None:
    """As from a subdomain or a deep link; here it is typed into the app."""
    window.sign_in("joe", hint="abc-inc").expect_organization("abc-inc")


@pytest.mark.parametrize("hint", ["solo-works", "no-such-thing"])
def test_the_page_explains_the_hint_of_an_organization_joe_is_not_in(
    window: Window, hint: str
) -> None:
    """One of others and one that does not exist look alike; joe chooses another one."""
    window.sign_in("joe", hint).expect_picker()
    expect(window.page.get_by_role("alert")).to_have_text(
        "The app asked for an organization you cannot use with this account. Choose another one."
    )
    window.choose("ABC Inc").expect_state("mismatch")
    window.expect_text("#mismatch-asked", hint).expect_text("#mismatch-received", "ABC Inc")
    window.page.click("#keep-received")

    window.expect_organization("abc-inc")


def test_two_tabs_keep_their_organizations_through_twenty_renewals(window: Window) -> None:
    """Alternating and at the same moment, no tab gets the other's token."""
    travel = window.enter("joe", "xyz-travel")
    inc = travel.another().open_app().expect_state("logged-out")
    inc.start_login("abc-inc").expect_organization("abc-inc")
    tabs = ((travel, TRAVEL), (inc, ABC))
    exchanges: list[str] = []
    travel.page.context.on(
        "request", lambda asked: exchanges.extend([asked.url] * asked.url.endswith("/oauth/token"))
    )

    def judge(tab: Window, wanted: seed.SeedOrganization, token: str) -> None:
        assert claims_of(token)[f"{NAMESPACE}org_id"] == str(wanted.id), wanted
        identity = tab.page.evaluate("organizations.current()")
        assert identity["id"] == str(wanted.id)

    for _ in range(5):
        for tab, wanted in tabs:
            judge(tab, wanted, tab.page.evaluate("organizations.getAccessToken({ fresh: true })"))
    for _ in range(5):
        for tab, _wanted in tabs:
            tab.page.evaluate("{ window.renewal = organizations.getAccessToken({ fresh: true }) }")
        for tab, wanted in tabs:
            judge(tab, wanted, tab.page.evaluate("window.renewal"))

    assert len(exchanges) == 20  # no token came from a cache
    travel.expect_organization("xyz-travel")
    inc.expect_organization("abc-inc")


def test_a_reload_keeps_the_tabs_organization(window: Window) -> None:
    """Tokens were in memory only; the tab asks for its organization again, without a page."""
    travel = window.enter("joe", "xyz-travel")
    inc = travel.another().open_app().start_login("abc-inc").expect_organization("abc-inc")
    for tab, slug in ((travel, "xyz-travel"), (inc, "abc-inc"), (travel, "xyz-travel")):
        tab.page.reload()
        tab.settle().expect_organization(slug)


def test_not_you_logs_out_and_keeps_the_organization_the_app_asked_for(window: Window) -> None:
    """Ann logs in on the same machine and lands where the app wanted to be."""
    window.sign_in("joe", hint="solo-works").expect_picker()
    window.page.get_by_role("link", name="Not you?").click()
    window.expect_state("logged-out")
    expect(window.page.locator("#log-in")).to_have_text("Log in to solo-works")

    window.start_login().log_in("ann").expect_organization("solo-works")


def test_the_back_button_after_a_login_leads_to_a_page_that_explains_it(window: Window) -> None:
    """The picker of a finished login takes no second choice; its button leads to the app."""
    window.enter("joe", "xyz-travel")
    window.page.go_back()
    window.expect_heading(ALREADY)
    expect(window.page.locator("main")).to_contain_text("switch inside the app")

    window.page.get_by_role("link", name="Go to the app").click()
    window.expect_organization("xyz-travel")


def test_of_two_windows_at_one_login_the_first_choice_counts(window: Window) -> None:
    """The second window is told that its choice changed nothing."""
    first = window.sign_in("joe").expect_picker()
    second = first.another()
    second.page.goto(first.page.url)
    second.expect_picker()

    first.choose("XYZ Travel").expect_organization("xyz-travel")
    second.choose("ABC Inc").expect_heading(ALREADY)

    first.page.click("#renew")
    first.expect_text("#result", "Renewed. You are still in XYZ Travel.")
    first.expect_organization("xyz-travel")


def test_a_choice_that_arrives_late_leads_to_the_app_and_changes_nothing(window: Window) -> None:
    """Both windows had left the picker; the slower one finds its login finished."""
    first = window.sign_in("joe").expect_picker()
    second = first.another()
    second.page.goto(first.page.url)
    late: list[Route] = []
    second.page.route("**/continue?*", lambda route: late.append(route))
    with second.page.expect_request("**/continue?*"):
        second.choose("ABC Inc")

    first.choose("XYZ Travel").expect_organization("xyz-travel")
    late[0].continue_()

    second.expect_state("logged-out").expect_heading("Which organization?")
    assert "That sign-in was over already" in second.page.inner_text("#stale-sign-in")
    first.page.reload()
    first.settle().expect_organization("xyz-travel")


def test_a_double_click_or_a_reload_still_gives_the_chosen_organization(window: Window) -> None:
    window.sign_in("joe").expect_picker()
    window.page.reload()
    window.expect_picker()
    window.row("XYZ Travel").dblclick(no_wait_after=True)

    window.expect_organization("xyz-travel")


def test_an_impatient_second_click_on_the_way_back_sends_nothing(window: Window) -> None:
    """The page submits itself; its button is for browsers without scripts."""
    window.sign_in("joe").expect_picker()
    sent: list[str] = []

    def hold(route: Route) -> None:
        sent.append(route.request.url)
        route.fulfill(status=204)  # the page stays

    window.page.route("**/continue?*", hold)
    with window.page.expect_response("**/continue?*"):
        window.choose("XYZ Travel")
    button = window.page.get_by_role("button", name="Continue")
    expect(button).to_be_disabled()
    button.click(force=True)

    # A page that the browser restores, such as after a failure of the network, has its button.
    window.page.evaluate(
        "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true})) && null"
    )
    expect(button).to_be_enabled()
    assert len(sent) == 1
    window.page.unroute("**/continue?*")
    button.click()
    window.expect_organization("xyz-travel")


def test_a_browser_without_scripts_shows_a_button_that_continues(
    chromium: Browser, stack: Stack, person: Person
) -> None:
    """Tenant and picker need no script; the code at the end gives tokens for XYZ Travel."""
    with open_window(chromium, stack, java_script_enabled=False) as window:
        window.open_login(person.verifier).log_in("joe").choose("XYZ Travel")
        window.expect_heading("Signing you in")
        window.page.get_by_role("button", name="Continue").click()
        window.page.wait_for_url(f"{stack.spa_url}/?code=*")
        person.callback = window.query()

    assert person.callback["state"] == "app-state"
    assert person.redeem().org_id == str(TRAVEL.id)


def test_a_removed_member_gets_no_further_token(
    window: Window, superuser: psycopg.Connection
) -> None:
    """The next renewal says so, and the page drops the old token."""
    window.enter("joe", "xyz-travel").wait_for_lists()
    with restored(superuser, window.stack):
        superuser.execute(
            "delete from org.membership where org_id = %s and user_id = "
            "(select id from org.app_user where auth0_user_id = 'auth0|joe')",
            (TRAVEL.id,),
        )
        window.page.click("#renew")

        window.expect_state("removed").expect_heading("You are no longer in XYZ Travel")
        assert window.page.evaluate("organizations.current()") is None
        window.page.click("#choose-another")
        window.expect_picker()
        assert window.row("XYZ Travel").count() == 0


def test_a_member_of_a_suspended_organization_gets_no_further_token(
    window: Window, superuser: psycopg.Connection
) -> None:
    """The app explains it, and the picker shows the organization without a button."""
    window.enter("joe", "xyz-travel").wait_for_lists()
    with restored(superuser, window.stack):
        superuser.execute(
            "update org.organization set suspended_at = now() where id = %s", (TRAVEL.id,)
        )
        window.page.click("#renew")
        window.expect_state("refused")
        window.expect_text("#refused-code", "organization_suspended")
        window.page.click("#refused-action")
        window.expect_picker()
        suspended = window.row("XYZ Travel")

        expect(suspended).to_contain_text("Suspended")
        assert suspended.evaluate("element => element.tagName") == "DIV"
        window.choose("ABC Inc").expect_organization("abc-inc")


def test_nina_who_has_no_organization_can_change_the_account(window: Window) -> None:
    """The page says who she is logged in as."""
    window.sign_in("nina").expect_heading("Create your organization")
    expect(window.page.locator(".account")).to_contain_text("nina@example.com")
    window.page.get_by_role("link", name="Not you?").click()
    window.expect_state("logged-out")

    window.start_login().log_in("ann").expect_organization("solo-works")


def test_max_finds_one_of_two_thousand_by_keyboard(window: Window) -> None:
    """By typing, then Enter, Tab, Enter."""
    window.sign_in("max").expect_picker()
    window.tab_to("#search")
    window.press(*"customer 1234", "Enter")
    window.page.wait_for_url("**search=*")
    expect(window.page.locator("button.row")).to_have_count(1)
    window.tab_to("button.row", "Customer 1234").press("Enter")

    window.expect_organization("customer-1234")


def test_max_sees_all_of_two_thousand_organizations_page_by_page(window: Window) -> None:
    """Each page continues where the one before ended."""
    window.sign_in("max").expect_picker()
    names = window.page.locator("ul[aria-labelledby=all] bdi.name")
    assert names.all_text_contents() == [f"Customer {n:04}" for n in range(1, 21)]
    window.page.get_by_role("link", name="Next page").click()
    window.page.wait_for_url("**after=*")

    assert names.all_text_contents() == [f"Customer {n:04}" for n in range(21, 41)]
    window.page.get_by_role("link", name="First page").click()
    expect(names.first).to_have_text("Customer 0001")


def test_a_remembered_organization_skips_the_page_until_joe_switches(
    window: Window, superuser: psycopg.Connection
) -> None:
    """Only the box on the page turns it on, and the app's button turns it off."""
    with restored(superuser, window.stack):
        window.sign_in("joe").expect_picker()
        window.page.check("input[name=remember]")
        window.choose("ABC Inc").expect_organization("abc-inc")
        window.page.click("#log-out")
        window.expect_state("logged-out").start_login().log_in("joe")
        window.expect_organization("abc-inc")

        window.page.click("#switch")
        window.expect_picker()
        expect(window.page.locator("input[name=remember]")).not_to_be_checked()
        window.page.get_by_label("Stop always continuing with ABC Inc").check()
        window.choose("XYZ Travel").expect_organization("xyz-travel")
        row = superuser.execute(
            "select default_org_id from org.app_user where auth0_user_id = 'auth0|joe'"
        ).fetchone()
        assert row == (None,)
