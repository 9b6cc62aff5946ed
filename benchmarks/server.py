"""Servers under the project's gunicorn configuration, and the CPU that their requests cost."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from benchmarks import cpu
from benchmarks.load import CheckedRequest, send
from benchmarks.logins import RequestBuilder
from local_stack import access_tokens
from local_stack.processes import Processes, free_port
from local_stack.stack import Stack

_PROJECT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Server:
    """A running gunicorn: its port and the id of its main process."""

    port: int
    pid: int

    def list_workers(self) -> list[int]:
        """Return the ids of the worker processes."""
        return cpu.list_children(self.pid)


@contextmanager
def run_selector(
    stack: Stack, database: str, *, workers: int = 2
) -> Iterator[tuple[Server, RequestBuilder]]:
    """Run a selector on *database* of the stack's Postgres; yield it and its request builder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = stack.selector_environment() | {
        "DATABASE_URL": stack.postgres.url(database, "org_selector"),
        "SELECTOR_URL": url,
        "PORT": str(port),
        "WEB_CONCURRENCY": str(workers),
    }
    with _run(stack, "wsgi:selector", environment, "/healthz") as server:
        yield server, RequestBuilder(stack.tenant_host, stack.session_secret, url)


@contextmanager
def run_api(stack: Stack, database: str, keys_url: str) -> Iterator[Server]:
    """Run the resource API on *database*, for tokens signed with the keys at *keys_url*."""
    environment = stack.api_environment() | {
        "AUTH0_DOMAIN": f"{urlsplit(keys_url).netloc} {access_tokens.DOMAIN}",
        "DATABASE_URL": _database_url(stack, database, "api"),
        "PORT": str(free_port()),
    }
    with _run(stack, "wsgi:api", environment, "/readyz") as server:
        yield server


@contextmanager
def run_first_version(stack: Stack, database: str, keys_url: str) -> Iterator[Server]:
    """Run `first_version.py` on *database*, for tokens signed with the keys at *keys_url*."""
    environment = stack.api_environment() | {
        "KEYS_URL": keys_url,
        "ISSUER": access_tokens.ISSUER,
        "DATABASE_URL": _database_url(stack, database, "first"),
        "PORT": str(free_port()),
    }
    with _run(stack, "benchmarks.first_version:app", environment, "/") as server:
        yield server


def _database_url(stack: Stack, database: str, application: str) -> str:
    url = stack.postgres.url(database, "org_api")
    return psycopg.conninfo.make_conninfo(url, application_name=application)


@contextmanager
def run_empty(stack: Stack) -> Iterator[Server]:
    """Run the app with the view that does nothing."""
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
            [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_settings", app],
            env=environment,
            cwd=_PROJECT,
            ready=f"http://127.0.0.1:{port}{path}",
        )
        yield Server(port, child.process.pid)


def list_backends(
    superuser: psycopg.Connection,
    database: str,
    role: str = "org_selector",
    application: str | None = None,
) -> list[int]:
    """Return the ids of Postgres' backends for a database role, or for one of its applications."""
    rows = superuser.execute(
        "select pid from pg_stat_activity where datname = %s and usename = %s "
        "and application_name = coalesce(%s, application_name)",
        (database, role, application),
    ).fetchall()
    return [pid for (pid,) in rows]


def measure_request(server: Server, meter: cpu.Meter, requests: Sequence[CheckedRequest]) -> float:
    """Send *requests* and return the CPU time of one of them in microseconds, as *meter* has it."""
    meter.start()
    send(server.port, requests)
    return meter.read() / len(requests)
