"""A slug resembles the name, and every name gives a valid one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from org_selector.slug import make_slug

SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # as the table has it


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("ABC Inc", "abc-inc"),
        ("  Acme & S\u00f6hne, Stra\u00dfe 7!  ", "acme-sohne-strasse-7"),
        ("caf\u00e9 cafe\u0301", "cafe-cafe"),
        ("a--b", "a-b"),
        ("\u3042\u3044\u3046", "organization"),
        ("\u3042 3000", "3000"),
        ("...", "organization"),
        ("x" * 70, "x" * 63),
        ("x" * 62 + " " + "y", "x" * 62),
    ],
)
def test_a_slug_resembles_the_name(name: str, slug: str) -> None:
    """Letters without their marks, digits, and one hyphen for anything else."""
    assert make_slug(name) == slug


@given(st.text())
def test_every_name_gives_a_slug(name: str) -> None:
    """Postgres would refuse anything else."""
    assert SLUG.fullmatch(make_slug(name))
