"""The pictures in docs/pages.md: each page light and dark, wide and 320 pixels wide."""

import base64
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from playwright.sync_api import Browser

from local_stack import seed
from local_stack.stack import Stack
from tests.kit.pictures import UPDATE, size_of
from tests.kit.window import Window, open_window

pytestmark = pytest.mark.long

DOCUMENT = Path(__file__).parents[2] / "docs" / "pages.md"
FOLDER = DOCUMENT.with_name("pages")
WIDTHS, HEIGHT = (720, 320), 560
MAX_BYTES = 400_000  # of one picture
ABC = seed.organization("abc-inc").id


@pytest.fixture
def invitation_id(superuser: psycopg.Connection) -> Iterator[UUID]:
    """Nina is invited to ABC Inc by joe; afterwards she is not."""
    [(found,)] = superuser.execute(
        "insert into org.invitation (org_id, email, role, expires_at, invited_by) "
        "select %s, 'nina@example.com', 'admin', now() + interval '7 days', id "
        "from org.app_user where auth0_user_id = 'auth0|joe' returning id",
        (ABC,),
    ).fetchall()
    yield UUID(str(found))
    superuser.execute("delete from org.invitation")


def choosing(window: Window, _invitation_id: UUID) -> None:
    window.open_login(ext_org_prompt="select").log_in("joe").expect_picker()


def invited(window: Window, invitation_id: UUID) -> None:
    window.open_login(ext_invitation=str(invitation_id)).log_in("nina")
    window.expect_heading("You are invited")


def another_account(window: Window, invitation_id: UUID) -> None:
    window.open_login(ext_invitation=str(invitation_id)).log_in("joe").expect_picker()


def creating(window: Window, _invitation_id: UUID) -> None:
    with psycopg.connect(window.stack.postgres.url("organizations", "postgres")) as superuser:
        superuser.execute("delete from org.invitation")
    window.open_login().log_in("nina").expect_heading("Create your organization")


def mail(window: Window, invitation_id: UUID) -> None:
    with psycopg.connect(window.stack.postgres.url("organizations", "postgres")) as superuser:
        superuser.execute(
            "insert into org.mail_outbox (invitation_id) values (%s) on conflict do nothing",
            (invitation_id,),
        )
    row = window.page.get_by_role("listitem").filter(has_text="nina@example.com").first
    for _ in range(100):
        window.page.goto(f"{window.stack.spa_url}/dev/mail")
        if row.count():
            break
        window.page.wait_for_timeout(200)
    row.get_by_role("link").first.click()
    window.expect_heading("Joe Doe invites you to ABC Inc")


def inviting(window: Window, _invitation_id: UUID) -> None:
    window.sign_in("joe", hint="abc-inc").expect_organization("abc-inc").wait_for_lists()
    window.page.locator("#invitations").scroll_into_view_if_needed()


PAGES: dict[str, Callable[[Window, UUID], None]] = {
    "choose": choosing,
    "invited": invited,
    "another-account": another_account,
    "create": creating,
    "mail": mail,
    "app-invitations": inviting,
}


def test_the_document_shows_every_page() -> None:
    """And no other picture is kept."""
    shown = re.findall(r"\]\(pages/([a-z-]+)\.png\)", DOCUMENT.read_text())

    assert shown == list(PAGES)
    assert {path.stem for path in FOLDER.glob("*.png")} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_its_picture_is_kept(
    chromium: Browser, stack: Stack, invitation_id: UUID, name: str
) -> None:
    """In 320 pixels it does not scroll sideways. The picture is written only on request."""
    taken = []
    for width in WIDTHS:
        for colors in ("light", "dark"):
            options: dict[str, Any] = {
                "viewport": {"width": width, "height": HEIGHT},
                "color_scheme": colors,
                "reduced_motion": "reduce",
                "locale": "en",
            }
            with open_window(chromium, stack, **options) as window:
                PAGES[name](window, invitation_id)
                assert window.overflow() == 0
                taken.append(window.page.screenshot())
    sheet = join(chromium, taken)
    picture = FOLDER / f"{name}.png"
    if os.environ.get(UPDATE) == "1" or not picture.exists():
        picture.parent.mkdir(exist_ok=True)
        picture.write_bytes(sheet)
    kept = picture.read_bytes()

    assert size_of(kept) == size_of(sheet)
    assert len(kept) < MAX_BYTES


def join(chromium: Browser, pictures: list[bytes]) -> bytes:
    """Put the pictures of one page beside each other."""
    width = sum(2 * width for width in WIDTHS) + 5 * 16
    page = chromium.new_page(viewport={"width": width, "height": HEIGHT + 32})
    images = "".join(
        f'<img src="data:image/png;base64,{base64.b64encode(one).decode()}">' for one in pictures
    )
    style = "body{margin:16px;display:flex;gap:16px;background:#8a8f99}"
    page.set_content(f"<style>{style}</style>{images}")
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    try:
        return page.screenshot()
    finally:
        page.close()
