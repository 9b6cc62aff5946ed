"""
What README and SECURITY say is so.

Facts stand in tables and code under a marker (tests.kit.marked_block), so prose can be rewritten.
"""

import re
from pathlib import Path

import pytest

from api.settings import ApiSettings
from local_stack.node import PROJECT
from local_stack.seed import PEOPLE
from org_selector.outbox.settings import WorkerSettings
from org_selector.settings import SelectorSettings
from service.environment import Settings
from tests.kit.marked_block import list_markers, read_block, read_table

DOCUMENTS = [
    "README.md",
    "SECURITY.md",
    *sorted(str(path.relative_to(PROJECT)) for path in PROJECT.glob("docs/*.md")),
    "benchmarks/README.md",
]
ATTACKS = sorted((PROJECT / "tests" / "attacks").glob("test_*.py"))
OPENING = re.compile(r'"""\nAttacker: (.+)\.\nWants: .+\.\nStopped by: ((?:.+\n)+)\n')
ACTION = (PROJECT / "actions" / "select-organization" / "code.js").read_text()


@pytest.mark.parametrize(
    ("settings", "file", "marker", "elsewhere"),
    [
        (SelectorSettings, "README.md", "settings of the selector", set[str]()),
        (ApiSettings, "README.md", "settings of the resource API", set[str]()),
        (
            WorkerSettings,
            "docs/people.md",
            "settings of the worker",
            {"DATABASE_PASSWORD_FILE", "DATABASE_TLS", "PREPARE_STATEMENTS", "THREADS"},
        ),
    ],
    ids=["selector", "api", "worker"],
)
def test_the_table_of_settings_is_the_settings(
    settings: type[Settings], file: str, marker: str, elsewhere: set[str]
) -> None:
    """Each setting has a row, unless another table has it, and each row is a setting."""
    rows = read_table(file, marker)

    known = {name.upper() for name in settings.model_fields} - elsewhere
    assert {name for name, _what in rows} == {f"`{name}`" for name in known}


def test_the_table_of_codes_is_what_the_action_denies_with() -> None:
    """Apps are written against this table."""
    rows = read_table("README.md", "codes of a refused login")
    reasons = ACTION[ACTION.index("const REASONS = [") :].partition("]")[0]
    own = re.findall(r"new Denied\('([a-z_]+)'|super\('([a-z_]+)'", ACTION)

    codes = {*re.findall(r"'([a-z_]+)'", reasons), *(one or other for one, other in own)}
    assert len(codes) == 8
    assert {code for code, *_cells in rows} == {f"`{code}`" for code in codes}
    app = (PROJECT / "spa" / "organizations.js").read_text()
    known = app[app.index("const TRANSIENT") : app.index("@typedef")]
    assert set(re.findall(r"'([a-z_]+)'", known)) == codes


@pytest.mark.parametrize("file", DOCUMENTS)
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


@pytest.mark.parametrize("file", DOCUMENTS)
def test_a_marker_names_what_a_test_reads(file: str) -> None:
    """A marker that no test reads would promise a check that nothing makes."""
    tests = "".join(path.read_text() for path in (PROJECT / "tests").rglob("*.py"))
    names = list_markers(file)

    assert len(set(names)) == len(names)
    for name in names:
        assert f'"{name}"' in tests, name


def test_every_make_command_named_is_a_target() -> None:
    """Commands in the README can be typed."""
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M))
    texts = "".join((PROJECT / file).read_text() for file in DOCUMENTS)
    named = set(re.findall(r"(?:\$ |`)make ([a-z-]+)", texts))

    assert named >= {"demo", "test", "test-long"}
    assert named <= targets


def test_every_gunicorn_command_names_our_settings() -> None:
    """Without them gunicorn serves one request at a time."""
    readme = (PROJECT / "README.md").read_text()
    commands = re.findall(r"gunicorn (.*)wsgi:(\w+)", readme)

    assert set(commands) == {
        ("-c python:service.gunicorn_settings ", "selector"),
        ("-c python:service.gunicorn_settings ", "api"),
    }


def test_the_transcript_names_the_people_there_are() -> None:
    """The list in the README is the list that the demo prints."""
    transcript = read_block("README.md", "people of the demo")
    for person in PEOPLE:
        assert f"    {person.email:<18}  {person.what}\n" in transcript


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
        rows.append([f"[{name}](tests/attacks/{path.name})", attacker, stopped_by])

    assert read_table("SECURITY.md", "attacks") == rows


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
            assert re.search(rf"\b(?:def|class|function|policy) (?:org\.)?{name}\b", source), name
