"""
The cost of requests to the selector: CPU of gunicorn's workers and Postgres' backends.

It is divided by the cost of a Flask view that does nothing. Both run with the project's gunicorn
configuration and two workers. The requests are those of people with 10, 1,000 and 20,000
organizations.
"""

from collections.abc import Callable, Iterator

import psycopg

from benchmarks import memberships
from benchmarks.counter import count_statements
from benchmarks.cpu import Meter
from benchmarks.load import CheckedRequest
from benchmarks.logins import RequestBuilder
from benchmarks.memberships import PEOPLE, BenchmarkUser
from benchmarks.report import Line, at_most
from benchmarks.rounds import Rounds, measure
from benchmarks.server import list_backends, measure_request, run_empty, run_selector
from local_stack.stack import Stack

ROUNDS = 7
REQUESTS = 240  # a round
DATABASE = "requests"
FLOOR = "empty view"
GROWTH = 2.0  # from 10 to 20,000 organizations
DECISION = "POST /decisions, hint"
DECISION_NO_HINT = "POST /decisions, no hint"
PAGE = "GET /select"
NEXT_PAGE = "GET /select, half-way"
SEARCH = "GET /select, search"
CHOICE = "POST /select"
LIMITS = {DECISION: 2.3, DECISION_NO_HINT: 2.3, PAGE: 3.6, CHOICE: 3.0}  # x the empty view

Kinds = dict[str, Callable[[RequestBuilder], CheckedRequest]]


def run(stack: Stack) -> list[Line]:
    """Count statements, then measure all kinds of requests in the same rounds."""
    memberships.copy(stack.postgres, DATABASE)
    url = stack.postgres.url(DATABASE, "postgres")
    with psycopg.connect(url, autocommit=True) as superuser:
        kinds = {person: _list_kinds(superuser, person) for person in PEOPLE}
        counts = {
            kind: count_statements(stack, DATABASE, make) for kind, make in kinds[PEOPLE[0]].items()
        }
        rounds = _measure(stack, superuser, kinds)
    return list(_judge(counts, rounds))


def _list_kinds(conn: psycopg.Connection, person: BenchmarkUser) -> Kinds:
    middle = memberships.load_middle(conn, person)
    last = memberships.load_organization(conn, person.size)
    heading = "Choose an organization"
    return {
        DECISION: lambda builder: builder.decision(person, last),
        DECISION_NO_HINT: lambda builder: builder.decision(person, None),
        PAGE: lambda builder: builder.page(person, heading),
        NEXT_PAGE: lambda builder: builder.next_page(person, heading, middle),
        SEARCH: lambda builder: builder.page(person, f"{last.id}", search=last.name[:6]),
        CHOICE: lambda builder: builder.choice(person, last),
    }


def _measure(
    stack: Stack, superuser: psycopg.Connection, kinds: dict[BenchmarkUser, Kinds]
) -> Rounds:
    def list_postgres() -> list[int]:
        return list_backends(superuser, DATABASE)

    with run_empty(stack) as empty, run_selector(stack, DATABASE) as (selector, builder):
        meter = Meter(lambda: [*selector.list_workers(), *list_postgres()])
        floor_meter = Meter(empty.list_workers)

        def measure_kind(make: Callable[[RequestBuilder], CheckedRequest]) -> Callable[[], float]:
            # Signed again in each round, because a decision token expires after 30 s.
            return lambda: measure_request(
                selector, meter, [make(builder) for _ in range(REQUESTS)]
            )

        candidates = {
            FLOOR: lambda: measure_request(
                empty, floor_meter, [CheckedRequest("/empty", b"ok")] * REQUESTS
            )
        }
        for person, makes in kinds.items():
            for kind, make in makes.items():
                candidates[_label(kind, person)] = measure_kind(make)
        return measure(candidates, ROUNDS)


def _judge(counts: dict[str, float], rounds: Rounds) -> Iterator[Line]:
    part = "requests"
    for kind, count in counts.items():
        yield at_most(part, f"{kind}: statements", count, 1)
    yield Line(part, f"floor: {FLOOR}", f"{rounds.median(FLOOR):.0f} us")
    smallest, *_, largest = PEOPLE
    for kind in counts:
        for person in PEOPLE:
            label = _label(kind, person)
            ratio, note = rounds.ratio(label, FLOOR), f"{rounds.median(label):.0f} us"
            if kind in LIMITS:
                yield at_most(part, label, ratio, LIMITS[kind], unit=f" x {FLOOR}", note=note)
            else:
                yield Line(part, label, f"{ratio:.4g} x {FLOOR}  ({note})")
        growth = rounds.ratio(_label(kind, largest), _label(kind, smallest))
        what = f"{kind}, growth {smallest.size:,} -> {largest.size:,}"
        yield at_most(part, what, growth, GROWTH, unit=" x")


def _label(kind: str, person: BenchmarkUser) -> str:
    return f"{kind}, {person.size:,} organizations"
