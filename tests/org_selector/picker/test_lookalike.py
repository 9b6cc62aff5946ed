"""A name that a person could take for another one."""

import pytest

from org_selector.picker.chosen import mask_address
from org_selector.picker.lookalike import find_lookalike


@pytest.mark.parametrize(
    "name",
    [
        "ABC Inc",
        "abc inc",
        " A.B.C.  Inc.",
        "\xc1BC Inc",
        "\u0410\u0412C Inc",  # the first two are Cyrillic
        "ABC 1nc".replace("1", "\u0131"),
        "\uff21\uff22\uff23 Inc",
    ],
)
def test_a_name_that_looks_like_another_one_is_found(name: str) -> None:
    """Case, marks, blanks, punctuation and letters of other scripts make no difference."""
    assert find_lookalike(name, ["XYZ Travel", "ABC Inc"]) == "ABC Inc"


@pytest.mark.parametrize("name", ["ABC", "ABD Inc", "ABC Inc 2", "\u3042", "..."])
def test_another_name_is_not(name: str) -> None:
    """Also where nothing is left of it but punctuation."""
    assert find_lookalike(name, ["XYZ Travel", "ABC Inc", "!!"]) is None


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
