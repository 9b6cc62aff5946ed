"""
Bring the database to the newest schema: plain numbered SQL files, one transaction each.

Two runs at once are safe: an advisory lock makes the second wait, and then it finds nothing to do.
A run may be killed at any moment: a file is applied completely or not at all.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

import psycopg

_LOCK = 7_265_001  # the advisory lock that every run takes; the number has no meaning
_CREATE_LEDGER = """
    create table if not exists schema_migration (
        version integer primary key,
        name text not null,
        sha256 text not null,
        applied_at timestamptz not null default now()
    )
"""


class MigrationFailed(Exception):
    """A migration cannot be applied; the message tells an administrator what to do."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One SQL file of this folder."""

    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        """The hash of the file, which shows whether it has changed since it was applied."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def list_migrations() -> list[Migration]:
    """Return the migrations of this release, oldest first."""
    migrations = [
        Migration(int(file.name.split("_")[0]), file.name, file.read_text("utf-8"))
        for file in files("schema").iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(migrations, key=lambda migration: migration.version)


def migrate(owner_database_url: str) -> Iterator[Migration]:
    """
    Apply the missing migrations and yield each one after it was committed.

    Raises:
        MigrationFailed: a file has changed since it was applied, the database is newer than this
            release, or a statement failed and nothing of its file was kept.
    """
    with psycopg.connect(owner_database_url, connect_timeout=5, autocommit=True) as conn:
        try:
            with conn.transaction():
                conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                conn.execute(_CREATE_LEDGER)
        except psycopg.errors.InsufficientPrivilege as error:
            raise MigrationFailed(
                "This role may not create tables in the schema public. "
                "Connect as the owner of the database."
            ) from error
        for migration in list_migrations():
            with conn.transaction():
                conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                if _is_applied(conn, migration):
                    continue
                _apply(conn, migration)
            yield migration


def list_pending(owner_database_url: str) -> list[Migration]:
    """Return what `migrate` would apply, without changing anything."""
    with psycopg.connect(owner_database_url, connect_timeout=5) as conn:
        [(ledger,)] = conn.execute("select to_regclass('public.schema_migration')").fetchall()
        if ledger is None:
            return list_migrations()
        return [one for one in list_migrations() if not _is_applied(conn, one)]


def _is_applied(conn: psycopg.Connection, migration: Migration) -> bool:
    applied: dict[int, str] = dict(
        conn.execute("select version, sha256 from schema_migration").fetchall()
    )
    newest = list_migrations()[-1].version
    if applied and max(applied) > newest:
        raise MigrationFailed(
            f"The database is at migration {max(applied)}, this release knows {newest}. "
            "Install the newer release before you migrate."
        )
    if migration.version not in applied:
        return False
    if applied[migration.version] != migration.sha256:
        raise MigrationFailed(
            f"{migration.name} has changed since it was applied to this database. "
            "Make a new database, or go back to the checkout that made this one."
        )
    return True


def _apply(conn: psycopg.Connection, migration: Migration) -> None:
    try:
        # Our own file, never input; without parameters psycopg sends all its statements at once.
        conn.execute(migration.sql.encode())
    except psycopg.Error as error:
        raise MigrationFailed(f"{migration.name} failed and was undone: {error}") from error
    conn.execute(
        "insert into schema_migration (version, name, sha256) values (%s, %s, %s)",
        (migration.version, migration.name, migration.sha256),
    )
