"""While fifty slow clients of any kind are connected, other clients are answered at once."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from local_stack.stack import Stack
from tests.kit.gunicorn import run_selector_under_gunicorn
from tests.kit.raw_requests import post

CONNECTIONS = 50
SECONDS = 1.0  # how long each kind is watched
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"POST /decisions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
# What a slow client sends at first, and then again and again.
KINDS = {
    "nothing": (b"", b""),
    "half a request line": (b"GET /heal", b""),
    "headers without end": (HEAD, b"X-More: 1\r\n"),
    "a body never sent": (HEAD + b"Content-Length: 100\r\n\r\n", b""),
    "one byte after another": (HEAD, b"X"),
    "a body byte by byte": (HEAD + b"Content-Length: 60000\r\n\r\n", b"a"),
    "a chunk never finished": (CHUNKED + b"400\r\nab", b""),
    "chunk after chunk": (CHUNKED, b"1\r\na\r\n"),
    "a long body in tiny chunks": (CHUNKED + b"1\r\na\r\n" * 4_000, b"1\r\na\r\n" * 50),
    "a head that is too long": (HEAD + b"X-More: 1\r\n" * 6_000, b"X-More: 1\r\n"),
    "a body it asked for": (HEAD + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", b"a"),
    "half of the next request": (HEALTH + b"GET /heal", b""),
    "a body behind a refusal": (HEAD + b"Content-Length: 70000\r\n\r\n", b"a" * 100),
}


# The other kinds are long tests.
USUAL = {
    "half a request line",
    "headers without end",
    "a body never sent",
    "one byte after another",
}


@pytest.fixture(scope="module")
def port(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A selector with one worker of two threads."""
    folder = tmp_path_factory.mktemp("slow-clients")
    with run_selector_under_gunicorn(stack, folder, workers=1, threads=2) as (_, port):
        yield port


def connect(port: int) -> socket.socket:
    """Open a connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def ask(port: int, request: bytes) -> bytes:
    """Send a request on a connection of its own; return the status line."""
    with closing(connect(port)) as connection:
        connection.sendall(request)
        return connection.recv(65_536).partition(b"\r\n")[0]


@contextmanager
def slow_clients(port: int, first: bytes, again: bytes) -> Iterator[None]:
    """Keep fifty connections busy, one byte or line a tenth of a second, until the end."""
    done = threading.Event()
    with ExitStack() as connections:
        opened = [connections.enter_context(closing(connect(port))) for _ in range(CONNECTIONS)]
        for one in opened:
            one.sendall(first)

        def go_on() -> None:
            while not done.wait(0.1) and again:
                for one in opened:
                    try:
                        one.sendall(again)
                    except OSError:
                        continue  # the selector has closed it

        sender = threading.Thread(target=go_on)
        sender.start()
        try:
            yield
        finally:
            done.set()
            sender.join()


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind in USUAL else pytest.mark.long) for kind in KINDS]
)
def test_fifty_slow_clients_stop_no_other_client(port: int, kind: str) -> None:
    """Eight of them stopped every login at commit 3d47401. A thread gets a whole request only."""
    first, again = KINDS[kind]
    waits = []
    with slow_clients(port, first, again):
        end = time.monotonic() + SECONDS
        while (began := time.monotonic()) < end:
            assert ask(port, HEALTH) == b"HTTP/1.1 200 OK"
            waits.append(time.monotonic() - began)
            time.sleep(0.02)

    assert max(waits) < 1
    assert len(waits) > 10


def test_a_request_has_five_seconds_to_arrive(port: int) -> None:
    """All of it, not each piece: the clock does not begin again with a further byte."""
    beginnings = [b"", b"GET /heal", HEAD, HEAD + b"Content-Length: 9\r\n\r\n", CHUNKED]
    with ExitStack() as connections:
        opened = [connections.enter_context(closing(connect(port))) for _ in beginnings]
        began = time.monotonic()
        for connection, first in zip(opened, beginnings, strict=True):
            connection.sendall(first)
        time.sleep(3)
        for connection in opened:
            connection.sendall(b"1")
        for connection in opened:
            assert connection.recv(100) == b""

        assert 4.5 < time.monotonic() - began < 8


def test_a_request_in_pieces_is_answered(port: int) -> None:
    """Two seconds for its way are no mistake; and the connection serves a second one."""
    with closing(connect(port)) as connection:
        for _ in range(2):
            for at in range(0, len(HEALTH), 5):
                connection.sendall(HEALTH[at : at + 5])
                time.sleep(0.2)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")


def test_two_requests_at_once_get_two_answers(port: int) -> None:
    """The second one and half of the third arrive with the first."""
    with closing(connect(port)) as connection:
        connection.sendall(HEALTH + HEALTH + HEALTH[:9])
        answers = b""
        while answers.count(b"HTTP/1.1 200 OK") < 2:
            answers += connection.recv(65_536)
        connection.sendall(HEALTH[9:])
        while answers.count(b"HTTP/1.1 200 OK") < 3:
            answers += connection.recv(65_536)

    assert len(re.findall(rb"HTTP/1\.1", answers)) == 3


def test_a_client_reads_its_refusal_although_its_body_was_too_long(port: int) -> None:
    """A connection closed on unread bytes would be reset, and the answer lost."""
    long = post("/decisions", b"a" * 3_000_000)
    with closing(connect(port)) as connection:
        connection.sendall(long)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", b"431"),
        (HEAD + b"X-More: 1\r\n" * 6_000, b"431"),
        (CHUNKED + b"1\r\na\r\n" * 30_000, b"413"),
        (CHUNKED + b"fffff\r\n" + b"a" * 140_000, b"413"),
    ],
)
def test_what_is_too_large_is_refused_without_waiting_for_its_end(
    port: int, request_: bytes, status: bytes
) -> None:
    """Nothing more is read than what shows that it is too large."""
    assert ask(port, request_).startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize("body", [b"4\r\nabcd", b"4\r\nabcdef\r\n", b"zz\r\n", b"fffffff\r\n{}"])
def test_a_broken_chunk_is_the_clients_mistake(port: int, body: bytes) -> None:
    """It was answered with 500, as if it was ours."""
    with closing(connect(port)) as connection:
        connection.sendall(CHUNKED + body)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65_536)

    assert not answer or answer.startswith(b"HTTP/1.1 400"), answer


@pytest.mark.parametrize("before", [b"", HEALTH], ids=["alone", "behind another request"])
def test_a_client_that_asks_first_may_send_its_body(port: int, before: bytes) -> None:
    """With `Expect: 100-continue`, as curl does for large bodies."""
    with closing(connect(port)) as connection:
        asks = HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(before + asks)
        told = b""
        while not told.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            told += connection.recv(65_536)
        assert told.count(b"HTTP/1.1 200 OK") == (1 if before else 0)
        connection.sendall(b"{}")
        answers = b""
        while b"invalid_decision_token" not in answers:
            answers += connection.recv(65_536)

    assert b"HTTP/1.1 401" in answers
