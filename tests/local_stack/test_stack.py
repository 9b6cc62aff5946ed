"""Programs that the demo and the tests start: they start, end, and say why they could not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from werkzeug.test import Client

from local_stack.node import PROJECT, node
from local_stack.postgres import Postgres, remove
from local_stack.postgres_home import find_home
from local_stack.processes import LocalStackError, Processes, free_port
from local_stack.spa_server import SpaServer

SLEEP = [sys.executable, "-c", "import time; print('started', flush=True); time.sleep(60)"]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose cluster is removed afterwards, also where root keeps it elsewhere."""
    yield tmp_path / "postgres"
    if find_home(tmp_path / "postgres").cluster.exists():
        remove(tmp_path / "postgres")


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as conn:
        row = conn.execute(query.encode()).fetchone()
    return row and row[0]


def is_gone(pid: int, seconds: float = 10) -> bool:
    """Return whether the process ended; in a container it may stay a zombie without a parent."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if sys.platform == "linux" and b"(zombie)" in Path(f"/proc/{pid}/status").read_bytes():
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_two_throw_away_servers_run_at_the_same_time(folder: Path) -> None:
    """A database copied from a template in one server is not in the other."""
    other_folder = folder.with_name("other")
    with Postgres(folder) as one, Postgres(other_folder) as other:
        one.create_database("model")
        with psycopg.connect(one.url("model", "postgres")) as conn:
            conn.execute("CREATE TABLE organization AS SELECT 'ABC Inc' AS name")
        one.create_database("copy", "model")

        assert value(one.url("copy", "postgres"), "SELECT name FROM organization") == "ABC Inc"
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(other.url("copy", "postgres"))

        one.drop_database("copy")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(one.url("copy", "postgres"))
        home = find_home(folder)
    assert not home.data.exists()
    remove(other_folder)


def test_durable_data_survives_a_launcher_that_was_killed(folder: Path) -> None:
    """Linux or the next start ends the old server; what was committed is still there."""
    script = (
        "import sys, time; from pathlib import Path; from local_stack.postgres import Postgres\n"
        "server = Postgres(Path(sys.argv[1]), durable=True); server.start()\n"
        "server.create_database('kept'); print(server.url('kept', 'postgres'), flush=True)\n"
        "time.sleep(60)"
    )
    argv = [sys.executable, "-c", script, str(folder)]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        url = launcher.stdout.readline().strip()
        pid = int((find_home(folder).data / "postmaster.pid").read_text().split()[0])
        with pytest.raises(LocalStackError, match="another program runs"):
            Postgres(folder, durable=True).start()
        assert value(url, "SELECT 1") == 1
        launcher.kill()
    if sys.platform == "linux":
        assert is_gone(pid)

    with Postgres(folder, durable=True) as again:
        assert is_gone(pid, seconds=0.1)
        assert value(again.url("kept", "postgres"), "SELECT 1") == 1


def test_a_stale_number_in_the_pid_file_kills_no_other_program(folder: Path) -> None:
    """After a reboot it may be the number of any program; here it is this test's."""
    with Postgres(folder, durable=True):
        pass
    stale = find_home(folder).data / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{stale.parent}\n0\n5432\n/nowhere\n\n0 0\nready\n")

    with Postgres(folder, durable=True) as server:
        assert value(server.url("postgres", "postgres"), "SELECT 1") == 1


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    """The error has the end of the server's log, and no process is left."""
    with Postgres(folder, durable=True):
        pass
    (find_home(folder).data / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(LocalStackError, match="no_such_setting"):
        Postgres(folder, durable=True).start()


def test_a_connection_over_a_port_needs_a_password(folder: Path) -> None:
    """Other users of the machine can reach the port, but not the socket's folder."""
    with Postgres(folder, tcp=True) as server:
        place = f"host=127.0.0.1 port={server.port} user=postgres dbname=postgres"

        assert value(f"{place} password={server.password}", "SELECT 1") == 1
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(place)


def test_a_program_that_never_becomes_ready_is_ended_and_its_log_is_shown(tmp_path: Path) -> None:
    with Processes(tmp_path) as stack:
        url = f"http://127.0.0.1:{free_port()}/"
        with pytest.raises(LocalStackError, match=r"(?s)slow was not ready after 0.5 s.*started"):
            stack.start("slow", SLEEP, ready=url, seconds=0.5)

        assert stack.children == []


def test_a_program_that_ends_early_is_reported_at_once(tmp_path: Path) -> None:
    """With its exit status and its last lines."""
    argv = [sys.executable, "-c", "import sys; sys.exit('no such setting: PORT')"]
    with (
        Processes(tmp_path) as stack,
        pytest.raises(LocalStackError, match=r"(?s)broken ended with status 1 .*setting: PORT"),
    ):
        stack.start("broken", argv, ready=lambda: False, seconds=30)


def test_programs_end_in_reverse_order_even_if_one_ignores_sigterm(tmp_path: Path) -> None:
    """That one is killed after its time limit."""
    code = (
        "import signal, sys, time; signal.signal(15, {}); print('up', flush=True); time.sleep(60)"
    )
    order = tmp_path / "order"
    polite = f"lambda *_: (open({str(order)!r}, 'a').write(sys.argv[1]), sys.exit())"
    stack = Processes(tmp_path)
    with pytest.raises(ZeroDivisionError), stack:
        children = [
            stack.start(
                name,
                [sys.executable, "-c", code.format(polite), name],
                ready=lambda name=name: "up" in (tmp_path / f"{name}.log").read_text(),
            )
            for name in ("first", "second")
        ]
        raise ZeroDivisionError

    assert order.read_text() == "secondfirst"
    assert [child.process.returncode for child in children] == [0, 0]


def test_sigterm_ends_the_stack_in_order(tmp_path: Path) -> None:
    """Python's default would be to end at once, without ending the programs."""
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit), Processes(tmp_path) as stack:
        child = stack.start("sleeper", SLEEP)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    assert child.process.returncode is not None
    assert signal.getsignal(signal.SIGTERM) is before


