"""
What every session with Postgres must have, and whether it may keep prepared statements.

Limits and time zone are set on the database roles (`schema/role_settings.py`), not when a session
starts: poolers such as PgBouncer refuse start-up parameters that they do not know. So each new
connection checks that they are in force.

Sources: PostgreSQL "Client Connection Defaults", "ALTER ROLE"; PgBouncer "max_prepared_statements".
"""

import secrets
from typing import Literal, LiteralString

import psycopg

STATEMENT_TIMEOUT = 1000  # milliseconds for one statement; a role may have less
LOCK_TIMEOUT = 500  # milliseconds for one lock; a role may have less
PrepareStatements = Literal["auto", "on", "off"]
_READ: LiteralString = """
    select current_user::text,
        (extract(epoch from current_setting('statement_timeout')::interval) * 1000)::int,
        (extract(epoch from current_setting('lock_timeout')::interval) * 1000)::int,
        current_setting('timezone')
"""


class MissingLimits(Exception):
    """The session has no time limits, or another time zone; the message says what to do."""


def require_limits(conn: psycopg.Connection) -> None:
    """
    Require that Postgres ends a statement of *conn* in time, and that times are in UTC.

    Behind a pooler this looks at one of its connections to Postgres, not at all of them.

    Raises:
        MissingLimits: a limit is absent or longer than above, or the time zone is not UTC.
    """
    [(role, statement, lock, timezone)] = conn.execute(_READ).fetchall()
    within = 0 < statement <= STATEMENT_TIMEOUT and 0 < lock <= LOCK_TIMEOUT
    if within and timezone in ("UTC", "Etc/UTC"):
        return
    raise MissingLimits(
        f"The database role {role} has statement_timeout {statement} ms, lock_timeout {lock} ms "
        f"and timezone {timezone}; it needs at most {STATEMENT_TIMEOUT}, at most {LOCK_TIMEOUT}, "
        "and UTC. Run: org-selector migrate. If that says nothing is missing and there is a "
        "pooler, its connections are from before: run RECONNECT in PgBouncer's console, or "
        "restart the pooler."
    )


def may_prepare(conn: psycopg.Connection, wanted: PrepareStatements) -> bool:
    """
    Return whether statements of *conn* may be prepared.

    Without a pooler they may: the process that answers is the one that the start of the session
    named. Behind one, statements of different clients meet in one process of Postgres, under equal
    names, unless the pooler gives them names of its own.
    """
    if wanted != "auto":
        return wanted == "on"
    [(pid,)] = conn.execute("select pg_backend_pid()").fetchall()
    return bool(pid == conn.pgconn.backend_pid) or _pooler_renames(conn)


def _pooler_renames(conn: psycopg.Connection) -> bool:
    """Prepare a statement, and look under which name Postgres has it; leave none behind."""
    # The name is random, so that it meets no other client's. Finding it would prove nothing: the
    # pooler may have passed it on as it was.
    name = f"org_selector_{secrets.token_hex(8)}"
    with conn.transaction():  # the pooler keeps one process of Postgres for it
        conn.pgconn.prepare(name.encode(), f"select 1 as {name}".encode())
        found = conn.execute(
            "select name from pg_prepared_statements where statement = %s", (f"select 1 as {name}",)
        ).fetchall()
        if (name,) in found:
            conn.execute(f"deallocate {name}".encode())
    return any(str(one).startswith("PGBOUNCER_") for (one,) in found)
