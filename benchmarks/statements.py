"""
The cost of the selector's statements, with client and backend on one core.

Each is called as the product calls it, on a connection of the product's pool. The cost is divided
by that of a prepared look-up by primary key on a plain psycopg connection. That look-up takes 23.4
us on the machine for which the goals were set, so a goal of 60 us is a goal of 2.56 look-ups.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg

from benchmarks import cpu, memberships
from benchmarks.memberships import PEOPLE, BenchmarkUser
from benchmarks.report import Line, at_most
from benchmarks.rounds import Rounds, measure
from local_stack.postgres import Postgres
from local_stack.stack import Stack
from org_guard.role_check import require_plain_role
from org_selector.choice_rows import ChoiceRows
from org_selector.picker.lookup.rows import LookupRows
from org_selector.picker.rows import PickerRows
from org_selector.question import Asked
from org_selector.rows import DecisionRows
from service.pool import Database

ROUNDS = 9
CALLS = 150  # a round
LIMIT = 60.0  # us, where a look-up by primary key takes FLOOR us
FLOOR = 23.4
GROWTH = 2.0  # from 10 to 20,000 organizations
DATABASE = "statements"
PART = "statements"
START = ("", UUID(int=0))
PRIMARY_KEY = "primary key"
SELECT_ONE = "select 1"

READS = (
    "find_standing, hint",
    "find_standing, nothing",
    "load_page, first",
    "load_page, half-way",
    "search_page, found",
    "search_page, nothing",
    "find_selectable",
)
WRITE = "apply_selection"

Calls = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class OneConnection:
    """The methods of `Database` that the product's rows use, on one connection without limits."""

    conn: psycopg.Connection

    def fetch(self, statement: str, values: object) -> list[tuple[Any, ...]]:
        """Run a statement as the pool's connection does."""
        rows: list[tuple[Any, ...]] = cast(Any, self.conn).fetch(statement, values)
        return rows

    fetch_once = fetch


def run(stack: Stack) -> list[Line]:
    """Measure every statement for people with 10, 1,000 and 20,000 organizations."""
    memberships.copy(stack.postgres, DATABASE)
    database = Database(
        stack.postgres.url(DATABASE, "org_selector"),
        size=1,
        configure=require_plain_role,
    )
    try:
        # The pool's own connection, but used after the pool has got it back: inside the block the
        # pool would close it, because the measurement takes too long.
        with database.connection() as conn:
            pass
        with _connect(stack.postgres) as plain:
            reads, writes = _measure(conn, plain)
    finally:
        database.close()
    floors = [
        Line(PART, f"floor: {one}", f"{reads.median(one):.1f} us")
        for one in (SELECT_ONE, PRIMARY_KEY)
    ]
    return [*floors, *_judge(reads, READS), *_judge(writes, (WRITE,))]


@contextmanager
def _connect(postgres: Postgres) -> Iterator[psycopg.Connection]:
    url = postgres.url(DATABASE, "org_selector")
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as conn:
        yield conn


def _measure(conn: psycopg.Connection, plain: psycopg.Connection) -> tuple[Rounds, Rounds]:
    floor: Calls = {
        SELECT_ONE: lambda: plain.execute("select 1").fetchone(),
        PRIMARY_KEY: lambda: plain.execute(
            "select id from org.app_user where auth0_user_id = %s", (PEOPLE[0].auth0_user_id,)
        ).fetchone(),
    }
    backend, plain_backend = conn.info.backend_pid, plain.info.backend_pid

    def meter(call: Callable[[], object], pid: int) -> Callable[[], float]:
        assert call() is not None, "nothing found"
        return lambda: cpu.per_call(call, CALLS, pid)

    def rounds_of(calls: Calls) -> Rounds:
        return measure(
            {name: meter(call, plain_backend) for name, call in floor.items()}
            | {name: meter(call, backend) for name, call in calls.items()},
            ROUNDS,
        )

    reads: Calls = {}
    writes: Calls = {}
    for person in PEOPLE:
        reads |= {f"{name} {person.size}": call for name, call in _list_reads(conn, person).items()}
        writes[f"{WRITE} {person.size}"] = _write(conn, person)
    with cpu.one_core(backend, plain_backend):
        # Reads first, because writes leave dead rows that slow reads down until the next vacuum.
        return rounds_of(reads), rounds_of(writes)


def _list_reads(conn: psycopg.Connection, person: BenchmarkUser) -> Calls:
    decisions, picker = DecisionRows(one_connection(conn)), PickerRows(one_connection(conn))
    lookups = LookupRows(one_connection(conn))
    user, nonce = person.auth0_user_id, "n" * 22
    middle = memberships.load_middle(conn, person)
    last = memberships.load_organization(conn, person.size)
    hint, found = Asked("hint", slug=last.slug), last.name[:6]
    return {
        "find_standing, hint": lambda: decisions.find_standing(user, hint),
        "find_standing, nothing": lambda: decisions.find_standing(user, None),
        "load_page, first": lambda: picker.load_page(user, nonce=nonce, after=START),
        "load_page, half-way": lambda: picker.load_page(user, nonce=nonce, after=middle),
        "search_page, found": lambda: picker.search_page(
            user, nonce=nonce, after=START, search=found
        ),
        "search_page, nothing": lambda: picker.search_page(
            user, nonce=nonce, after=START, search="qqqq"
        ),
        "find_selectable": lambda: lookups.find_selectable(user, org_id=last.id, nonce=nonce),
    }


def _write(conn: psycopg.Connection, person: BenchmarkUser) -> Callable[[], object]:
    rows = ChoiceRows(one_connection(conn))
    # A different organization each time, because updating one row again and again costs more.
    choices = itertools.cycle(memberships.list_organizations(conn, person, 1_000))
    return lambda: rows.apply_selection(
        person.auth0_user_id,
        org_id=next(choices),
        nonce=uuid4().hex,
        remember=False,
        forget=False,
    )


def one_connection(conn: psycopg.Connection) -> Database:
    """Let rows run their statements on *conn*."""
    return cast(Database, OneConnection(conn))


def _judge(rounds: Rounds, names: Sequence[str]) -> Iterator[Line]:
    smallest, *_, largest = PEOPLE
    for name in names:
        labels = [f"{name} {person.size}" for person in PEOPLE]
        microseconds = " / ".join(f"{rounds.median(label):.0f}" for label in labels)
        worst = max(rounds.ratio(label, PRIMARY_KEY) for label in labels)
        worst_by_select_one = max(rounds.ratio(label, SELECT_ONE) for label in labels)
        yield at_most(
            PART,
            name,
            worst,
            LIMIT / FLOOR,
            unit=f" x {PRIMARY_KEY}",
            note=f"{microseconds} us; {worst_by_select_one:.1f} x {SELECT_ONE}",
        )
        growth = rounds.ratio(f"{name} {largest.size}", f"{name} {smallest.size}")
        what = f"{name}, growth {smallest.size:,} -> {largest.size:,}"
        yield at_most(PART, what, growth, GROWTH, unit=" x")
