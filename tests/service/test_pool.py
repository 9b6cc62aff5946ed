"""A connection of the pool: its time limits, its errors, and what a request may leave behind."""

import contextlib
import itertools
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from psycopg.pq import PipelineStatus, TransactionStatus

from local_stack.stack import Stack
from service.pool import Database, Unavailable

Block = Callable[[psycopg.Connection], AbstractContextManager[object]]
ENTER = "select set_config('app.org_id', 'abc', true)"
KEEP = "insert into kept values (1)"
REFUSE = "select refuse()"
_numbers = itertools.count()


class Interrupted(Exception):
    """What a view raises in the middle of its work."""


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    """A database with one table, and a function that refuses with a code of ours."""
    name = f"pool_{next(_numbers)}"
    stack.postgres.create_database(name)
    url = stack.postgres.url(name, "postgres")
    with psycopg.connect(url, autocommit=True) as conn:
        for setting in ("statement_timeout = '1s'", "lock_timeout = '500ms'", "timezone = 'UTC'"):
            conn.execute(f"alter database {name} set {setting}".encode())
        conn.execute("create table kept (id int primary key)")
        conn.execute(
            "create function refuse() returns text language plpgsql as "
            "$$ begin raise exception 'not a member' using errcode = 'ORG01'; end $$"
        )
    yield url
    stack.postgres.drop_database(name)


@pytest.fixture
def superuser(url: str) -> Iterator[psycopg.Connection]:
    """A connection outside the pool; the table is empty."""
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("truncate kept")
        yield conn


@pytest.fixture
def database(url: str, superuser: psycopg.Connection) -> Iterator[Database]:
    """A pool of one connection, so that the next request gets the one that was left."""
    database = Database(url, size=1, configure=lambda conn: None)
    assert _find_pid(database)
    yield database
    database.close()


def _pid(conn: psycopg.Connection) -> int:
    row = conn.execute("select pg_backend_pid()").fetchone()
    assert row is not None
    return int(row[0])


def _find_pid(database: Database) -> int:
    [(pid,)] = database.fetch("select pg_backend_pid()")
    return int(pid)


def _kept(conn: psycopg.Connection) -> int:
    row = conn.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


def _require_clean(database: Database) -> None:
    with database.connection() as conn:
        assert conn.info.transaction_status is TransactionStatus.IDLE
        assert conn.info.pipeline_status is PipelineStatus.OFF
        row = conn.execute("select current_setting('app.org_id', true)").fetchone()
        assert row in ((None,), ("",))
        assert _kept(conn) == 0


def _require_healed(database: Database) -> None:
    deadline = time.monotonic() + 10
    while True:
        with contextlib.suppress(Unavailable):
            assert _find_pid(database)
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def _begun(conn: psycopg.Connection) -> Iterator[None]:
    conn.execute("begin")
    yield
    conn.execute("commit")


@contextmanager
def _pipelined(conn: psycopg.Connection) -> Iterator[None]:
    with conn.pipeline():
        yield


@contextmanager
def _transaction_in_pipeline(conn: psycopg.Connection) -> Iterator[None]:
    with conn.pipeline(), conn.transaction():
        yield


@contextmanager
def _pipeline_in_transaction(conn: psycopg.Connection) -> Iterator[None]:
    with conn.transaction(), conn.pipeline():
        yield


@contextmanager
def _begun_in_pipeline(conn: psycopg.Connection) -> Iterator[None]:
    with conn.pipeline():
        conn.execute("begin")
        yield
        conn.execute("commit")


PLAIN: list[Block] = [lambda conn: contextlib.nullcontext(), _pipelined]
ATOMIC: list[Block] = [
    _begun,
    lambda conn: conn.transaction(),
    _transaction_in_pipeline,
    _pipeline_in_transaction,
    _begun_in_pipeline,
]
ATOMIC_NAMES = ["begin", "transaction", "pipeline+transaction", "transaction+pipeline", "pipeline"]
every_atomic = pytest.mark.parametrize("block", ATOMIC, ids=ATOMIC_NAMES)
# For slow tests: the blocks that differ in which call waits for Postgres at the end.
some_blocks = pytest.mark.parametrize(
    "block",
    [PLAIN[0], _begun, _transaction_in_pipeline],
    ids=["statement", "begin", "pipeline+transaction"],
)
every_block = pytest.mark.parametrize(
    "block", PLAIN + ATOMIC, ids=["statement", "statements in a pipeline", *ATOMIC_NAMES]
)


