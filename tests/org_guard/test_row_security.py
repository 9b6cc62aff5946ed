"""
Row-level security: no row of another organization, whatever the statement, table or accident.

What is checked is read from Postgres' catalog, so a new table, view, function or policy cannot be
forgotten; and each check is tried against a database that lacks what it checks.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import copy_context
from typing import Any, LiteralString, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.sql import Literal

from api.rows.audit_events import AuditEventRows
from api.rows.me import MeRows
from api.rows.members import MemberRows
from api.rows.organization import OrganizationRows
from api.rows.projects import ProjectRows
from endpoint.keyset import Keyset
from local_stack import seed
from local_stack.postgres import Postgres
from org_guard import (
    GuardError,
    InsufficientRole,
    NotAMember,
    OrganizationSuspended,
    Principal,
    RowSecurity,
    require_row_security,
)
from service.pool import Database, Unavailable
from tests.kit.catalog import (
    ABC,
    JOE,
    NINA,
    SUE,
    TRAVEL,
    fill,
    find_excess,
    find_leaks,
    find_unnoticed,
    list_tables,
)
from tests.kit.databases import find_unchanged_database
from tests.kit.running_api import RunningApi, run_api

FROZEN = seed.organization("frozen-foods").id
SETTINGS = ("app.org_id", "app.user_id")


@pytest.fixture(scope="module")
def shared(postgres: Postgres, keys_url: str) -> Iterator[RunningApi]:
    """A database with rows of two organizations everywhere; tests here roll back what they do."""
    with run_api(postgres, keys_url) as running:
        running.superuser.execute("delete from organization where slug like 'customer-%'")
        fill(running.superuser)
        yield running


@pytest.fixture
def superuser(shared: RunningApi, postgres: Postgres) -> Iterator[psycopg.Connection]:
    """A fresh session, in a transaction that is never committed."""
    with psycopg.connect(postgres.url(shared.database_name, "postgres")) as conn:
        yield conn
        conn.rollback()


@pytest.fixture
def conn(shared: RunningApi) -> Iterator[psycopg.Connection]:
    """A fresh session of org_api, as the API has them."""
    with psycopg.connect(shared.url, autocommit=True) as conn:
        yield conn


@pytest.fixture
def rows(conn: psycopg.Connection) -> Iterator[RowSecurity]:
    """The way in, always over the same session, during the visit of a member."""
    rows = RowSecurity(lambda: nullcontext(conn))
    with rows.visit("member"):
        yield rows


def test_no_statement_reaches_a_row_of_another_organization(superuser: psycopg.Connection) -> None:
    """Nor is it the grants alone: the policies hold where somebody grants too much."""
    assert find_leaks(superuser) == []


def test_a_session_starts_without_a_scope(conn: psycopg.Connection) -> None:
    """The first of the states above is what a new connection is in."""
    assert _scope(conn) == (None, None)


@pytest.mark.parametrize(
    "statement",
    [
        "create table invoice (org_id uuid, id uuid, primary key (org_id, id))",
        "create schema billing; create table billing.invoice (id int primary key)",
        "create table invoice (id int primary key) partition by range (id)",
    ],
)
def test_a_new_table_cannot_be_forgotten(
    superuser: psycopg.Connection, statement: LiteralString
) -> None:
    """Somebody has to say what a row of it looks like."""
    superuser.execute(statement)

    assert any("invoice: say in tests/kit/catalog.py" in leak for leak in find_leaks(superuser))


def test_every_dropped_policy_is_missed(superuser: psycopg.Connection) -> None:
    """No policy stands there that nobody would miss."""

    def drop(name: str, table: str, _using: str | None, _check: str | None) -> list[str]:
        return [f"drop policy {name} on {table}"]

    assert find_unnoticed(superuser, drop) == []


def test_every_policy_that_lets_everything_through_is_noticed(
    superuser: psycopg.Connection,
) -> None:
    """What is read, and what is written."""

    def open_(name: str, table: str, using: str | None, check: str | None) -> list[str]:
        changes = []
        if using not in (None, "true"):
            changes += [f"using (true) with check ({check or using})"] if check else []
            changes += ["using (true)"]
        if check not in (None, "true"):
            changes += ["with check (true)"]
        return [f"alter policy {name} on {table} {change}" for change in changes]

    assert find_unnoticed(superuser, open_) == []


def test_every_policy_that_lets_rows_be_given_away_is_noticed(
    superuser: psycopg.Connection,
) -> None:
    """A row that may be changed may not be changed into somebody else's."""

    def give_away(name: str, table: str, using: str | None, check: str | None) -> list[str]:
        if using in (None, "true") or check is not None:
            return []
        return [f"alter policy {name} on {table} with check (true)"]

    assert find_unnoticed(superuser, give_away, commands="*wa") == []


