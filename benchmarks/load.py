"""A small load generator with keep-alive connections that checks the answers."""

import contextlib
import http.client
import itertools
import re
import selectors
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CONNECTIONS = 4
WAIT = 20.0  # seconds to wait for one answer


class WrongAnswer(Exception):
    """A server did not answer as expected."""


@dataclass(frozen=True)
class CheckedRequest:
    """A request and its expected answer: the status, and some bytes of the body."""

    path: str
    expected: bytes  # somewhere in the body
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    status: int = 200


def send(port: int, requests: Sequence[CheckedRequest], *, connections: int = CONNECTIONS) -> None:
    """
    Send the *requests* to 127.0.0.1, spread over several *connections* at the same time.

    Raises:
        WrongAnswer: an answer was not the expected one, or a connection failed.
    """
    failures: list[Exception] = []

    def work(own: Sequence[CheckedRequest]) -> None:
        try:
            _send(port, own)
        except (OSError, http.client.HTTPException, WrongAnswer) as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(requests[number::connections],))
        for number in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise WrongAnswer(f"{type(failures[0]).__name__}: {failures[0]}") from failures[0]


def count_per_second(
    port: int, requests: Sequence[CheckedRequest], *, seconds: float, connections: int
) -> float:
    """
    Send *requests* again and again on several *connections*; return the answers per second.

    It needs little CPU itself, so that it does not slow the server down: it has one thread, encodes
    each request once, and reads only status and length of an answer. Only the first is checked.

    Raises:
        WrongAnswer: the first answer was not the expected one, or the status of another is not 200.
    """
    exchange(port, requests[0])
    written, count = itertools.cycle([_write(request) for request in requests]), 0
    with contextlib.ExitStack() as opened, selectors.DefaultSelector() as waiting:
        for _ in range(connections):
            connection = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
            opened.enter_context(connection)
            waiting.register(connection, selectors.EVENT_READ, connection)
            connection.sendall(next(written))
        began = time.monotonic()
        until = began + seconds
        while time.monotonic() < until:
            for key, _ in waiting.select(WAIT):
                _read_answer(key.data)
                key.data.sendall(next(written))
                count += 1
    return count / (time.monotonic() - began)


def exchange(port: int, request: CheckedRequest) -> bytes:
    """
    Send one request on a new connection and return the body of the answer.

    Raises:
        WrongAnswer: it was not the expected answer.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    try:
        return _exchange(connection, request)
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """Send head and body in one piece, as Node's fetch does; http.client alone sends two."""

    _waiting = b""

    def send(self, data: Any) -> None:
        self._waiting += data

    def getresponse(self) -> http.client.HTTPResponse:
        if self.sock is None:
            self.connect()
        self.sock.sendall(self._waiting)
        self._waiting = b""
        return super().getresponse()


def _write(request: CheckedRequest) -> bytes:
    head = [f"{request.method} {request.path} HTTP/1.1", "Host: 127.0.0.1"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*head, "", ""]).encode()


def _read_answer(connection: socket.socket) -> None:
    received = connection.recv(65_536)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _receive(connection)
    if not received.startswith(b"HTTP/1.1 200"):
        raise WrongAnswer(repr(received[:80]))
    length = re.search(rb"(?i)content-length: (\d+)", received[:end])
    if length is None:
        raise WrongAnswer("no Content-Length")
    missing = end + 4 + int(length[1]) - len(received)
    while missing > 0:
        missing -= len(_receive(connection))


def _receive(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise WrongAnswer("the server closed the connection")
    return part


def _send(port: int, requests: Sequence[CheckedRequest]) -> None:
    connection = _Connection("127.0.0.1", port, timeout=WAIT)
    try:
        for request in requests:
            _exchange(connection, request)
    finally:
        connection.close()


def _exchange(connection: http.client.HTTPConnection, request: CheckedRequest) -> bytes:
    connection.request(request.method, request.path, body=request.body, headers=request.headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != request.status or request.expected not in body:
        raise WrongAnswer(f"{request.method} {request.path[:40]}: {response.status} {body[:300]!r}")
    return body
