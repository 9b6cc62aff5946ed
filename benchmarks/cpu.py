"""CPU time of processes, as the Linux kernel counts it."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PROC = Path("/proc")


def read_cpu(pid: int) -> float:
    """Return the CPU time of all living threads of a process so far, in microseconds."""
    total = 0
    for thread in (_PROC / str(pid) / "task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):  # the thread ended meanwhile
            continue
    return total / 1000


class Meter:
    """Measure the CPU time of a changing set of processes, such as gunicorn's workers."""

    def __init__(self, list_pids: Callable[[], Iterable[int]]) -> None:
        self._list_pids = list_pids
        self._before: dict[int, float] = {}

    def start(self) -> None:
        """Begin to measure."""
        self._before = {pid: read_cpu(pid) for pid in self._list_pids()}

    def read(self) -> float:
        """Return the microseconds since `start`; newer processes count from their own start."""
        return sum(read_cpu(pid) - self._before.get(pid, 0.0) for pid in self._list_pids())


def list_children(pid: int) -> list[int]:
    """Return the ids of the processes that process *pid* started and that still run."""
    found = (_PROC / str(pid) / "task" / str(pid) / "children").read_text()
    return [int(one) for one in found.split()]


def per_call(call: Callable[[], object], times: int, other_pid: int) -> float:
    """
    Return the CPU time of one call in microseconds: this thread's and that of process *other_pid*.

    The result is the mean of *times* calls, after one that is not measured.
    """
    call()
    other, own = read_cpu(other_pid), time.thread_time_ns()
    for _ in range(times):
        call()
    own_microseconds = (time.thread_time_ns() - own) / 1000
    return (own_microseconds + read_cpu(other_pid) - other) / times


@contextmanager
def one_core(*pids: int) -> Iterator[None]:
    """Keep this thread and the processes *pids* on one core, so that only one of them runs."""
    before = os.sched_getaffinity(0)
    try:
        for pid in (0, *pids):
            os.sched_setaffinity(pid, {max(before)})
        yield
    finally:
        for pid in (0, *pids):
            os.sched_setaffinity(pid, before)