@pytest.mark.parametrize("change", ["no force row level security", "disable row level security"])
def test_row_security_that_is_not_forced_is_noticed(
    superuser: psycopg.Connection, change: LiteralString
) -> None:
    """On each table."""
    unnoticed = []
    for table in list_tables(superuser):
        with superuser.transaction(force_rollback=True):
            superuser.execute(f"alter table {table.name} {change}".encode())
            unnoticed += [] if find_leaks(superuser, table.name) else [table.name]

    assert unnoticed == []


def test_statistics_show_nothing_of_others(conn: psycopg.Connection) -> None:
    """The planner's most common values are rows as well (CVE-2025-8713)."""
    shown = conn.execute("select tablename from pg_stats where schemaname = 'public'").fetchall()

    assert shown == []


def test_org_api_has_no_other_way_to_the_rows(superuser: psycopg.Connection) -> None:
    """Two functions stand above the rules, and nothing else does."""
    assert find_excess(superuser) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("grant truncate on project to org_api", "project"),
        ("grant references (id) on app_user to org_api", "app_user"),
        ("grant trigger on membership to public", "membership"),
        ("grant create on schema public to org_api", "public"),
        ("create schema billing; grant create on schema billing to public", "billing"),
        ("create sequence number; grant usage on number to org_api", "number"),
        ("create sequence number; grant select on number to public", "number"),
        ("create view everything as select 1", "everything"),
        ("create materialized view everything as select 1", "everything"),
        ("create function own() returns int language sql as 'select 1'", "own()"),
        ("create function trick() returns trigger language plpgsql as 'begin end'", "trick()"),
        (
            "create function own() returns int language sql security definer as 'select 1'; "
            "revoke all on function own() from public",
            "own()",
        ),
        ("grant execute on function find_organization_id to public", "find_organization_id"),
        ("alter function enter_organization owner to org_owner", "enter_organization"),
        ("alter function enter_organization reset all", "enter_organization"),
        ("alter function enter_organization set search_path = public", "enter_organization"),
        ("alter function enter_organization security invoker", "enter_organization"),
        ("alter table project owner to org_api", "project"),
        ("grant org_selector to org_api", "org_selector"),
        ("alter role org_api createrole", "org_api"),
        ("alter role org_gate login", "org_gate"),
        ("alter role org_selector bypassrls", "org_selector"),
    ],
)
def test_another_way_is_noticed(
    superuser: psycopg.Connection, statement: LiteralString, named: str
) -> None:
    """Whatever somebody grants or makes by mistake."""
    superuser.execute(statement)

    assert [one for one in find_excess(superuser) if named in one]


def test_a_view_that_asks_as_its_caller_is_fine(superuser: psycopg.Connection) -> None:
    """The positive beside the refused one; it shows what the table would."""
    superuser.execute("create view mine with (security_invoker = on) as select * from project")
    superuser.execute("grant select on mine to org_api")

    assert find_excess(superuser) == []
    with _as_org_api(superuser, JOE, ABC):
        assert superuser.execute("select distinct org_id from mine").fetchall() == [(ABC,)]


@pytest.mark.parametrize(
    ("auth0_user_id", "org_id", "required_role", "role"),
    [
        (JOE, ABC, "member", "owner"),
        (JOE, ABC, "owner", "owner"),
        (JOE, TRAVEL, "member", "member"),
        (SUE, TRAVEL, "admin", "admin"),
        (JOE, str(ABC).upper(), "member", "owner"),
    ],
)
def test_a_member_enters(
    shared: RunningApi,
    conn: psycopg.Connection,
    auth0_user_id: str,
    org_id: UUID | str,
    required_role: str,
    role: str,
) -> None:
    """The role comes back, and person, role and organization are known until the end."""
    person = shared.user_id(auth0_user_id.removeprefix("auth0|"))
    with conn.transaction():
        assert _enter(conn, auth0_user_id, org_id, required_role) == role
        assert _scope(conn) == (str(org_id).lower(), str(person))
    assert _scope(conn) == ("", "")


