"""The database as its owner, for commands that change organizations, people and memberships."""

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
import psycopg

from service.database_url import DatabaseTls, require_database_url, secure_url

Command = Callable[..., Any]


@dataclass(frozen=True)
class OwnerDatabase:
    """Where the database is, as the options say."""

    url: str
    tls: DatabaseTls

    def secure_url(self) -> str:
        """Return the URL to use; a wrong one ends the program with a message."""
        try:
            require_database_url(self.url)
        except ValueError as error:
            sys.exit(f"OWNER_DATABASE_URL {error}.")
        try:
            return secure_url(self.url, self.tls)
        except ValueError as error:
            sys.exit(f"DATABASE_TLS {error}.")

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection]:
        """
        Lend a connection for one transaction, which an error rolls back.

        A database that is out of reach, too old or locked ends the program with a message.
        """
        url = self.secure_url()
        try:
            with psycopg.connect(url, connect_timeout=10) as conn:
                conn.execute("set local statement_timeout = '60s'")
                conn.execute("set local lock_timeout = '10s'")
                [(owns,)] = conn.execute(
                    """
                    select pg_has_role(c.relowner, 'usage') from pg_class c
                    where c.oid = 'org.organization'::regclass
                    """
                ).fetchall()
                if not owns:  # row-level security would hide rows from it
                    sys.exit(
                        "Nothing was changed: OWNER_DATABASE_URL names another role. Name "
                        "the owner of the tables."
                    )
                yield conn
        except psycopg.errors.LockNotAvailable:
            sys.exit("Nothing was changed: another session has it locked. Try again in a moment.")
        except (
            psycopg.errors.InvalidSchemaName,
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedColumn,
        ):
            sys.exit(
                "Nothing was changed: the database is older than this release. First run: "
                "org-selector migrate"
            )
        except psycopg.OperationalError as error:
            sys.exit(f"Cannot reach the database: {error}\nCheck OWNER_DATABASE_URL.")


def owner_database_options(command: Command) -> Command:
    """Add the options that say where the database is; the command gets them as `database`."""

    @click.option(
        "--owner-database-url",
        envvar="OWNER_DATABASE_URL",
        required=True,
        help="Postgres, as the owner of the tables. Better set OWNER_DATABASE_URL: every user of "
        "the machine can read the arguments of a command.",
    )
    @click.option(
        "--database-tls",
        envvar="DATABASE_TLS",
        type=click.Choice(["verify-full", "off"]),
        default="verify-full",
        help="Whether a server that is not on this machine must prove who it is (the default). The "
        "URL's sslrootcert names a file with the authorities of your host.",
    )
    @functools.wraps(command)
    def run(*args: Any, owner_database_url: str, database_tls: DatabaseTls, **kwargs: Any) -> Any:
        return command(*args, database=OwnerDatabase(owner_database_url, database_tls), **kwargs)

    return run
