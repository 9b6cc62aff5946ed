"""
The cost of reading 20 rows of one organization, with client and backend on one core.

`RowSecurity.select` is compared with the same job by a role without row-level security, which joins
the membership and filters by `org_id` itself. Also measured are the same read without a check of
membership, and the four statements that a developer would write first. `select` is measured for
people with 1, 100 and 10,000 organizations, both as members and refused.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg

from benchmarks import cpu, memberships
from benchmarks.memberships import BenchmarkUser
from benchmarks.report import Line, at_most
from benchmarks.rounds import Rounds, measure
from endpoint.keyset import Keyset
from local_stack.postgres import Postgres
from local_stack.stack import Stack
from org_guard import NotAMember, Principal, RowSecurity, require_row_security
from service.pool import Database

ROUNDS = 9
CALLS = 150  # a round
DATABASE = "rows"
PART = "rows"
SIZES = (1, 100, 10_000)
FLOOR = "no row-level security, no membership"
BY_HAND = "no row-level security, membership by hand"
ENTERED = "entered, one statement"
FOUR_STATEMENTS = "begin, set_config, select, commit"
PIPELINE = "entered, transaction"
PRIMARY_KEY = "primary key"
REFUSED = "refused"
LIMIT = 1.3  # x the same read by hand
GROWTH = 1.5

_COLUMNS: LiteralString = "p.id::text, p.name, p.description, p.created_at, p.updated_at"
_PAGE: LiteralString = (
    "(p.created_at, p.id) < (%s::timestamptz, %s) order by p.created_at desc, p.id desc limit 21"
)
_QUERY: LiteralString = f"select {_COLUMNS} from org.project p where {_PAGE}"  # noqa: S608
_FIRST_PAGE = Keyset().before


def run(stack: Stack) -> list[Line]:
    """Measure all ways in the same rounds."""
    people = prepare(stack.postgres, DATABASE)
    database = Database(
        stack.postgres.url(DATABASE, "org_api"), size=1, configure=require_row_security
    )
    try:
        # The pool's own connection, but used after the pool has got it back: inside the block the
        # pool would close it, because the measurement takes too long.
        with database.connection() as conn:
            pass
        with (
            _connect(stack.postgres, "postgres") as superuser,
            _connect(stack.postgres, "org_api") as plain,
        ):
            rounds = _measure(conn, superuser, plain, people)
    finally:
        database.close()
    return list(_judge(rounds, people))


def prepare(postgres: Postgres, name: str) -> list[BenchmarkUser]:
    """
    Copy the database with a million memberships; add a person for each of SIZES, and projects.

    200 organizations have 300 projects each. All of these people are members of the first one.
    """
    memberships.copy(postgres, name)
    people = [BenchmarkUser(size) for size in SIZES]
    with psycopg.connect(postgres.url(name, "postgres"), autocommit=True) as conn:
        conn.execute("set session_replication_role = replica")
        for person in people:
            memberships.add_person(conn, person)
        conn.execute(
            "insert into org.project (org_id, name, description, created_at) "
            "select md5('organization ' || o)::uuid, 'Project ' || n, 'What it is about', "
            "now() - n * interval '1 hour' "
            "from generate_series(1, 200) o, generate_series(1, 300) n"
        )
        conn.execute("vacuum (analyze)")
    return people


def principal_of(person: BenchmarkUser, org_id: UUID) -> Principal:
    """Return the principal of *person* in an organization, as from a verified token."""
    return Principal(person.auth0_user_id, str(org_id), "admin", frozenset(), "spa", 2e10)


@contextmanager
def _connect(postgres: Postgres, role: str) -> Iterator[psycopg.Connection]:
    url = postgres.url(DATABASE, role)
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as conn:
        # Else Postgres would plan the floor's statements at every call, which costs more.
        conn.execute("set plan_cache_mode = force_generic_plan")
        yield conn


def _measure(
    conn: psycopg.Connection,
    superuser: psycopg.Connection,
    plain: psycopg.Connection,
    people: list[BenchmarkUser],
) -> Rounds:
    @contextmanager
    def lend() -> Iterator[psycopg.Connection]:
        yield conn

    rows = RowSecurity(lend, cast(Any, conn).fetch)
    first = memberships.load_organization(superuser, 1).id
    backend = conn.info.backend_pid

    def read(person: BenchmarkUser) -> Callable[[], object]:
        principal = principal_of(person, first)
        return lambda: rows.select(principal, _QUERY, _FIRST_PAGE)

    def read_in_transaction() -> object:
        with rows.organization(principal_of(people[0], first)) as inside:
            return inside.execute(_QUERY, _FIRST_PAGE).fetchall()

    def refused(person: BenchmarkUser) -> Callable[[], object]:
        stranger = memberships.load_organization(superuser, 40_000).id
        principal = principal_of(person, stranger)

        def call() -> object:
            try:
                rows.select(principal, _QUERY, _FIRST_PAGE)
            except NotAMember as error:
                return error
            raise AssertionError("a stranger was let in")

        return call

    candidates = {
        PRIMARY_KEY: _meter(superuser, lambda: _read_by_primary_key(superuser, people[0])),
        FLOOR: _meter(superuser, lambda: _read_without_membership(superuser, first)),
        BY_HAND: _meter(superuser, lambda: _read_with_membership(superuser, people[0], first)),
        FOUR_STATEMENTS: _meter(plain, lambda: _read_in_four_statements(plain, first)),
        PIPELINE: lambda: cpu.per_call(read_in_transaction, CALLS, backend),
    }
    for person in people:
        for name, make in ((ENTERED, read), (REFUSED, refused)):
            call = make(person)
            with rows.visit("member"):
                assert call(), name
            candidates[f"{name} {person.size}"] = _meter(conn, call)
    pids = [one.info.backend_pid for one in (conn, superuser, plain)]
    with cpu.one_core(*pids), rows.visit("member"):
        return measure(candidates, ROUNDS)


def _meter(conn: psycopg.Connection, call: Callable[[], object]) -> Callable[[], float]:
    pid = conn.info.backend_pid
    return lambda: cpu.per_call(call, CALLS, pid)


def _read_by_primary_key(conn: psycopg.Connection, person: BenchmarkUser) -> Any:
    return conn.execute(
        "select id from org.app_user where auth0_user_id = %s", (person.auth0_user_id,)
    ).fetchone()


def _read_without_membership(conn: psycopg.Connection, org_id: UUID) -> Any:
    rows = conn.execute(
        f"select {_COLUMNS} from org.project p where p.org_id = %s and {_PAGE}",  # noqa: S608
        (org_id, *_FIRST_PAGE),
    ).fetchall()
    assert len(rows) == 21
    return rows


def _read_with_membership(conn: psycopg.Connection, person: BenchmarkUser, org_id: UUID) -> Any:
    rows = conn.execute(
        f"""
        select found.* from org.app_user u
        join org.membership m on m.user_id = u.id and m.org_id = %s and not m.org_suspended,
        lateral (
            select {_COLUMNS} from org.project p where p.org_id = m.org_id and {_PAGE}
        ) found
        where u.auth0_user_id = %s and u.blocked_at is null
        """,  # noqa: S608 - constants
        (org_id, *_FIRST_PAGE, person.auth0_user_id),
    ).fetchall()
    assert len(rows) == 21
    return rows


def _read_in_four_statements(conn: psycopg.Connection, org_id: UUID) -> Any:
    with conn.transaction():
        conn.execute("select set_config('app.org_id', %s, true)", (str(org_id),))
        return conn.execute(_QUERY, _FIRST_PAGE).fetchall()


def _judge(rounds: Rounds, people: list[BenchmarkUser]) -> Iterator[Line]:
    for name in (PRIMARY_KEY, FLOOR):
        yield Line(PART, f"floor: {name}", f"{rounds.median(name):.1f} us")
    smallest, largest = people[0].size, people[-1].size
    entered = f"{ENTERED} {smallest}"
    note = f"{rounds.median(entered):.1f} us; {rounds.ratio(entered, FLOOR):.3g} x {FLOOR}"
    ratio = rounds.ratio(entered, BY_HAND)
    yield at_most(PART, ENTERED, ratio, LIMIT, unit=f" x {BY_HAND}", note=note)
    for name in (BY_HAND, PIPELINE, FOUR_STATEMENTS):
        measured = f"{rounds.ratio(name, FLOOR):.3g} x {FLOOR}  ({rounds.median(name):.1f} us)"
        yield Line(PART, name, measured)
    for name in (ENTERED, REFUSED):
        growth = rounds.ratio(f"{name} {largest}", f"{name} {smallest}")
        microseconds = " / ".join(f"{rounds.median(f'{name} {one.size}'):.0f}" for one in people)
        what = f"{name}, growth {smallest} -> {largest:,} organizations"
        yield at_most(PART, what, growth, GROWTH, unit=" x", note=f"{microseconds} us")