@every_block
def test_a_block_that_ends_well_keeps_its_changes(
    database: Database, superuser: psycopg.Connection, block: Block
) -> None:
    """Every block of the tests below, without an interruption and on one connection."""
    pids = set()
    for _ in range(2):
        with database.connection() as conn:
            with block(conn):
                conn.execute(ENTER)
                conn.execute(KEEP)
            assert _kept(superuser) == 1
            pids.add(_pid(conn))
        superuser.execute("truncate kept")
        _require_clean(database)

    assert len(pids) == 1


@every_atomic
def test_an_interrupted_block_leaves_nothing_to_the_next_request(
    database: Database, superuser: psycopg.Connection, block: Block
) -> None:
    """No row, no entered organization, no open transaction."""
    with pytest.raises(Interrupted), database.connection() as conn, block(conn):
        conn.execute(ENTER)
        conn.execute(KEEP)
        raise Interrupted

    _require_clean(database)


@pytest.mark.parametrize("interrupted", [True, False])
def test_a_transaction_that_is_left_open_is_rolled_back(
    database: Database, interrupted: bool
) -> None:
    """Whether the block ended well or with an exception."""
    before = _find_pid(database)
    expected = pytest.raises(Interrupted) if interrupted else contextlib.nullcontext()
    with expected, database.connection() as conn:
        conn.execute("begin")
        conn.execute(ENTER)
        conn.execute(KEEP)
        if interrupted:
            raise Interrupted

    _require_clean(database)
    assert _find_pid(database) == before


@pytest.mark.parametrize("way", ["fetch", "fetch_once"])
def test_a_statement_that_begins_a_transaction_leaves_none(database: Database, way: str) -> None:
    """A single statement is settled like a block."""
    before = _find_pid(database)
    run = database.fetch if way == "fetch" else database.fetch_once
    assert run("begin") == []

    _require_clean(database)
    assert _find_pid(database) == before


@pytest.mark.parametrize("statements", [("begin", ENTER, KEEP), ()], ids=["under way", "idle"])
def test_a_connection_left_in_a_pipeline_is_not_used_again(
    database: Database, statements: tuple[str, ...]
) -> None:
    """Answers may still be on their way to it."""
    before = _find_pid(database)
    left = contextlib.ExitStack()
    with database.connection() as conn:
        left.enter_context(conn.pipeline())
        for statement in statements:
            conn.execute(statement)

    _require_clean(database)
    assert _find_pid(database) != before
    with pytest.raises(psycopg.OperationalError):
        left.close()  # the connection is closed


def test_a_connection_left_in_the_middle_of_an_answer_is_not_used_again(
    database: Database,
) -> None:
    """Here in the middle of a COPY."""
    before = _find_pid(database)
    with database.connection() as conn:
        conn.pgconn.exec_(b"copy kept from stdin")

    _require_clean(database)
    assert _find_pid(database) != before


@every_block
@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        (REFUSE, "ORG01"),
        (KEEP, "23505"),
        ("select * from nowhere", "42P01"),
        ("select 1/0", "22012"),
    ],
)
def test_an_error_of_a_statement_in_a_block_is_not_an_outage(
    database: Database, superuser: psycopg.Connection, block: Block, statement: str, sqlstate: str
) -> None:
    """It reaches the caller unchanged, and the connection is used again."""
    superuser.execute(KEEP)
    before = _find_pid(database)
    with pytest.raises(psycopg.Error) as caught, database.connection() as conn, block(conn):
        conn.execute(ENTER)
        conn.execute(statement)
        conn.execute("select 2").fetchone()

    assert caught.value.sqlstate == sqlstate
    superuser.execute("truncate kept")
    _require_clean(database)
    assert _find_pid(database) == before


@pytest.mark.parametrize("way", ["fetch", "fetch_once"])
def test_an_error_of_a_single_statement_is_not_an_outage(database: Database, way: str) -> None:
    run = database.fetch if way == "fetch" else database.fetch_once
    before = run("select pg_backend_pid()")
    with pytest.raises(psycopg.Error) as caught:
        run(REFUSE)

    assert caught.value.sqlstate == "ORG01"
    assert run("select pg_backend_pid()") == before


@some_blocks
def test_a_statement_that_takes_too_long_is_an_outage(database: Database, block: Block) -> None:
    """Postgres cancels it, and it changes nothing."""
    began = time.monotonic()
    with (
        pytest.raises(Unavailable, match=r"^QueryCanceled$"),
        database.connection() as conn,
        block(conn),
    ):
        conn.execute(ENTER)
        conn.execute("select pg_sleep(5)").fetchone()

    assert 0.9 < time.monotonic() - began < 1.5
    _require_clean(database)


