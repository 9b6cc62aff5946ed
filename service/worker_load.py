"""
How many connections each worker of this gunicorn has open, in memory that all of them share.

The system gives a new connection to the worker that asks first, so one worker may end up with every
connection of a proxy that keeps its connections. A worker asks here whether another one has fewer.
"""

import mmap
import sys

MAX_WORKERS = 256  # of one gunicorn; during a reload the old ones count, too
_FREE, _NOT_ACCEPTING, _ACCEPTING = 0, 1, 2  # the last one plus the number of connections
# Made when gunicorn's first process loads this module; its workers inherit it.
_slots = memoryview(mmap.mmap(-1, 4 * MAX_WORKERS)).cast("I")


class WorkerLoad:
    """The count of one worker; made in gunicorn's first process, before the worker starts."""

    def __init__(self) -> None:
        if _FREE not in _slots:
            sys.exit(f"gunicorn cannot have more than {MAX_WORKERS} workers with these settings.")
        self._slot = _slots.tolist().index(_FREE)
        _slots[self._slot] = _NOT_ACCEPTING

    def report(self, connections: int) -> None:
        """Say how many connections this worker has; from now on it counts for the others."""
        _slots[self._slot] = _ACCEPTING + connections

    def is_above_another(self, connections: int) -> bool:
        """Whether another worker that accepts connections has at least two fewer than so many."""
        most = _ACCEPTING + connections - 2
        return any(_ACCEPTING <= value <= most for value in _slots.tolist())

    def stop(self) -> None:
        """Say that this worker accepts no more connections."""
        _slots[self._slot] = _NOT_ACCEPTING

    def free(self) -> None:
        """Give the slot back; called in gunicorn's first process once the worker has ended."""
        _slots[self._slot] = _FREE
