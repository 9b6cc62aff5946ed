"""The database or the keys are unavailable: the API answers 503 in time, and then recovers."""

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
    """Return one request for each operation, with the rows that it needs."""
    api.set_role("ann", "abc-inc", "owner")

    def call(method: str, path: str, body: object, token: str) -> Call:
        return lambda: api.request(method, path, body, token=token)

    return [call(row.method, place(api, row), row.body, api.token()) for row in ROWS]


def require_unavailable(answer: TestResponse, began: float) -> None:
    """Require a 503 within three seconds, in the form of every refusal, with Retry-After."""
    assert time.monotonic() - began < 3
    assert (answer.status_code, code(answer)) == (503, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in answer.headers  # another token would not help
    assert answer.get_json()["detail"] == "Temporarily unavailable"


def require_all_unavailable(api: RunningApi, requests: list[Call]) -> None:
    """Require it of every operation and of the probe; public paths keep working."""
    for request in requests:
        began = time.monotonic()
        require_unavailable(request(), began)
    client = api.app.test_client()
    for path in PUBLIC:
        assert client.get(path).status_code == 200
    probe = client.get("/readyz")
    assert (probe.status_code, probe.headers["Retry-After"]) == (503, "5")


def require_healed(api: RunningApi, requests: list[Call]) -> None:
    """Require that no change was made meanwhile, and that everything soon works by itself."""
    deadline = time.monotonic() + 10
    while api.app.test_client().get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [request().status_code for request in requests] == [row.owner for row in ROWS]


# Postgres.


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A cluster for these tests alone, which they may stop; it keeps its data."""
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
    """An API on that cluster, and a function to call after each start of it."""
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
    """Connect as a superuser."""
    with closing(psycopg.connect(cluster.url(DATABASE, "postgres"), autocommit=True)) as conn:
        yield conn


Breakable = tuple[RunningApi, Callable[[], None]]


def test_every_operation_gets_a_503_while_postgres_is_stopped_and_works_afterwards(
    breakable: Breakable, cluster: Postgres
) -> None:
    """Within three seconds; ten seconds after the start everything works."""
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


def test_after_a_restart_of_postgres_a_read_succeeds_and_a_change_is_not_repeated(
    breakable: Breakable, cluster: Postgres
) -> None:
    """A change that lost its connection may have taken effect, so the API does not repeat it."""
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


def test_a_request_that_waits_for_a_lock_for_too_long_gets_a_503(
    breakable: Breakable, cluster: Postgres
) -> None:
    """As when an administrator alters a table; requests that do not need that table work."""
    api, _ = breakable
    requests = calls(api)
    with connect(cluster) as other:
        with other.transaction():
            other.execute("lock table org.membership in access exclusive mode")
            for request in requests[::4]:  # each waits half a second
                began = time.monotonic()
                require_unavailable(request(), began)
        with other.transaction():
            other.execute("lock table org.project in access exclusive mode")
            began = time.monotonic()
            require_unavailable(api.get("/projects"), began)
            assert api.get("/me").status_code == 200
        with other.transaction():
            other.execute("select from org.organization for update")
            began = time.monotonic()
            require_unavailable(api.request("PATCH", "/organization", {"name": "x"}), began)
            assert api.get("/organization").status_code == 200

    require_healed(api, requests)


def test_while_postgres_is_silent_requests_get_a_503(
    breakable: Breakable, cluster: Postgres
) -> None:
    """Its processes are stopped: it accepts connections, answers nothing, and times out nothing."""
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


def test_forty_requests_during_an_outage_are_each_answered_in_three_seconds(
    breakable: Breakable, cluster: Postgres
) -> None:
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
    """The tenant's key endpoint on its own port; a test may stop it or change its answer."""

    def __init__(self) -> None:
        self.url = f"http://127.0.0.1:{free_port()}/.well-known/jwks.json"
        self.answer: Callable[[BaseHTTPRequestHandler], None] = answer_keys
        self.requests = 0
        self.released = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Accept connections."""
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
        """Refuse connections from now on; may be called again."""
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
    """Answer as the tenant does."""
    _answer(handler, 200, json.dumps(access_tokens.key_set()).encode())


def answer_html(handler: BaseHTTPRequestHandler) -> None:
    """Answer like a captive portal, or a tenant under maintenance."""
    _answer(handler, 200, b"<!doctype html><h1>Be right back</h1>")


def answer_error(handler: BaseHTTPRequestHandler) -> None:
    """Answer with an error."""
    _answer(handler, 500, b"{}")


def answer_no_keys(handler: BaseHTTPRequestHandler) -> None:
    """Answer with a well-formed key set that has no keys."""
    _answer(handler, 200, b'{"keys": []}')


def hang(_handler: BaseHTTPRequestHandler) -> None:
    """Accept the connection and answer nothing."""


@pytest.fixture
def endpoint() -> Iterator[KeyEndpoint]:
    """An endpoint that is not started."""
    made = KeyEndpoint()
    yield made
    made.stop()


@pytest.fixture
def hasty(stack: Stack, endpoint: KeyEndpoint) -> Iterator[RunningApi]:
    """An API that refreshes its keys after 0.2 s, so that a test need not wait."""
    make_guard = partial(Guard, keys=SigningKeys(endpoint.url, max_age=0.2, cool_down=0.2))
    with run_api(stack.postgres, endpoint.url, make_guard) as api:
        yield api


def fresh(api: RunningApi) -> str:
    """Sign a token that was not used before."""
    return api.token(jti=os.urandom(8).hex())


def require_served(api: RunningApi) -> None:
    """Wait until a new token passes."""
    deadline = time.monotonic() + 5
    while (answer := api.get("/me", token=fresh(api))).status_code != 200:
        assert answer.status_code == 503
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("bad", [None, hang, answer_html, answer_error, answer_no_keys])
def test_an_api_that_has_no_keys_yet_answers_503_until_it_gets_them(
    hasty: RunningApi, endpoint: KeyEndpoint, bad: Callable[[BaseHTTPRequestHandler], None] | None
) -> None:
    """Not 401, because the token may be valid."""
    if bad is not None:
        endpoint.answer = bad
        endpoint.start()
    began = time.monotonic()
    require_unavailable(hasty.get("/me", token=fresh(hasty)), began)
    # A request that can be refused without a key is refused.
    client = hasty.app.test_client()
    assert code(client.get("/me")) == "missing_token"
    assert code(client.get("/me", headers={"Authorization": "Bearer x.y.z"})) == "invalid_token"
    for path in PUBLIC:
        assert client.get(path).status_code == 200

    endpoint.stop()
    endpoint.answer = answer_keys
    endpoint.start()
    require_served(hasty)


def test_twenty_requests_at_a_hanging_endpoint_get_a_503_in_three_seconds(
    hasty: RunningApi, endpoint: KeyEndpoint
) -> None:
    """On a cold start; they share one fetch."""
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
def test_known_keys_keep_working_while_the_endpoint_fails(
    hasty: RunningApi, endpoint: KeyEndpoint, bad: Callable[[BaseHTTPRequestHandler], None] | None
) -> None:
    """The failing refresh runs in the background; an unknown key is then a 503."""
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
    assert slow <= 1  # the first request with overdue keys waits for a refresh
    began = time.monotonic()
    require_unavailable(hasty.get("/me", token=unknown), began)
    assert hasty.get("/me", token=fresh(hasty)).status_code == 200


def test_an_api_is_ready_once_it_has_keys_and_a_database(
    stack: Stack, endpoint: KeyEndpoint
) -> None:
    """It stays ready when the keys cannot be refreshed."""
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
def test_an_api_with_a_database_role_that_could_see_too_much_answers_503(
    stack: Stack, keys_url: str, role: str
) -> None:
    """Here a superuser and org_selector."""
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
