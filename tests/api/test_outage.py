"""Database or keys go away and come back: the API says 503 in time, and then all is well."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg
import pytest
from werkzeug.test import TestResponse

from api.app import create_app
from local_stack import access_tokens
from local_stack.postgres import Postgres
from local_stack.processes import free_port
from local_stack.stack import DATABASE, Stack, prepare_database
from org_guard import Guard, SigningKeys
from tests.kit.routes import ROWS, code, place
from tests.kit.running_api import RunningApi, make_settings, run_api

pytestmark = pytest.mark.long

Call = Callable[[], TestResponse]
PUBLIC = ("/healthz", "/openapi.json", "/docs", "/docs/redoc.js", "/api.md")


def calls(api: RunningApi) -> list[Call]:
    """One request for each operation; what they need is there before the outage."""
    api.set_role("ann", "abc-inc", "owner")

    def call(method: str, path: str, body: object, token: str) -> Call:
        return lambda: api.request(method, path, body, token=token)

    return [call(row.method, place(api, row), row.body, api.token()) for row in ROWS]


def require_unavailable(answer: TestResponse, began: float) -> None:
    """Our outage: soon, in the form of every refusal, and with a time to come back."""
    assert time.monotonic() - began < 3
    assert (answer.status_code, code(answer)) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in answer.headers  # nobody needs another token
    assert answer.get_json()["detail"] == "Temporarily unavailable"


def require_all_unavailable(api: RunningApi, requests: list[Call]) -> None:
    """Every operation, the probe included; what is public goes on."""
    for request in requests:
        began = time.monotonic()
        require_unavailable(request(), began)
    client = api.app.test_client()
    for path in PUBLIC:
        assert client.get(path).status_code == 200
    probe = client.get("/readyz")
    assert (probe.status_code, probe.headers["Retry-After"]) == (503, "5")


def require_healed(api: RunningApi, requests: list[Call]) -> None:
    """Nothing was done in the meantime, and everything works, soon and by itself."""
    deadline = time.monotonic() + 10
    while api.app.test_client().get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [request().status_code for request in requests] == [row.owner for row in ROWS]


# Postgres.


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A cluster that only these tests use, so that it may be stopped; it keeps its data."""
    postgres = Postgres(tmp_path_factory.mktemp("postgres"), durable=True)
    postgres.start()
    try:
        prepare_database(postgres)
        yield postgres
    finally:
        postgres.stop()


@pytest.fixture
def breakable(
    cluster: Postgres, keys_url: str, tmp_path: Path
) -> Iterator[tuple[RunningApi, Callable[[], None]]]:
    """An API on that cluster, and what must be called after each start of it."""
    # Every start makes a fresh socket folder; the link is what a service's address would be.
    link = Path("/tmp") / f"pg-{tmp_path.parent.name[-8:]}-{tmp_path.name[-20:]}"  # noqa: S108

    def socket() -> str:
        url = cluster.url(DATABASE, "org_api")
        return str(psycopg.conninfo.conninfo_to_dict(url)["host"])

    def point_there() -> None:
        link.unlink(missing_ok=True)
        link.symlink_to(socket())

    point_there()
    url = cluster.url(DATABASE, "org_api").replace(socket(), str(link))
    app = create_app(make_settings(url, keys_url))
    try:
        with connect(cluster) as superuser:
            yield RunningApi(app, superuser, url, DATABASE), point_there
    finally:
        app.extensions["database"].close()
        link.unlink()


@contextmanager
def connect(cluster: Postgres) -> Iterator[psycopg.Connection]:
    """Connect as somebody who may do anything."""
    with closing(psycopg.connect(cluster.url(DATABASE, "postgres"), autocommit=True)) as conn:
        yield conn


Breakable = tuple[RunningApi, Callable[[], None]]


def test_postgres_stops_and_returns(breakable: Breakable, cluster: Postgres) -> None:
    """Every operation says 503 within three seconds; ten seconds after the return all is well."""
    api, point_there = breakable
    requests = calls(api)
    assert api.get("/me").status_code == 200
    cluster.stop()
    try:
        require_all_unavailable(api, requests)
    finally:
        cluster.start()
        point_there()

    require_healed(api, requests)


def test_postgres_restarts_between_two_requests(breakable: Breakable, cluster: Postgres) -> None:
    """Whoever reads does not notice; a change is tried once, since nobody knows what it did."""
    api, point_there = breakable
    assert api.get("/projects").status_code == 200
    for _ in range(2):
        cluster.stop()
        cluster.start()
        point_there()
        assert api.get("/projects").status_code == 200
        assert api.request("POST", "/projects", {"name": "x"}).status_code == 201

    cluster.stop()
    cluster.start()
    point_there()
    began = time.monotonic()
    answer = api.request("POST", "/projects", {"name": "x"})
    if answer.status_code != 201:
        require_unavailable(answer, began)
    assert api.get("/projects").status_code == 200