@pytest.mark.parametrize(
    ("auth0_user_id", "org_id", "required_role", "refusal"),
    [
        (NINA, ABC, "member", NotAMember),
        (JOE, seed.organization("solo-works").id, "member", NotAMember),
        (JOE, uuid4(), "member", NotAMember),
        ("auth0|ghost", ABC, "member", NotAMember),
        ("AUTH0|JOE", ABC, "member", NotAMember),
        ("", ABC, "member", NotAMember),
        (None, ABC, "member", NotAMember),
        (JOE, None, "member", NotAMember),
        (None, None, None, NotAMember),
        ("auth0|joe' or '1'='1", ABC, "member", NotAMember),
        ("auth0|%", ABC, "member", NotAMember),
        ("auth0|j_e", ABC, "member", NotAMember),
        ("'; delete from membership; --", ABC, "member", NotAMember),
        ("$1", ABC, "member", NotAMember),
        (SUE, FROZEN, "member", OrganizationSuspended),
        (SUE, FROZEN, "owner", OrganizationSuspended),
        (NINA, FROZEN, "member", NotAMember),  # who does not belong there learns nothing
        (JOE, TRAVEL, "admin", InsufficientRole),
        (JOE, TRAVEL, "owner", InsufficientRole),
        (SUE, TRAVEL, "owner", InsufficientRole),
        (JOE, ABC, "king", InsufficientRole),
        (JOE, ABC, "OWNER", InsufficientRole),
        (JOE, ABC, "", InsufficientRole),
        (JOE, ABC, None, InsufficientRole),
        (JOE, ABC, "member' or 'a'='a", InsufficientRole),
    ],
)
def test_nobody_else_does(
    conn: psycopg.Connection,
    rows: RowSecurity,
    auth0_user_id: str,
    org_id: UUID,
    required_role: str,
    refusal: type[GuardError],
) -> None:
    """Refused by both ways in, and no scope is left behind."""
    principal = _principal(auth0_user_id, org_id)
    with rows.visit(required_role) as visit:
        with pytest.raises(refusal):
            rows.select(principal, "select 1")
        with pytest.raises(refusal), rows.organization(principal):
            pass
    assert visit.entered_by is None
    _require_no_scope(conn)


@pytest.mark.parametrize("org_id", ["", "abc-inc", "{", f"{ABC}' or true --"])
def test_what_is_no_id_enters_nothing(conn: psycopg.Connection, org_id: str) -> None:
    """A `Principal` never holds such a thing; Postgres would not take it either."""
    with pytest.raises(psycopg.DataError):
        _enter(conn, JOE, org_id)
    _require_no_scope(conn)


def test_who_is_blocked_or_removed_is_refused_at_once(
    superuser: psycopg.Connection,
) -> None:
    """At the next statement, whatever the token says."""
    for change in (
        "update app_user set blocked_at = now() where auth0_user_id = 'auth0|joe'",
        "delete from membership where role = 'owner'",
        "update organization set suspended_at = now() where slug = 'abc-inc'",
        "update membership set role = 'member' where role = 'owner'",
    ):
        with superuser.transaction(force_rollback=True), _as_org_api(superuser):
            assert _enter(superuser, JOE, ABC, "owner") == "owner"
            superuser.execute("reset role")
            superuser.execute(change.encode())
            superuser.execute("set local role org_api")
            with pytest.raises(psycopg.DatabaseError) as refused:
                _enter(superuser, JOE, ABC, "owner")
            assert str(refused.value.sqlstate).startswith("ORG")


def test_an_unknown_role_in_the_table_covers_nothing(superuser: psycopg.Connection) -> None:
    """A later release may know more roles than this function."""
    superuser.execute("alter table membership drop constraint membership_role_check")
    superuser.execute("update membership set role = 'auditor'")
    with pytest.raises(psycopg.DatabaseError) as refused, _as_org_api(superuser):
        _enter(superuser, JOE, ABC)

    assert refused.value.sqlstate == "ORG03"


def test_the_organization_entered_last_is_the_only_one(conn: psycopg.Connection) -> None:
    """Twice in one transaction, with the role of each."""
    with conn.transaction():
        assert _enter(conn, JOE, ABC) == "owner"
        assert _enter(conn, JOE, TRAVEL) == "member"
        assert _scope(conn)[0] == str(TRAVEL)
        assert _organizations(conn) == [TRAVEL]


def test_a_savepoint_that_is_rolled_back_takes_its_organization_along(
    conn: psycopg.Connection,
) -> None:
    """What was entered before it stays, also after a refusal."""
    with conn.transaction():
        with conn.transaction(force_rollback=True):
            _enter(conn, JOE, ABC)
        assert _organizations(conn) == []
        _enter(conn, JOE, TRAVEL)
        with conn.transaction(force_rollback=True):
            _enter(conn, JOE, ABC)
        assert _organizations(conn) == [TRAVEL]
        with pytest.raises(psycopg.DatabaseError), conn.transaction():
            _enter(conn, SUE, FROZEN)
        assert _scope(conn)[0] == str(TRAVEL)


