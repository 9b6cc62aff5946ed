"""
How often the API asks Postgres and waits, counted on the wire.

Between two machines a round trip costs more than everything else in a request.
"""

import select
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.conninfo import conninfo_to_dict

from api.app import create_app
from local_stack import seed
from local_stack.stack import Stack
from org_guard import NotAMember, Principal, RowSecurity, require_row_security
from service.pool import Database
from tests.kit.running_api import RunningApi, make_settings, run_api

ABC = seed.organization("abc-inc").id
READ: LiteralString = "select name from org.project limit 9"


class Wire:
    """
    A socket in front of Postgres' own; `trips` grows when the client asks for an answer: with a
    Sync, a Flush or a simple query. All other messages wait for one of these. The Flush that
    psycopg sends behind a Sync does not count: no answer is left to ask for.
    """

    def __init__(self, folder: Path, url: str) -> None:
        place = conninfo_to_dict(url)
        self._postgres = f"{place['host']}/.s.PGSQL.{place['port']}"
        self.url = url.replace(str(place["host"]), str(folder))
        self.trips = 0
        self._counting = threading.Lock()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(folder / f".s.PGSQL.{place['port']}"))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def count(self) -> Iterator[list[int]]:
        """Count the round trips of a block; the list is empty until the block ends."""
        before, counted = self.trips, list[int]()
        yield counted
        counted.append(self.trips - before)

    def close(self) -> None:
        """Accept no more connections."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._postgres)
            sent, typed, waiting = (
                b"",
                0,
                False,
            )  # the first message of a connection has no type byte
            while True:
                ready, _, _ = select.select([client, server], [], [])
                try:
                    data = ready[0].recv(65_536)
                    if not data:
                        return
                    if ready[0] is client:
                        sent += data
                        while len(sent) >= 4 + typed and len(sent) >= typed + (
                            length := int.from_bytes(sent[typed : typed + 4])
                        ):
                            kind = sent[:typed]
                            with self._counting:
                                self.trips += kind in (b"S", b"Q") or (kind == b"H" and waiting)
                            waiting = kind not in (b"", b"S", b"Q", b"H")
                            sent, typed = sent[typed + length :], 1
                    (server if ready[0] is client else client).sendall(data)
                except OSError:
                    return


@pytest.fixture(scope="module")
def api(stack: Stack, keys_url: str) -> Iterator[RunningApi]:
    """A database of this module's own."""
    with run_api(stack.postgres, keys_url) as running:
        yield running


@pytest.fixture
def wire(api: RunningApi) -> Iterator[Wire]:
    """The wire to that database, as org_api."""
    with tempfile.TemporaryDirectory(prefix="wire-") as folder:
        wire = Wire(Path(folder), api.url)
        yield wire
        wire.close()


@pytest.fixture
def rows(wire: Wire) -> Iterator[RowSecurity]:
    """The way in, through the API's own pool of one connection, which was used before."""
    database = Database(wire.url, size=1, configure=require_row_security)
    rows = RowSecurity(database.connection, database.fetch)
    with rows.visit("member"):
        rows.select(_principal(), READ)
        with rows.organization(_principal()) as conn:
            conn.execute("select name from org.project").fetchall()
        yield rows
    database.close()


def test_statements_count_one_round_trip_each_and_a_pipeline_one(wire: Wire) -> None:
    with psycopg.connect(wire.url, autocommit=True) as conn:
        with wire.count() as three:
            for _ in range(3):
                conn.execute("select repeat('x', 100000)").fetchall()
        with wire.count() as one, conn.pipeline():
            for _ in range(3):
                conn.execute("select repeat('x', 100000)")

    assert (three, one) == ([3], [1])


def test_a_read_takes_one_round_trip(wire: Wire, rows: RowSecurity) -> None:
    """It holds entering, reading, and the transaction around them."""
    with wire.count() as counted:
        found = rows.select(_principal(), READ)

    assert found
    assert counted == [1]


