"""Invitations from the first click to the API's answer: the app, a real mail, the picker."""

import mailbox
import time
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, Locator, expect

from local_stack import seed
from local_stack.stack import Stack
from tests.kit.window import Window, open_window

ABC = seed.organization("abc-inc").id
NINA = "nina@example.com"


@pytest.fixture(autouse=True)
def restored(superuser: psycopg.Connection, stack: Stack) -> Iterator[None]:
    """Before, no mail; afterwards no invitation, and nina belongs to no organization again."""
    mails = mailbox.Maildir(stack.mails)
    mails.clear()
    yield
    superuser.execute("delete from org.invitation")
    superuser.execute(
        "delete from org.audit_event where action like 'invitation.%%' and org_id = %s", (ABC,)
    )
    superuser.execute(
        "delete from org.membership where user_id = "
        "(select id from org.app_user where auth0_user_id = 'auth0|nina')"
    )


def invitations(window: Window) -> Locator:
    """Find the app's section."""
    return window.page.locator("#invitations")


def enter_as_joe(window: Window) -> Window:
    """Log the owner of ABC Inc in."""
    return window.sign_in("joe", hint="abc-inc").expect_organization("abc-inc").wait_for_lists()


def invite(window: Window, email: str, role: str = "member") -> None:
    """Fill in the app's form and send it."""
    section = invitations(window)
    section.get_by_label("E-mail address to invite").fill(email)
    section.get_by_label("Role").select_option(role)
    section.get_by_role("button", name="Invite", exact=True).click()


def invite_nina(chromium: Browser, stack: Stack, role: str = "member") -> None:
    """Let joe invite nina in the app, in a browser of his own."""
    with open_window(chromium, stack, locale="en") as window:
        invite(enter_as_joe(window), NINA, role)
        expect(invitations(window)).to_contain_text("You invited nina@example.com.")


def open_mail(window: Window) -> Window:
    """Wait for nina's newest mail and open it."""
    window.page.goto(f"{window.stack.spa_url}/dev/mail")
    mail = window.page.get_by_role("listitem").filter(has_text=NINA).first
    deadline = time.monotonic() + 20
    while not mail.count() and time.monotonic() < deadline:
        window.page.wait_for_timeout(200)
        window.page.reload()
    mail.get_by_role("link").first.click()
    return window


def test_nina_follows_the_mail_and_accepts_on_the_only_page(
    chromium: Browser, stack: Stack, superuser: psycopg.Connection
) -> None:
    """The API then lets her in, with the role of the invitation; joe's trail says so."""
    superuser.execute("delete from org.mail_outbox")
    invite_nina(chromium, stack, "admin")
    with open_window(chromium, stack, locale="en") as window:
        open_mail(window).expect_heading("Joe Doe invites you to ABC Inc")
        window.page.get_by_role("link", name="Open the invitation").click()
        window.log_in("nina").expect_heading("You are invited")
        expect(window.row("ABC Inc")).to_contain_text("Admin · invited by Joe Doe")
        window.row("ABC Inc").click()

        window.expect_organization("abc-inc").wait_for_lists()
        expect(window.page.locator("#organization-role")).to_have_text("admin")
        trail = window.page.locator("#audit").get_by_role("listitem")
        expect(trail.filter(has_text="Nina New accepted an invitation.")).to_have_count(1)
        expect(trail.filter(has_text="Joe Doe invited nina@example.com.")).to_have_count(1)
        expect(invitations(window)).to_contain_text("There are no open invitations.")


def test_a_link_that_is_opened_in_another_account_comes_back_to_the_invitation(
    chromium: Browser, stack: Stack
) -> None:
    """One button signs out; the login with the invited address begins by itself, once."""
    invite_nina(chromium, stack)
    with open_window(chromium, stack, locale="en") as window:
        window.sign_in("ann").expect_organization("solo-works")
        open_mail(window).page.get_by_role("link", name="Open the invitation").click()
        window.expect_picker()
        expect(window.page.locator(".notice")).to_contain_text("another address:")
        window.page.get_by_role("link", name="Sign out and use that address").click()

        window.page.locator("#password").wait_for()
        window.page.goto(f"{stack.spa_url}/")
        window.expect_state("logged-out").expect_heading("You are invited")
        window.page.click("#log-in")
        window.log_in("nina").expect_heading("You are invited")
        window.row("ABC Inc").click()
        window.expect_organization("abc-inc")
        window.page.reload()
        window.expect_organization("abc-inc")


@pytest.mark.parametrize("link", ["?invitation=", "?invitation=1234", "?invitation=%3Cscript%3E"])
def test_a_link_that_is_not_complete_is_explained(window: Window, link: str) -> None:
    """The app opens as without it."""
    window.page.goto(f"{window.stack.spa_url}/{link}")
    window.expect_state("logged-out")

    expect(window.page.locator("#broken-invitation")).to_be_visible()
    assert window.page.url == f"{window.stack.spa_url}/"
    window.open_app()
    expect(window.page.locator("#broken-invitation")).to_be_hidden()


def test_an_owner_sends_an_invitation_again_and_withdraws_it(
    window: Window, superuser: psycopg.Connection
) -> None:
    """A minute must be between two mails; the app says so, and each other reason."""
    enter_as_joe(window)
    section = invitations(window)
    problem = section.get_by_role("alert").first
    invite(window, "not an address")
    expect(section).to_contain_text("Type an e-mail address, such as nina@example.com.")
    invite(window, "sue@example.com")
    expect(problem).to_contain_text("A person with this address is a member already.")
    invite(window, NINA, "owner")
    row = section.get_by_role("listitem").filter(has_text=NINA)
    expect(row).to_contain_text("owner · invited by Joe Doe · open until")
    invite(window, NINA)
    expect(problem).to_contain_text("This address is invited already.")

    row.get_by_role("button", name="Send again").click()
    expect(problem).to_contain_text("A mail to this address was sent a moment ago.")
    superuser.execute("update org.audit_event set at = at - interval '2 minutes'")
    row.get_by_role("button", name="Send again").click()
    expect(section).to_contain_text("The mail to nina@example.com is on its way again.")
    row.get_by_role("button", name="Withdraw").click()
    row.get_by_role("button", name="Withdraw").last.click()
    expect(section).to_contain_text("You withdrew the invitation of nina@example.com.")
    expect(row).to_have_count(0)
    expect(section).to_contain_text("There are no open invitations.")
    sentences = window.page.locator("#audit").get_by_role("listitem")
    for said in ("withdrew the invitation of", "sent the invitation of", "invited"):
        expect(sentences.filter(has_text=f"Joe Doe {said} {NINA}").first).to_be_visible()


def test_an_admin_offers_the_roles_that_an_admin_may_give(window: Window) -> None:
    """A plain member sees no invitations."""
    window.sign_in("sue", hint="xyz-travel").expect_organization("xyz-travel").wait_for_lists()
    options = invitations(window).get_by_label("Role").get_by_role("option")
    expect(options).to_have_text(["member", "admin"])

    window.page.fill("#switch-to", "abc-inc")
    window.page.press("#switch-to", "Enter")
    window.expect_organization("abc-inc").wait_for_lists()
    expect(invitations(window)).to_be_hidden()
