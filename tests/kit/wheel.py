"""
A wheel of this clone, and virtual environments with it, made without a network.

What the wheel requires is linked from the environment of the tests instead of installed again, and
nothing else is, so that a requirement nobody named is missing as it would be elsewhere.
"""

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

from local_stack.node import PROJECT

_NOT_SOURCE = (".*", "node_modules", "build", "dist", "*.egg-info", "__pycache__", "tests")


def build_wheel(folder: Path) -> Path:
    """Build the wheel from a copy, so that an earlier build leaves no file in it."""
    source = folder / "source"
    shutil.copytree(PROJECT, source, ignore=shutil.ignore_patterns(*_NOT_SOURCE))
    _pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", folder, source)
    [wheel] = folder.glob("*.whl")
    return wheel


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel, and an empty folder to work in."""

    programs: Path
    folder: Path

    def run(
        self, program: str, *arguments: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment and return what it printed and how it ended."""
        return subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.folder,
            env=env or {},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def install_wheel(wheel: Path, folder: Path, *extras: str) -> Installed:
    """Make a virtual environment with *wheel*, what it requires, and what its *extras* require."""
    environment, work = folder / "environment", folder / "work"
    venv.EnvBuilder(symlinks=True).create(environment)
    work.mkdir()
    programs = environment / "bin"
    _pip(
        "--python", programs / "python", "install", "--no-deps", "--no-index", "--no-compile", wheel
    )
    names = {"base": str(environment), "platbase": str(environment)}
    packages = Path(sysconfig.get_path("purelib", "venv", names))
    [ours] = distributions(path=[str(packages)])
    found: dict[tuple[str, frozenset[str]], Distribution] = {}
    _find_required(ours.requires or (), extras, found)
    for required in found.values():
        for name in {file.parts[0] for file in required.files or ()} - {"..", "__pycache__"}:
            link = packages / name
            if not link.exists():
                link.symlink_to(Path(str(required.locate_file(name))))
    return Installed(programs, work)


def _find_required(
    requires: Iterable[str],
    extras: Iterable[str],
    found: dict[tuple[str, frozenset[str]], Distribution],
) -> None:
    for requirement in map(Requirement, requires):
        wanted = [{"extra": extra} for extra in ("", *extras)]
        key = (requirement.name.lower(), frozenset(requirement.extras))
        marker = requirement.marker
        if key not in found and (marker is None or any(map(marker.evaluate, wanted))):
            found[key] = distribution(requirement.name)
            _find_required(found[key].requires or (), requirement.extras, found)


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True, timeout=100)
