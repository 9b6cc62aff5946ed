"""Both services through Debian's PgBouncer in transaction mode, with its default settings."""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from local_stack import seed
from local_stack.postgres import Postgres
from local_stack.postgres_home import find_home
from local_stack.processes import Child, end, free_port, spawn, wait_until
from org_guard.errors import NotAMember
from org_guard.principal import Principal
from org_guard.role_check import require_plain_role, require_row_security
from org_guard.row_security import RowSecurity
from org_selector.rows import DecisionRows
from service.pool import Database, Unavailable
from service.rows.session import MissingLimits, PrepareStatements, require_limits
from tests.kit.databases import copy_database
from tests.kit.machine import require_program

pytestmark = pytest.mark.cluster

WORKERS = 8
ROUNDS = 300  # of each worker
SERVER_CONNECTIONS = 3  # fewer than workers, so that clients share them
# A start-up packet with settings of this role, as before.
WITH_OPTIONS = "options=-c%20statement_timeout%3D1000"


@pytest.fixture(scope="module")
def database_name(postgres: Postgres) -> Iterator[str]:
    """A database with the seeded people."""
    with copy_database(postgres, "pooled") as name:
        yield name


@contextmanager
def run_pgbouncer(
    postgres: Postgres, database_name: str, *, server_connections: int = SERVER_CONNECTIONS
) -> Iterator[str]:
    """Run PgBouncer in front of the database; yield the part of a URL behind the role."""
    program = require_program("pgbouncer")
    port = free_port()
    [(socket,)] = _fetch_all(postgres, "show unix_socket_directories")
    [(server_port,)] = _fetch_all(postgres, "show port")
    # Not in pytest's folder: PgBouncer does not run as root, and the user it runs as cannot enter.
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "users.txt").write_text('"org_selector" ""\n"org_api" ""\n"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={socket} port={server_port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users.txt\nadmin_users = postgres\n"
        f"pool_mode = transaction\ndefault_pool_size = {server_connections}\n"
    )
    log = folder / "pgbouncer.log"
    user = find_home(postgres.folder).user
    process = spawn([program, folder / "pgbouncer.ini"], log, user=user)
    child = Child("pgbouncer", process, log)
    place = f"127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(f"postgresql://postgres@{place}/pgbouncer"), child, 10)
        yield f"{place}/{database_name}"
    finally:
        end(process)
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def place(postgres: Postgres, database_name: str) -> Iterator[str]:
    """PgBouncer, and the database behind it."""
    with run_pgbouncer(postgres, database_name) as found:
        yield found


@contextmanager
def open_selector(place: str, prepare: PrepareStatements = "auto") -> Iterator[Database]:
    """The selector's pool, as the service makes it."""
    url = f"postgresql://org_selector@{place}"
    database = Database(url, size=WORKERS, configure=require_plain_role, prepare=prepare)
    yield database
    database.close()


@contextmanager
def open_api(place: str) -> Iterator[Database]:
    """The API's pool, as the service makes it."""
    url = f"postgresql://org_api@{place}"
    database = Database(url, size=WORKERS, configure=require_row_security)
    yield database
    database.close()


def test_a_pooler_refuses_start_up_parameters_and_takes_our_connections(place: str) -> None:
    """PgBouncer knows a few parameters only; the time limits are set on the roles instead."""
    with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter"):
        psycopg.connect(f"postgresql://org_selector@{place}?{WITH_OPTIONS}")

    with open_selector(place) as database:
        assert database.fetch("show statement_timeout") == [("1s",)]
        assert database.fetch("show timezone") == [("UTC",)]


