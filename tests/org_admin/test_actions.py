"""An administrator takes the Actions' files from the installed package."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from local_stack.node import PROJECT
from org_admin.cli import main

FILES = (
    "examples/challenge-second-factor.js",
    "keep-organization-hint.json",
    "keep-organization-hint/code.js",
    "select-organization.json",
    "select-organization/code.js",
)


def test_the_actions_are_written_as_they_are_in_the_repository(tmp_path: Path) -> None:
    """The folder is an input folder of the Deploy CLI, which may hold other Actions."""
    theirs = tmp_path / "actions" / "another.json"
    theirs.parent.mkdir()
    theirs.write_text("{}")
    done = CliRunner().invoke(main, ["actions", str(tmp_path)])

    assert done.exit_code == 0
    assert done.output == "".join(f"written  {tmp_path}/actions/{name}\n" for name in FILES)
    written = {path for path in (tmp_path / "actions").rglob("*") if path.is_file()} - {theirs}
    assert {path.relative_to(tmp_path).as_posix() for path in written} == {
        f"actions/{name}" for name in FILES
    }
    for path in written:
        assert path.read_bytes() == (PROJECT / path.relative_to(tmp_path)).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_there_stops_it_before_anything_is_written(
    tmp_path: Path, name: str
) -> None:
    """Someone may have changed it."""
    theirs = tmp_path / "actions" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("changed")
    refused = CliRunner().invoke(main, ["actions", str(tmp_path)])

    assert refused.exit_code == 1
    assert refused.output == f"{theirs} is there already; name another folder.\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [theirs]
    assert theirs.read_text() == "changed"
