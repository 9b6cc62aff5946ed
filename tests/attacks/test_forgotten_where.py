"""
Attacker: a member who calls a view whose query lacks the condition on the organization.
Wants: to see or change the rows of all organizations.
Stopped by: `schema/0002_resource_api.sql` `enter_organization` `entered`

Forced row-level security adds the condition to every statement of the role org_api. `RowSecurity`
is the only way to enter an organization, and without entering there are no rows.
"""

import time
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier

from local_stack import seed
from org_guard import NotAMember, Principal, RowSecurity, require_row_security
from service.pool import Database
from tests.kit.target import Target

ABC, SOLO = seed.organization("abc-inc").id, seed.organization("solo-works").id
TABLES = (
    "app_user",
    "audit_event",
    "idempotency_key",
    "invitation",
    "mail_outbox",
    "membership",
    "organization",
    "project",
)
READS: tuple[LiteralString, ...] = (
    "select org_id from org.project",
    "select org_id from org.project order by org_id desc, id limit 100",
    "select org_id from org.project union all select org_id from org.membership",
    "with a as materialized (select org_id from org.project) select org_id from a",
    "select (select org_id from org.project limit 1)",
    "select org_id from org.project group by org_id",
    "select p.org_id from org.project p cross join org.organization o",
    "select o.id from org.organization o left join org.project p on p.org_id <> o.id",
    "select distinct org_id from (select org_id from org.project offset 0) a",
)
BARE: tuple[LiteralString, ...] = (
    "select count(*) from org.project",
    "select 1",
    "select 1 from org.project limit 0",
    "select 1 from org.project where id is null",
    "select now(), current_setting('app.org_id', true)",
    "select 1 from org.project where false",
    "select 1 where false",
)
NOT_OF_AN_ORGANIZATION = {"schema_migration"}


@pytest.fixture
def target(target_d: Target) -> Target:
    """Two organizations that have rows in every table."""
    for login, slug in (("joe", "abc-inc"), ("ann", "solo-works")):
        headers = {"Idempotency-Key": "the-same"}
        body = {"name": f"Made in {slug}"}
        made = target_d.request("POST", "/projects", body, login=login, slug=slug, headers=headers)
        assert made.status_code == 201
        target_d.api.superuser.execute(
            "with invited as (insert into org.invitation (org_id, email, role, expires_at) "
            "values (%s, 'new@example.com', 'member', now() + interval '7 days') returning id) "
            "insert into org.mail_outbox (invitation_id) select id from invited",
            (seed.organization(slug).id,),
        )
    return target_d


@pytest.fixture
def database(target: Target) -> Iterator[Database]:
    """A pool of a single connection, so that each request uses the connection of the one before."""
    pool = Database(target.api.url, size=1, configure=require_row_security)
    yield pool
    pool.close()


@pytest.fixture
def rows(database: Database) -> Iterator[RowSecurity]:
    """The way in, during the visit of a member."""
    rows = RowSecurity(database.connection, database.fetch)
    with rows.visit("member"):
        yield rows


def principal(login: str, slug: str) -> Principal:
    """Return the person that a verified token stands for."""
    org_id = str(seed.organization(slug).id)
    scopes: frozenset[str] = frozenset()
    return Principal(f"auth0|{login}", org_id, None, scopes, "spa", time.time() + 600)


JOE = principal("joe", "abc-inc")


def everything(conn: psycopg.Connection) -> dict[str, list[Any]]:
    """Return all rows and all columns that this role may read, without any condition."""
    columns = conn.execute(
        "select c.relname, array_agg(a.attname order by a.attnum) from pg_class c "
        "join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
        "where c.relnamespace = 'org'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') "
        "and has_column_privilege(c.oid, a.attnum, 'select') group by 1 order by 1"
    ).fetchall()
    return {
        table: conn.execute(
            SQL("select {} from {} order by 1").format(
                SQL(", ").join(map(Identifier, names)), Identifier("org", table)
            )
        ).fetchall()
        for table, names in columns
        if table not in NOT_OF_AN_ORGANIZATION
    }


def truth(target: Target, slug: str) -> dict[str, int]:
    """Return how many rows an organization really has, by table."""
    found = {table: len(rows) for table, rows in target.snapshot(slug).items()}
    return found | {"app_user": found["membership"]}