def test_eight_workers_of_both_services_get_their_own_rows_through_pgbouncer(place: str) -> None:
    """0 errors and 0 wrong rows, for reads, repeated statements, transactions and pipelines."""
    people = [one for one in seed.PEOPLE if one.roles]
    with open_selector(place) as selector, open_api(place) as api:
        decisions = DecisionRows(selector)
        rows = RowSecurity(api.connection, api.fetch)

        def work(worker: int) -> None:
            for number in range(ROUNDS):
                person = people[(worker + number) % len(people)]
                standing = decisions.find_standing(person.auth0_user_id, None)
                assert standing is not None
                assert standing.profile.auth0_user_id == person.auth0_user_id
                assert standing.profile.email == person.email
                assert {one.slug for one in standing.usable} <= person.roles.keys()
                for organization in standing.usable:
                    _require_entered(rows, person.auth0_user_id, organization.id)

        with ThreadPoolExecutor(WORKERS) as pool:
            for outcome in [pool.submit(work, number) for number in range(WORKERS)]:
                outcome.result(timeout=100)


def _require_entered(rows: RowSecurity, auth0_user_id: str, org_id: str) -> None:
    principal = Principal(auth0_user_id, org_id, None, frozenset(), "spa", 0.0)
    with rows.visit("member"):
        found = rows.select(principal, "select id::text from org.organization")
    assert found == [(org_id,)]
    with rows.visit("member"), rows.organization(principal) as conn:
        assert conn.execute("select id::text from org.organization").fetchall() == [(org_id,)]
    with rows.visit("member"), pytest.raises(NotAMember):
        rows.select(replace(principal, org_id=str(uuid4())), "select 1")


def test_statements_are_prepared_exactly_where_those_of_two_clients_do_not_meet(
    postgres: Postgres, database_name: str
) -> None:
    """They meet in Debian's PgBouncer (1.18); since 1.21 it can give them names of its own."""
    meet = False
    with run_pgbouncer(postgres, database_name, server_connections=1) as place:
        with open_selector(place, "on") as one, open_selector(place, "on") as other:
            try:
                assert one.fetch("select 1") == [(1,)]
                assert other.fetch("select 2, 3") == [(2, 3)]
            except (psycopg.Error, Unavailable):
                meet = True
        with open_selector(place) as pooled:
            assert _prepares(pooled) is not meet


def test_statements_are_prepared_without_a_pooler(postgres: Postgres, database_name: str) -> None:
    """`off` leaves them off."""
    url = postgres.url(database_name, "org_selector")
    cases: tuple[tuple[PrepareStatements, bool], ...]
    cases = (("auto", True), ("on", True), ("off", False))
    for prepare, expected in cases:
        database = Database(url, size=1, configure=require_plain_role, prepare=prepare)
        assert _prepares(database) is expected
        database.close()


def test_connections_from_before_the_limits_are_refused_until_the_pooler_reconnects(
    postgres: Postgres, database_name: str
) -> None:
    """The refusal names both remedies, and the second one works."""
    superuser = postgres.url(database_name, "postgres")
    with (
        psycopg.connect(superuser, autocommit=True) as conn,
        run_pgbouncer(postgres, database_name, server_connections=1) as place,
    ):
        url = f"postgresql://org_selector@{place}"
        _set_limit(conn, database_name, "0")
        with psycopg.connect(url, autocommit=True) as early:
            early.execute("select 1")
        _set_limit(conn, database_name, "'1s'")
        with (
            psycopg.connect(url, autocommit=True) as client,
            pytest.raises(MissingLimits, match=r"org-selector migrate.*RECONNECT"),
        ):
            require_limits(client)
        admin = f"postgresql://postgres@{place.partition('/')[0]}/pgbouncer"
        with psycopg.connect(admin, autocommit=True) as console:
            console.execute("reconnect")
        with psycopg.connect(url, autocommit=True) as client:
            require_limits(client)


def _set_limit(conn: psycopg.Connection, database_name: str, value: str) -> None:
    role = f"alter role org_selector in database {database_name}"
    conn.execute(f"{role} set statement_timeout = {value}".encode())


def _prepares(database: Database) -> bool:
    with database.connection() as conn:
        return conn.prepare_threshold is not None


def _fetch_all(postgres: Postgres, statement: str) -> list[tuple[str]]:
    with psycopg.connect(postgres.url("postgres", "postgres")) as conn:
        return conn.execute(statement.encode()).fetchall()


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=2) as conn:
            conn.execute("show version")
    except psycopg.Error:
        return False
    return True
