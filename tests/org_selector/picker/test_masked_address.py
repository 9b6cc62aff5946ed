"""What a page shows of an address whose owner may be another person."""

import pytest

from org_selector.picker.masked_address import mask_address


@pytest.mark.parametrize(
    ("email", "masked"),
    [
        ("nina@example.com", "n\u2022\u2022\u2022@e\u2022\u2022\u2022.com"),
        ("n@mail.example.com", "n\u2022\u2022\u2022@m\u2022\u2022\u2022.com"),
        ("a@b@localhost", "a\u2022\u2022\u2022@\u2022\u2022\u2022localhost"),
    ],
)
def test_a_masked_address_tells_its_owner_enough(email: str, masked: str) -> None:
    """And others neither the name nor the host."""
    assert mask_address(email) == masked
