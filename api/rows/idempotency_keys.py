"""Idempotency-Keys: one person's in one organization, kept for a day."""

import psycopg

from endpoint.idempotency import KeyedRequest, StoredAnswer
from service.pool import Unavailable


def claim_key(conn: psycopg.Connection, request: KeyedRequest) -> StoredAnswer | None:
    """
    Claim the key of *request* in this transaction; None: it is new, so `store_answer` must follow.

    A second request with the same key at the same moment waits here until the first one ends.

    Raises:
        Unavailable: the key was there, and expired before it could be read.
    """
    conn.execute("delete from idempotency_key where created_at < now() - interval '1 day'")
    claimed = conn.execute(
        """
        insert into idempotency_key (key, request_sha256) values (%s, %s)
        on conflict do nothing returning key
        """,
        (request.key, request.sha256),
    ).fetchone()
    if claimed is not None:
        return None
    row = conn.execute(
        "select request_sha256, answer from idempotency_key where key = %s", (request.key,)
    ).fetchone()
    if row is None:
        raise Unavailable("the key expired this very moment")
    return StoredAnswer(*row)


def store_answer(conn: psycopg.Connection, request: KeyedRequest, answer: bytes) -> None:
    """Keep the JSON that was answered under the key that this transaction claimed."""
    conn.execute(
        "update idempotency_key set answer = %s where key = %s", (answer.decode(), request.key)
    )
