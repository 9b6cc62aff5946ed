"""
Bring the database to the newest schema: plain numbered SQL files, one transaction each.

Two runs at once are safe: an advisory lock makes the second wait, and then it finds nothing to do.
A run may be killed at any moment: a file is applied completely or not at all.

A change of a table waits for every transaction that reads it, and meanwhile all new readers wait
for the change. So a file gives up when a lock takes longer than `LOCK_TIMEOUT`, undoes what it has
done, lets the others through, and tries again.
"""

import hashlib
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib.resources import files

import psycopg

from schema.grants import find_excess
from schema.role_settings import set_role_settings

_LOCK = 7_265_001  # the advisory lock that every run takes; the number has no meaning
# Milliseconds; shorter than the services' own lock_timeout (service/pool.py), so that a login that
# waits behind a migration is late and not refused.
LOCK_TIMEOUT = 400
PAUSE = 1.0  # seconds between two tries
TRIES = 120
_CREATE_LEDGER = """
    create table if not exists org.schema_migration (
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


def migrate(
    owner_database_url: str,
    *,
    keep_grants: Collection[str] = (),
    wait: Callable[[Migration, int], None] = lambda *_: None,
) -> Iterator[Migration]:
    """
    Apply the missing migrations, and yield each one after it was committed; then compare grants,
    and set time limits on the services' roles.

    Args:
        keep_grants: roles that may keep privileges that no migration gave them.
        wait: called with the migration and the number of the try before each pause.

    Raises:
        MigrationFailed: a file has changed since it was applied, the database is newer than this
            release, a statement failed, or another session kept a lock for too long. Nothing of
            that file was kept. Or all is applied, and a role may do more than it should, or this
            role may not set the time limits.
    """
    with psycopg.connect(owner_database_url, connect_timeout=5, autocommit=True) as conn:
        try:
            with conn.transaction():
                conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                conn.execute("create schema if not exists org")
                conn.execute(_CREATE_LEDGER)
        except psycopg.errors.InsufficientPrivilege as error:
            raise MigrationFailed(
                "This role may not create the schema org. Connect as the owner of the database, "
                "or let the owner run: create schema org authorization …"
            ) from error
        for migration in list_migrations():
            if _apply_patiently(conn, migration, wait):
                yield migration
        with conn.transaction():
            conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
            excess = find_excess(conn, keep_grants)
            refused = set_role_settings(conn)
    if excess:
        statements = "\n".join(f"  {grant.revoke}" for grant in excess)
        raise MigrationFailed(
            "All migrations are applied, but these privileges are not from them. Take them back, "
            f"or name the role with --keep-grants if it should have them:\n{statements}"
        )
    if refused:
        raise MigrationFailed(
            "All migrations are applied, but this role may not set the time limits of the "
            "services. Run these statements as a role that may, such as the one that made "
            "org_selector and org_api:\n" + "\n".join(f"  {one}" for one in refused)
        )


def list_pending(owner_database_url: str) -> list[Migration]:
    """Return what `migrate` would apply, without changing anything."""
    with psycopg.connect(owner_database_url, connect_timeout=5) as conn:
        [(ledger,)] = conn.execute("select to_regclass('org.schema_migration')").fetchall()
        if ledger is None:
            return list_migrations()
        return [one for one in list_migrations() if not _is_applied(conn, one)]


def _is_applied(conn: psycopg.Connection, migration: Migration) -> bool:
    applied: dict[int, str] = dict(
        conn.execute("select version, sha256 from org.schema_migration").fetchall()
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


def _apply_patiently(
    conn: psycopg.Connection, migration: Migration, wait: Callable[[Migration, int], None]
) -> bool:
    """Apply a migration as soon as no lock is in the way; return whether it was missing."""
    for attempt in range(1, TRIES + 1):
        try:
            with conn.transaction():
                conn.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
                if _is_applied(conn, migration):
                    return False
                _apply(conn, migration)
            return True
        except psycopg.errors.LockNotAvailable:
            wait(migration, attempt)
            time.sleep(PAUSE)
    raise MigrationFailed(
        f"{migration.name} was not applied: other sessions keep tables locked. The view "
        "pg_stat_activity lists them; end the one with the oldest xact_start, and run this again."
    )


def _apply(conn: psycopg.Connection, migration: Migration) -> None:
    # After the advisory lock, for which a second run may wait as long as the first one takes.
    conn.execute(f"set local lock_timeout = {LOCK_TIMEOUT}".encode())
    try:
        # Our own file, never input; without parameters psycopg sends all its statements at once.
        conn.execute(migration.sql.encode())
    except psycopg.errors.LockNotAvailable:
        raise
    except psycopg.Error as error:
        raise MigrationFailed(f"{migration.name} failed and was undone: {error}") from error
    conn.execute(
        "insert into org.schema_migration (version, name, sha256) values (%s, %s, %s)",
        (migration.version, migration.name, migration.sha256),
    )
