"""What README and SECURITY say is so."""

import re
from pathlib import Path

import pytest

from local_stack.node import PROJECT
from local_stack.seed import PEOPLE
from org_selector.settings import SelectorSettings

README = (PROJECT / "README.md").read_text()
SECURITY = (PROJECT / "SECURITY.md").read_text()
ACTION = (PROJECT / "actions" / "select-organization" / "code.js").read_text()


def test_the_table_of_settings_is_the_settings() -> None:
    """No setting is secret knowledge, and none is made up."""
    table = README[README.index("| setting |") : README.index("`HOST` (")]

    assert set(re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.M)) == {
        name.upper() for name in SelectorSettings.model_fields
    }


def test_the_table_of_codes_is_what_the_action_denies_with() -> None:
    """Apps are written against this table."""
    table = README[README.index("| code |") : README.index("`prompt=none` ends")]
    reasons = ACTION[ACTION.index("const REASONS = [") :].partition("]")[0]

    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.M)) == {
        *re.findall(r"'([a-z_]+)'", reasons),
        "temporarily_unavailable",
    }


@pytest.mark.parametrize("file", ["README.md", "SECURITY.md", "benchmarks/README.md"])
def test_every_link_and_file_named_is_there(file: str) -> None:
    """A map with holes misleads."""
    path = PROJECT / file
    text = path.read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    named = re.findall(r"`((?:tests|docs|templates|local_tenant|spa)/[\w./-]*)`", text)

    assert links or named
    for link in links:
        assert (path.parent / link).exists(), link
    for name in named:
        assert (PROJECT / name).exists(), name


def test_every_make_command_named_is_a_target() -> None:
    """Commands in the README can be typed."""
    targets = set(re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:\$ |`)make ([a-z]+)", README))

    assert named >= {"demo", "test"}
    assert named <= targets


def test_the_transcript_names_the_people_there_are() -> None:
    """The list in the README is the list that the demo prints."""
    for person in PEOPLE:
        assert f"    {person.email:<18}  {person.what}\n" in README


def test_the_packages_carry_what_they_show_and_apply() -> None:
    """Templates, catalogs and migrations are installed with the code."""
    patterns = (PROJECT / "setup.cfg").read_text()
    for suffix in {path.suffix for path in Path(PROJECT / "templates").rglob("*.*")} - {".po"}:
        assert f"*{suffix}" in patterns
    assert "migrations/*.sql" in patterns