def test_a_lock_that_is_never_released_is_an_outage_too(
    breakable: Breakable, cluster: Postgres
) -> None:
    """Somebody alters a table and goes to lunch; what does not need that table works."""
    api, _ = breakable
    requests = calls(api)
    with connect(cluster) as other:
        with other.transaction():
            other.execute("lock table membership in access exclusive mode")
            for request in requests[::4]:  # each waits half a second
                began = time.monotonic()
                require_unavailable(request(), began)
        with other.transaction():
            other.execute("lock table project in access exclusive mode")
            began = time.monotonic()
            require_unavailable(api.get("/projects"), began)
            assert api.get("/me").status_code == 200
        with other.transaction():
            other.execute("select from organization for update")
            began = time.monotonic()
            require_unavailable(api.request("PATCH", "/organization", {"name": "x"}), began)
            assert api.get("/organization").status_code == 200

    require_healed(api, requests)


def test_a_postgres_that_falls_silent_is_an_outage_too(
    breakable: Breakable, cluster: Postgres
) -> None:
    """Stopped, not ended: it takes connections and says nothing, and its own limits stand still."""
    api, _ = breakable
    requests = calls(api)
    assert api.get("/me").status_code == 200
    pids = [
        pid
        for (pid,) in api.superuser.execute(
            "select pid from pg_stat_activity where usename = 'org_api'"
        ).fetchall()
    ]
    # The one that makes new connections, too: a service finds no way around.
    pids.append(int((cluster.log.parent / "data" / "postmaster.pid").read_text().split()[0]))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        require_all_unavailable(api, requests)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    require_healed(api, requests)


def test_many_requests_during_an_outage_do_not_queue_up(
    breakable: Breakable, cluster: Postgres
) -> None:
    """Forty at once, each answered within three seconds."""
    api, point_there = breakable
    assert api.get("/me").status_code == 200
    token = api.token()

    def request() -> tuple[TestResponse, float]:
        began = time.monotonic()
        return api.get("/projects", token=token), time.monotonic() - began

    cluster.stop()
    try:
        with ThreadPoolExecutor(40) as pool:
            answers = [one.result() for one in [pool.submit(request) for _ in range(40)]]
    finally:
        cluster.start()
        point_there()

    assert {answer.status_code for answer, _ in answers} == {503}
    assert max(took for _, took in answers) < 3


# The tenant's keys.


