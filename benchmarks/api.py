"""
The cost of one authorized request that reads 20 rows: `GET /projects` of the resource API.

Measured are the CPU of gunicorn's workers and Postgres' backends, divided by that of a Flask view
that does nothing, and the requests a second, divided by those of `first_version.py`. All servers
run with the project's gunicorn configuration and two workers. The tokens belong to 50 people and
are sent many times, as a browser does.

Also measured: how many requests a member gets through after their removal.
"""

import time
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg

from benchmarks import load, memberships, rows
from benchmarks.cpu import Meter
from benchmarks.load import CheckedRequest
from benchmarks.memberships import BenchmarkUser
from benchmarks.report import Line, at_least, at_most
from benchmarks.rounds import Rounds, measure
from benchmarks.server import (
    Server,
    list_backends,
    measure_request,
    run_api,
    run_empty,
    run_first_version,
)
from benchmarks.tokens import serve_keys
from local_stack import access_tokens
from local_stack.stack import Stack

ROUNDS = 7
REQUESTS = 300  # a round
CONNECTIONS = 8
SECONDS = 1.0  # a round of requests a second
DATABASE = "api"
PART = "api"
FLOOR = "empty view"
FIRST = "first version"
LIMIT = 2.8  # x the empty view
FASTER = 1.5  # x the requests a second of the first version
GROWTH = 1.5


def run(stack: Stack) -> list[Line]:
    """Measure CPU, then requests a second, then requests after a removal."""
    people = rows.prepare(stack.postgres, DATABASE)
    url = stack.postgres.url(DATABASE, "postgres")
    with (
        psycopg.connect(url, autocommit=True) as superuser,
        serve_keys() as keys,
        run_api(stack, DATABASE, keys.url) as api,
        run_first_version(stack, DATABASE, keys.url) as first,
        run_empty(stack) as empty,
    ):
        org_id = memberships.load_organization(superuser, 1).id
        crowd = _add_members(superuser, org_id)
        cpu = _measure_cpu(superuser, api, first, empty, people, crowd, org_id)
        speed = _measure_speed(api, first, empty, [_list_projects(one, org_id) for one in crowd])
        lines = [*_judge(cpu, speed, people)]
        lines += [_removal(superuser, api, person) for person in people]
    return lines


def _add_members(superuser: psycopg.Connection, org_id: UUID) -> list[str]:
    """Make 50 people members of the organization that has projects; return their Auth0 user ids."""
    found = superuser.execute(
        "insert into org.membership (user_id, org_id, role) "
        "select id, %s, 'member' from org.app_user where email like 'user%%' "
        "order by email limit 50 on conflict do nothing "
        "returning (select auth0_user_id from org.app_user where id = user_id)",
        (org_id,),
    ).fetchall()
    return [auth0_user_id for (auth0_user_id,) in found]


def _list_projects(
    auth0_user_id: str, org_id: UUID, *, status: int = 200, expected: bytes = b"Project"
) -> CheckedRequest:
    claims = access_tokens.valid_claims(sub=auth0_user_id, **{access_tokens.ORG_CLAIM: str(org_id)})
    headers = {"Authorization": f"Bearer {access_tokens.sign(claims=claims)}"}
    return CheckedRequest("/projects", expected, headers=headers, status=status)


def _measure_cpu(
    superuser: psycopg.Connection,
    api: Server,
    first: Server,
    empty: Server,
    people: list[BenchmarkUser],
    crowd: list[str],
    org_id: UUID,
) -> Rounds:
    def list_pids(server: Server, application: str) -> Callable[[], list[int]]:
        return lambda: [
            *server.list_workers(),
            *list_backends(superuser, DATABASE, "org_api", application),
        ]

    meters = {
        "api": Meter(list_pids(api, "api")),
        FIRST: Meter(list_pids(first, "first")),
        FLOOR: Meter(empty.list_workers),
    }
    requests = [_list_projects(one, org_id) for one in crowd]
    many = (requests * REQUESTS)[:REQUESTS]
    candidates = {
        FLOOR: lambda: measure_request(
            empty, meters[FLOOR], [CheckedRequest("/empty", b"ok")] * REQUESTS
        ),
        FIRST: lambda: measure_request(first, meters[FIRST], many),
        "api": lambda: measure_request(api, meters["api"], many),
        "api, every token new": lambda: measure_request(
            api, meters["api"], [_list_projects(one, org_id) for one in crowd * 6]
        ),
    }
    for person in people:
        own = [_list_projects(person.auth0_user_id, org_id)] * REQUESTS
        candidates[_label(person)] = lambda own=own: measure_request(  # type: ignore[misc]
            api, meters["api"], own
        )
    return measure(candidates, ROUNDS)


def _measure_speed(
    api: Server, first: Server, empty: Server, requests: list[CheckedRequest]
) -> Rounds:
    def rate(server: Server, own: list[CheckedRequest]) -> Callable[[], float]:
        return lambda: load.count_per_second(
            server.port, own, seconds=SECONDS, connections=CONNECTIONS
        )

    return measure(
        {
            FLOOR: rate(empty, [CheckedRequest("/empty", b"ok")]),
            FIRST: rate(first, requests),
            "api": rate(api, requests),
        },
        ROUNDS,
    )


def _removal(superuser: psycopg.Connection, api: Server, person: BenchmarkUser) -> Line:
    """Remove a member and count the requests that still succeed after the commit."""
    number = min(person.size, 150)
    org_id = memberships.load_organization(superuser, number).id
    request, through = _list_projects(person.auth0_user_id, org_id), 0
    load.exchange(api.port, request)
    superuser.execute(
        "delete from org.membership where org_id = %s "
        "and user_id = (select id from org.app_user where auth0_user_id = %s)",
        (org_id, person.auth0_user_id),
    )
    removed = time.monotonic()
    while time.monotonic() < removed + 5:
        try:
            load.exchange(api.port, request)
        except load.WrongAnswer:
            break
        through += 1
    refused = _list_projects(person.auth0_user_id, org_id, status=403, expected=b"not_a_member")
    load.exchange(api.port, refused)
    return at_most(PART, f"requests after removal, {person.size:,} organizations", through, 0)


def _label(person: BenchmarkUser) -> str:
    return f"api, {person.size:,} organizations"


def _judge(cpu: Rounds, speed: Rounds, people: list[BenchmarkUser]) -> Iterator[Line]:
    yield Line(PART, f"floor: {FLOOR}", f"{cpu.median(FLOOR):.0f} us")
    for name in ("api", "api, every token new"):
        ratio, note = cpu.ratio(name, FLOOR), f"{cpu.median(name):.0f} us"
        if name == "api":
            yield at_most(PART, "GET /projects", ratio, LIMIT, unit=f" x {FLOOR}", note=note)
        else:
            yield Line(PART, "GET /projects, every token new", f"{ratio:.3g} x {FLOOR}  ({note})")
    ratio = cpu.ratio(FIRST, FLOOR)
    yield Line(PART, f"CPU of {FIRST}", f"{ratio:.3g} x {FLOOR}  ({cpu.median(FIRST):.0f} us)")
    ratio = speed.ratio("api", FIRST)
    note = f"{speed.median('api'):.0f} /s; {FLOOR} {speed.median(FLOOR):.0f} /s"
    yield at_least(PART, "requests a second", ratio, FASTER, unit=f" x {FIRST}", note=note)
    growth = cpu.ratio(_label(people[-1]), _label(people[0]))
    what = f"GET /projects, growth {people[0].size} -> {people[-1].size:,} organizations"
    yield at_most(PART, what, growth, GROWTH, unit=" x")
