"""A small load generator: threads with keep-alive connections that check every answer."""

import http.client
import itertools
import re
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CONNECTIONS = 4
WAIT = 20.0  # seconds for one answer


class WrongAnswer(Exception):
    """A server under load answered something else than it must."""


@dataclass(frozen=True)
class Ask:
    """A request, and what its answer must be."""

    path: str
    expected: bytes  # somewhere in the body
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    status: int = 200


def send(port: int, asks: Sequence[Ask], *, connections: int = CONNECTIONS) -> None:
    """
    Send all *asks* to 127.0.0.1, spread over *connections* at the same time.

    Raises:
        WrongAnswer: the first answer that was not what was expected.
    """
    failures: list[Exception] = []

    def work(own: Sequence[Ask]) -> None:
        try:
            _send(port, own)
        except (OSError, http.client.HTTPException, WrongAnswer) as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=(asks[number::connections],))
        for number in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise WrongAnswer(f"{type(failures[0]).__name__}: {failures[0]}") from failures[0]


def count_per_second(port: int, asks: Sequence[Ask], *, seconds: float, connections: int) -> float:
    """
    Send *asks* over and over on *connections* at once and return the answers a second.

    Made to cost little beside the server: requests are written once, and only the length of an
    answer is read from it. Every connection's first answer is checked.

    Raises:
        WrongAnswer: the first answer of a connection was not what was expected.
    """
    failures: list[Exception] = []
    counts = [0] * connections
    began = time.monotonic()

    def work(number: int) -> None:
        own = [asks[(number + offset) % len(asks)] for offset in range(min(len(asks), 50))]
        try:
            exchange(port, own[0])
            counts[number] = _repeat(port, [_write(ask) for ask in own], began + seconds)
        except (OSError, http.client.HTTPException, WrongAnswer) as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise WrongAnswer(f"{type(failures[0]).__name__}: {failures[0]}") from failures[0]
    return sum(counts) / (time.monotonic() - began)


def exchange(port: int, ask: Ask) -> bytes:
    """
    Send one request on a connection of its own and return the body of the answer.

    Raises:
        WrongAnswer: it was not what was expected.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    try:
        return _exchange(connection, ask)
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """Sends head and body in one piece, as Node's fetch does; http.client alone sends two."""

    _waiting = b""

    def send(self, data: Any) -> None:
        self._waiting += data

    def getresponse(self) -> http.client.HTTPResponse:
        if self.sock is None:
            self.connect()
        self.sock.sendall(self._waiting)
        self._waiting = b""
        return super().getresponse()


def _write(ask: Ask) -> bytes:
    head = [f"{ask.method} {ask.path} HTTP/1.1", "Host: 127.0.0.1"]
    head += [f"{name}: {value}" for name, value in ask.headers.items()]
    return "\r\n".join([*head, "", ""]).encode()


def _repeat(port: int, requests: Sequence[bytes], until: float) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as connection:
        for count in itertools.count():
            if time.monotonic() >= until:
                return count
            connection.sendall(requests[count % len(requests)])
            _read_answer(connection)
    raise AssertionError("unreachable")


def _read_answer(connection: socket.socket) -> None:
    received = connection.recv(65_536)
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _receive(connection)
    if not received.startswith(b"HTTP/1.1 200"):
        raise WrongAnswer(repr(received[:80]))
    length = re.search(rb"(?i)content-length: (\d+)", received[:end])
    if length is None:
        raise WrongAnswer("no length")
    missing = end + 4 + int(length[1]) - len(received)
    while missing > 0:
        missing -= len(_receive(connection))


def _receive(connection: socket.socket) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise WrongAnswer("hung up")
    return part


def _send(port: int, asks: Sequence[Ask]) -> None:
    connection = _Connection("127.0.0.1", port, timeout=WAIT)
    try:
        for ask in asks:
            _exchange(connection, ask)
    finally:
        connection.close()


def _exchange(connection: http.client.HTTPConnection, ask: Ask) -> bytes:
    connection.request(ask.method, ask.path, body=ask.body, headers=ask.headers)
    response = connection.getresponse()
    body = response.read()
    if response.status != ask.status or ask.expected not in body:
        raise WrongAnswer(f"{ask.method} {ask.path[:40]}: {response.status} {body[:300]!r}")
    return body
