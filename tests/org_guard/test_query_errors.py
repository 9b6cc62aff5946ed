"""An error of Postgres that is not a refusal reaches the view unchanged, by both ways in."""

from collections.abc import Iterator
from contextlib import nullcontext

import psycopg
import pytest

from local_stack import seed
from local_stack.postgres import Postgres
from org_guard import NotAMember, Principal, RowSecurity
from tests.kit.databases import find_unchanged_database

ABC = str(seed.organization("abc-inc").id)


@pytest.fixture
def rows(postgres: Postgres) -> Iterator[RowSecurity]:
    """The way in, over one session of org_api that changes nothing."""
    url = postgres.url(find_unchanged_database(postgres), "org_api")
    with psycopg.connect(url, autocommit=True) as conn:
        rows = RowSecurity(lambda: nullcontext(conn))
        with rows.visit("member"):
            yield rows


def _principal(login: str) -> Principal:
    return Principal(f"auth0|{login}", ABC, None, frozenset(), "spa", 0.0)


def test_a_mistake_in_a_query_reaches_the_view_as_postgres_error(rows: RowSecurity) -> None:
    """A refused entry is NotAMember, and a query without a mistake returns its rows."""
    assert rows.select(_principal("joe"), "select 1 / 1") == [(1,)]
    with pytest.raises(psycopg.errors.DivisionByZero):
        rows.select(_principal("joe"), "select 1 / 0")
    with pytest.raises(NotAMember):
        rows.select(_principal("ann"), "select 1 / 1")


def test_a_mistake_in_a_block_reaches_the_view_as_postgres_error(rows: RowSecurity) -> None:
    """Even if the block reads no result, so that the error arrives with its end."""
    with rows.organization(_principal("joe")) as conn:
        assert conn.execute("select 1 / 1").fetchall() == [(1,)]
    with pytest.raises(psycopg.errors.DivisionByZero), rows.organization(_principal("joe")) as conn:
        conn.execute("select 1 / 0").fetchall()
    with pytest.raises(psycopg.errors.DivisionByZero), rows.organization(_principal("joe")) as conn:
        conn.execute("select 1 / 0")
    with pytest.raises(NotAMember), rows.organization(_principal("ann")) as conn:
        conn.execute("select 1 / 1")
