"""An endpoint of signing keys that a test can make slow, broken or hostile."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TypeVar

# Seconds within which an answer counts as immediate: enough for a busy machine, and less than
# waiting for an endpoint that does not answer.
AT_ONCE = 1.0
Answer = Callable[[socket.socket], None]
T = TypeVar("T")


class Clock:
    """A clock that stands still until a test changes `now`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Endpoint:
    """A server whose answer a test can change; it keeps the requests that it received."""

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
        """Stop listening, so that connections are refused."""
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
            pass  # the client closed the connection or refused the certificate
        finally:
            conn.close()


def reply(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    """Make an answer with this body and these headers."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    whole = "\r\n".join([*lines, "", ""]).encode() + body
    return lambda conn: conn.sendall(whole)


def jwks(*entries: object) -> Answer:
    """Make an answer with a key set, as Auth0's."""
    return reply(json.dumps({"keys": entries}).encode(), "Content-Type: application/json")


def hang(conn: socket.socket) -> None:
    """Accept the connection and send nothing."""
    conn.recv(1)


def after(seconds: float, answer: Answer) -> Answer:
    """Make *answer* come after some seconds."""

    def slowly(conn: socket.socket) -> None:
        time.sleep(seconds)
        answer(conn)

    return slowly


def drip(beginning: bytes) -> Answer:
    """Send one byte every 50 ms, so that a limit on each single read is never reached."""

    def answer(conn: socket.socket) -> None:
        conn.sendall(beginning)
        for _ in range(200):
            conn.sendall(b"x")
            time.sleep(0.05)

    return answer


def eventually(condition: Callable[[], object]) -> None:
    """Wait until the condition is true; fail after 5 seconds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
