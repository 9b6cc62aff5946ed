"""Lists of the resource API, page after page: no row twice, none missing, the last page as fast."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest

from api.rows.audit_events import AuditEventRows
from api.rows.members import MemberRows
from api.rows.projects import ProjectRows
from endpoint.keyset import Keyset
from local_stack import seed
from org_guard import Principal, RowSecurity
from tests.kit.running_api import RunningApi

SOLO = seed.organization("solo-works")
BEGINNING = "2026-01-01 00:00:00+00"


@dataclass(frozen=True)
class Listed:
    """A list, and the statement that adds $1 rows to it; {at} is the time of row n."""

    path: str
    index: str
    newest_first: bool
    fill: str
    remove: str
    method: Callable[[RowSecurity], Callable[[Principal, Keyset], Any]]


LISTS = (
    Listed(
        "/projects",
        "project_by_age",
        True,
        "insert into org.project (org_id, name, created_at) "
        "select %(org)s, 'Project ' || n, {at} from generate_series(1, %(rows)s) n",
        "delete from org.project where id = %s",
        lambda rows: ProjectRows(rows).list_projects,
    ),
    Listed(
        "/audit-events",
        "audit_event_by_age",
        True,
        "insert into org.audit_event (org_id, at, actor_user_id, client_id, action, target_id) "
        "select %(org)s, {at}, gen_random_uuid(), 'x', 'a.b', gen_random_uuid() "
        "from generate_series(1, %(rows)s) n",
        "delete from org.audit_event where id = %s",
        lambda rows: AuditEventRows(rows).list_audit_events,
    ),
    Listed(
        "/members",
        "membership_by_organization",
        False,
        "with person as (insert into org.app_user (auth0_user_id, name) "
        "select 'many|' || gen_random_uuid(), 'Person ' || n from generate_series(1, %(rows)s) n "
        "returning id, split_part(name, ' ', 2)::int as n) "
        "insert into org.membership (user_id, org_id, role, joined_at) "
        "select id, %(org)s, 'member', {at} from person",
        "delete from org.membership where user_id = %s",
        lambda rows: MemberRows(rows).list_members,
    ),
)
every_list = pytest.mark.parametrize("listed", LISTS, ids=lambda one: one.path)
# Rows at different times, two or three at the same microsecond, all at the same.
TIMES = {
    "apart": f"timestamptz '{BEGINNING}' + n * interval '1 second'",
    "in groups": f"timestamptz '{BEGINNING}' + (n / 3) * interval '1 microsecond'",
    "equal": f"timestamptz '{BEGINNING}'",
}


def fill(api: RunningApi, listed: Listed, rows: int, at: str = TIMES["apart"]) -> None:
    """Add this many rows to Ann's organization."""
    api.superuser.execute(listed.fill.format(at=at), {"org": SOLO.id, "rows": rows})


@pytest.fixture
def api(api: RunningApi) -> RunningApi:
    """An API where Ann's organization has only herself, who joined long ago."""
    api.superuser.execute("delete from org.project where org_id = %s", (SOLO.id,))
    api.superuser.execute(
        "update org.membership set joined_at = '2020-01-01' where org_id = %s", (SOLO.id,)
    )
    return api


def ann_herself(listed: Listed) -> int:
    """Return how many rows a list has before any is added."""
    return int(listed.path == "/members")


def load(api: RunningApi, path: str, **query: object) -> dict[str, Any]:
    """Load one page as Ann."""
    answer = api.get(path, login="ann", slug="solo-works", query_string=query)
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.get_json()
    assert page.keys() == {"items", "next"}
    return page


def walk(api: RunningApi, path: str, **query: object) -> Iterator[list[dict[str, Any]]]:
    """Load page after page."""
    page = load(api, path, **query)
    yield page["items"]
    while page["next"] is not None:
        page = load(api, path, after=page["next"], **query)
        yield page["items"]


def place(listed: Listed, item: dict[str, Any]) -> tuple[str, str]:
    """Return what a list is sorted by."""
    times = {"/projects": "created_at", "/audit-events": "at", "/members": "joined_at"}
    # A time without microseconds is written without them.
    at = re.sub(r"(:\d\d)Z$", r"\1.000000Z", item[times[listed.path]])
    return at, item["id"]


