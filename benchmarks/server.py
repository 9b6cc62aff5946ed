"""gunicorn with the project's own configuration, and what its work costs."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import cpu
from benchmarks.load import Ask, send
from benchmarks.logins import Front
from local_stack.processes import Processes, free_port
from local_stack.stack import Stack

_PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Server:
    """A running gunicorn."""

    port: int
    pid: int

    def list_workers(self) -> list[int]:
        """Return the processes that answer."""
        return cpu.children(self.pid)


@contextmanager
def run_selector(
    stack: Stack, database: str, *, workers: int = 2
) -> Iterator[tuple[Server, Front]]:
    """Run a selector on *database* of the stack's Postgres."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = stack.selector_environment() | {
        "DATABASE_URL": stack.postgres.url(database, "org_selector"),
        "SELECTOR_URL": url,
        "PORT": str(port),
        "WEB_CONCURRENCY": str(workers),
    }
    with _run(stack, "wsgi:selector", environment, "/healthz") as server:
        yield server, Front(stack.tenant_host, stack.session_secret, url)


@contextmanager
def run_empty(stack: Stack) -> Iterator[Server]:
    """Run the app that does nothing."""
    environment = {"PATH": os.environ.get("PATH", ""), "PORT": str(free_port())}
    environment["WEB_CONCURRENCY"] = "2"
    with _run(stack, "benchmarks.empty:app", environment, "/empty") as server:
        yield server


@contextmanager
def _run(stack: Stack, app: str, environment: dict[str, str], path: str) -> Iterator[Server]:
    port = int(environment["PORT"])
    with Processes(stack.folder / "logs" / "benchmarks") as processes:
        child = processes.start(
            app.replace(":", "-"),
            [sys.executable, "-m", "gunicorn", app],
            env=environment,
            cwd=_PROJECT,
            ready=f"http://127.0.0.1:{port}{path}",
        )
        yield Server(port, child.process.pid)


def list_backends(superuser: psycopg.Connection, database: str) -> list[int]:
    """Return the processes of Postgres that serve the selector."""
    rows = superuser.execute(
        "select pid from pg_stat_activity where datname = %s and usename = 'org_selector'",
        (database,),
    ).fetchall()
    return [pid for (pid,) in rows]


def measure_request(server: Server, meter: cpu.Meter, asks: Sequence[Ask]) -> float:
    """Send *asks* and return the microseconds of CPU that one of them cost the servers."""
    meter.start()
    send(server.port, asks)
    return meter.read() / len(asks)
