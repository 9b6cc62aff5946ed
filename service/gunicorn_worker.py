"""
gunicorn's threaded worker, safe from slow clients and even among workers.

- The worker's event loop reads a request, and a thread gets it once it has arrived whole
  (`request_arrival.py`). No thread reads from a connection.
- A request has 5 seconds to arrive, counted from its first byte, or from the beginning of a new
  connection. Then the connection is closed.
- A worker that has two connections more than another waits up to 5 ms before it accepts one.
- A closed connection is kept until the client has read the answer, at most 5 seconds, and no thread
  waits for that.

TLS and HTTP/2 are the proxy's part. Not bounded: how many connections a client opens, up to
`worker_connections` of each worker.
"""

import io
import selectors
import socket
import struct
import sys
import time
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.http import get_parser
from gunicorn.http.errors import ChunkMissingTerminator
from gunicorn.http.unreader import Unreader
from gunicorn.workers.gthread import TConn, ThreadWorker

from service.request_arrival import RequestArrival
from service.worker_load import WorkerLoad

ARRIVAL_SECONDS = 5.0
YIELD_SECONDS = 0.005
_LOOK_SECONDS = 0.0005  # how often a worker that holds back looks whether it still has to
_PIECE = 65_536  # bytes read at once
# The kernel's `struct timeval`: how long a thread waits for a client that does not read its answer.
_SEND_TIMEOUT = struct.pack("ll", int(ARRIVAL_SECONDS), 0)


class _Arrived(Unreader):  # type: ignore[misc]  # gunicorn ships no types
    """What has arrived of a request, as the parser's source."""

    _data = io.BytesIO()  # nothing, until a request was put

    def put(self, data: bytes | bytearray) -> None:
        """Make these bytes the source."""
        self._data = io.BytesIO(data)

    def take_rest(self) -> bytes:
        """Return what the parser has not used: the beginning of the next request."""
        return bytes(self.take_buffered()) + self._data.read()

    def chunk(self, size_hint: int | None = None) -> bytes:
        """
        Return the next bytes, few at a time: the parser copies what it gets for every chunk.

        Raises:
            ChunkMissingTerminator: there are no more, since the request is malformed; the answer
                is 400.
        """
        piece = self._data.read(max(size_hint or 0, 8_192))
        if not piece:
            raise ChunkMissingTerminator(b"")
        return piece


class _Rest(RequestArrival):
    """What a client sends behind its last request: never ready, and dropped."""

    def add(self, unverified_data: bytes) -> None:
        """Drop the bytes."""