def test_a_failed_transaction_cannot_be_entered(conn: psycopg.Connection) -> None:
    """And once it is over there is no scope."""
    conn.execute("begin")
    with pytest.raises(psycopg.errors.DivisionByZero):
        conn.execute("select 1 / 0")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        _enter(conn, JOE, ABC)
    conn.rollback()
    _require_no_scope(conn)


def test_tables_operators_and_functions_of_the_callers_own_fool_nobody(
    conn: psycopg.Connection, shared: RunningApi
) -> None:
    """org_api may make temporary things, like everybody; they are looked at last, or never."""
    conn.execute(
        """
        create temp table app_user (id uuid, auth0_user_id text, blocked_at timestamptz);
        create temp table membership (
            user_id uuid, org_id uuid, role text, org_name text, org_suspended boolean
        );
        create temp table organization (id uuid, slug text, name text);
        create function pg_temp.yes(uuid, uuid) returns boolean language sql as 'select true';
        create function pg_temp.yes(text, text) returns boolean language sql as 'select true';
        create operator pg_temp.= (leftarg = uuid, rightarg = uuid, function = pg_temp.yes);
        create operator pg_temp.= (leftarg = text, rightarg = text, function = pg_temp.yes);
        create function pg_temp.array_position(text[], text) returns int
            language sql as 'select 9';
        set search_path = pg_temp, public, pg_catalog
        """
    )
    nina = shared.user_id("nina")
    conn.execute("insert into app_user values (%s, %s, null)", (nina, NINA))
    conn.execute("insert into membership values (%s, %s, 'owner', '', false)", (nina, ABC))
    conn.execute("insert into organization values (%s, 'solo-works', '')", (ABC,))
    for person, org_id, role, code in (
        (NINA, ABC, "member", "ORG01"),
        (JOE, TRAVEL, "owner", "ORG03"),
        (SUE, FROZEN, "member", "ORG02"),
    ):
        with pytest.raises(psycopg.DatabaseError) as refused:
            _enter(conn, person, org_id, role)
        assert refused.value.sqlstate == code
    found = conn.execute("select public.find_organization_id('solo-works')").fetchone()
    assert found == (seed.organization("solo-works").id,)

    with conn.transaction(force_rollback=True):
        _enter(conn, JOE, ABC)
        conn.execute("update public.organization set name = 'Renamed'")
        copies = conn.execute("select distinct org_name from public.membership").fetchall()
        assert copies == [("Renamed",)]  # by a trigger, which found the table, not the temporary
    # Else they outlive the connection for a moment, and count as tables that org_api owns.
    conn.execute("reset search_path; discard temp")


