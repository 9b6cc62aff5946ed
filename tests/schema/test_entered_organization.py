"""`entered_organization()` and `entered_user()`: what they return, to whom, and at what cost."""

from collections.abc import Iterator

import psycopg
import pytest

from local_stack import seed
from local_stack.stack import Stack
from tests.kit.running_api import RunningApi, run_api

ABC = seed.organization("abc-inc").id
ENTERED = "select org.entered_organization(), org.entered_user()"
STATEMENTS = (
    "select * from org.project",
    "select * from org.organization",
    "select * from org.membership",
    "select name from org.app_user",
    "select * from org.audit_event",
    "select * from org.idempotency_key",
    "insert into org.project (name) values ('x')",
    "insert into org.audit_event (client_id, action, target_id) "
    "values ('x', 'a.b', org.entered_user())",
    "insert into org.idempotency_key (key, request_sha256) values ('x', 'x')",
    "update org.organization set name = 'x'",
    "delete from org.membership where user_id = org.entered_user()",
)


@pytest.fixture(scope="module")
def api(stack: Stack, keys_url: str) -> Iterator[RunningApi]:
    """A database for this file."""
    with run_api(stack.postgres, keys_url) as running:
        yield running


@pytest.fixture
def conn(api: RunningApi) -> Iterator[psycopg.Connection]:
    """A new connection as org_api, in a transaction that is rolled back."""
    with psycopg.connect(api.url) as conn:
        yield conn
        conn.rollback()


@pytest.fixture
def superuser(api: RunningApi) -> Iterator[psycopg.Connection]:
    """A superuser in a transaction that is rolled back."""
    with api.superuser.transaction(force_rollback=True):
        yield api.superuser


def explain(conn: psycopg.Connection, statement: str) -> str:
    """Return the plan, with every expression in it."""
    rows = conn.execute(f"explain (verbose, costs off) {statement}".encode()).fetchall()
    return "\n".join(line for (line,) in rows)


def test_entered_organization_and_user_are_known_until_the_transaction_ends(
    api: RunningApi, conn: psycopg.Connection
) -> None:
    """Before the entry and after a commit both are null, and no row has a null organization."""
    assert conn.execute(ENTERED).fetchone() == (None, None)
    conn.execute("select org.enter_organization('auth0|joe', %s)", (ABC,))
    assert conn.execute(ENTERED).fetchone() == (ABC, api.user_id("joe"))
    conn.commit()
    assert conn.execute(ENTERED).fetchone() == (None, None)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_planner_inlines_both_functions(superuser: psycopg.Connection, statement: str) -> None:
    """In policies, defaults and queries. With a SET clause, they would be called for every row."""
    superuser.execute("set local role org_api")
    plan = explain(superuser, statement)
    assert "entered_" not in plan
    assert "current_setting('app." in plan

    superuser.execute("reset role")
    superuser.execute("alter function org.entered_organization set search_path = pg_catalog")
    superuser.execute("alter function org.entered_user set search_path = pg_catalog")
    superuser.execute("set local role org_api")
    assert "entered_" in explain(superuser, statement)


def test_only_org_api_and_the_owner_may_call_both_functions(superuser: psycopg.Connection) -> None:
    for role, allowed in (
        ("org_api", True),
        ("org_owner", True),
        ("org_selector", False),
        ("org_gate", False),
    ):
        for function in ("org.entered_organization()", "org.entered_user()"):
            may = superuser.execute(
                "select has_function_privilege(%s, %s, 'execute')", (role, function)
            ).fetchone()
            assert may == (allowed,), (role, function)
