"""The table of results: what was measured, its goal, and whether the goal is met."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One figure; `met` is None if it has no goal."""

    part: str
    what: str
    measured: str
    goal: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """The last column."""
        return "" if self.met is None else "met" if self.met else "MISSED"


def at_most(
    part: str, what: str, value: float, limit: float, *, unit: str = "", note: str = ""
) -> Line:
    """Make the line of a figure that must be at most *limit*."""
    measured = f"{value:.4g}{unit}" + (f"  ({note})" if note else "")
    return Line(part, what, measured, f"<= {limit:.4g}{unit}", value <= limit)


def at_least(
    part: str, what: str, value: float, limit: float, *, unit: str = "", note: str = ""
) -> Line:
    """Make the line of a figure that must be at least *limit*."""
    measured = f"{value:.4g}{unit}" + (f"  ({note})" if note else "")
    return Line(part, what, measured, f">= {limit:.4g}{unit}", value >= limit)


def render(lines: Sequence[Line]) -> str:
    """Format the lines as a table of plain text."""
    rows = [["part", "what", "measured", "goal", "verdict"]]
    rows += [[one.part, one.what, one.measured, one.goal, one.verdict] for one in lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
