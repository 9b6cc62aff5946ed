"""
Row-level security: no statement, table or error shows a row of another organization.

The tests read tables, views, functions and policies from Postgres' catalog, so a new one cannot be
forgotten. Each check is also run against a database that lacks what it checks.
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
        running.superuser.execute("delete from org.organization where slug like 'customer-%'")
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
    """Even with more grants than org_api has, the policies alone prevent it."""
    assert find_leaks(superuser) == []


def test_a_new_session_has_entered_no_organization(conn: psycopg.Connection) -> None:
    assert _entered_ids(conn) == (None, None)


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("invoice", "create table invoice (org_id uuid, id uuid, primary key (org_id, id))"),
        (
            "billing.invoice",
            "create schema billing; create table billing.invoice (id int primary key)",
        ),
        ("invoice", "create table invoice (id int primary key) partition by range (id)"),
    ],
)
def test_a_new_table_is_reported_until_the_catalog_describes_it(
    superuser: psycopg.Connection, table: str, statement: LiteralString
) -> None:
    """A developer must add a sample row to tests/kit/catalog.py."""
    superuser.execute(statement)

    leaks = find_leaks(superuser, table)
    assert any(f"{table}: say in tests/kit/catalog.py" in leak for leak in leaks)


def test_every_dropped_policy_is_noticed(superuser: psycopg.Connection) -> None:
    """So no policy is superfluous."""

    def drop(name: str, table: str, _using: str | None, _check: str | None) -> list[str]:
        return [f"drop policy {name} on {table}"]

    assert find_unnoticed(superuser, drop) == []


def test_every_policy_opened_for_all_rows_is_noticed(
    superuser: psycopg.Connection,
) -> None:
    """For reading and for writing."""

    def open_(name: str, table: str, using: str | None, check: str | None) -> list[str]:
        changes = []
        if using not in (None, "true"):
            changes += [f"using (true) with check ({check or using})"] if check else []
            changes += ["using (true)"]
        if check not in (None, "true"):
            changes += ["with check (true)"]
        return [f"alter policy {name} on {table} {change}" for change in changes]

    assert find_unnoticed(superuser, open_) == []


def test_every_policy_that_lets_a_row_be_moved_to_another_organization_is_noticed(
    superuser: psycopg.Connection,
) -> None:
    def give_away(name: str, table: str, using: str | None, check: str | None) -> list[str]:
        if using in (None, "true") or check is not None:
            return []
        return [f"alter policy {name} on {table} with check (true)"]

    assert find_unnoticed(superuser, give_away, commands="*wa") == []


@pytest.mark.parametrize("change", ["no force row level security", "disable row level security"])
def test_a_table_without_forced_row_security_is_noticed(
    superuser: psycopg.Connection, change: LiteralString
) -> None:
    unnoticed = []
    for table in list_tables(superuser):
        with superuser.transaction(force_rollback=True):
            superuser.execute(f"alter table {table.name} {change}".encode())
            unnoticed += [] if find_leaks(superuser, table.name) else [table.name]

    assert unnoticed == []


def test_the_planners_statistics_show_nothing_to_org_api(conn: psycopg.Connection) -> None:
    """Its most common values are values of rows (CVE-2025-8713)."""
    shown = conn.execute("select tablename from pg_stats where schemaname = 'org'").fetchall()

    assert shown == []


def test_org_api_has_no_way_around_the_policies(superuser: psycopg.Connection) -> None:
    """Only two functions of org_gate read without them."""
    assert find_excess(superuser) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("grant truncate on org.project to org_api", "project"),
        ("grant references (id) on org.app_user to org_api", "app_user"),
        ("grant trigger on org.membership to public", "membership"),
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
        ("grant execute on function org.find_organization_id to public", "find_organization_id"),
        ("alter function org.enter_organization owner to org_owner", "enter_organization"),
        ("alter function org.enter_organization reset all", "enter_organization"),
        ("alter function org.enter_organization set search_path = public", "enter_organization"),
        ("alter function org.enter_organization security invoker", "enter_organization"),
        ("alter table org.project owner to org_api", "project"),
        ("grant org_selector to org_api", "org_selector"),
        ("alter role org_api createrole", "org_api"),
        ("alter role org_gate login", "org_gate"),
        ("alter role org_selector bypassrls", "org_selector"),
    ],
)
def test_each_grant_or_object_that_opens_another_way_is_noticed(
    superuser: psycopg.Connection, statement: LiteralString, named: str
) -> None:
    """As an administrator may create one by mistake."""
    superuser.execute(statement)

    assert [one for one in find_excess(superuser) if named in one]


def test_a_view_that_reads_with_its_callers_rights_is_allowed(
    superuser: psycopg.Connection,
) -> None:
    """It shows what the table would."""
    superuser.execute("create view mine with (security_invoker = on) as select * from org.project")
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
def test_a_member_enters_and_is_known_until_the_transaction_ends(
    shared: RunningApi,
    conn: psycopg.Connection,
    auth0_user_id: str,
    org_id: UUID | str,
    required_role: str,
    role: str,
) -> None:
    """The entry returns the membership role."""
    person = shared.user_id(auth0_user_id.removeprefix("auth0|"))
    with conn.transaction():
        assert _enter(conn, auth0_user_id, org_id, required_role) == role
        assert _entered_ids(conn) == (str(org_id).lower(), str(person))
    assert _entered_ids(conn) == ("", "")


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
        ("'; delete from org.membership; --", ABC, "member", NotAMember),
        ("$1", ABC, "member", NotAMember),
        (SUE, FROZEN, "member", OrganizationSuspended),
        (SUE, FROZEN, "owner", OrganizationSuspended),
        (NINA, FROZEN, "member", NotAMember),  # an outsider does not learn that it is suspended
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
def test_a_person_who_is_not_a_member_in_the_role_is_refused(
    conn: psycopg.Connection,
    rows: RowSecurity,
    auth0_user_id: str,
    org_id: UUID,
    required_role: str,
    refusal: type[GuardError],
) -> None:
    """By both ways in, and no organization stays entered."""
    principal = _principal(auth0_user_id, org_id)
    with rows.visit(required_role) as visit:
        with pytest.raises(refusal):
            rows.select(principal, "select 1")
        with pytest.raises(refusal), rows.organization(principal):
            pass
    assert visit.entered_by is None
    _require_not_entered(conn)


@pytest.mark.parametrize("org_id", ["", "abc-inc", "{", f"{ABC}' or true --"])
def test_a_malformed_organization_id_enters_nothing(conn: psycopg.Connection, org_id: str) -> None:
    """A `Principal` never holds one, and Postgres refuses it, too."""
    with pytest.raises(psycopg.DataError):
        _enter(conn, JOE, org_id)
    _require_not_entered(conn)


def test_a_blocked_removed_or_demoted_owner_is_refused_at_the_next_entry(
    superuser: psycopg.Connection,
) -> None:
    """The owner of a suspended organization is refused, too."""
    for change in (
        "update org.app_user set blocked_at = now() where auth0_user_id = 'auth0|joe'",
        "delete from org.membership where role = 'owner'",
        "update org.organization set suspended_at = now() where slug = 'abc-inc'",
        "update org.membership set role = 'member' where role = 'owner'",
    ):
        with superuser.transaction(force_rollback=True), _as_org_api(superuser):
            assert _enter(superuser, JOE, ABC, "owner") == "owner"
            superuser.execute("reset role")
            superuser.execute(change.encode())
            superuser.execute("set local role org_api")
            with pytest.raises(psycopg.DatabaseError) as refused:
                _enter(superuser, JOE, ABC, "owner")
            assert str(refused.value.sqlstate).startswith("ORG")


def test_a_membership_role_that_the_function_does_not_know_enters_nothing(
    superuser: psycopg.Connection,
) -> None:
    """A later release may add roles to the table."""
    superuser.execute("alter table org.membership drop constraint membership_role_check")
    superuser.execute("update org.membership set role = 'auditor'")
    with pytest.raises(psycopg.DatabaseError) as refused, _as_org_api(superuser):
        _enter(superuser, JOE, ABC)

    assert refused.value.sqlstate == "ORG03"


def test_a_second_entry_replaces_the_first(conn: psycopg.Connection) -> None:
    """Only the rows of the second organization are visible."""
    with conn.transaction():
        assert _enter(conn, JOE, ABC) == "owner"
        assert _enter(conn, JOE, TRAVEL) == "member"
        assert _entered_ids(conn)[0] == str(TRAVEL)
        assert _organizations(conn) == [TRAVEL]


def test_a_rolled_back_savepoint_undoes_the_entry_in_it(
    conn: psycopg.Connection,
) -> None:
    """The organization entered before it stays entered, also after a refusal."""
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
        assert _entered_ids(conn)[0] == str(TRAVEL)


def test_a_failed_transaction_cannot_enter(conn: psycopg.Connection) -> None:
    conn.execute("begin")
    with pytest.raises(psycopg.errors.DivisionByZero):
        conn.execute("select 1 / 0")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        _enter(conn, JOE, ABC)
    conn.rollback()
    _require_not_entered(conn)


def test_temporary_tables_operators_and_functions_do_not_change_an_entry(
    conn: psycopg.Connection, shared: RunningApi
) -> None:
    """org_api may create temporary objects; the functions do not look there first."""
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
        set search_path = pg_temp, org, public, pg_catalog
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
    found = conn.execute("select org.find_organization_id('solo-works')").fetchone()
    assert found == (seed.organization("solo-works").id,)

    with conn.transaction(force_rollback=True):
        _enter(conn, JOE, ABC)
        conn.execute("update org.organization set name = 'Renamed'")
        copies = conn.execute("select distinct org_name from org.membership").fetchall()
        assert copies == [("Renamed",)]  # a trigger did it, in the real table
    # Drop the temporary tables now: they could outlive the connection and disturb another test.
    conn.execute("reset search_path; discard temp")


def test_org_api_cannot_read_what_org_gate_reads_for_it(conn: psycopg.Connection) -> None:
    """It cannot become org_gate or change the functions and policies either."""
    with conn.transaction():
        _enter(conn, JOE, ABC)
        assert conn.execute("select current_user").fetchone() == ("org_api",)
        for statement in (
            "select auth0_user_id from org.app_user",
            "set local role org_gate",
            "set local session authorization org_gate",
            "alter function org.enter_organization(text, uuid, text) reset search_path",
            "alter policy entered on org.project using (true)",
            "alter table org.project disable row level security",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
                conn.execute(statement.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege), conn.transaction():
            conn.execute("set local row_security = off")
            conn.execute("select * from org.project")


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
def test_a_session_shows_nothing_of_the_organization_before(
    conn: psycopg.Connection,
    block: Callable[[psycopg.Connection], AbstractContextManager[object]],
    failure: LiteralString | None,
) -> None:
    """Two organizations share it, with an error in between."""
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
        _require_not_entered(conn)


@pytest.mark.parametrize("accident", [None, *ACCIDENTS])
def test_a_connection_of_the_pool_keeps_no_entered_organization(
    shared: RunningApi, accident: type[Exception] | None
) -> None:
    """The next request sees no row unless it enters."""
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
                _require_not_entered(conn)
            with rows.visit("member"):
                found = rows.select(principal, "select distinct org_id from org.project")
            assert found == [(org_id,)]
            with database.connection() as conn:
                _require_not_entered(conn)
    finally:
        database.close()


def test_a_block_that_ends_well_is_committed_and_a_failed_one_is_rolled_back(
    rows: RowSecurity, conn: psycopg.Connection, shared: RunningApi
) -> None:
    """On any exception."""
    name = f"kept {uuid4()}"
    insert = "insert into org.project (name) values (%s)"
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
    found = shared.superuser.execute("select org_id from org.project where name = %s", (name,))
    assert found.fetchall() == [(ABC,)]
    shared.superuser.execute("delete from org.project where name = %s", (name,))


def test_a_refused_entry_is_raised_at_the_first_result_and_nothing_is_done(
    rows: RowSecurity, conn: psycopg.Connection, shared: RunningApi
) -> None:
    """Statements may have been sent before; Postgres does not run them."""
    reached = []
    name = f"refused {uuid4()}"
    with pytest.raises(NotAMember), rows.organization(_principal(NINA)) as entered:
        cursor = entered.execute("insert into org.project (name) values (%s) returning 1", (name,))
        reached.append("sent")
        cursor.fetchone()
        reached.append("answered")

    assert reached in (["sent"], [])  # the refusal may arrive before the insert is sent
    _require_not_entered(conn)
    found = shared.superuser.execute(
        "select 1 from org.project where name = %s", (name,)
    ).fetchall()
    assert found == []


@pytest.mark.parametrize("person", [JOE, NINA])
def test_a_view_that_ignores_an_error_reads_and_changes_nothing(
    rows: RowSecurity, conn: psycopg.Connection, shared: RunningApi, person: str
) -> None:
    """The same holds after a refused entry. An exception tells the developer."""
    before = shared.superuser.execute("select count(*) from org.project").fetchone()
    with (
        pytest.raises(GuardError, match="went on after an error"),
        rows.organization(_principal(person)) as entered,
    ):
        with suppress(psycopg.Error):
            entered.execute("insert into org.project (name) values ('lost')")
            entered.execute("insert into org.project (name) values ('')").fetchone()
        with pytest.raises(psycopg.Error):
            entered.execute("select * from org.project").fetchall()

    assert shared.superuser.execute("select count(*) from org.project").fetchone() == before
    _require_not_entered(conn)


def test_an_expected_error_in_an_inner_transaction_undoes_only_that(rows: RowSecurity) -> None:
    """The inner transaction is a savepoint."""
    with pytest.raises(Interrupted), rows.organization(_principal()) as entered:
        entered.execute("insert into org.project (name) values ('kept')")
        with pytest.raises(psycopg.errors.CheckViolation), entered.transaction():
            entered.execute("insert into org.project (name) values ('')")
        found = entered.execute("select 1 from org.project where name = 'kept'").fetchall()
        assert found == [(1,)]
        raise Interrupted


@pytest.mark.parametrize("login", [JOE, "auth0|nina"])
def test_an_error_ignored_in_an_inner_pipeline_is_raised_at_the_end(
    shared: RunningApi, login: str
) -> None:
    """Postgres answers COMMIT with ROLLBACK then. A refused entry is an error, too."""
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
                entered.execute("insert into org.project (name) values (%s)", (name,))
                with suppress(psycopg.Error), inner(entered):
                    entered.execute("select 1/0")
                if inner is psycopg.Connection.transaction and login == JOE:
                    raise GuardError("an inner transaction saves the outer one")
        for _ in range(3):  # with the same pool and its prepared statements
            with rows.visit("member"), rows.organization(_principal()) as entered:
                found = entered.execute(
                    "select from org.project where name = %s", (name,)
                ).fetchall()
            assert found == []
    finally:
        database.close()


def test_a_view_that_ignores_a_refusal_has_not_entered(rows: RowSecurity) -> None:
    """The guard then discards the view's answer."""
    for refused, role in ((_principal("auth0|nina"), "member"), (_principal(), "boss")):
        with rows.visit(role) as visit:
            with suppress(GuardError):
                rows.select(refused, "select id from org.project")
            with suppress(GuardError), rows.organization(refused) as conn:
                conn.execute("select id from org.project").fetchall()
        assert visit.entered_by is None
        with pytest.raises(GuardError, match="list_projects answered without entering"):
            visit.require_entered(refused, "list_projects")
    principal = _principal()
    with rows.visit("member") as visit:
        rows.select(principal, "select id from org.project")
    visit.require_entered(principal, "list_projects")
    with pytest.raises(GuardError):  # an equal principal may come from another token
        visit.require_entered(_principal(), "list_projects")


