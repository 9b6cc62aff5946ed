"""
Connections to Postgres with a limit on every wait, healing by themselves.

Every statement runs in autocommit: what must be atomic is one statement, or a transaction on a
`connection()`. A request waits at most `WAIT` for a connection; Postgres itself ends a statement
after `STATEMENT_TIMEOUT`, and where it cannot, because it is stopped or the network swallows
everything, our watchdog hangs up after `SILENCE`. So a database that is down, stuck or silent
becomes a 503 within three seconds.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, LiteralString, TypeVar, cast

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from service.connection import Connection

WAIT = 1.0  # seconds for a connection
STATEMENT_TIMEOUT = 1000  # milliseconds for one statement, in Postgres
SILENCE = 1.5  # seconds for whatever holds a connection, here
_PAUSE = 1.0  # seconds in which nobody else waits for a database just found missing
_LOOK = 0.25  # seconds between two looks of the watchdog
_OUTAGES = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.ReadOnlySqlTransaction,  # a standby, a failover, a full disk
)

T = TypeVar("T")


class Unavailable(Exception):
    """Postgres cannot be had right now. `detail` is for the log."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Database:
    """
    A pool for one role. Open it after the fork: every worker has its own.

    Args:
        url: libpq URL or key-value string.
        size: connections of this process; more than its threads are never used.
        configure: called once with every new connection; if it raises, that connection
            is not used (checks of the role belong here).
    """

    def __init__(
        self, url: str, *, size: int, configure: Callable[[psycopg.Connection], None]
    ) -> None:
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=size,
            timeout=WAIT,
            reconnect_timeout=_PAUSE,
            configure=self._configure,
            open=False,
            connection_class=Connection,
            kwargs={
                "autocommit": True,
                "connect_timeout": 2,
                "prepare_threshold": 0,
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout=500 "
                "-c timezone=UTC",
                "tcp_user_timeout": 2000,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 2,
            },
        )
        self._check = configure
        self._missing_until = 0.0
        self._opening = threading.Lock()
        self._busy: dict[Connection, float] = {}  # since when
        self._watching = threading.Lock()  # held while a connection leaves _busy or is hung up
        self._closed = threading.Event()

    def read(self, query: Callable[[psycopg.Connection], T]) -> T:
        """
        Run *query*, which must change nothing: it is tried again once on a fresh connection.

        Raises:
            Unavailable: no connection, a lost connection or an exceeded time limit, twice.
        """
        began = time.monotonic()
        try:
            return self.write(query)
        except _LostConnection:
            if time.monotonic() - began > WAIT:
                raise  # a second try would take longer than anybody waits
            # Postgres restarted: every idle connection is as dead as the one we met.
            self._pool.drain()
            return self.write(query)

    def write(self, query: Callable[[psycopg.Connection], T]) -> T:
        """
        Run *query* once; whether it took effect is unknown when the connection is lost.

        Raises:
            Unavailable: no connection, a lost connection or an exceeded time limit.
        """
        # Not through connection(): a generator costs this path a tenth.
        conn = self._lend()
        try:
            return query(conn)
        except psycopg.Error as error:
            self._refuse_outage(conn, error)
            raise
        finally:
            self._take_back(conn)

    def fetch(
        self, statement: LiteralString, values: Sequence[object] | Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Run a statement that changes nothing, as `read` does; return all its rows."""
        return self.read(lambda conn: cast(Connection, conn).fetch(statement, values))

    def fetch_once(
        self, statement: LiteralString, values: Sequence[object] | Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Run a statement that changes something, as `write` does; return all its rows."""
        return self.write(lambda conn: cast(Connection, conn).fetch(statement, values))

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """
        Lend a connection for what is more than one statement: a transaction, a pipeline.

        `SILENCE` is for the whole block. Psycopg's errors that are no outage (a violated
        constraint, an SQLSTATE of ours) pass unchanged. A transaction left open is rolled back, a
        connection left in a pipeline is not used again; what `set_config(…, false)` set stays.

        Raises:
            Unavailable: no connection, a lost connection or an exceeded time limit.
        """
        conn = self._lend()
        try:
            yield conn
        except psycopg.Error as error:
            self._refuse_outage(conn, error)
            raise
        finally:
            self._take_back(conn)

    def close(self) -> None:
        """End the pool's threads and connections; bounded."""
        self._closed.set()
        self._pool.close(timeout=2)

    def _lend(self) -> Connection:
        if time.monotonic() < self._missing_until:
            raise Unavailable("no connection a moment ago")
        if self._pool.closed:
            self._open()
        try:
            conn = self._pool.getconn()
        except PoolTimeout as error:
            self._missing_until = time.monotonic() + _PAUSE
            raise Unavailable(f"no connection: {error}") from error
        self._busy[conn] = time.monotonic()
        return conn

    def _take_back(self, conn: Connection) -> None:
        try:
            conn.settle()
        finally:
            self._release(conn)
            if conn.hung_up:
                conn.close()  # the answer may have come all the same; its connection is gone
            self._pool.putconn(conn)

    def _release(self, conn: Connection) -> None:
        with self._watching:
            del self._busy[conn]

    def _refuse_outage(self, conn: Connection, error: psycopg.Error) -> None:
        if isinstance(error, _OUTAGES):
            raise Unavailable(type(error).__name__) from error
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            if conn.hung_up:
                self._missing_until = time.monotonic() + _PAUSE
                raise Unavailable("silent") from error
            raise _LostConnection(f"{type(error).__name__}: {error}") from error

    def _configure(self, conn: Connection) -> None:
        self._busy[conn] = time.monotonic()
        try:
            self._check(conn)
        finally:
            self._release(conn)

    def _open(self) -> None:
        with self._opening:
            if self._closed.is_set():
                raise Unavailable("closed")
            if self._pool.closed:
                self._pool.open(wait=False)
                threading.Thread(target=self._watch, name="pool-watchdog", daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK):
            overdue = time.monotonic() - SILENCE
            for conn, since in list(self._busy.items()):
                with self._watching:
                    if since < overdue and self._busy.get(conn) == since:
                        conn.hang_up()


class _LostConnection(Unavailable):
    pass
