"""A connection of the pool."""

import contextlib
import logging
import socket
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg.pq import TransactionStatus

Row = tuple[Any, ...]
Values = Sequence[object] | Mapping[str, object]
_IN_TRANSACTION = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_log = logging.getLogger(__name__)


class Connection(psycopg.Connection):
    """A connection that can be reset for the next request, and shut by another thread."""

    was_shut = False
    _kept: psycopg.Cursor | None = None

    def fetch(self, statement: LiteralString, values: Values) -> list[Row]:
        """Run a statement and return all its rows, if it has any."""
        # The cursor is kept and never handed out: a new one costs a third of a statement.
        if self._kept is None:
            self._kept = self.cursor()
        cursor = self._kept.execute(statement, values)
        # Not cursor.description: it makes an object for each column, which costs as much.
        result = cursor.pgresult
        return cursor.fetchall() if result is not None and result.nfields else []

    def settle(self) -> None:
        """Roll back a transaction that was left open; close a connection that is in a pipeline."""
        if self.pgconn.pipeline_status:
            self.close()  # answers are still under way, and the next request would read them
        elif self.pgconn.transaction_status in _IN_TRANSACTION:
            _log.warning("rolling back a transaction that was left open")
            try:
                self.rollback()
            except psycopg.Error:
                self.close()

    def shut(self) -> None:
        """Shut the socket, so that the thread that waits for Postgres gets an error at once."""
        self.was_shut = True
        with contextlib.suppress(OSError, psycopg.Error):
            # Not close(): libpq is not safe for two threads on one connection.
            ours = socket.socket(fileno=self.fileno())
            try:
                ours.shutdown(socket.SHUT_RDWR)
            finally:
                ours.detach()  # the descriptor stays libpq's