def test_entering_outside_a_visit_is_an_error_for_the_developer(conn: psycopg.Connection) -> None:
    """Before it, after it, and in another thread; the text says what to write."""
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
    """Joe is a member there: the inner visit requires an admin, the outer one a member."""
    principal = _principal(JOE, TRAVEL)
    with rows.visit("member") as outer:
        with rows.visit("admin") as inner, pytest.raises(InsufficientRole):
            rows.select(principal, "select 1")
        assert (outer.entered_by, inner.entered_by) == (None, None)
        rows.select(principal, "select 1")
        assert (outer.entered_by, inner.entered_by) == (principal, None)


def test_an_admin_who_was_removed_while_waiting_is_refused_at_the_second_entry(
    rows: RowSecurity, shared: RunningApi, conn: psycopg.Connection
) -> None:
    """One who was demoted is refused, too."""
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
    _require_not_entered(conn)


def test_an_entry_reads_committed_rows_in_every_isolation_of_the_database(
    shared: RunningApi,
) -> None:
    """Otherwise a request that waited for a lock would not see what was committed meanwhile."""
    options = r"-c default_transaction_isolation=repeatable\ read"
    with psycopg.connect(shared.url, autocommit=True, options=options) as conn:
        rows = RowSecurity(lambda: nullcontext(conn))
        assert conn.execute("show transaction_isolation").fetchone() == ("repeatable read",)
        with rows.visit("member"), rows.organization(_principal()) as entered:
            isolation = entered.execute("show transaction_isolation").fetchone()

    assert isolation == ("read committed",)


