"""CPU that processes spent, as the kernel counts it (Linux)."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PROC = Path("/proc")


def read_cpu(pid: int) -> float:
    """Return the microseconds that all living threads of a process have spent so far."""
    total = 0
    for thread in (_PROC / str(pid) / "task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):  # the thread has just ended
            continue
    return total / 1000


class Meter:
    """What a changing set of processes spends: gunicorn's workers, a database's backends."""

    def __init__(self, list_pids: Callable[[], Iterable[int]]) -> None:
        self._list_pids = list_pids
        self._before: dict[int, float] = {}

    def start(self) -> None:
        """Begin to count."""
        self._before = {pid: read_cpu(pid) for pid in self._list_pids()}

    def read(self) -> float:
        """Return the microseconds since `start`; processes born since count from birth."""
        return sum(read_cpu(pid) - self._before.get(pid, 0.0) for pid in self._list_pids())


def list_children(pid: int) -> list[int]:
    """Return the processes that *pid* started and that still run."""
    found = (_PROC / str(pid) / "task" / str(pid) / "children").read_text()
    return [int(one) for one in found.split()]


def per_call(call: Callable[[], object], times: int, other_pid: int) -> float:
    """Return the microseconds of one call: this thread's and those of process *other_pid*."""
    call()
    other, own = read_cpu(other_pid), time.thread_time_ns()
    for _ in range(times):
        call()
    own_microseconds = (time.thread_time_ns() - own) / 1000
    return (own_microseconds + read_cpu(other_pid) - other) / times


@contextmanager
def one_core(*pids: int) -> Iterator[None]:
    """Keep this thread and *pids* on one core, so that none of them runs beside another."""
    before = os.sched_getaffinity(0)
    try:
        for pid in (0, *pids):
            os.sched_setaffinity(pid, {max(before)})
        yield
    finally:
        for pid in (0, *pids):
            os.sched_setaffinity(pid, before)
