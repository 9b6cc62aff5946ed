"""
Connections to Postgres with a limit on every wait, healing by themselves.

Every statement runs in autocommit: what must be atomic is one statement. A request never
waits longer than `WAIT` for a connection nor `STATEMENT_TIMEOUT` for an answer, so that a
database that is down or stuck becomes a 503 within three seconds.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

WAIT = 1.0  # seconds for a connection
STATEMENT_TIMEOUT = 1500  # milliseconds for one statement
_PAUSE = 1.0  # seconds in which nobody else waits for a database just found missing

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
            configure=configure,
            open=False,
            connection_class=_Connection,
            kwargs={
                "autocommit": True,
                "connect_timeout": 2,
                "prepare_threshold": 0,
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT} -c lock_timeout=1000",
                "tcp_user_timeout": 2000,
            },
        )
        self._missing_until = 0.0
        self._opened = threading.Lock()

    def read(self, query: Callable[[psycopg.Connection], T]) -> T:
        """
        Run *query*, which must change nothing: it is tried again once on a fresh connection.

        Raises:
            Unavailable: no connection, a lost connection or an exceeded time limit, twice.
        """
        try:
            return self.write(query)
        except _LostConnection:
            # Postgres restarted: every idle connection is as dead as the one we met.
            self._pool.check()
            return self.write(query)

    def write(self, query: Callable[[psycopg.Connection], T]) -> T:
        """
        Run *query* once; whether it took effect is unknown when the connection is lost.

        Raises:
            Unavailable: no connection, a lost connection or an exceeded time limit.
        """
        self._require_open()
        try:
            with self._pool.connection() as conn:
                return query(conn)
        except PoolTimeout as error:
            self._missing_until = time.monotonic() + _PAUSE
            raise Unavailable(f"no connection: {error}") from error
        except psycopg.errors.QueryCanceled as error:
            raise Unavailable("statement timeout") from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise _LostConnection(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """End the pool's threads and connections; bounded."""
        self._pool.close(timeout=2)

    def _require_open(self) -> None:
        if time.monotonic() < self._missing_until:
            raise Unavailable("no connection a moment ago")
        with self._opened:
            if self._pool.closed:
                self._pool.open(wait=False)


class _Connection(psycopg.Connection):
    """A connection whose `execute` keeps its cursor; a new one costs a third of a statement."""

    _kept: psycopg.Cursor | None = None

    def execute(self, *args: Any, **kwargs: Any) -> psycopg.Cursor:
        """Run a statement; its result is good until the next `execute`."""
        if self._kept is None:
            self._kept = self.cursor()
        return self._kept.execute(*args, **kwargs)


class _LostConnection(Unavailable):
    pass
