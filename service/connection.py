"""A connection of the pool: it comes back as it was lent, and another thread can hang it up."""

import contextlib
import logging
import socket
from collections.abc import Mapping, Sequence
from typing import Any, LiteralString

import psycopg
from psycopg.pq import TransactionStatus

_IN_TRANSACTION = (TransactionStatus.INTRANS, TransactionStatus.INERROR)
_log = logging.getLogger(__name__)


class Connection(psycopg.Connection):
    """A connection that can be brought back to its first state, or hung up by another thread."""

    hung_up = False
    _kept: psycopg.Cursor | None = None

    def fetch(
        self, statement: LiteralString, values: Sequence[object] | Mapping[str, object]
    ) -> list[tuple[Any, ...]]:
        """Run a statement and return all its rows, if it has any."""
        # The cursor is kept, and never handed out: a new one costs a third of a statement.
        if self._kept is None:
            self._kept = self.cursor()
        cursor = self._kept.execute(statement, values)
        # Not cursor.description: it makes an object for each column, which costs as much.
        result = cursor.pgresult
        return cursor.fetchall() if result is not None and result.nfields else []

    def settle(self) -> None:
        """Bring the connection back to where it was lent, or close it."""
        if self.pgconn.pipeline_status:
            self.close()
        elif self.pgconn.transaction_status in _IN_TRANSACTION:
            _log.warning("rolling back a transaction that was left open")
            try:
                self.rollback()
            except psycopg.Error:
                self.close()

    def hang_up(self) -> None:
        """Let the thread that waits for Postgres find the connection lost; for another thread."""
        self.hung_up = True
        with contextlib.suppress(OSError, psycopg.Error):
            ours = socket.socket(fileno=self.fileno())
            try:
                ours.shutdown(socket.SHUT_RDWR)
            finally:
                ours.detach()  # the descriptor stays libpq's
