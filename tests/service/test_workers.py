"""Workers share connections evenly, and a reload loses none."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from local_stack.stack import Stack
from service.worker_load import WorkerLoad
from tests.kit.gunicorn import run_selector_under_gunicorn

RELOADS = 6
TRIES = 20


def list_workers(master: int) -> set[int]:
    """Find the processes that gunicorn's first process has started."""
    return {int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()}


def count_connections(master: int, port: int) -> Counter[int]:
    """Count, for each worker, the open connections on this port."""
    remote = {
        fields[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[1].endswith(f":{port:04X}") and fields[3] == "01"
    }
    found: Counter[int] = Counter()
    for worker in list_workers(master):
        for entry in Path(f"/proc/{worker}/fd").iterdir():
            try:
                target = str(entry.readlink())
            except FileNotFoundError:
                continue  # it was the folder being listed
            found[worker] += target.removeprefix("socket:[").rstrip("]") in remote
    return found


def open_and_ask(port: int) -> http.client.HTTPConnection:
    """Open a connection that is kept, and send one request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read()
    return connection


@pytest.mark.long
def test_kept_connections_are_spread_over_the_workers(stack: Stack, tmp_path: Path) -> None:
    """
    Of eight, no worker holds fewer than three, in twenty tries.

    A proxy keeps its connections, so an uneven spread would last. With `reuse_port` a hash decides.
    """
    with run_selector_under_gunicorn(stack, tmp_path, workers=2, threads=2) as (child, port):
        time.sleep(1)  # until the second worker is there, too
        assert len(list_workers(child.process.pid)) == 2
        for _ in range(TRIES):
            opened = [open_and_ask(port) for _ in range(8)]
            held = count_connections(child.process.pid, port)
            for one in opened:
                one.close()
            assert sum(held.values()) == 8
            assert min(held.values()) >= 3, held
            deadline = time.monotonic() + 5
            while sum(count_connections(child.process.pid, port).values()):
                assert time.monotonic() < deadline
                time.sleep(0.01)


@pytest.mark.long
def test_a_killed_worker_does_not_hold_the_others_back(stack: Stack, tmp_path: Path) -> None:
    """Its last count is forgotten, and a new worker takes its place."""
    with run_selector_under_gunicorn(stack, tmp_path, workers=2, threads=2) as (child, port):
        time.sleep(1)
        first = list_workers(child.process.pid)
        os.kill(min(first), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while len(list_workers(child.process.pid) - {min(first)}) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)
        opened = [open_and_ask(port) for _ in range(8)]
        held = count_connections(child.process.pid, port)
        for one in opened:
            one.close()

    assert min(held.values()) >= 3, held


@pytest.mark.long
def test_six_reloads_under_load_reset_no_connection(stack: Stack, tmp_path: Path) -> None:
    """
    Requests on connections of their own and on kept ones, while gunicorn gets SIGHUP six times.

    With `reuse_port` the queue of each old listener was dropped: 3 of 3,335 requests were reset.
    """
    answered: Counter[str] = Counter()
    problems: list[str] = []
    done = threading.Event()

    def ask_again_and_again(port: int, keep: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not done.is_set():
            try:
                connection.request(
                    "GET", "/healthz", headers={} if keep else {"Connection": "close"}
                )
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                problems.append(repr(error))
                connection.close()
                continue
            answered["kept" if keep else "new"] += answer.status == 200
        connection.close()

    with run_selector_under_gunicorn(stack, tmp_path, workers=2, threads=4) as (child, port):
        clients = [
            threading.Thread(target=ask_again_and_again, args=(port, keep))
            for keep in (True, True, False, False)
        ]
        for one in clients:
            one.start()
        try:
            for _ in range(RELOADS):
                before, so_far = list_workers(child.process.pid), answered.total()
                child.process.send_signal(signal.SIGHUP)
                deadline = time.monotonic() + 20
                # Until the old ones have gone, and the new ones have answered for a while.
                while before & list_workers(child.process.pid) or answered.total() < so_far + 500:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
        finally:
            done.set()
            for one in clients:
                one.join()

    assert problems == []
    assert min(answered.values()) > 500


def test_a_worker_counts_from_its_first_report_to_its_end() -> None:
    """One that still starts, or that stops, holds no other one back."""
    ours, other = WorkerLoad(), WorkerLoad()
    try:
        assert not ours.is_above_another(5)
        other.report(5)
        assert not ours.is_above_another(6)
        assert ours.is_above_another(7)
        other.stop()
        assert not ours.is_above_another(7)
        other.report(0)
        assert ours.is_above_another(2)
        other.free()
        assert not ours.is_above_another(7)
    finally:
        ours.free()
