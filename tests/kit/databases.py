"""One Postgres server for the tests of one or more processes; databases with the seeded people."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from local_stack.postgres import Postgres
from local_stack.stack import prepare_database
from schema.role_settings import set_role_settings

SHARED_POSTGRES: Final = "SHARED_POSTGRES"  # names the socket's folder of a running server
_TEMPLATE = "people_template"
# For this process and those it forks, which run one after the other. A database for all processes
# would let one process wait for locks of another.
_UNCHANGED = f"people_{os.getpid()}"
_numbers = itertools.count()


@contextmanager
def run_postgres(folder: Path) -> Iterator[Postgres]:
    """Use the server that SHARED_POSTGRES names in the environment, else start one in *folder*."""
    shared = os.environ.get(SHARED_POSTGRES)
    if shared is not None:
        yield Postgres.running(Path(shared))
    else:
        with Postgres(folder) as started:
            yield started


@contextmanager
def copy_database(postgres: Postgres, prefix: str) -> Iterator[str]:
    """Create a database with the seeded people, yield its name, and drop it afterwards."""
    name = f"{prefix}_{os.getpid()}_{next(_numbers)}"
    _make_template(postgres)
    _copy(postgres, name)
    try:
        yield name
    finally:
        postgres.drop_database(name)


def find_unchanged_database(postgres: Postgres) -> str:
    """Return the name of the database in which every test rolls back its changes."""
    _make_template(postgres)
    _make_once(postgres, _UNCHANGED, lambda: _copy(postgres, _UNCHANGED))
    return _UNCHANGED


def _copy(postgres: Postgres, name: str) -> None:
    """Copy the template; the settings of roles belong to a database and are not copied."""
    postgres.create_database(name, _TEMPLATE)
    with psycopg.connect(postgres.url(name, "postgres"), autocommit=True) as conn:
        assert set_role_settings(conn) == []


def _make_template(postgres: Postgres) -> None:
    _make_once(postgres, _TEMPLATE, lambda: prepare_database(postgres, _TEMPLATE))


def _make_once(postgres: Postgres, name: str, make: Callable[[], None]) -> None:
    """Create a database, unless it exists; other processes wait for that meanwhile."""
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as conn:
        conn.execute("select pg_advisory_lock(1)")
        known = conn.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
        if known is None:
            make()
