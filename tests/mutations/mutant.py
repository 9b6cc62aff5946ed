"""One mistake in one file, and what became of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
SURVIVORS: Final = Path(__file__).with_name("survivors.toml")


@dataclass(frozen=True, slots=True)
class Mutant:
    """
    The text between two offsets, replaced.

    Args:
        file: path from the root of the project.
        line: the source line where the mistake begins, without its indentation.
        was: what stood there.
        now: what stands there instead; white space of both is of one blank each.
    """

    file: str
    line: str
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.file}: {self.line}\n    {self.was or 'nothing'}  ->  {self.now or 'nothing'}"


@dataclass(frozen=True, slots=True)
class Trial:
    """A mutant and the test that noticed it, or `None` where none did; and what that took."""

    mutant: Mutant
    killer: str | None
    seconds: float


def describe(file: str, source: str, start: int, end: int, now: str) -> Mutant:
    """Name the mutant of *source* in which *now* stands between *start* and *end*."""
    first = source.rfind("\n", 0, start) + 1
    line = source[first:].partition("\n")[0]
    return Mutant(file, line.strip(), _one_line(source[start:end]), _one_line(now))


def _one_line(text: str) -> str:
    return " ".join(text.split())
