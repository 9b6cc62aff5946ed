"""What a new connection must have, and what is said to an administrator if it has not."""

from collections.abc import Iterator

import psycopg
import pytest

from local_stack.postgres import Postgres
from service.rows.session import MissingLimits, PrepareStatements, may_prepare, require_limits
from tests.kit.databases import find_unchanged_database


@pytest.fixture
def conn(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """A session of the selector's role, with the settings of that role."""
    url = postgres.url(find_unchanged_database(postgres), "org_selector")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_a_migrated_database_gives_each_session_its_limits(conn: psycopg.Connection) -> None:
    """And stricter ones of an administrator are kept."""
    require_limits(conn)
    conn.execute("set statement_timeout = '999ms'")
    conn.execute("set lock_timeout = '1ms'")
    conn.execute("set timezone = 'Etc/UTC'")
    require_limits(conn)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "0"),
        ("statement_timeout", "1001"),
        ("statement_timeout", "1min"),
        ("lock_timeout", "0"),
        ("lock_timeout", "501"),
        ("timezone", "Europe/Berlin"),
        ("timezone", "UTC+1"),
    ],
)
def test_a_session_without_a_limit_is_refused(
    conn: psycopg.Connection, setting: str, value: str
) -> None:
    """The refusal names the role, what it has, and both remedies."""
    require_limits(conn)
    conn.execute(f"set {setting} = '{value}'".encode())

    with pytest.raises(MissingLimits) as refused:
        require_limits(conn)
    for words in ("org_selector has", "org-selector migrate", "RECONNECT", "timezone"):
        assert words in str(refused.value)


@pytest.mark.parametrize(("wanted", "expected"), [("auto", True), ("on", True), ("off", False)])
def test_without_a_pooler_statements_are_prepared_unless_the_setting_says_off(
    conn: psycopg.Connection, wanted: PrepareStatements, expected: bool
) -> None:
    assert may_prepare(conn, wanted) is expected
    assert conn.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