def test_an_outage_reaches_the_view_unchanged() -> None:
    """By both ways in."""

    def out_of_reach() -> AbstractContextManager[psycopg.Connection]:
        raise Unavailable("no connection")

    rows = RowSecurity(out_of_reach)
    with pytest.raises(Unavailable), rows.visit("member"), rows.organization(_principal()):
        pass
    with pytest.raises(Unavailable), rows.visit("member"):
        rows.select(_principal(), "select 1")


def test_a_connection_lost_in_a_block_is_an_outage(postgres: Postgres, shared: RunningApi) -> None:
    """Even if the view raises another exception for it."""
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
        "select id from org.project where id = null",
        "select id from org.project where false",
        "select id from org.project limit 0",
    ],
)
def test_an_outsider_whose_query_finds_nothing_is_still_refused(
    rows: RowSecurity, query: LiteralString
) -> None:
    """Postgres skips a query that cannot return rows, and would skip the entry with it."""
    assert rows.select(_principal(), query) == []
    with pytest.raises(NotAMember):
        rows.select(_principal("auth0|nina"), query)


def test_a_fetch_function_runs_every_select(postgres: Postgres) -> None:
    """A pool passes one that tries again; without one, RowSecurity uses the connections."""
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


def test_the_id_of_a_slug_is_found_without_entering(rows: RowSecurity) -> None:
    """It does not show who is a member."""
    assert rows.find_org_id("xyz-travel") == str(TRAVEL)
    assert rows.find_org_id("no-such-thing") is None
    assert rows.find_org_id("' or true --") is None


