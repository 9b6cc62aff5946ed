"""
Measuring side by side: every round visits every candidate in random order.

What is reported of a candidate is the median over the rounds, and of a ratio the median of the
ratios within rounds: noise that lasts longer than a round hits both sides of it alike.
"""

import random
import statistics
from collections.abc import Callable, Mapping


class Rounds:
    """The figures of all rounds, by candidate."""

    def __init__(self, figures: Mapping[str, list[float]]) -> None:
        self._figures = figures

    def median(self, name: str) -> float:
        """Return the candidate's figure in the middle round."""
        return statistics.median(self._figures[name])

    def ratio(self, name: str, floor: str) -> float:
        """Return how many times *floor* the candidate costs, in the middle round."""
        pairs = zip(self._figures[name], self._figures[floor], strict=True)
        return statistics.median(one / other for one, other in pairs)


def measure(candidates: Mapping[str, Callable[[], float]], rounds: int) -> Rounds:
    """Let each candidate measure itself once a round; one round more, the first, is not kept."""
    figures: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name in random.sample([*candidates], len(candidates)):
            figure = candidates[name]()
            if number:
                figures[name].append(figure)
    return Rounds(figures)
