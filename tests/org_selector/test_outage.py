"""Postgres stops, hangs and restarts: requests get a 503 in time, and then work again."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from werkzeug.test import TestResponse

from local_stack.postgres import Postgres
from local_stack.stack import DATABASE, prepare_database
from org_selector.app import create_app
from tests.kit.action_tokens import HEADER, SESSION_SECRET, sign, valid_decision_claims
from tests.kit.running_selector import Selector, ask, make_settings
from tests.kit.visit import TRAVEL, Visit, enter, heading, selection_of

pytestmark = pytest.mark.long


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A cluster for this test alone, which it may stop; it keeps its data."""
    cluster = Postgres(tmp_path / "postgres", durable=True)
    cluster.start()
    try:
        prepare_database(cluster)
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def breakable(postgres: Postgres, tmp_path: Path) -> Iterator[Selector]:
    """A selector on that cluster, by an address that stays the same after a restart."""
    url = _stable_url(postgres, tmp_path)
    app = create_app(make_settings(url))
    with psycopg.connect(postgres.url(DATABASE, "postgres"), autocommit=True) as superuser:
        yield Selector(app, superuser, url, "")
    app.extensions["database"].close()


def _stable_url(postgres: Postgres, tmp_path: Path) -> str:
    # Every start makes a fresh socket folder; the link is what a service's address would be.
    url = postgres.url(DATABASE, "org_selector")
    socket = psycopg.conninfo.conninfo_to_dict(url)["host"]
    link = Path("/tmp") / f"pg-{tmp_path.parent.name[-8:]}-{tmp_path.name[-20:]}"  # noqa: S108
    link.unlink(missing_ok=True)
    link.symlink_to(str(socket))
    return url.replace(str(socket), str(link))


def _ask_decision(selector: Selector) -> TestResponse:
    body = ask("ann").model_dump_json().encode()
    token = sign(HEADER, valid_decision_claims(body, sub="auth0|ann"), SESSION_SECRET)
    return selector.app.test_client().post(
        "/decisions", data=body, headers={"Authorization": f"Bearer {token}"}
    )


def _requests(selector: Selector, visit: Visit, form: str) -> list[Callable[[], TestResponse]]:
    return [
        lambda: _ask_decision(selector),
        visit.page,
        lambda: visit.select(TRAVEL, data={"form": form, "org_id": TRAVEL}),
        lambda: selector.app.test_client().get("/readyz"),
    ]


def _require_unavailable(requests: list[Callable[[], TestResponse]]) -> None:
    for request in requests:
        began = time.monotonic()
        answer = request()
        assert answer.status_code == 503
        assert time.monotonic() - began < 3
        assert int(answer.headers["Retry-After"]) >= 1
        if answer.content_type.startswith("text/html"):
            assert heading(answer) == "Sign-in is taking a short break"
            assert "Try again" in answer.text
        else:
            assert answer.content_type == "application/problem+json"


def _require_working(selector: Selector, visit: Visit) -> None:
    assert _ask_decision(selector).get_json()["organization"]["slug"] == "solo-works"
    assert selection_of(visit.select(TRAVEL))["org_id"] == TRAVEL
    assert selector.app.test_client().get("/readyz").status_code == 200


def _require_healed(selector: Selector, visit: Visit) -> None:
    deadline = time.monotonic() + 10
    while selector.app.test_client().get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    _require_working(selector, visit)


def test_every_request_gets_a_503_while_postgres_is_stopped_and_works_afterwards(
    breakable: Selector, postgres: Postgres, tmp_path: Path
) -> None:
    """Within three seconds; ten seconds after the start everything works."""
    visit = enter(breakable)
    form = visit.form()
    _require_working(breakable, visit)
    postgres.stop()
    _require_unavailable(_requests(breakable, visit, form))
    assert breakable.app.test_client().get("/healthz").status_code == 200

    postgres.start()
    _stable_url(postgres, tmp_path)
    _require_healed(breakable, visit)


def test_a_request_after_a_restart_of_postgres_is_answered(
    breakable: Selector, postgres: Postgres, tmp_path: Path
) -> None:
    """A lost connection of the pool causes a second try, not an error page."""
    visit = enter(breakable)
    _require_working(breakable, visit)
    postgres.stop()
    postgres.start()
    _stable_url(postgres, tmp_path)

    _require_working(breakable, visit)


def test_a_request_that_waits_for_a_lock_for_too_long_gets_a_503(breakable: Selector) -> None:
    """As when an administrator alters a table."""
    visit = enter(breakable)
    form = visit.form()
    _require_working(breakable, visit)
    with breakable.superuser.transaction():
        breakable.superuser.execute("lock table org.membership in access exclusive mode")
        _require_unavailable(_requests(breakable, visit, form)[:3])

    _require_working(breakable, visit)


def test_while_postgres_is_silent_requests_get_a_503(breakable: Selector) -> None:
    """Its processes are stopped: it accepts connections, answers nothing, and times out nothing."""
    visit = enter(breakable)
    form = visit.form()
    _require_working(breakable, visit)
    rows = breakable.superuser.execute(
        "select pid from pg_stat_activity where usename = 'org_selector'"
    ).fetchall()
    for (pid,) in rows:
        os.kill(pid, signal.SIGSTOP)
    try:
        _require_unavailable(_requests(breakable, visit, form))
    finally:
        for (pid,) in rows:
            os.kill(pid, signal.SIGCONT)

    _require_healed(breakable, visit)


def test_an_answer_just_before_the_watchdog_counts_and_disturbs_no_other_request(
    breakable: Selector,
) -> None:
    """As after a thread had no CPU time; its connection is not used again."""
    _require_working(breakable, enter(breakable))

    with breakable.database.connection() as conn:
        assert conn.execute("select 1").fetchone() == (1,)
        time.sleep(2.2)

    _require_working(breakable, enter(breakable))


def test_a_request_after_the_pool_was_closed_is_an_outage(
    breakable: Selector, postgres: Postgres
) -> None:
    """As in the last requests of a worker that ends."""
    app = create_app(make_settings(postgres.url(DATABASE, "org_selector")))
    assert app.test_client().get("/readyz").status_code == 200
    app.extensions["database"].close()

    assert app.test_client().get("/readyz").status_code == 503
    assert breakable.app.test_client().get("/readyz").status_code == 200


def test_a_selector_whose_database_has_no_schema_is_not_ready(
    breakable: Selector, postgres: Postgres
) -> None:
    postgres.create_database("empty")
    app = create_app(make_settings(postgres.url("empty", "org_selector")))
    try:
        assert app.test_client().get("/readyz").status_code == 503
    finally:
        app.extensions["database"].close()
    assert breakable.app.test_client().get("/readyz").status_code == 200


def test_a_selector_with_a_database_role_that_could_see_too_much_answers_503(
    breakable: Selector, postgres: Postgres
) -> None:
    """Superuser, owner and BYPASSRLS; the log says what to do."""
    breakable.superuser.execute("create role org_reader login bypassrls")
    breakable.superuser.execute("grant org_selector to org_reader")
    for role in ("postgres", "org_owner", "org_reader"):
        app = create_app(make_settings(postgres.url(DATABASE, role)))
        try:
            assert app.test_client().get("/readyz").status_code == 503, role
        finally:
            app.extensions["database"].close()
    assert breakable.app.test_client().get("/readyz").status_code == 200