@every_list
@pytest.mark.parametrize("limit", [None, 1, 2, 100])
def test_the_last_page_has_no_next_and_every_other_page_has_one(
    api: RunningApi, listed: Listed, limit: int | None
) -> None:
    """With no row, one, one less than a page holds, exactly as many, and one more."""
    fits = 20 if limit is None else limit
    query = {} if limit is None else {"limit": limit}
    there = ann_herself(listed)
    assert len(load(api, listed.path, **query)["items"]) == there
    assert load(api, listed.path, **query)["next"] is None
    for rows in sorted({1, fits - 1, fits, fits + 1, 2 * fits, 2 * fits + 1} - {0}):
        fill(api, listed, rows - there, "clock_timestamp()")
        there = rows
        pages = [len(page) for page in walk(api, listed.path, **query)]

        assert pages == [*[fits] * ((rows - 1) // fits), (rows - 1) % fits + 1]


@every_list
@pytest.mark.parametrize("times", TIMES)
def test_250_rows_are_each_shown_once(api: RunningApi, listed: Listed, times: str) -> None:
    """In one order for every page length, rows of equal times included."""
    fill(api, listed, 250, TIMES[times])
    whole = [one for page in walk(api, listed.path, limit=100) for one in page]

    assert len({one["id"] for one in whole}) == len(whole) == 250 + ann_herself(listed)
    assert whole == sorted(whole, key=lambda one: place(listed, one), reverse=listed.newest_first)
    for limit in (7, 20, 50, 83):
        assert [one for page in walk(api, listed.path, limit=limit) for one in page] == whole


@every_list
@pytest.mark.parametrize("times", TIMES)
def test_a_row_that_stays_is_shown_once_while_others_come_and_go(
    api: RunningApi, listed: Listed, times: str
) -> None:
    """Even if the row that a cursor names was deleted."""
    fill(api, listed, 60, TIMES[times])
    there = {one["id"] for page in walk(api, listed.path) for one in page}
    own = str(api.user_id("ann"))
    removed: set[str] = set()
    shown: list[str] = []
    for number, page in enumerate(walk(api, listed.path, limit=10)):
        shown += [one["id"] for one in page]
        # The last row that was shown, and one that was not shown yet.
        later = sorted(there - set(shown) - removed - {own})[:1]
        for gone in {page[-1]["id"], *later} - {own}:
            api.superuser.execute(listed.remove, (gone,))
            removed.add(gone)
        if number < 3:
            fill(api, listed, 2, "now()")  # at one end
            fill(api, listed, 2, f"timestamptz '{BEGINNING}' - interval '1 day'")  # at the other

    assert len(shown) == len(set(shown))
    assert there - removed <= set(shown)


@every_list
def test_rows_a_microsecond_apart_are_shown_once_and_in_order(
    api: RunningApi, listed: Listed
) -> None:
    """A cursor with rounded times would lose rows or show them twice."""
    fill(api, listed, 40, f"timestamptz '{BEGINNING}' + (999980 + n) * interval '1 us'")
    ids = [one["id"] for page in walk(api, listed.path, limit=1) for one in page]

    assert len(ids) == len(set(ids)) == 40 + ann_herself(listed)


@every_list
def test_the_order_is_the_same_without_the_index(api: RunningApi, listed: Listed) -> None:
    """Postgres may stop using the index, so the statement itself must name the whole order."""
    fill(api, listed, 50, TIMES["equal"])
    by_index = [one for page in walk(api, listed.path, limit=7) for one in page]
    for way in ("indexscan", "indexonlyscan", "bitmapscan"):
        api.superuser.execute(
            f"alter role org_api in database {api.database_name} set enable_{way} = off"
        )
    api.superuser.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where usename = 'org_api' and datname = current_database()"
    )

    assert [one for page in walk(api, listed.path, limit=7) for one in page] == by_index


class _Explaining:
    """Stands in for a connection, and keeps the plan of its last statement."""

    def __init__(self, conn: psycopg.Connection, mode: str) -> None:
        self._conn, self._mode = conn, mode
        self.plan: dict[str, Any] = {}
        self._found: list[tuple[Any, ...]] = []

    def execute(self, query: str, parameters: Sequence[object]) -> "_Explaining":
        numbers = iter(range(1, len(parameters) + 1))
        with self._conn.transaction():
            # As psycopg prepares it; Postgres may plan it for these values or for any.
            self._conn.execute(f"set local plan_cache_mode = {self._mode}")
            text = re.sub("%s", lambda _: f"${next(numbers)}", query)
            self._conn.execute(f"prepare listing as {text}")
            with psycopg.ClientCursor(self._conn) as cursor:
                marks = ", ".join(["%s"] * len(parameters))
                cursor.execute(
                    f"explain (analyze, format json) execute listing ({marks})",
                    [str(one) if isinstance(one, UUID) else one for one in parameters],
                )
                row = cursor.fetchone()
            self._conn.execute("deallocate listing")
        assert row is not None
        self.plan = row[0][0]["Plan"]
        # Return the rows as well: without any, the caller would send another statement.
        self._found = self._conn.execute(cast(Any, query), parameters).fetchall()
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


@every_list
@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_page_of_a_list_of_20_000_rows_reads_only_that_page(
    api: RunningApi, listed: Listed, mode: str
) -> None:
    """By the index, from the end of the page before: no sort and no scan of the table."""
    principal = Principal("auth0|ann", str(SOLO.id), None, frozenset(), "spa", 0)
    fill(api, listed, 20_000, TIMES["in groups"])
    api.superuser.execute("analyze")
    with psycopg.connect(api.url, autocommit=True) as conn:
        explaining = _Explaining(conn, mode)
        rows = RowSecurity(
            psycopg.connect, lambda *statement: explaining.execute(*statement).fetchall()
        )
        deep = Keyset("2026-01-01T00:00:00.003333+00:00", UUID(int=0), 20)
        for keyset in (Keyset(), Keyset(limit=100), deep):
            with rows.visit("member"):
                listed.method(rows)(principal, keyset)
            nodes = list(_nodes(explaining.plan))

            assert explaining.plan["Actual Rows"] == keyset.limit + 1
            assert not {"Sort", "Seq Scan", "Hash Join"} & {one["Node Type"] for one in nodes}
            assert listed.index in {one.get("Index Name") for one in nodes}
            for one in nodes:
                assert one["Actual Rows"] * one["Actual Loops"] <= 2 * (keyset.limit + 1), one
                assert one.get("Rows Removed by Filter", 0) <= 3, one