class KeyEndpoint:
    """The tenant's key set on a port of its own, as well or as badly as a test wants."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}/.well-known/jwks.json"
        self.answer: Callable[[BaseHTTPRequestHandler], None] = answer_keys
        self.requests = 0
        self.released = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Begin to take connections."""
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                endpoint.requests += 1
                if endpoint.answer is hang:
                    endpoint.released.wait(20)
                else:
                    endpoint.answer(self)

            def log_message(self, *_args: object) -> None:
                pass

        port = int(self.url.split(":")[2].partition("/")[0])
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on; safe to call again."""
        self.released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _answer(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def answer_keys(handler: BaseHTTPRequestHandler) -> None:
    """As it should be."""
    _answer(handler, 200, json.dumps(access_tokens.key_set()).encode())


def answer_html(handler: BaseHTTPRequestHandler) -> None:
    """A captive portal, or a tenant that is being worked on."""
    _answer(handler, 200, b"<!doctype html><h1>Be right back</h1>")


def answer_error(handler: BaseHTTPRequestHandler) -> None:
    """Broken."""
    _answer(handler, 500, b"{}")


def answer_no_keys(handler: BaseHTTPRequestHandler) -> None:
    """Well-formed and useless."""
    _answer(handler, 200, b'{"keys": []}')


def hang(_handler: BaseHTTPRequestHandler) -> None:
    """Takes the connection and says nothing."""


@pytest.fixture
def endpoint() -> Iterator[KeyEndpoint]:
    """An endpoint that nobody has started."""
    made = KeyEndpoint()
    yield made
    made.stop()


@pytest.fixture
def hasty(stack: Stack, endpoint: KeyEndpoint) -> Iterator[RunningApi]:
    """An API that asks for keys more often than anybody should, so that a test need not wait."""
    make_guard = partial(Guard, keys=SigningKeys(endpoint.url, max_age=0.2, cool_down=0.2))
    with run_api(stack.postgres, endpoint.url, make_guard) as api:
        yield api


def fresh(api: RunningApi) -> str:
    """Sign a token that nobody has verified yet."""
    return api.token(jti=os.urandom(8).hex())


def require_served(api: RunningApi) -> None:
    """Wait until a new token is taken."""
    deadline = time.monotonic() + 5
    while (answer := api.get("/me", token=fresh(api))).status_code != 200:
        assert answer.status_code == 503
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("bad", [None, hang, answer_html, answer_error, answer_no_keys])
def test_without_keys_nobody_is_refused_for_good(
    hasty: RunningApi, endpoint: KeyEndpoint, bad: Callable[[BaseHTTPRequestHandler], None] | None
) -> None:
    """From a cold start: 503 and not 401, and as soon as the endpoint is well, 200."""
    if bad is not None:
        endpoint.answer = bad
        endpoint.start()
    began = time.monotonic()
    require_unavailable(hasty.get("/me", token=fresh(hasty)), began)
    # What needs no key to be refused is refused.
    client = hasty.app.test_client()
    assert code(client.get("/me")) == "missing_token"
    assert code(client.get("/me", headers={"Authorization": "Bearer x.y.z"})) == "invalid_token"
    for path in PUBLIC:
        assert client.get(path).status_code == 200

    endpoint.stop()
    endpoint.answer = answer_keys
    endpoint.start()
    require_served(hasty)


def test_a_hanging_endpoint_holds_nobody_up_for_long(
    hasty: RunningApi, endpoint: KeyEndpoint
) -> None:
    """Twenty at once on a cold start: each within three seconds, and one fetch for all."""
    endpoint.answer = hang
    endpoint.start()

    def request(token: str) -> None:
        began = time.monotonic()
        require_unavailable(hasty.get("/me", token=token), began)

    with ThreadPoolExecutor(20) as pool:
        for one in [pool.submit(request, fresh(hasty)) for _ in range(20)]:
            one.result()
    assert endpoint.requests == 1


@pytest.mark.parametrize("bad", [None, hang, answer_html, answer_error, answer_no_keys])
def test_known_keys_serve_on_while_the_endpoint_is_bad(
    hasty: RunningApi, endpoint: KeyEndpoint, bad: Callable[[BaseHTTPRequestHandler], None] | None
) -> None:
    """The refresh that fails runs behind; a key that nobody knows is our outage then."""
    endpoint.start()
    require_served(hasty)
    unknown = access_tokens.sign(
        access_tokens.valid_header(kid="unknown"), access_tokens.valid_claims(), key="unknown"
    )
    assert code(hasty.get("/me", token=unknown)) in ("invalid_token", "temporarily_unavailable")
    if bad is None:
        endpoint.stop()
    else:
        endpoint.answer = bad

    slow, until = 0, time.monotonic() + 0.7  # longer than keys are fresh
    while time.monotonic() < until:
        began = time.monotonic()
        assert hasty.get("/me", token=fresh(hasty)).status_code == 200
        took = time.monotonic() - began
        assert took < 3
        slow += took > 0.5
    assert slow <= 1  # whoever comes first after a long night looks whether a key was withdrawn
    began = time.monotonic()
    require_unavailable(hasty.get("/me", token=unknown), began)
    assert hasty.get("/me", token=fresh(hasty)).status_code == 200


def test_an_api_is_ready_when_it_has_keys_and_rows(stack: Stack, endpoint: KeyEndpoint) -> None:
    """The probe says no while it has no keys, and goes on saying yes when they are old."""
    with run_api(stack.postgres, endpoint.url) as api:
        began = time.monotonic()
        probe = api.app.test_client().get("/readyz")
        assert (probe.status_code, probe.headers["Retry-After"]) == (503, "5")
        assert time.monotonic() - began < 3
    endpoint.start()
    with run_api(stack.postgres, endpoint.url) as api:
        assert api.app.test_client().get("/readyz").status_code == 200
        endpoint.stop()
        assert api.app.test_client().get("/readyz").status_code == 200
        assert api.get("/me").status_code == 200


@pytest.mark.parametrize("role", ["postgres", "org_selector"])
def test_a_role_that_could_see_too_much_is_never_used(
    stack: Stack, keys_url: str, role: str
) -> None:
    """Whatever stands in DATABASE_URL: 503 for everybody, and the log says what to do."""
    with run_api(stack.postgres, keys_url) as api:
        url = stack.postgres.url(api.database_name, role)
        app = create_app(make_settings(url, keys_url))
        try:
            mistaken = RunningApi(app, api.superuser, url, api.database_name)
            assert app.test_client().get("/readyz").status_code == 503
            began = time.monotonic()
            require_unavailable(mistaken.get("/me"), began)
        finally:
            app.extensions["database"].close()
        assert api.get("/me").status_code == 200
