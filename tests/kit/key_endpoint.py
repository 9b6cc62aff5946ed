"""An endpoint of signing keys that a test makes slow, broken or hostile."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeVar

AT_ONCE = 1.0  # seconds; a busy machine, yet less than a wait for an endpoint that hangs
Answer = Callable[[socket.socket], None]
T = TypeVar("T")


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Endpoint:
    """A server whose answer a test may change; it counts who came and keeps what they said."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/.well-known/jwks.json"
        self._listener.settimeout(30)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Nobody listens any more."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn: socket.socket) -> None:
        conn.settimeout(5)
        try:
            if self._tls:
                conn = self._tls.wrap_socket(conn, server_side=True)
            request = b""
            while b"\r\n\r\n" not in request:
                part = conn.recv(4096)
                if not part:
                    return
                request += part
            self.requests.append(request)
            self.answer(conn)
        except OSError:
            pass  # the client hung up, or refused our certificate
        finally:
            conn.close()


def reply(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    """Answer with a body."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    whole = "\r\n".join([*lines, "", ""]).encode() + body
    return lambda conn: conn.sendall(whole)


def jwks(*entries: object) -> Answer:
    """Answer as Auth0 does."""
    return reply(json.dumps({"keys": entries}).encode(), "Content-Type: application/json")


def hang(conn: socket.socket) -> None:
    """Accept, and never answer."""
    conn.recv(1)


def after(seconds: float, answer: Answer) -> Answer:
    """Answer, but slowly."""

    def slowly(conn: socket.socket) -> None:
        time.sleep(seconds)
        answer(conn)

    return slowly


def drip(beginning: bytes) -> Answer:
    """Send a byte now and then, so that no single wait is ever long."""

    def answer(conn: socket.socket) -> None:
        conn.sendall(beginning)
        for _ in range(200):
            conn.sendall(b"x")
            time.sleep(0.05)

    return answer


def eventually(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