class Connection(TConn):  # type: ignore[misc]
    """A client's connection; the event loop has it while a request arrives, then a thread."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _SEND_TIMEOUT)
        self.initialized = True  # the parent would set up TLS or HTTP/2
        self.parser = get_parser(cfg, sock, client)
        self.parser.unreader = _Arrived()
        self.arrival = RequestArrival()
        self.gone = False

    def receive(self) -> None:
        """Read what has arrived, without waiting."""
        try:
            piece = self.sock.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        self.gone = not piece
        self._take(piece)

    def _take(self, data: bytes) -> None:
        """Look at the next bytes of the request, and answer what the event loop can answer."""
        self.arrival.add(data)
        if self.arrival.waits_for_continue and not self.arrival.ready:
            self.arrival.waits_for_continue = False
            self._send("HTTP/1.1 100 Continue\r\n\r\n")
        if status := self.arrival.refusal:
            self._send(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self.finish()

    def begin_request(self) -> bool:
        """Expect a request; whether its beginning arrived together with the last one."""
        self.sock.setblocking(False)
        self.arrival = RequestArrival()
        rest = self.parser.unreader.take_rest()
        self._take(rest)
        return bool(rest)

    def hand_over(self) -> None:
        """Give the parser what has arrived."""
        self.parser.unreader.put(self.arrival.data)

    def finish(self) -> None:
        """Send the end of the stream, and drop what still arrives."""
        self.arrival = _Rest()
        try:
            self.sock.setblocking(False)
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.gone = True

    def _send(self, head: str) -> None:
        try:
            self.sock.send(head.encode())
        except OSError:
            self.gone = True


class WholeRequestWorker(ThreadWorker):  # type: ignore[misc]
    """
    The worker class of `service.gunicorn_settings`.

    Of the parent's two queues, `keepalived_conns` holds connections between two requests and
    `pending_conns` those on which a request arrives or which are being closed. The parent closes
    what stays too long in either.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.load = WorkerLoad()
        self._accept_at = 0.0  # as time.monotonic(); 0 if this worker does not hold back

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """End the program if gunicorn shall serve TLS, which this worker would not do."""
        if cfg.is_ssl:
            sys.exit("gunicorn serves plain HTTP here. Let a proxy serve TLS; see docs/proxies.md.")
        super().check_config(cfg, log)

    def set_accept_enabled(self, enabled: bool) -> None:
        """Watch the listening socket or not; never while this worker holds back."""
        super().set_accept_enabled(enabled and not self._accept_at)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Run the event loop once; accept one connection if this worker has held back for it."""
        if self.alive:
            self.load.report(self.nr_conns)
        else:
            self.load.stop()
        if self._accept_at:
            timeout = min(timeout, _LOOK_SECONDS)
            waited = time.monotonic() >= self._accept_at
            if waited or not self.alive or not self.load.is_above_another(self.nr_conns):
                self._accept_at = 0.0
                self.set_accept_enabled(self.alive)
                if waited and self.alive:
                    for listener in self.sockets:
                        self._accept_one(listener)
        super().wait_for_and_dispatch_events(timeout)

    def accept(self, listener: Any) -> None:
        """Accept a connection, or leave it for a while to a worker that has fewer."""
        if self.load.is_above_another(self.nr_conns):
            self._accept_at = time.monotonic() + YIELD_SECONDS
            self.set_accept_enabled(False)
        else:
            self._accept_one(listener)

    def _accept_one(self, listener: Any) -> None:
        try:
            client_sock, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self.load.report(self.nr_conns)
        self._wait_for(Connection(self.cfg, client_sock, client, listener.getsockname()))

    def _wait_for(self, conn: Connection) -> None:
        """Read a connection that the event loop does not watch yet."""
        conn.timeout = time.monotonic() + ARRIVAL_SECONDS
        if not conn.arrival.ready:
            conn.receive()
        if not self._dispatch(conn):
            self.pending_conns.append(conn)
            readable = partial(self.on_pending_socket_readable, conn)
            self.poller.register(conn.sock, selectors.EVENT_READ, readable)

    def _dispatch(self, conn: Connection) -> bool:
        """Give the request to a thread, or close what the client has closed; False: neither."""
        if conn.arrival.ready:
            conn.hand_over()
            self.enqueue_req(conn)
        elif conn.gone:
            self.nr_conns -= 1
            conn.close()
        return conn.arrival.ready or conn.gone

    def on_pending_socket_readable(self, conn: Connection, client: Any) -> None:
        """Read the next bytes of a request."""
        conn.receive()
        if conn.arrival.ready or conn.gone:
            self.poller.unregister(client)
            self.pending_conns.remove(conn)
            self._dispatch(conn)

    def on_client_socket_readable(self, conn: Connection, client: Any) -> None:
        """Read the first bytes of the next request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._wait_for(conn)

    def finish_request(self, conn: Connection, fs: "Future[bool]") -> None:
        """Wait for the next request, or close the connection (called when a thread is done)."""
        if fs.exception() is not None or not fs.result():
            conn.finish()
            self._wait_for(conn)
            return
        if conn.begin_request():
            self._wait_for(conn)
        else:
            super().finish_request(conn, fs)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        # Of a request that has not arrived whole, the rest would be taken for the next one.
        return bool(super()._keepalive_after(conn, keepalive and conn.arrival.whole))


def free_slot(_arbiter: object, worker: object) -> None:
    """Let another worker have the slot of one that has ended: gunicorn's hook `child_exit`."""
    if isinstance(worker, WholeRequestWorker):
        worker.load.free()