def test_node_is_the_runtime_of_actions() -> None:
    """Node 22, the program itself and not its Python wrapper."""
    out = subprocess.run(
        [node(), "-p", "process.version"], capture_output=True, text=True, timeout=20
    )

    assert out.stdout.startswith("v22.")
    assert node().read_bytes()[:4] != b"#!/u"


def test_the_app_is_served_with_its_configuration_and_a_strict_policy(tmp_path: Path) -> None:
    """The audience is only a name, so the policy does not allow to connect to it."""
    config = tmp_path / "config.json"
    settings = {
        "domain": "http://localhost:3030",
        "audience": "https://api.example.com",
        "api": "http://localhost:3010/v1",
    }
    config.write_text(json.dumps(settings))
    (tmp_path / "index.html").write_text("<title>app</title>")
    client = Client(SpaServer(config, tmp_path))

    page = client.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert "<title>app" in page.text
    assert "connect-src 'self' http://localhost:3010 http://localhost:3030;" in policy
    assert "frame-src http://localhost:3030;" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert client.get("/config.json").json == settings
    assert client.get("/../setup.cfg").status_code == 404
    assert client.get("/%2e%2e/setup.cfg").status_code == 404
    assert client.post("/").status_code == 404
    for name in ("/auth0-spa-js.js", "/auth0-spa-js.worker.js"):
        assert client.get(name).mimetype == "text/javascript"


def test_a_browser_shows_a_page() -> None:
    """In a process of its own, because Playwright's sync API needs a thread for itself."""
    script = (
        "from local_stack.browser import browser\n"
        "with browser() as running:\n"
        "    page = running.new_page()\n"
        "    page.goto('data:text/html,<p>ABC Inc')\n"
        "    size = page.locator('p').bounding_box()\n"
        "    print(page.inner_text('p'), size['height'] > 10, len(page.screenshot()) > 1000)\n"
    )
    argv = [sys.executable, "-c", script]
    out = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, timeout=100)

    assert (out.stdout, out.stderr) == ("ABC Inc True True\n", "")
