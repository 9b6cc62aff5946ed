"""A service under a gunicorn of its own, with the settings that a test asks for."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_stack.node import PROJECT
from local_stack.processes import Child, Processes, free_port
from local_stack.stack import Stack


@contextmanager
def run_selector_under_gunicorn(
    stack: Stack, folder: Path, *, workers: int, threads: int
) -> Iterator[tuple[Child, int]]:
    """Run the selector of *stack* once more; yields gunicorn's first process and the port."""
    port = free_port()
    environment = stack.selector_environment() | {
        "PORT": str(port),
        "WEB_CONCURRENCY": str(workers),
        "THREADS": str(threads),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_settings"]
    with Processes(folder) as processes:
        child = processes.start(
            "selector",
            [*command, "wsgi:selector"],
            env=environment,
            cwd=PROJECT,
            ready=f"http://127.0.0.1:{port}/readyz",
        )
        yield child, port