def test_select_star_shows_the_rows_of_one_organization(target: Target, rows: RowSecurity) -> None:
    """In every table that the role may read; the rows of the other organization stay hidden."""
    for login, slug, org_id in (("joe", "abc-inc", ABC), ("ann", "solo-works", SOLO)):
        with rows.organization(principal(login, slug)) as conn:
            seen = everything(conn)
        assert tuple(seen) == TABLES
        assert {table: len(found) for table, found in seen.items()} == truth(target, slug)
        assert all(seen.values())
        foreign = str(SOLO if org_id == ABC else ABC)
        assert foreign not in repr(seen)


def test_a_query_passed_to_select_sees_one_organization(target: Target, rows: RowSecurity) -> None:
    """In every form of query: Postgres enters the organization before it runs."""
    for login, slug, org_id in (("joe", "abc-inc", ABC), ("ann", "solo-works", SOLO)):
        for query in READS:
            found = rows.select(principal(login, slug), query)
            assert {row[0] for row in found} == {org_id}, query
        [(count,)] = rows.select(principal(login, slug), "select count(*) from org.project")
        assert count == truth(target, slug)["project"]


def test_an_outsiders_query_is_refused_even_if_it_needs_no_row(rows: RowSecurity) -> None:
    """Even if the query is constant, returns nothing or names no table."""
    outsider, member = principal("joe", "solo-works"), principal("joe", "abc-inc")
    for query in (*READS, *BARE):
        with pytest.raises(NotAMember):
            rows.select(outsider, query)
        rows.select(member, query)


def test_joins_counts_and_subqueries_see_one_organization(
    target: Target, rows: RowSecurity
) -> None:
    """Wherever the table is in the query."""
    queries: tuple[LiteralString, ...] = (
        "select count(*) from org.project",
        "select count(*) from (select 1 from org.project union all select 1 from org.project) a",
        "select count(*) from org.project a cross join org.project b",
        "with recursive a as (select id from org.project) select count(*) from a",
        "select (select count(*) from org.project)",
        "select count(*) filter (where true) from org.project where true or org_id is not null",
        "select max(n) from (select row_number() over () n from org.project) a",
        "select count(*) from org.organization o left join org.project p on true",
    )
    ours = truth(target, "abc-inc")["project"]
    with rows.organization(JOE) as conn:
        for query in queries:
            row = conn.execute(query).fetchone()
            assert row is not None
            assert row[0] in (ours, 2 * ours, ours * ours), query


def test_update_and_delete_change_the_rows_of_one_organization(
    target: Target, rows: RowSecurity
) -> None:
    """Without any condition: they change all rows of ABC Inc and none of Solo Works."""
    changes: tuple[LiteralString, ...] = (
        "update org.project set name = 'x'",
        "update org.project set name = 'x' where org_id <> current_setting('app.org_id')::uuid",
        "update org.organization set name = 'x'",
        "update org.membership set role = 'member'",
        "update org.idempotency_key set answer = 'x'",
        "delete from org.idempotency_key",
        "delete from org.project",
        "delete from org.membership",
    )
    before = target.snapshot("solo-works")
    for change in changes:
        ours = target.snapshot("abc-inc")
        with rows.organization(JOE) as conn:
            cursor = conn.execute(change)
        assert target.snapshot("solo-works") == before, change
        assert (cursor.rowcount > 0) is ("<>" not in change), change
        assert (target.snapshot("abc-inc") != ours) is (cursor.rowcount > 0), change


def test_a_row_cannot_be_inserted_or_moved_into_another_organization(
    target: Target, rows: RowSecurity
) -> None:
    """With the id of the entered organization the insert works."""
    statements: tuple[tuple[LiteralString, bool], ...] = (
        ("insert into org.project (org_id, name) values (%s, 'x')", True),
        ("insert into org.project (org_id, name) select %s, name from org.project limit 1", True),
        ("insert into org.audit_event (org_id, client_id, action, target_id) "
         "values (%s, 'x', 'project.created', gen_random_uuid())", False),
        (
            "insert into org.idempotency_key (org_id, key, request_sha256) values (%s, 'x', 'x')",
            False,
        ),
        ("insert into org.membership (org_id, user_id, role) "
         "select %s, user_id, 'owner' from org.membership limit 1", False),
        ("update org.project set org_id = %s", False),
        ("update org.membership set org_id = %s", False),
        ("update org.organization set id = %s", False),
    )  # fmt: skip
    before = target.snapshot("solo-works")
    for statement, own in statements:
        with pytest.raises(InsufficientPrivilege), rows.organization(JOE) as conn:
            conn.execute(statement, (SOLO,))
        if own:
            with rows.organization(JOE) as conn:
                cursor = conn.execute(statement, (ABC,))
            assert cursor.rowcount == 1
    assert target.snapshot("solo-works") == before


