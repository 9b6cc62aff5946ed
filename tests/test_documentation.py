"""What README and SECURITY say is so."""

import re
from pathlib import Path

import pytest

from api.settings import ApiSettings
from local_stack.node import PROJECT
from local_stack.seed import PEOPLE
from org_selector.settings import SelectorSettings
from service.environment import Settings

README = (PROJECT / "README.md").read_text()
SECURITY = (PROJECT / "SECURITY.md").read_text()
ATTACKS = sorted((PROJECT / "tests" / "attacks").glob("test_*.py"))
OPENING = re.compile(r'"""\nAttacker: (.+)\.\nWants: .+\.\nStopped by: ((?:.+\n)+)\n')
ACTION = (PROJECT / "actions" / "select-organization" / "code.js").read_text()


@pytest.mark.parametrize(
    ("settings", "end"),
    [(SelectorSettings, "`HOST` ("), (ApiSettings, "`/docs` describes")],
    ids=["selector", "api"],
)
def test_the_table_of_settings_is_the_settings(settings: type[Settings], end: str) -> None:
    """No setting is secret knowledge, and none is made up."""
    table = README[: README.index(end)].rpartition("| setting |")[2]

    assert set(re.findall(r"^\| `([A-Z0-9_]+)` \|", table, re.M)) == {
        name.upper() for name in settings.model_fields
    }


def test_the_table_of_codes_is_what_the_action_denies_with() -> None:
    """Apps are written against this table."""
    table = README[README.index("| code |") : README.index("`prompt=none` ends")]
    reasons = ACTION[ACTION.index("const REASONS = [") :].partition("]")[0]

    assert set(re.findall(r"^\| `([a-z_]+)` \|", table, re.M)) == {
        *re.findall(r"'([a-z_]+)'", reasons),
        "temporarily_unavailable",
    }


@pytest.mark.parametrize(
    "file",
    [
        "README.md",
        "SECURITY.md",
        "benchmarks/README.md",
        "docs/api.md",
        "docs/choosing-a-design.md",
        "docs/your-own-table.md",
    ],
)
def test_every_link_and_file_named_is_there(file: str) -> None:
    """A map with holes misleads."""
    path = PROJECT / file
    text = path.read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    folders = "tests|docs|templates|local_tenant|spa|org_guard|api"
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", text)

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
    """Templates, catalogs, migrations and the guide are installed with the code."""
    patterns = (PROJECT / "setup.cfg").read_text()
    for suffix in {path.suffix for path in Path(PROJECT / "templates").rglob("*.*")} - {".po"}:
        assert f"*{suffix}" in patterns
    assert "schema = *.sql" in patterns
    assert "api = *.html" in patterns and "api.docs = api.md" in patterns


def test_the_table_of_attacks_is_the_folder() -> None:
    """No attack is listed that nobody tries, and none is tried in silence."""
    rows = []
    for path in ATTACKS:
        opening = OPENING.match(path.read_text())
        assert opening, f"{path.name} must open with three lines: Attacker, Wants, Stopped by"
        name = path.stem.removeprefix("test_").replace("_", " ")
        attacker, stopped_by = opening[1], " ".join(opening[2].split())
        rows.append(f"| [{name}](tests/attacks/{path.name}) | {attacker} | {stopped_by} |")

    assert re.findall(r"^\| \[.*\]\(tests/attacks/.*$", SECURITY, re.M) == rows


@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_what_stops_an_attack_is_there(path: Path) -> None:
    """Files, and in each the functions, classes or policies that are named after it."""
    opening = OPENING.match(path.read_text())
    assert opening
    stopped_by = " ".join(opening[2].split())
    assert re.fullmatch(r"`[^`]+/[^`]+`(?: `\w+`)+(?:, `[^`]+/[^`]+`(?: `\w+`)+)*", stopped_by)
    for file, names in re.findall(r"`([^`]+/[^`]+)`((?: `\w+`)+)", stopped_by):
        source = (PROJECT / file).read_text()
        for name in re.findall(r"\w+", names):
            assert re.search(rf"\b(?:def|class|function|policy) {name}\b", source), name
