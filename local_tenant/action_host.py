"""
The Node process that runs Actions: how it is started, called and replaced.

One process runs all Actions, several at a time; calls and answers are lines of JSON. Every wait has
a time limit. What an Action writes to stderr or stdout is discarded.
"""

import itertools
import json
import os
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RUNNER = Path(__file__).with_name("run_action.js")
PROBE_WAIT = 1.0  # seconds in which a process must answer a ping, else it counts as hung
END_WAIT = 5.0  # seconds that close() waits for a killed process to end
# Actions must not see the environment, which may hold secrets; Node itself needs these names.
PASSED_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "NODE_EXTRA_CA_CERTS", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Execution:
    """
    The result of one run of a handler.

    `effects` is what the Action asked for (`newEffects` in `post_login_api.js`), even before an
    error. `console` is what it logged, cut as at Auth0.
    """

    effects: Mapping[str, Any]
    error: str | None
    console: str = ""
    milliseconds: float = 0.0


@dataclass(slots=True)
class _Call:
    line: bytes
    deadline: float  # of time.perf_counter(); a test may freeze the other clocks
    done: threading.Event = field(default_factory=threading.Event)
    answer: dict[str, Any] = field(default_factory=dict)
    sent: int = 0

    def finish(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.done.set()


class _Child:
    """
    One Node process, with one thread that writes to it and one that reads from it.

    The caller must not write itself: it holds the host's lock, and a process in an endless loop
    does not read, so that the pipe is full and the write blocks.
    """

    def __init__(
        self,
        node: Path,
        on_line: Callable[[bytes], None],
        on_end: Callable[["_Child"], None],
    ) -> None:
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [str(node), str(RUNNER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in PASSED_ENVIRONMENT if name in os.environ},
        )
        self._on_line, self._on_end = on_line, on_end
        self._reader = threading.Thread(target=self._read, name="action-host-read", daemon=True)
        writer = threading.Thread(target=self._write, name="action-host-write", daemon=True)
        self._reader.start()
        writer.start()

    def send(self, line: bytes) -> None:
        self._outbox.put(line)

    def kill(self) -> None:
        self._process.kill()
        self._outbox.put(None)

    def wait(self, seconds: float) -> None:
        self._reader.join(seconds)

    def _read(self) -> None:
        assert self._process.stdout is not None  # for mypy
        with self._process.stdout as lines:
            for line in lines:
                self._on_line(line)
        self._process.kill()  # it closed stdout, so it cannot answer any more
        self._process.wait()
        self._outbox.put(None)
        self._on_end(self)

    def _write(self) -> None:
        assert self._process.stdin is not None  # for mypy
        with suppress(OSError), self._process.stdin as lines:
            while (line := self._outbox.get()) is not None:
                lines.write(line)
                lines.flush()


class ActionHost:
    """
    Run handlers of Actions, for many threads at the same time.

    A call that exceeds the time limit fails. If the process then does not answer a ping, it is
    replaced, and the other calls it had not answered are sent once more, to the new process.

    Args:
        node: the program of Node 22.
        time_limit: seconds for one run of a handler.
    """

    def __init__(self, node: Path, time_limit: float) -> None:
        self._node, self._time_limit = node, time_limit
        self._lock = threading.RLock()
        self._pending: dict[int, _Call] = {}
        self._ids = itertools.count(1)
        self._closed = False
        self._child: _Child | None = self._start()

    def run(self, message: Mapping[str, Any]) -> Execution:
        """
        Run one handler; a failure is in the result's `error`, not raised.

        This takes at most the time limit, or twice that if the process is replaced meanwhile.

        Args:
            message: a line for the Node process without its `id`, see `run_action.js`.
        """
        number, call = self._submit(message)
        while not call.done.wait(max(0.0, call.deadline - time.perf_counter())):
            with self._lock:
                if call.done.is_set() or call.deadline > time.perf_counter():
                    continue  # answered just now, or given more time by another thread
                del self._pending[number]
                child = self._child
                # The other calls must not time out while this thread pings the process.
                patience = time.perf_counter() + PROBE_WAIT + 0.5
                for other in self._pending.values():
                    other.deadline = max(other.deadline, patience)
            self._replace_if_hung(child)
            return Execution({}, f"The Action did not finish within {self._time_limit:g} seconds.")
        answer = call.answer
        return Execution(
            answer.get("effects", {}),
            answer.get("error"),
            answer.get("console", ""),
            answer.get("milliseconds", 0.0),
        )

    def kill(self) -> None:
        """Kill the process, as if it had crashed; the next call starts another one."""
        with self._lock:
            if self._child is not None:
                self._child.kill()

    def close(self) -> None:
        """End the process and start no other; calls without an answer fail at once."""
        with self._lock:
            self._closed = True
            child, self._child = self._child, None
            if child is not None:
                child.kill()
            for call in self._pending.values():
                call.finish({"error": "The tenant is closing."})
            self._pending.clear()
        # Outside the lock, because the reading thread needs it once more before it ends.
        if child is not None:
            child.wait(END_WAIT)

    def _start(self) -> _Child:
        return _Child(self._node, self._receive, self._ended)

    def _submit(self, message: Mapping[str, Any]) -> tuple[int, _Call]:
        number = next(self._ids)
        line = json.dumps({"id": number, **message}).encode() + b"\n"
        call = _Call(line, time.perf_counter() + self._time_limit)
        with self._lock:
            self._pending[number] = call
            self._send(call)
            if call.done.is_set():
                del self._pending[number]
        return number, call

    def _send(self, call: _Call) -> None:
        try:
            if self._closed:
                raise OSError("closed")
            if self._child is None:
                self._child = self._start()
        except OSError:
            call.finish({"error": "The Action runner could not be started."})
            return
        call.sent += 1
        self._child.send(call.line)

    def _receive(self, line: bytes) -> None:
        try:
            answer = json.loads(line)
            number = answer["id"]
        except (ValueError, TypeError, KeyError):
            return  # run_action.js did not write it
        with self._lock:
            if (call := self._pending.pop(number, None)) is not None:
                call.finish(answer)

    def _ended(self, child: _Child) -> None:
        with self._lock:
            if self._child is child:
                self._child = None
                self._send_again()

    def _replace_if_hung(self, child: _Child | None) -> None:
        with self._lock:
            if child is None or child is not self._child:
                return  # another thread has replaced it
        number, probe = self._submit({"ping": True})
        answered = probe.done.wait(PROBE_WAIT)
        with self._lock:
            self._pending.pop(number, None)
            if not answered and self._child is child:
                child.kill()
                self._child = None
                self._send_again()

    def _send_again(self) -> None:
        """
        Send the calls that the ended process did not answer to a new one.

        A call that was sent twice fails instead: it may be what ended both processes.
        """
        for number, call in list(self._pending.items()):
            if call.sent < 2:
                call.deadline = time.perf_counter() + self._time_limit
                self._send(call)
            else:
                call.finish({"error": "The Action runner ended during the execution."})
            if call.done.is_set():
                self._pending.pop(number, None)
