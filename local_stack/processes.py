"""
Start the programs of a local stack, wait until they are ready, and end them.

Each program runs in a session of its own, so that Ctrl-C reaches only the process that started
them, which then ends them in reverse order. Every wait has a time limit. Every error message has
the end of the log of the program that failed.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

# How to find out whether a program is ready: an http URL that answers, or a function.
Ready = str | Callable[[], bool]

STOP_SECONDS = 10.0
POLL_SECONDS = 0.02
# Without the proxy that the environment may name: it cannot reach ports of this machine.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LocalStackError(Exception):
    """A local program did not start, or ended by itself; the message has the end of its log."""


@dataclass(frozen=True)
class Child:
    """A running program: its name in messages, its process and its log file."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def end_of_log(self) -> str:
        """Return the last lines of the log, indented."""
        return tail(self.log)


def free_port() -> int:
    """Find a free TCP port of 127.0.0.1; it is not reserved, so use it soon."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def tail(log: Path, lines: int = 20) -> str:
    """Return the last lines of a log, indented for an error message."""
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "  (no log)"
    return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (the log is empty)"


def spawn(
    argv: Sequence[str | Path],
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    user: str | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """
    Start a program that ends when this thread ends (`child.py`); its output goes to a new log file.

    Args:
        env: its environment; None is that of this process.
        user: who runs it; None is the current user.
        death_signal: what Linux sends to it when this thread ends.
    """
    shim = [sys.executable, "-I", "-S", str(Path(__file__).with_name("child.py"))]
    tie = [str(os.getpid()), str(int(death_signal)), user or "-"]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        return subprocess.Popen(
            [*shim, *tie, *map(str, argv)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], *signals: tuple[signal.Signals, float]) -> None:
    """
    End a program: send each signal and wait its seconds, then kill the program's process group.

    Workers that outlive a program that ended by itself are not killed, because the id of their
    group may belong to another program by then.
    """
    for number, seconds in signals or ((signal.SIGTERM, STOP_SECONDS),):
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue
    # The program has not been waited for, so its id, also that of its group, is still in use.
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(STOP_SECONDS)


def wait_until(ready: Ready, child: Child, seconds: float) -> None:
    """
    Wait until the URL answers with a status below 500, or the function returns true.

    Raises:
        LocalStackError: the program ended, or was not ready after *seconds*.
    """
    deadline = time.monotonic() + seconds
    while not (answers(ready) if isinstance(ready, str) else ready()):
        code = child.process.poll()
        if code is not None:
            problem = f"ended with status {code} before it was ready"
        elif time.monotonic() > deadline:
            problem = f"was not ready after {seconds:g} s"
        else:
            time.sleep(POLL_SECONDS)
            continue
        raise LocalStackError(f"{child.name} {problem}. Its log ends:\n{child.end_of_log()}")


def listens(port: int) -> bool:
    """Say whether a program accepts connections on this TCP port of 127.0.0.1."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    """Say whether the URL answers with a status below 500."""
    try:
        with _direct.open(url, timeout=1):  # a URL of this project's programs
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500
    except (OSError, ValueError):
        return False


class Processes:
    """
    The programs of one stack.

    Leaving the context ends them, the last one first. In the main thread, SIGTERM and SIGHUP raise
    SystemExit inside the context, so that the programs are ended then, too.
    """

    def __init__(self, log_folder: Path) -> None:
        self.log_folder = log_folder
        self.children: list[Child] = []
        self._handlers: dict[signal.Signals, Callable[[int, FrameType | None], object] | int] = {}

    def start(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        ready: Ready | None = None,
        seconds: float = 30,
    ) -> Child:
        """
        Start a program and wait until it is ready.

        Args:
            name: for messages and the log file.
            env: its environment; None is that of this process.
            ready: how to find out; None does not wait.
            seconds: how long to wait.

        Raises:
            LocalStackError: it did not become ready and was ended.
        """
        log = self.log_folder / f"{name}.log"
        child = Child(name, spawn(argv, log, env=env, cwd=cwd), log)
        self.children.append(child)
        if ready is not None:
            try:
                wait_until(ready, child, seconds)
            except BaseException:
                self.children.remove(child)
                end(child.process, (signal.SIGTERM, 2))
                raise
        return child

    def wait(self) -> None:
        """
        Wait until Ctrl-C or a signal.

        Raises:
            LocalStackError: a program ended by itself.
        """
        while True:
            for child in self.children:
                code = child.process.poll()
                if code is not None:
                    problem = f"{child.name} ended with status {code}"
                    raise LocalStackError(f"{problem}. Its log ends:\n{child.end_of_log()}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End all programs, the last one first; a second call does nothing."""
        while self.children:
            end(self.children.pop().process)

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGHUP):
                previous = signal.signal(number, _exit_in_order)
                self._handlers[number] = signal.SIG_DFL if previous is None else previous
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            for number, handler in self._handlers.items():
                signal.signal(number, handler)
            self._handlers.clear()


def _exit_in_order(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
