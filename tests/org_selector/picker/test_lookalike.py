"""A name that a person could take for another one."""

import pytest

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
