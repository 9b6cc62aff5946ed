"""Idempotency-Keys, which row-level security keeps apart by person and organization."""

import psycopg

from endpoint.errors import IdempotencyKeyReused
from endpoint.idempotency import KeyedRequest
from service.pool import Unavailable


def claim_key(conn: psycopg.Connection, request: KeyedRequest) -> str | None:
    """
    Return the JSON that the first request with this key got; None if *request* is the first.

    The first request must call `store_answer` in the same transaction. A second one that comes
    meanwhile waits in this function until the first one ends.

    Raises:
        IdempotencyKeyReused: the earlier request was not the same.
        Unavailable: the key was deleted, as expired, before it could be read.
    """
    # Row-level security keeps this to the caller's own keys, so it never takes long.
    conn.execute("delete from org.idempotency_key where created_at < now() - interval '1 day'")
    claimed = conn.execute(
        """
        insert into org.idempotency_key (key, request_sha256) values (%s, %s)
        on conflict do nothing returning key
        """,
        (request.key, request.sha256),
    ).fetchone()
    if claimed is not None:
        return None
    row = conn.execute(
        "select request_sha256, answer from org.idempotency_key where key = %s", (request.key,)
    ).fetchone()
    if row is None:
        raise Unavailable("the key expired this very moment")
    sha256, answer = row
    if sha256 != request.sha256:
        raise IdempotencyKeyReused
    return str(answer)


def store_answer(conn: psycopg.Connection, request: KeyedRequest, answer: bytes) -> None:
    """Store *answer*, which is JSON, under the key that this transaction claimed."""
    conn.execute(
        "update org.idempotency_key set answer = %s where key = %s", (answer.decode(), request.key)
    )