@every_block
def test_a_statement_that_waits_for_a_lock_for_half_a_second_is_an_outage(
    database: Database, superuser: psycopg.Connection, block: Block
) -> None:
    with superuser.transaction():
        superuser.execute("lock table kept")
        with (
            pytest.raises(Unavailable, match=r"^LockNotAvailable$"),
            database.connection() as conn,
            block(conn),
        ):
            conn.execute(ENTER)
            conn.execute(KEEP)

    _require_clean(database)


@every_block
def test_a_connection_that_breaks_is_an_outage(
    database: Database, superuser: psycopg.Connection, block: Block
) -> None:
    """The next request gets another one."""
    with pytest.raises(Unavailable), database.connection() as conn, block(conn):
        superuser.execute("select pg_terminate_backend(%s, 5000)", (conn.info.backend_pid,))
        conn.execute(KEEP)

    _require_healed(database)
    _require_clean(database)


@some_blocks
def test_a_postgres_that_falls_silent_in_a_block_is_an_outage(
    database: Database, block: Block
) -> None:
    """The watchdog closes the connection to the stopped process, and the block ends in time."""
    began = time.monotonic()
    pid = 0
    try:
        with (
            pytest.raises(Unavailable, match=r"^silent$"),
            database.connection() as conn,
            block(conn),
        ):
            conn.execute(ENTER)
            pid = conn.info.backend_pid
            os.kill(pid, signal.SIGSTOP)
            conn.execute("select 1").fetchone()
        assert 1.2 < time.monotonic() - began < 2.5
    finally:
        os.kill(pid, signal.SIGCONT)

    _require_healed(database)
    _require_clean(database)


def test_a_rollback_at_a_silent_postgres_ends_within_the_limit(database: Database) -> None:
    """After an exception of the view, which still reaches the caller."""
    began = time.monotonic()
    pid = 0
    try:
        with pytest.raises(Interrupted), database.connection() as conn:
            conn.execute("begin")
            pid = conn.info.backend_pid
            os.kill(pid, signal.SIGSTOP)
            raise Interrupted
        assert time.monotonic() - began < 2.5
    finally:
        os.kill(pid, signal.SIGCONT)

    _require_healed(database)
    _require_clean(database)


def test_a_block_that_takes_too_long_loses_its_connection(database: Database) -> None:
    """The limit is for the whole block, also for time spent outside Postgres."""
    with pytest.raises(Unavailable, match=r"^silent$"), database.connection() as conn:
        conn.execute("begin")
        time.sleep(2)
        conn.execute(KEEP)

    _require_healed(database)
    _require_clean(database)


def test_a_request_that_finds_every_connection_in_use_waits_for_a_second(
    database: Database,
) -> None:
    """It then gets Unavailable; the request with the connection is not disturbed."""
    with database.connection() as conn:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="no connection"), database.connection():
            pass
        assert 0.9 < time.monotonic() - began < 1.4
        assert conn.execute("select 1").fetchone() == (1,)

    _require_healed(database)


def test_each_statement_in_a_pipeline_gets_its_own_answer(database: Database) -> None:
    """All three are sent before the first is read; so does a statement from before the pipeline."""
    with database.connection() as conn:
        earlier = conn.execute("select 'earlier'")
        with conn.pipeline():
            cursors = [conn.execute("select %s::int, %s::text", (n, "x" * n)) for n in range(3)]
            assert cursors[1].fetchone() == (1, "x")
        assert [cursor.fetchone() for cursor in (cursors[0], cursors[2])] == [(0, ""), (2, "xx")]
        assert earlier.fetchone() == ("earlier",)


def test_a_first_result_can_be_read_after_the_second_statement(database: Database) -> None:
    """Each statement has its own cursor, with and without a pipeline in between."""
    with database.connection() as conn:
        first = conn.execute("select 1")
        with conn.pipeline():
            conn.execute("select 2")
        second = conn.execute("select 3")

        assert first.fetchone() == (1,)
        assert second.fetchone() == (3,)


def test_a_fetch_returns_all_rows_even_after_a_failed_one(
    database: Database,
) -> None:
    """The cursor is used again; the rows are copies."""
    first = database.fetch("select n from generate_series(1, 3) n where n > %s", (1,))
    with pytest.raises(psycopg.errors.DivisionByZero):
        database.fetch("select 1 / %s", (0,))
    nothing = database.fetch_once("do $$ begin end $$", ())
    second = database.fetch("select %(word)s::text", {"word": "again"})

    assert first == [(2,), (3,)]
    assert nothing == []
    assert second == [("again",)]


def test_a_write_to_a_read_only_database_is_an_outage(database: Database) -> None:
    """As on a standby after a failover: a later try will succeed."""
    with pytest.raises(Unavailable), database.connection() as conn:
        conn.execute("begin read only")
        conn.execute("insert into kept values (1)")
    _require_clean(database)