def test_what_org_gate_may_read_the_caller_may_not(conn: psycopg.Connection) -> None:
    """The function answers; it lends nothing."""
    with conn.transaction():
        _enter(conn, JOE, ABC)
        assert conn.execute("select current_user").fetchone() == ("org_api",)
        for statement in (
            "select auth0_user_id from app_user",
            "select blocked_at from app_user",
            "set local role org_gate",
            "set local session authorization org_gate",
            "alter function enter_organization(text, uuid, text) reset search_path",
            "alter policy entered on project using (true)",
            "alter table project disable row level security",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute("set local row_security = off")
            conn.execute("select * from project")


class Interrupted(Exception):
    """What a view raises in the middle of its work."""


ACCIDENTS = (Interrupted, psycopg.errors.UniqueViolation)


@contextmanager
def _begun(conn: psycopg.Connection) -> Iterator[None]:
    conn.execute("begin")
    yield
    conn.execute("commit")


@contextmanager
def _rolled_back(conn: psycopg.Connection) -> Iterator[None]:
    conn.execute("begin")
    yield
    conn.execute("rollback")


@contextmanager
def _pipelined(conn: psycopg.Connection) -> Iterator[None]:
    with conn.pipeline(), conn.transaction():
        yield


@pytest.mark.parametrize(
    "block",
    [_begun, _rolled_back, _pipelined, lambda conn: conn.transaction(), lambda _: nullcontext()],
    ids=["commit", "rollback", "pipeline", "transaction", "statement"],
)
@pytest.mark.parametrize("failure", [None, "select 1 / 0", "python"])
def test_nothing_of_one_organization_is_left_for_the_next(
    conn: psycopg.Connection,
    block: Callable[[psycopg.Connection], AbstractContextManager[object]],
    failure: LiteralString | None,
) -> None:
    """Two organizations share a session, with an accident in between."""
    for org_id in (ABC, TRAVEL, ABC):
        with suppress(Interrupted, psycopg.errors.DivisionByZero), block(conn):
            _enter(conn, JOE, org_id)
            if conn.info.transaction_status is TransactionStatus.INTRANS:
                assert _organizations(conn) == [org_id]
            if failure == "python":
                raise Interrupted
            if failure:
                conn.execute(failure)
        conn.rollback()
        _require_no_scope(conn)


@pytest.mark.parametrize("accident", [None, *ACCIDENTS])
def test_a_pool_hands_no_organization_on(
    shared: RunningApi, accident: type[Exception] | None
) -> None:
    """The API's own pool and way in; what comes next without entering sees nothing."""
    database = Database(shared.url, size=1, configure=require_row_security)
    rows = RowSecurity(database.connection, database.fetch)
    try:
        for org_id in (ABC, TRAVEL):
            principal = _principal(JOE, org_id)
            with (
                suppress(*ACCIDENTS),
                rows.visit("member"),
                rows.organization(principal) as conn,
            ):
                assert _organizations(conn) == [org_id]
                if accident:
                    raise accident
            with database.connection() as conn:
                _require_no_scope(conn)
            with rows.visit("member"):
                found = rows.select(principal, "select distinct org_id from project")
            assert found == [(org_id,)]
            with database.connection() as conn:
                _require_no_scope(conn)
    finally:
        database.close()


def test_what_is_done_is_kept_and_what_fails_is_not(
    rows: RowSecurity, conn: psycopg.Connection, shared: RunningApi
) -> None:
    """COMMIT at the end of the block, ROLLBACK on any exception."""
    name = f"kept {uuid4()}"
    insert = "insert into project (name) values (%s)"
    with rows.organization(_principal()) as entered:
        entered.execute(insert, (name,))
    for error in (Interrupted, KeyboardInterrupt):
        with pytest.raises(error), rows.organization(_principal()) as entered:
            entered.execute(insert, (name,))
            raise error
    with pytest.raises(psycopg.errors.CheckViolation), rows.organization(_principal()) as entered:
        entered.execute(insert, (name,))
        entered.execute(insert, ("",))

    assert conn.info.transaction_status is TransactionStatus.IDLE
    found = shared.superuser.execute("select org_id from project where name = %s", (name,))
    assert found.fetchall() == [(ABC,)]
    shared.superuser.execute("delete from project where name = %s", (name,))


def test_a_refusal_comes_with_the_first_result(
    rows: RowSecurity, conn: psycopg.Connection, shared: RunningApi
) -> None:
    """Sending more before it is harmless: nothing of it is done."""
    reached = []
    name = f"refused {uuid4()}"
    with pytest.raises(NotAMember), rows.organization(_principal(NINA)) as entered:
        cursor = entered.execute("insert into project (name) values (%s) returning 1", (name,))
        reached.append("sent")
        cursor.fetchone()
        reached.append("answered")

    assert reached in (["sent"], [])  # a quick refusal is there before the insert is sent
    _require_no_scope(conn)
    found = shared.superuser.execute("select 1 from project where name = %s", (name,)).fetchall()
    assert found == []


@pytest.mark.parametrize("person", [JOE, NINA])
def test_a_view_that_goes_on_after_an_error_gets_nothing(
    rows: RowSecurity, conn: psycopg.Connection, shared: RunningApi, person: str
) -> None:
    """A refusal or an error that it swallowed: nothing is read or kept, and it is told so."""
    before = shared.superuser.execute("select count(*) from project").fetchone()
    with (
        pytest.raises(GuardError, match="went on after an error"),
        rows.organization(_principal(person)) as entered,
    ):
        with suppress(psycopg.Error):
            entered.execute("insert into project (name) values ('lost')")
            entered.execute("insert into project (name) values ('')").fetchone()
        with pytest.raises(psycopg.Error):
            entered.execute("select * from project").fetchall()

    assert shared.superuser.execute("select count(*) from project").fetchone() == before
    _require_no_scope(conn)


def test_what_may_fail_stands_in_a_transaction_of_its_own(rows: RowSecurity) -> None:
    """The positive beside it: a savepoint keeps the rest."""
    with pytest.raises(Interrupted), rows.organization(_principal()) as entered:
        entered.execute("insert into project (name) values ('kept')")
        with pytest.raises(psycopg.errors.CheckViolation), entered.transaction():
            entered.execute("insert into project (name) values ('')")
        found = entered.execute("select 1 from project where name = 'kept'").fetchall()
        assert found == [(1,)]
        raise Interrupted


@pytest.mark.parametrize("login", [JOE, "auth0|nina"])
def test_an_error_swallowed_in_an_inner_block_is_no_success(shared: RunningApi, login: str) -> None:
    """Postgres answers such a COMMIT with ROLLBACK; and a refused entry is an error, too."""
    database = Database(shared.url, size=1, configure=require_row_security)
    rows = RowSecurity(database.connection, database.fetch)
    name = f"lost {uuid4()}"
    try:
        for inner in (psycopg.Connection.pipeline, psycopg.Connection.transaction):
            with (
                pytest.raises(GuardError),
                rows.visit("member"),
                rows.organization(_principal(login)) as entered,
            ):
                entered.execute("insert into project (name) values (%s)", (name,))
                with suppress(psycopg.Error), inner(entered):
                    entered.execute("select 1/0")
                if inner is psycopg.Connection.transaction and login == JOE:
                    raise GuardError("an inner transaction saves the outer one")
        for _ in range(3):  # the same pool, prepared statements and all
            with rows.visit("member"), rows.organization(_principal()) as entered:
                found = entered.execute("select from project where name = %s", (name,)).fetchall()
            assert found == []
    finally:
        database.close()


def test_who_swallows_a_refusal_has_not_entered(rows: RowSecurity) -> None:
    """The guard asks, and throws the view's answer away."""
    for refused, role in ((_principal("auth0|nina"), "member"), (_principal(), "boss")):
        with rows.visit(role) as visit:
            with suppress(GuardError):
                rows.select(refused, "select id from project")
            with suppress(GuardError), rows.organization(refused) as conn:
                conn.execute("select id from project").fetchall()
        assert visit.entered_by is None
        with pytest.raises(GuardError, match="list_projects answered without entering"):
            visit.require_entered(refused, "list_projects")
    principal = _principal()
    with rows.visit("member") as visit:
        rows.select(principal, "select id from project")
    visit.require_entered(principal, "list_projects")
    with pytest.raises(GuardError):  # an equal one may be of another token
        visit.require_entered(_principal(), "list_projects")


def test_without_a_visit_nobody_enters(conn: psycopg.Connection) -> None:
    """Neither before, nor after, nor in another thread; the text says what to write."""
    rows, principal = RowSecurity(lambda: nullcontext(conn)), _principal()

    def require_closed() -> None:
        with pytest.raises(GuardError, match=r"with rows\.visit\(role\):"):
            rows.select(principal, "select 1")
        with pytest.raises(GuardError, match="visit"), rows.organization(principal):
            pass
        with pytest.raises(GuardError, match="visit"):
            rows.enter_again(conn, principal)

    require_closed()
    with rows.visit("member"):
        assert rows.select(principal, "select 1") == [(1,)]
        with ThreadPoolExecutor(1) as threads:
            threads.submit(require_closed).result()
            here = copy_context()
            found = threads.submit(here.run, rows.select, principal, "select 1").result()
            assert found == [(1,)]
    require_closed()
    with pytest.raises(Interrupted), rows.visit("member"):
        raise Interrupted
    require_closed()
    with RowSecurity(lambda: nullcontext(conn)).visit("member"):  # another database's visit
        require_closed()


def test_each_visit_demands_its_own_role(rows: RowSecurity) -> None:
    """Joe is a member there: an inner visit demands more, and the outer one less again."""
    principal = _principal(JOE, TRAVEL)
    with rows.visit("member") as outer:
        with rows.visit("admin") as inner, pytest.raises(InsufficientRole):
            rows.select(principal, "select 1")
        assert (outer.entered_by, inner.entered_by) == (None, None)
        rows.select(principal, "select 1")
        assert (outer.entered_by, inner.entered_by) == (principal, None)


def test_who_waited_for_a_lock_is_looked_at_again(
    rows: RowSecurity, shared: RunningApi, conn: psycopg.Connection
) -> None:
    """Removed or demoted meanwhile: the second entry refuses what the first let in."""
    sue = _principal(SUE, TRAVEL)
    for role, refusal in (("member", InsufficientRole), (None, NotAMember)):
        try:
            with (
                pytest.raises(refusal),
                rows.visit("admin"),
                rows.organization(sue) as entered,
            ):
                rows.enter_again(entered, sue)
                assert _organizations(entered) == [TRAVEL]
                shared.set_role("sue", "xyz-travel", role)
                rows.enter_again(entered, sue)
                entered.execute("select 1").fetchone()
        finally:
            shared.set_role("sue", "xyz-travel", "admin")
    _require_no_scope(conn)


def test_a_database_with_another_isolation_changes_nothing(shared: RunningApi) -> None:
    """Else a lock would be waited for, and what was committed meanwhile not be seen."""
    options = r"-c default_transaction_isolation=repeatable\ read"
    with psycopg.connect(shared.url, autocommit=True, options=options) as conn:
        rows = RowSecurity(lambda: nullcontext(conn))
        assert conn.execute("show transaction_isolation").fetchone() == ("repeatable read",)
        with rows.visit("member"), rows.organization(_principal()) as entered:
            isolation = entered.execute("show transaction_isolation").fetchone()

    assert isolation == ("read committed",)


def test_an_outage_is_no_refusal() -> None:
    """Both ways in let it pass as it is."""

    def out_of_reach() -> AbstractContextManager[psycopg.Connection]:
        raise Unavailable("no connection")

    rows = RowSecurity(out_of_reach)
    with pytest.raises(Unavailable), rows.visit("member"), rows.organization(_principal()):
        pass
    with pytest.raises(Unavailable), rows.visit("member"):
        rows.select(_principal(), "select 1")


def test_a_lost_connection_is_an_outage(postgres: Postgres, shared: RunningApi) -> None:
    """In the middle of the work, whatever the view was about to raise."""
    database = Database(shared.url, size=1, configure=require_row_security)
    rows = RowSecurity(database.connection, database.fetch)
    try:
        with (
            pytest.raises(Unavailable),
            rows.visit("member"),
            rows.organization(_principal()) as entered,
        ):
            row = entered.execute("select pg_backend_pid()").fetchone()
            shared.superuser.execute("select pg_terminate_backend(%s)", row)
            entered.execute("select 1").fetchone()
    finally:
        database.close()


@pytest.mark.parametrize(
    "query",
    [
        "select id from project where id = null",
        "select id from project where false",
        "select id from project limit 0",
    ],
)
def test_who_looks_for_nothing_is_refused_all_the_same(
    rows: RowSecurity, query: LiteralString
) -> None:
    """Postgres skips what it knows to find nothing, and would skip the entry with it."""
    assert rows.select(_principal(), query) == []
    with pytest.raises(NotAMember):
        rows.select(_principal("auth0|nina"), query)


def test_a_function_that_reads_is_used_for_every_select(postgres: Postgres) -> None:
    """A pool may know how to try again; without one the connections are used."""
    url = postgres.url(find_unchanged_database(postgres), "org_api")
    used = []

    def fetch(statement: LiteralString, values: Sequence[object]) -> list[tuple[Any, ...]]:
        used.append("fetch")
        with psycopg.connect(url, autocommit=True) as conn:
            return conn.execute(statement, values).fetchall()

    own = RowSecurity(lambda: pytest.fail("fetch knows a connection"), fetch)
    with own.visit("member"):
        assert own.select(_principal(), "select 1") == [(1,)]
    assert own.find_org_id("abc-inc") == str(ABC)
    assert used == ["fetch", "fetch"]


def test_a_slug_is_found_without_entering(rows: RowSecurity) -> None:
    """It says nothing about who belongs there."""
    assert rows.find_org_id("xyz-travel") == str(TRAVEL)
    assert rows.find_org_id("no-such-thing") is None
    assert rows.find_org_id("' or true --") is None


@pytest.fixture(scope="module")
def crowded(postgres: Postgres, keys_url: str) -> Iterator[RunningApi]:
    """One organization that is far larger than the average, with statistics that know it."""
    with run_api(postgres, keys_url) as running:
        for statement in (
            "insert into app_user (auth0_user_id, name) "
            "select 'auth0|crowd-' || n, 'One of many' from generate_series(1, 20000) n",
            "insert into membership (user_id, org_id, role, joined_at) "
            "select u.id, o.id, 'member', now() + random() * interval '1 day' "
            "from app_user u, organization o "
            "where o.slug = 'abc-inc' and u.auth0_user_id like 'auth0|crowd-%'",
            "insert into project (org_id, name, created_at) "
            "select o.id, 'One of many', now() - random() * interval '1 day' "
            "from organization o, generate_series(1, 20000) where o.slug = 'abc-inc'",
            "insert into project (org_id, name) select id, 'The only one' from organization",
            "vacuum analyze",
        ):
            running.superuser.execute(statement.encode())
        yield running


STATEMENTS: dict[str, Callable[[RowSecurity, Principal, Keyset, UUID], object]] = {
    "me": lambda rows, who, page, id_: MeRows(rows).load_me(who),
    "organization": lambda rows, who, page, id_: OrganizationRows(rows).load_organization(who),
    "members": lambda rows, who, page, id_: MemberRows(rows).list_members(who, page),
    "audit events": lambda rows, who, page, id_: AuditEventRows(rows).list_audit_events(who, page),
    "projects": lambda rows, who, page, id_: ProjectRows(rows).list_projects(who, page),
    "project": lambda rows, who, page, id_: ProjectRows(rows).find_project(who, id_),
}


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_every_read_enters_first_and_looks_at_its_page_only(
    crowded: RunningApi, name: str, plans: str
) -> None:
    """A plan is made before the scope is known, and must suit an organization of any size."""
    newest = crowded.superuser.execute(
        "select u.auth0_user_id, m.joined_at, m.user_id from membership m "
        "join app_user u on u.id = m.user_id where org_id = %s "
        "order by joined_at desc, user_id offset 50 limit 1",
        (ABC,),
    ).fetchone()
    project = crowded.superuser.execute(
        "select id from project where org_id = %s order by created_at, id offset 10000 limit 1",
        (ABC,),
    ).fetchone()
    assert newest is not None
    assert project is not None
    page = Keyset(newest[1].isoformat(), newest[2])
    seen: list[tuple[str, int]] = []
    with psycopg.connect(crowded.url, autocommit=True) as conn:
        conn.execute(f"set plan_cache_mode = {plans}".encode())

        class Explaining:
            def execute(self, query: str, parameters: Any) -> psycopg.Cursor:
                seen.append(_explain(conn, query, parameters))
                return conn.execute(query.encode(), parameters)

        rows = RowSecurity(lambda: nullcontext(cast(psycopg.Connection, Explaining())))
        with rows.visit("member"):
            STATEMENTS[name](rows, _principal(newest[0]), page, project[0])

    first, blocks = seen[0]
    assert first == "enter_organization"
    # A page is 21 rows by three indexes; all of the organization would be thousands of blocks.
    assert blocks < (250 if name.endswith("s") else 60)


@contextmanager
def _as_org_api(
    conn: psycopg.Connection, person: str | None = None, org_id: UUID | None = None
) -> Iterator[None]:
    """Be org_api inside a superuser's transaction, perhaps entered."""
    conn.execute("set local role org_api")
    if person is not None:
        _enter(conn, person, org_id)
    yield
    if conn.info.transaction_status is TransactionStatus.INTRANS:
        conn.execute("reset role")


def _enter(
    conn: psycopg.Connection, person: str, org_id: UUID | str | None, role: str = "member"
) -> str | None:
    cursor = conn.execute("select public.enter_organization(%s, %s, %s)", (person, org_id, role))
    if conn.info.pipeline_status:
        return None
    row = cursor.fetchone()
    return str(row[0]) if row else None


def _scope(conn: psycopg.Connection) -> tuple[Any, ...]:
    row = conn.execute(
        "select current_setting(%s, true), current_setting(%s, true)",
        SETTINGS,
    ).fetchone()
    assert row is not None
    return row


def _organizations(conn: psycopg.Connection) -> list[UUID]:
    return [org_id for (org_id,) in conn.execute("select id from public.organization")]


def _require_no_scope(conn: psycopg.Connection) -> None:
    assert conn.info.transaction_status is TransactionStatus.IDLE
    assert set(_scope(conn)) <= {None, ""}
    for table in ("organization", "membership", "project", "audit_event", "idempotency_key"):
        found = conn.execute(f"select count(*) from {table}".encode()).fetchone()  # noqa: S608
        assert found == (0,)


def _principal(auth0_user_id: str = JOE, org_id: UUID = ABC) -> Principal:
    organization = cast(str, org_id and str(org_id))
    return Principal(auth0_user_id, organization, None, frozenset(), "spa", 0.0)


def _explain(
    conn: psycopg.Connection, query: str, parameters: tuple[object, ...]
) -> tuple[str, int]:
    """Run a query; return what it looked at first, and how many blocks it read."""
    for place in range(len(parameters)):
        query = query.replace("%s", f"${place + 1}", 1)
    values = ", ".join(Literal(one).as_string(conn) for one in parameters)
    conn.execute(f"prepare explained as {query}".encode())
    for _ in range(2):  # the first one also reads the catalog
        row = conn.execute(
            f"explain (analyze, buffers, format json) execute explained ({values})".encode()
        ).fetchone()
    conn.execute("deallocate explained")
    assert row is not None
    plan = row[0][0]["Plan"]
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    while inner := [one for one in plan.get("Plans", ()) if "Subplan Name" not in one]:
        plan = inner[0]
    return plan.get("Function Name", plan["Node Type"]), blocks
