"""The one statement that both services share."""

import psycopg


def find_schema_version(conn: psycopg.Connection) -> int:
    """Return the number of the newest migration that was applied, or 0."""
    row = conn.execute("select coalesce(max(version), 0) from schema_migration").fetchone()
    return row[0] if row else 0