def test_a_transaction_of_one_statement_takes_two_round_trips(
    wire: Wire, rows: RowSecurity
) -> None:
    """BEGIN, the entry and the statement are one, COMMIT is the other."""
    counted = [wire.trips]
    with rows.organization(_principal()) as conn:
        assert conn.execute("select name from org.project").fetchall()
        counted.append(wire.trips)
        assert conn.execute("select name from org.project").fetchall()
        counted.append(wire.trips)
    counted.append(wire.trips)

    assert [after - before for before, after in pairwise(counted)] == [1, 1, 1]


def test_a_write_whose_results_are_not_read_takes_one_round_trip(
    wire: Wire, rows: RowSecurity
) -> None:
    """COMMIT included."""
    with wire.count() as counted, rows.organization(_principal()) as conn:
        conn.execute("update org.project set updated_at = now()")
        conn.execute("update org.project set updated_at = now()")
    with wire.count() as nothing, rows.organization(_principal()):
        pass

    assert (counted, nothing) == ([1], [1])


def test_a_refusal_takes_one_round_trip_too(wire: Wire, rows: RowSecurity) -> None:
    with wire.count() as counted, pytest.raises(NotAMember):
        rows.select(_principal("auth0|nina"), READ)

    assert counted == [1]


@pytest.mark.parametrize(
    ("trips", "method", "path", "body"),
    [
        (1, "GET", "/projects", None),
        (1, "GET", "/projects?limit=1", None),
        (1, "GET", "/projects/{project}", None),
        (1, "GET", "/me", None),
        (1, "GET", "/organization", None),
        (1, "GET", "/members", None),
        (1, "GET", "/audit-events", None),
        (2, "POST", "/projects", {"name": "New"}),
        (2, "PATCH", "/projects/{project}", {"description": "New"}),
        (2, "PATCH", "/organization", {"name": "ABC Inc"}),
        (2, "PATCH", "/members/{sue}", {"role": "member"}),
    ],
)
def test_a_whole_request_takes_one_round_trip_or_two_with_a_commit(
    api: RunningApi,
    wire: Wire,
    keys_url: str,
    trips: int,
    method: str,
    path: str,
    body: dict[str, str] | None,
) -> None:
    """Token, scope, membership, role and suspension are all checked."""
    project = api.superuser.execute(
        "select id from org.project where org_id = %s", (ABC,)
    ).fetchone()
    assert project is not None
    address = path.format(project=project[0], sue=api.user_id("sue"))
    with _client(wire, keys_url) as client:
        headers = {"Authorization": f"Bearer {api.token()}"}
        # Every list has a row: for an empty one, the API sends the entry a second time.
        assert client.post("/projects", headers=headers, json={"name": "One"}).status_code == 201
        for _ in range(2):  # connects, reads the keys, prepares
            assert client.open(address, method=method, headers=headers, json=body).status_code < 300
        with wire.count() as counted:
            assert client.open(address, method=method, headers=headers, json=body).status_code < 300

    assert counted == [trips]


def test_a_request_refused_for_its_token_does_not_reach_the_database(
    api: RunningApi, wire: Wire, keys_url: str
) -> None:
    """Whether it has no token, or one that lacks the scope."""
    with _client(wire, keys_url) as client:
        good = {"Authorization": f"Bearer {api.token()}"}
        assert client.get("/projects", headers=good).status_code == 200
        narrow = {"Authorization": f"Bearer {api.token(scope='openid')}"}
        with wire.count() as counted:
            assert client.get("/projects").status_code == 401
            assert client.get("/projects", headers=narrow).status_code == 403

    assert counted == [0]


@contextmanager
def _client(wire: Wire, keys_url: str) -> Iterator[FlaskClient]:
    # One connection, because each connection prepares a statement once.
    settings = make_settings(wire.url, keys_url).model_copy(update={"threads": 1})
    app = create_app(settings)
    try:
        yield app.test_client()
    finally:
        database: Any = app.extensions["database"]
        database.close()


def _principal(auth0_user_id: str = "auth0|joe") -> Principal:
    return Principal(auth0_user_id, str(ABC), None, frozenset(), "spa", 0.0)
