"""How people become members: a real browser, the real login library and Action, a real database."""

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from local_stack import seed
from local_stack.stack import NAMESPACE, Stack
from tests.kit.window import Window, open_window

ABC = seed.organization("abc-inc").id


@pytest.fixture
def invitation_id(superuser: psycopg.Connection) -> Iterator[UUID]:
    """Nina is invited to ABC Inc; afterwards she belongs to no organization again."""
    [(found,)] = superuser.execute(
        "insert into org.invitation (org_id, email, role, expires_at) "
        "values (%s, 'nina@example.com', 'admin', now() + interval '7 days') returning id",
        (ABC,),
    ).fetchall()
    yield UUID(str(found))
    superuser.execute("delete from org.invitation")
    _forget_nina(superuser)


@pytest.fixture
def newcomer(superuser: psycopg.Connection) -> Iterator[None]:
    """Nina, who belongs to no organization before and after."""
    yield
    superuser.execute("delete from org.organization where created_by is not null")
    _forget_nina(superuser)


def _forget_nina(superuser: psycopg.Connection) -> None:
    superuser.execute(
        "delete from org.membership where user_id = "
        "(select id from org.app_user where auth0_user_id = 'auth0|nina')"
    )


@pytest.mark.usefixtures("invitation_id")
def test_nina_accepts_an_invitation_and_works_in_that_organization(window: Window) -> None:
    """The API lets her in with the role of the invitation; the next login needs no page."""
    window.sign_in("nina").expect_heading("You are invited")
    expect(window.row("ABC Inc")).to_contain_text("Admin")
    window.row("ABC Inc").click()

    window.expect_organization("abc-inc")
    window.open_login().page.wait_for_url(f"{window.stack.spa_url}/**code=**")


def test_the_link_of_an_invitation_leads_to_it_and_says_when_the_account_is_another(
    chromium: Browser, stack: Stack, invitation_id: UUID
) -> None:
    """Joe has a choice; the invitation is for Nina's address."""
    with open_window(chromium, stack, locale="en") as window:
        window.open_login(ext_invitation=str(invitation_id)).log_in("joe").expect_picker()
        notice = window.page.locator(".notice")
        expect(notice).to_contain_text("This invitation is for another address:")
        expect(notice).not_to_contain_text("nina@example.com")
        expect(window.page.locator(".account")).to_contain_text("joe@example.com")
        window.page.get_by_role("link", name="Sign out and use that address").click()
        window.page.wait_for_url(f"{stack.spa_url}/**")
        window.open_login(ext_invitation=str(invitation_id)).log_in("nina")
        window.expect_heading("You are invited")
        window.row("ABC Inc").click()
        window.page.wait_for_url(f"{stack.spa_url}/**code=**")


@pytest.mark.usefixtures("newcomer")
def test_nina_creates_an_organization_and_owns_it(window: Window) -> None:
    """A second one with a similar name asks her first."""
    window.sign_in("nina").expect_heading("Create your organization")
    window.page.fill("#new_organization", "Ninas B\xfcro")
    window.page.get_by_role("button", name="Create and continue").click()
    window.page.wait_for_url(f"{window.stack.spa_url}/")
    window.settle()
    assert window.read_tokens()[1][f"{NAMESPACE}org_slug"] == "ninas-buro"
    assert window.read_tokens()[0][f"{NAMESPACE}org_role"] == "owner"

    window.open_login(ext_org_prompt="select").expect_picker()
    window.page.get_by_text("Create another organization").click()
    window.page.fill("#new_organization", "ninas  buro")
    window.page.get_by_role("button", name="Create and continue").click()
    expect(window.page.locator("#fault")).to_contain_text("Ninas B\xfcro")
    expect(window.page.locator("#new_organization")).to_have_value("ninas  buro")
    window.page.get_by_role("button", name="Create and continue").click()
    window.page.wait_for_url(f"{window.stack.spa_url}/**code=**")


@pytest.mark.usefixtures("newcomer")
def test_without_scripts_nina_creates_an_organization_by_keyboard(
    chromium: Browser, stack: Stack, superuser: psycopg.Connection
) -> None:
    """Our pages need none; the page on the way back has a button."""
    with open_window(chromium, stack, java_script_enabled=False, locale="en") as window:
        window.open_login().log_in("nina").expect_heading("Create your organization")
        expect(window.page.locator("#new_organization")).to_be_focused()
        window.press(*"Plain", "Enter")
        window.page.locator("form[action*='/continue'] button").click()
        window.page.wait_for_url(f"{stack.spa_url}/**code=**")

    [(name, role)] = superuser.execute(
        "select org_name, role from org.membership where user_id = "
        "(select id from org.app_user where auth0_user_id = 'auth0|nina')"
    ).fetchall()
    assert (name, role) == ("Plain", "owner")
