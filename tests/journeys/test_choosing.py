"""What people do, in a real browser: the real login library, the real Action, a real database."""

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
    """Let a test take memberships and organizations away; afterwards all is as it was."""
    try:
        yield superuser
    finally:
        superuser.execute("update app_user set default_org_id = null")
        superuser.execute(
            "update organization set suspended_at = null where slug <> 'frozen-foods'"
        )
        seed.seed(stack.postgres.url(DATABASE, "postgres"))


def test_joe_logs_in_and_picks_xyz_travel_and_both_tokens_name_it(window: Window) -> None:
    """One page to choose on, and the choice is in the access token, the ID token and the app."""
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


def test_the_keyboard_alone_logs_in_and_picks(window: Window) -> None:
    """Tab and Enter reach everything; focus is where a person would start."""
    window.open_app()
    window.tab_to("#log-in").press("Enter")
    window.page.locator("#email").wait_for()
    expect(window.page.locator("#email")).to_be_focused()
    window.press(*"joe@example.com", "Tab", *seed.PASSWORD, "Enter")
    window.expect_picker()
    window.tab_to("button.row", "XYZ Travel").press("Enter")

    window.expect_organization("xyz-travel")


def test_ann_who_has_one_organization_sees_no_page(window: Window) -> None:
    """From the login page straight into the app."""
    visited: list[str] = []
    window.page.on("framenavigated", lambda frame: visited.append(frame.url))

    window.sign_in("ann").expect_organization("solo-works")

    assert not [url for url in visited if url.startswith(window.stack.selector_url)]


def test_joe_switches_without_a_password_by_the_picker_and_by_name(window: Window) -> None:
    """The session at the tenant is enough; a named organization needs no page, either."""
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


def test_a_named_organization_needs_no_page(window: Window) -> None:
    """The hint of a subdomain or a deep link, typed into the app here."""
    window.sign_in("joe", hint="abc-inc").expect_organization("abc-inc")


@pytest.mark.parametrize("hint", ["solo-works", "no-such-thing"])
def test_the_hint_of_a_foreign_organization_is_explained(window: Window, hint: str) -> None:
    """Somebody else's or none at all look alike; joe chooses another one, and says so twice."""
    window.sign_in("joe", hint).expect_picker()
    expect(window.page.get_by_role("alert")).to_have_text(
        "The app asked for an organization you cannot use with this account. Choose another one."
    )
    window.choose("ABC Inc").expect_state("mismatch")
    window.expect_text("#mismatch-asked", hint).expect_text("#mismatch-received", "ABC Inc")
    window.page.click("#keep-received")

    window.expect_organization("abc-inc")


def test_two_tabs_keep_their_organizations_through_twenty_renewals(window: Window) -> None:
    """Alternating and at the same moment: never the other tab's token."""
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

    assert len(exchanges) == 20  # nothing came out of a cache
    travel.expect_organization("xyz-travel")
    inc.expect_organization("abc-inc")


def test_a_reload_keeps_the_tabs_organization(window: Window) -> None:
    """Tokens lived in memory only; the tab asks for its organization again, without a page."""
    travel = window.enter("joe", "xyz-travel")
    inc = travel.another().open_app().start_login("abc-inc").expect_organization("abc-inc")
    for tab, slug in ((travel, "xyz-travel"), (inc, "abc-inc"), (travel, "xyz-travel")):
        tab.page.reload()
        tab.settle().expect_organization(slug)


def test_not_you_leads_back_logged_out_with_the_wish_kept(window: Window) -> None:
    """Ann was meant; she logs in on the same machine and lands where the app wanted to be."""
    window.sign_in("joe", hint="solo-works").expect_picker()
    window.page.get_by_role("link", name="Not you?").click()
    window.expect_state("logged-out")
    expect(window.page.locator("#log-in")).to_have_text("Log in to solo-works")

    window.start_login().log_in("ann").expect_organization("solo-works")


