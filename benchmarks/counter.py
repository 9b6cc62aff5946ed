"""The number of SQL statements that one request needs, counted by Postgres."""

import time
from collections.abc import Callable

import psycopg

from benchmarks.load import CheckedRequest, send
from benchmarks.logins import RequestBuilder
from benchmarks.server import list_backends, run_selector
from local_stack.stack import Stack

REQUESTS = 201
WAIT = 10.0  # seconds for Postgres' backends to end


def count_statements(
    stack: Stack, database: str, make: Callable[[RequestBuilder], CheckedRequest]
) -> float:
    """
    Return how many statements one request needs.

    Every statement is a transaction, because the selector uses autocommit. Postgres has a backend's
    full count when that backend has ended. So one selector answers one request, another answers
    many, and the result is computed from the difference, which excludes their start.
    """
    one = _count_transactions(stack, database, make, 1)
    many = _count_transactions(stack, database, make, REQUESTS)
    return round((many - one) / (REQUESTS - 1), 1)  # rounded: Postgres counts autovacuum, too


def _count_transactions(
    stack: Stack, database: str, make: Callable[[RequestBuilder], CheckedRequest], requests: int
) -> int:
    with psycopg.connect(stack.postgres.url("postgres", "postgres"), autocommit=True) as superuser:
        before = _read_count(superuser, database)
        with run_selector(stack, database, workers=1) as (server, builder):
            send(server.port, [make(builder) for _ in range(requests)], connections=1)
        deadline = time.monotonic() + WAIT
        while list_backends(superuser, database) and time.monotonic() < deadline:
            time.sleep(0.02)
        return _read_count(superuser, database) - before


def _read_count(superuser: psycopg.Connection, database: str) -> int:
    row = superuser.execute(
        "select xact_commit from pg_stat_database where datname = %s", (database,)
    ).fetchone()
    assert row is not None
    return int(row[0])