def test_org_api_cannot_add_members_suspend_block_or_change_the_audit_trail(
    target: Target, rows: RowSecurity
) -> None:
    """Not even in the organization it entered."""
    statements: tuple[LiteralString, ...] = (
        "insert into org.membership (org_id, user_id) select org_id, user_id from org.membership",
        "update org.organization set suspended_at = now()",
        "update org.organization set slug = 'another'",
        "delete from org.organization",
        "update org.app_user set blocked_at = null",
        "update org.app_user set email = 'x@example.com'",
        "select auth0_user_id from org.app_user",
        "delete from org.audit_event",
        "update org.audit_event set actor_name = 'x'",
        "insert into org.audit_event (actor_user_id, client_id, action, target_id) "
        "values (gen_random_uuid(), 'x', 'project.created', gen_random_uuid())",
        "update org.invitation set role = 'owner'",
        "update org.invitation set accepted_at = now()",
        "update org.invitation set invited_by = null",
        "select tries from org.mail_outbox",
        "delete from org.mail_outbox",
        "select * from org.selection",
        "alter table org.project no force row level security",
        "alter table org.project disable row level security",
        "drop policy entered on project",
        "truncate org.project",
        "create table mine (id int)",
        "set role org_owner",
        "set role org_gate",
        "set role org_maker",
        "set role org_selector",
    )
    before = target.snapshot("abc-inc")
    for statement in statements:
        with pytest.raises(psycopg.ProgrammingError), rows.organization(JOE) as conn:
            conn.execute(statement)
    assert target.snapshot("abc-inc") == before


def test_a_connection_shows_nothing_of_the_organization_before(
    target: Target, database: Database, rows: RowSecurity
) -> None:
    """One connection serves ABC Inc, Solo Works, and requests that did not enter or failed."""
    pids, nothing = set(), dict.fromkeys(TABLES, 0)

    def seen_without_entry() -> dict[str, int]:
        with database.connection() as conn:
            pids.add(conn.info.backend_pid)
            return {table: len(found) for table, found in everything(conn).items()}

    def seen_by(login: str, slug: str) -> dict[str, int]:
        with rows.organization(principal(login, slug)) as conn:
            found = {table: len(found) for table, found in everything(conn).items()}
            pids.add(conn.info.backend_pid)
        return found

    for _ in range(2):
        assert seen_without_entry() == nothing
        assert seen_by("joe", "abc-inc") == truth(target, "abc-inc")
        assert seen_by("ann", "solo-works") == truth(target, "solo-works")
        assert seen_without_entry() == nothing
        assert seen_by("joe", "abc-inc") == truth(target, "abc-inc")
        with pytest.raises(NotAMember):
            seen_by("joe", "solo-works")
        assert seen_without_entry() == nothing
        with pytest.raises(ZeroDivisionError), rows.organization(JOE):
            1 / 0  # noqa: B018
        assert seen_without_entry() == nothing
    assert len(pids) == 1


def test_a_refused_entry_leaves_only_the_organization_entered_before(
    target: Target, database: Database
) -> None:
    """The transaction catches the refusal with a savepoint and continues."""
    counts: LiteralString = "select count(*), count(*) filter (where org_id = %s) from org.project"
    ours = truth(target, "abc-inc")["project"]
    with database.connection() as conn:
        conn.execute("begin")
        conn.execute("savepoint here")
        for entered, seen in ((False, 0), (True, ours)):
            if entered:
                conn.execute("select org.enter_organization('auth0|joe', %s)", (ABC,))
                conn.execute("savepoint here")
            with pytest.raises(psycopg.DatabaseError) as refused:
                conn.execute("select org.enter_organization('auth0|joe', %s)", (SOLO,))
            assert refused.value.sqlstate == "ORG01"
            conn.execute("rollback to savepoint here")
            assert conn.execute(counts, (SOLO,)).fetchone() == (seen, 0)
        conn.execute("commit")
        assert conn.execute(counts, (SOLO,)).fetchone() == (0, 0)
