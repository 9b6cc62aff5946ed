"""What a page's address may hold that Postgres would not take."""

from uuid import UUID

from org_selector.picker.page import PageAddress


def test_a_null_character_in_the_beginning_of_a_page_is_left_out() -> None:
    """Postgres takes none in a text; nothing takes its place, and the rest is read as it is."""
    org_id = UUID(int=1)

    assert PageAddress.read("", [f"{org_id} a b\0c"]).after == ("a bc", org_id)
    assert PageAddress.read("", [f"{org_id} a bc"]).after == ("a bc", org_id)
