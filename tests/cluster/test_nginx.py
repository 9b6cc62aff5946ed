"""The lines of docs/proxies.md, run by nginx: no login token in any log, whatever goes wrong."""

import contextlib
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_stack.processes import Processes, free_port
from local_stack.stack import Stack
from tests.kit.leaks import find_leaks
from tests.kit.machine import require_program
from tests.kit.marked_block import read_block

pytestmark = pytest.mark.cluster

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhdXRoMHxqb2UifQ.c2lnbmF0dXJlLW9mLTQzLWNoYXJhY3Rlcg"
QUERY = f"/select?session_token={TOKEN}&state=hKFo2SBTdGF0ZQ"
OURS = "logs without queries"
# The same faults must show the token in the error log that a server has by itself.
WITHOUT = "server {\n    access_log off;\n}\n"

Start = Callable[..., tuple[int, Path]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start nginx in front of an upstream, and return its port and the folder of its logs."""
    program = require_program("nginx")
    with Processes(tmp_path / "processes") as processes:

        def run(upstream: str, block: str, *, descriptors: int = 1024) -> tuple[int, Path]:
            port = free_port()
            (tmp_path / "logs").mkdir()
            (tmp_path / "logs").chmod(0o777)  # as root, nginx writes as nobody
            server = f"listen 127.0.0.1:{port};\nlocation / {{ proxy_pass {upstream}; }}\n}}\n"
            block = block.replace("/var/log/nginx", str(tmp_path / "logs"))
            configuration = tmp_path / "nginx.conf"
            configuration.write_text(
                f"daemon off;\npid {tmp_path}/nginx.pid;\nerror_log {tmp_path}/logs/main.log;\n"
                f"worker_rlimit_nofile {descriptors};\n"
                "events { worker_connections 64; }\nhttp {\n"
                + "".join(
                    f"{kind}_temp_path {tmp_path}/{kind};\n"
                    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
                )
                + f"access_log {tmp_path}/logs/access.log combined;\n"
                + block.rstrip().removesuffix("}")
                + server
                + "}\n"
            )
            processes.start(
                "nginx",
                [program, "-p", tmp_path, "-e", tmp_path / "logs/main.log", "-c", configuration],
                ready=lambda: _accepts(port),
            )
            return port, tmp_path / "logs"

        yield run


@pytest.mark.parametrize("block", [OURS, WITHOUT], ids=["as documented", "without the lines"])
@pytest.mark.parametrize(
    ("upstream", "descriptors"),
    [
        pytest.param("http://127.0.0.1:1", 1024, id="the selector is down"),
        pytest.param("http://unix:/nowhere/selector.sock", 1024, id="its socket is missing"),
        pytest.param("http://127.0.0.1:1", 12, id="nginx has no file descriptor left"),
    ],
)
def test_no_log_of_nginx_holds_a_token(
    start: Start, upstream: str, descriptors: int, block: str
) -> None:
    """The same faults leak the token where the documented lines are missing."""
    documented = block == OURS
    if documented:
        block = read_block("docs/proxies.md", "nginx")
    port, logs = start(upstream, block, descriptors=descriptors)
    statuses = []
    with contextlib.ExitStack() as open_until_the_end:
        # Each connection stays open, so with few descriptors one of them takes the last one, and
        # nginx has none for the upstream. Later connections wait for ever.
        for _ in range(min(descriptors, 20)):
            connection = open_until_the_end.enter_context(_connect(port))
            statuses.append(_get(connection, QUERY))
            if statuses[-1] is None:
                break

    assert statuses[0] in (500, 502)
    assert (500 in statuses) is (descriptors < 20)
    leaks = find_leaks(logs.iterdir(), [])
    assert bool(leaks) is not documented, leaks


def test_a_page_of_the_selector_comes_through_nginx(start: Start, stack: Stack) -> None:
    """The upstream and its status stand in the log; the query does not."""
    port, logs = start(stack.selector_url, read_block("docs/proxies.md", "nginx"))

    with _connect(port) as connection:
        assert _get(connection, "/healthz") == 200
        assert _get(connection, QUERY) == 400  # this token was not signed by the stack's tenant
    log = logs / "selector.log"
    deadline = time.monotonic() + 5  # nginx writes the line after the answer
    while "/select" not in log.read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    upstream = stack.selector_url.removeprefix("http://")
    lines = [line.split() for line in log.read_text().splitlines()]
    assert [(line[2:5], line[6:]) for line in lines] == [
        (["GET", "/healthz", "200"], [upstream, "200"]),
        (["GET", "/select", "400"], [upstream, "400"]),
    ]
    assert find_leaks(logs.iterdir(), []) == []


def _accepts(port: int) -> bool:
    try:
        _connect(port).close()
    except OSError:
        return False
    return True


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=1)


def _get(connection: socket.socket, path: str) -> int | None:
    """Return the status of the answer, or None if nginx does not answer; the connection stays."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection)
    try:
        answer.begin()
        answer.read()
    except TimeoutError:
        return None
    return answer.status
