"""
Compare candidates: in every round each of them is measured once, in random order.

The result of a candidate is its median over all rounds. The result of a ratio is the median of the
ratios of each round, because other work on the machine that lasts longer than a round then slows
down both sides of a ratio.
"""

import random
import statistics
from collections.abc import Callable, Mapping


class Rounds:
    """The figures of all rounds: for each candidate a list, in the order of the rounds."""

    def __init__(self, figures: Mapping[str, list[float]]) -> None:
        self._figures = figures

    def median(self, name: str) -> float:
        """Return the median of a candidate's figures."""
        return statistics.median(self._figures[name])

    def ratio(self, name: str, floor: str) -> float:
        """Return the median of the candidate's figure divided by that of *floor*."""
        pairs = zip(self._figures[name], self._figures[floor], strict=True)
        return statistics.median(one / other for one, other in pairs)


def measure(candidates: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Call each candidate once a round, which returns a figure; a first round more is discarded."""
    figures: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name in random.sample([*candidates], len(candidates)):
            figure = candidates[name]()
            if number:
                figures[name].append(figure)
    return Rounds(figures)
