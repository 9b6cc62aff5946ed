"""
Becoming a member: five hundred people accept at once, and a person with 10,000 invitations.

The five hundred have invitations to one organization, whose lock they need one after the other, and
each sends the same acceptance twice. The decision about the person with 10,000 invitations is
measured like the other statements (`statements.py`).
"""

import json
import secrets
import statistics
import threading
import time
from collections import Counter

import psycopg

from benchmarks import cpu, memberships
from benchmarks.load import exchange
from benchmarks.logins import RequestBuilder
from benchmarks.report import Line, at_most
from benchmarks.rounds import measure
from benchmarks.statements import CALLS, ROUNDS, one_connection
from local_stack import seed
from local_stack.stack import DATABASE, Stack
from org_guard.role_check import require_plain_role
from org_selector.rows import DecisionRows
from service.pool import Database

PART = "joining"
PEOPLE = 500
INVITATIONS = 10_000
LIMIT = 2.0  # x the decision without invitations
COPY = "joining"
FEW, MANY = "without invitations", f"with {INVITATIONS:,} invitations"
_ORGANIZATION = seed.organization("customer-0001")
_INVITE = """
    with people as (
        insert into org.app_user (auth0_user_id, email, email_verified, name)
        select 'auth0|joining-' || n, 'joining-' || n || '@example.com', true, 'Joining ' || n
        from generate_series(1, %(people)s) n returning auth0_user_id, email
    ), invitations as (
        insert into org.invitation (org_id, email, role, expires_at)
        select %(org_id)s, email, 'member', now() + interval '7 days' from people
        returning id, email
    )
    select p.auth0_user_id, p.email, i.id::text from people p join invitations i using (email)
"""
_COUNT = """
    select (select count(*) from org.membership m join org.app_user u on u.id = m.user_id
            where u.auth0_user_id like 'auth0|joining-%%' and m.org_id = %(org_id)s),
        (select count(*) from org.invitation where accepted_at is not null
            and email like 'joining-%%'),
        (select count(*) from org.audit_event where action = 'invitation.accepted'
            and target_name like 'joining-%%')
"""
_ADD_INVITED = """
    insert into org.app_user (auth0_user_id, email, email_verified, name)
    values ('auth0|few', 'few@example.com', true, 'Few'),
        ('auth0|many', 'many@example.com', true, 'Many');
    insert into org.invitation (org_id, email, role, expires_at)
    select id, 'many@example.com', 'member', now() + interval '7 days'
    from org.organization limit 10000;
    analyze org.invitation;
"""


def run(stack: Stack) -> list[Line]:
    """Measure both."""
    return [*_accept_together(stack), *_decide_with_many(stack)]


def _accept_together(stack: Stack) -> list[Line]:
    builder = RequestBuilder(stack.tenant_host, stack.session_secret, stack.selector_url)
    superuser_url = stack.postgres.url(DATABASE, "postgres")
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        invited = superuser.execute(
            _INVITE, {"people": PEOPLE, "org_id": _ORGANIZATION.id}
        ).fetchall()
        requests = []
        for auth0_user_id, email, invitation_id in invited:
            choice = {"invitation_id": invitation_id, "nonce": secrets.token_urlsafe(16)}
            flags = {"remember": False, "forget": False}
            requests.append(
                builder.question(auth0_user_id, email, "Joining", "page", choice=choice | flags)
            )
        outcomes: Counter[str] = Counter()
        seconds: list[float] = []
        start = threading.Barrier(PEOPLE + 1)

        def accept(number: int) -> None:
            start.wait()
            began = time.monotonic()
            for _ in range(2):
                answer = json.loads(exchange(stack.ports.selector, requests[number]))
                outcomes[answer.get("reason", answer["outcome"])] += 1
            seconds.append((time.monotonic() - began) / 2)

        threads = [threading.Thread(target=accept, args=(number,)) for number in range(PEOPLE)]
        for thread in threads:
            thread.start()
        start.wait()
        began = time.monotonic()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
        [counts] = superuser.execute(_COUNT, {"org_id": _ORGANIZATION.id}).fetchall()
        superuser.execute("delete from org.invitation where email like 'joining-%'")
        superuser.execute("delete from org.app_user where auth0_user_id like 'auth0|joining-%'")
    p99 = statistics.quantiles(seconds, n=100)[98]
    return [
        Line(
            PART,
            f"{PEOPLE} people accept at once, each twice",
            "; ".join(f"{count} x {outcome}" for outcome, count in outcomes.most_common()),
            "all get the organization",
            outcomes == {"organization": 2 * PEOPLE},
        ),
        Line(
            PART,
            "members, accepted invitations, audit events afterwards",
            " / ".join(map(str, counts)),
            f"{PEOPLE} each",
            counts == (PEOPLE,) * 3,
        ),
        Line(PART, "until the last answer, and p99 of a request", f"{took:.2f} s, {p99:.2f} s"),
    ]


def _decide_with_many(stack: Stack) -> list[Line]:
    memberships.copy(stack.postgres, COPY)
    with psycopg.connect(stack.postgres.url(COPY, "postgres"), autocommit=True) as superuser:
        superuser.execute(_ADD_INVITED)
    database = Database(
        stack.postgres.url(COPY, "org_selector"), size=1, configure=require_plain_role
    )
    try:
        with database.connection() as conn:
            pass
        rows = DecisionRows(one_connection(conn))
        backend = conn.info.backend_pid

        def meter(auth0_user_id: str, invited: bool) -> float:
            standing = rows.find_standing(auth0_user_id, None)
            assert standing is not None
            assert standing.invited is invited
            return cpu.per_call(lambda: rows.find_standing(auth0_user_id, None), CALLS, backend)

        with cpu.one_core(backend):
            found = measure(
                {
                    FEW: lambda: meter("auth0|few", False),
                    MANY: lambda: meter("auth0|many", True),
                },
                ROUNDS,
            )
    finally:
        database.close()
    note = f"{found.median(MANY):.0f} us; {FEW} {found.median(FEW):.0f} us"
    return [at_most(PART, f"decision {MANY}", found.ratio(MANY, FEW), LIMIT, unit=" x", note=note)]
