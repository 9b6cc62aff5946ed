"""The README's picture of the picker: this test takes it of the real page."""

import os
from pathlib import Path

import psycopg
from playwright.sync_api import Browser, expect

from local_stack import seed
from local_stack.stack import Stack
from tests.kit.pictures import UPDATE, size_of
from tests.kit.window import open_window

PICTURE = Path(__file__).parents[2] / "docs" / "picker.png"
WIDTH, HEIGHT, SCALE = 480, 440, 2
MAX_BYTES = 150_000


def test_the_picture_in_the_readme_shows_the_picker(
    chromium: Browser, stack: Stack, superuser: psycopg.Connection
) -> None:
    """Joe's two organizations, one of them used today. The file is written only on request."""
    options = {
        "viewport": {"width": WIDTH, "height": HEIGHT},
        "device_scale_factor": SCALE,
        "color_scheme": "light",
        "reduced_motion": "reduce",
        "locale": "en",
    }
    with open_window(chromium, stack, **options) as window:
        window.open_login().log_in("joe").expect_picker()
        superuser.execute(
            "update org.membership set last_selected_at = case when org_id = %s then now() end "
            "where user_id = (select id from org.app_user where auth0_user_id = 'auth0|joe')",
            (seed.organization("xyz-travel").id,),
        )
        window.page.reload()
        names = window.page.locator("button.row bdi.name")
        expect(names).to_have_text(["XYZ Travel", "ABC Inc"])
        expect(window.row("XYZ Travel")).to_contain_text("Last used today")
        expect(window.row("ABC Inc")).to_be_in_viewport(ratio=1)
        taken = window.page.screenshot()

    if os.environ.get(UPDATE) == "1" or not PICTURE.exists():
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_bytes(taken)
    kept = PICTURE.read_bytes()

    assert size_of(kept) == size_of(taken) == (WIDTH * SCALE, HEIGHT * SCALE)
    assert len(kept) < MAX_BYTES
