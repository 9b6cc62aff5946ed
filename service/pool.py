"""
Connections to Postgres, with a limit on every wait.

Statements run in autocommit. What must be atomic is one statement, or a transaction on a
`connection()`. A request waits at most `WAIT` for a connection, and Postgres ends a statement after
the role's time limit (`rows/session.py`). Where it cannot, because its process is stopped or the
network drops every packet, the watchdog, a thread of ours, shuts the socket down after `SILENCE`.
So a database that is down, stuck or silent becomes a 503 within three seconds.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, LiteralString

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from service.connection import Connection, Row, Values
from service.database_url import read_password
from service.rows.session import PrepareStatements, may_prepare, require_limits

WAIT = 1.0  # seconds for a connection
SILENCE = 1.5  # seconds for which a request may hold a connection
_PAUSE = 1.0  # seconds in which requests fail at once after Postgres was found missing
_LOOK = 0.25  # seconds between two looks of the watchdog
_CONNECT: Final = {
    "autocommit": True,
    "connect_timeout": 2,
    "prepare_threshold": None,  # until `_configure` has looked
    "tcp_user_timeout": 2000,  # milliseconds; those below are seconds
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}
# Errors of a connection that still works; a second try a moment later may succeed.
_OUTAGES = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.ReadOnlySqlTransaction,  # a standby, a failover, a full disk
)


class Unavailable(Exception):
    """Postgres, or something else that a request needs, does not answer."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail  # for the log


class Database:
    """
    A pool of connections of one database role; it opens at the first statement, after the fork.

    Args:
        url: libpq URL or key-value string.
        size: the most connections of this process; one for each thread is enough.
        configure: called once with every new connection, to check its role; if it raises, that
            connection is not used.
        prepare: whether statements are prepared; "auto" finds out for each new connection.
        password_file: has the password, and is read for each new connection: some hosts give out
            passwords that are valid for minutes.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int,
        configure: Callable[[psycopg.Connection], None],
        prepare: PrepareStatements = "auto",
        password_file: Path | None = None,
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
            kwargs=lambda: _CONNECT | _read_secret(password_file),
        )
        self._check = configure
        self._prepare: PrepareStatements = prepare
        self._missing_until = 0.0  # until then, no request waits for Postgres
        self._opening = threading.Lock()
        self._busy: dict[Connection, float] = {}  # since when each connection is lent
        # Held while a connection leaves _busy or is shut: else it could be shut in its next use.
        self._watching = threading.Lock()
        self._closed = threading.Event()

    def fetch(self, statement: LiteralString, values: Values = ()) -> list[Row]:
        """
        Return all rows of a statement that changes nothing.

        When the connection is lost, the statement runs once more, on a fresh connection.

        Raises:
            Unavailable: no connection, a lost connection or an exceeded time limit, twice.
        """
        began = time.monotonic()
        try:
            return self.fetch_once(statement, values)
        except _LostConnection:
            if time.monotonic() - began > WAIT:
                raise  # clients have waited long enough
            # Postgres restarted: every idle connection is as dead as this one.
            self._pool.drain()
            return self.fetch_once(statement, values)

    def fetch_once(self, statement: LiteralString, values: Values = ()) -> list[Row]:
        """
        Return all rows of a statement that may change something, so it is never repeated.

        Raises:
            Unavailable: no connection, or a lost connection or an exceeded time limit, after which
                the statement may have taken effect.
        """
        conn = self._lend()  # not through connection(): its generator costs a tenth of the time
        try:
            return conn.fetch(statement, values)
        except psycopg.Error as error:
            self._refuse_outage(conn, error)
            raise
        finally:
            self._take_back(conn)

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """
        Lend a connection for more than one statement: a transaction, a pipeline.

        The block has `SILENCE` seconds. Errors that are not an outage (a violated constraint, an
        SQLSTATE of ours) pass unchanged. A transaction left open is rolled back, a connection left
        in a pipeline is closed. Not undone: what `set_config(…, false)` set for the session.

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
        """End the pool's threads and connections, within two seconds."""
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
            if conn.was_shut:
                conn.close()  # also where the answer came just before and nothing failed
            self._pool.putconn(conn)

    def _release(self, conn: Connection) -> None:
        with self._watching:
            del self._busy[conn]

    def _refuse_outage(self, conn: Connection, error: psycopg.Error) -> None:
        if isinstance(error, _OUTAGES):
            raise Unavailable(type(error).__name__) from error
        if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            if conn.was_shut:
                self._missing_until = time.monotonic() + _PAUSE
                raise Unavailable("silent") from error
            raise _LostConnection(f"{type(error).__name__}: {error}") from error

    def _configure(self, conn: Connection) -> None:
        # In the pool's own thread, which a silent Postgres must not hold up either.
        self._busy[conn] = time.monotonic()
        try:
            self._check(conn)
            require_limits(conn)
            if may_prepare(conn, self._prepare):
                conn.prepare_threshold = 0  # at the first use: all statements come again
        finally:
            self._release(conn)

    def _open(self) -> None:
        with self._opening:
            if self._closed.is_set():
                raise Unavailable("closed")
            if self._pool.closed:  # and not opened by another thread meanwhile
                self._pool.open(wait=False)
                threading.Thread(target=self._watch, name="pool-watchdog", daemon=True).start()

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK):
            overdue = time.monotonic() - SILENCE
            for conn, since in list(self._busy.items()):
                with self._watching:
                    if since < overdue and self._busy.get(conn) == since:
                        conn.shut()


def _read_secret(password_file: Path | None) -> dict[str, str]:
    return {} if password_file is None else {"password": read_password(password_file)}


class _LostConnection(Unavailable):
    pass