@pytest.fixture(scope="module")
def crowded(postgres: Postgres, keys_url: str) -> Iterator[RunningApi]:
    """One organization that is far larger than the average, with up-to-date statistics."""
    with run_api(postgres, keys_url) as running:
        for statement in (
            "insert into org.app_user (auth0_user_id, name) "
            "select 'auth0|crowd-' || n, 'One of many' from generate_series(1, 20000) n",
            "insert into org.membership (user_id, org_id, role, joined_at) "
            "select u.id, o.id, 'member', now() + random() * interval '1 day' "
            "from org.app_user u, org.organization o "
            "where o.slug = 'abc-inc' and u.auth0_user_id like 'auth0|crowd-%'",
            "insert into org.project (org_id, name, created_at) "
            "select o.id, 'One of many', now() - random() * interval '1 day' "
            "from org.organization o, generate_series(1, 20000) where o.slug = 'abc-inc'",
            "insert into org.project (org_id, name) "
            "select id, 'The only one' from org.organization",
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
    "project": lambda rows, who, page, id_: ProjectRows(rows).load_project(who, id_),
}


@pytest.mark.parametrize("plans", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("name", STATEMENTS)
def test_every_read_enters_first_and_reads_only_its_page(
    crowded: RunningApi, name: str, plans: str
) -> None:
    """Postgres plans before the entry, so one plan must suit organizations of every size."""
    newest = crowded.superuser.execute(
        "select u.auth0_user_id, m.joined_at, m.user_id from org.membership m "
        "join org.app_user u on u.id = m.user_id where org_id = %s "
        "order by joined_at desc, user_id offset 50 limit 1",
        (ABC,),
    ).fetchone()
    project = crowded.superuser.execute(
        "select id from org.project where org_id = %s order by created_at, id offset 10000 limit 1",
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
    # A page is 21 rows through three indexes; the whole organization is thousands of blocks.
    assert blocks < (250 if name.endswith("s") else 60)


@contextmanager
def _as_org_api(
    conn: psycopg.Connection, person: str | None = None, org_id: UUID | None = None
) -> Iterator[None]:
    """Become org_api inside a superuser's transaction, and enter if *person* is given."""
    conn.execute("set local role org_api")
    if person is not None:
        _enter(conn, person, org_id)
    yield
    if conn.info.transaction_status is TransactionStatus.INTRANS:
        conn.execute("reset role")


def _enter(
    conn: psycopg.Connection, person: str, org_id: UUID | str | None, role: str = "member"
) -> str | None:
    cursor = conn.execute("select org.enter_organization(%s, %s, %s)", (person, org_id, role))
    if conn.info.pipeline_status:
        return None
    row = cursor.fetchone()
    return str(row[0]) if row else None


def _entered_ids(conn: psycopg.Connection) -> tuple[Any, ...]:
    row = conn.execute(
        "select current_setting(%s, true), current_setting(%s, true)",
        SETTINGS,
    ).fetchone()
    assert row is not None
    return row


def _organizations(conn: psycopg.Connection) -> list[UUID]:
    return [org_id for (org_id,) in conn.execute("select id from org.organization")]


def _require_not_entered(conn: psycopg.Connection) -> None:
    assert conn.info.transaction_status is TransactionStatus.IDLE
    assert set(_entered_ids(conn)) <= {None, ""}
    for table in ("organization", "membership", "project", "audit_event", "idempotency_key"):
        found = conn.execute(f"select count(*) from org.{table}".encode()).fetchone()  # noqa: S608
        assert found == (0,)


def _principal(auth0_user_id: str = JOE, org_id: UUID = ABC) -> Principal:
    organization = cast(str, org_id and str(org_id))
    return Principal(auth0_user_id, organization, None, frozenset(), "spa", 0.0)


def _explain(
    conn: psycopg.Connection, query: str, parameters: tuple[object, ...]
) -> tuple[str, int]:
    """Run a query; return the first node that it read, and how many blocks it read."""
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