def test_back_after_a_finished_login_ends_on_a_page_that_says_why(window: Window) -> None:
    """The picker of a login that is over is no second chance, and its button leads to the app."""
    window.enter("joe", "xyz-travel")
    window.page.go_back()
    window.expect_heading(ALREADY)
    expect(window.page.locator("main")).to_contain_text("switch inside the app")

    window.page.get_by_role("link", name="Go to the app").click()
    window.expect_organization("xyz-travel")


def test_the_first_of_two_windows_on_one_login_wins(window: Window) -> None:
    """The second one's choice changes nothing and is told so."""
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
    """Both windows were past the picker; the slower one finds its login gone."""
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


def test_a_double_click_and_a_reload_do_no_harm(window: Window) -> None:
    """Impatient people get what they chose."""
    window.sign_in("joe").expect_picker()
    window.page.reload()
    window.expect_picker()
    window.row("XYZ Travel").dblclick(no_wait_after=True)

    window.expect_organization("xyz-travel")


def test_without_scripts_a_visible_button_continues(
    chromium: Browser, stack: Stack, person: Person
) -> None:
    """Tenant and picker need no script; the code they end with is worth XYZ Travel."""
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
    """The next renewal says so; the old token is gone from the page."""
    window.enter("joe", "xyz-travel")
    with restored(superuser, window.stack):
        superuser.execute(
            "delete from membership where org_id = %s and user_id = "
            "(select id from app_user where auth0_user_id = 'auth0|joe')",
            (TRAVEL.id,),
        )
        window.page.click("#renew")

        window.expect_state("removed").expect_heading("You are no longer in XYZ Travel")
        assert window.page.evaluate("organizations.current()") is None
        window.page.click("#choose-another")
        window.expect_picker()
        assert window.row("XYZ Travel").count() == 0


def test_a_suspended_organization_gives_no_further_token(
    window: Window, superuser: psycopg.Connection
) -> None:
    """The app explains it, and the picker shows the organization without a button."""
    window.enter("joe", "xyz-travel")
    with restored(superuser, window.stack):
        superuser.execute(
            "update organization set suspended_at = now() where id = %s", (TRAVEL.id,)
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


def test_nina_who_has_no_organization_is_told_what_to_do(window: Window) -> None:
    """Who she is logged in as, what is missing, and a way to come back as somebody else."""
    window.sign_in("nina").expect_heading("You do not belong to an organization yet")
    expect(window.page.locator(".account")).to_contain_text("nina@example.com")
    window.page.get_by_role("link", name="Not you?").click()
    window.expect_state("logged-out")

    window.start_login().log_in("ann").expect_organization("solo-works")


def test_max_finds_one_of_two_thousand_by_keyboard(window: Window) -> None:
    """Type, Enter, Tab, Enter."""
    window.sign_in("max").expect_picker()
    window.tab_to("#search")
    window.press(*"customer 1234", "Enter")
    window.page.wait_for_url("**search=*")
    expect(window.page.locator("button.row")).to_have_count(1)
    window.tab_to("button.row", "Customer 1234").press("Enter")

    window.expect_organization("customer-1234")


def test_max_turns_the_pages(window: Window) -> None:
    """Each page goes on where the last one ended."""
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
    """The box on the page is the only way in, the app's button the way out."""
    with restored(superuser, window.stack):
        window.sign_in("joe").expect_picker()
        window.page.check("input[name=remember]")
        window.choose("ABC Inc").expect_organization("abc-inc")
        window.page.click("#log-out")
        window.expect_state("logged-out").start_login().log_in("joe")
        window.expect_organization("abc-inc")

        window.page.click("#switch")
        window.expect_picker()
        expect(window.page.locator("input[name=remember]")).to_be_checked()
        window.page.uncheck("input[name=remember]")
        window.choose("XYZ Travel").expect_organization("xyz-travel")
        row = superuser.execute(
            "select default_org_id from app_user where auth0_user_id = 'auth0|joe'"
        ).fetchone()
        assert row == (None,)
