"""An administrator who forgets gunicorn's settings is told so."""

import os
import subprocess
import sys

import pytest

from local_stack.node import PROJECT
from local_stack.processes import free_port

OURS = "python:service.gunicorn_settings"


def start(app: str, *arguments: str) -> str:
    """Start gunicorn without any setting of an app, which ends it, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", *arguments, app],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "cannot start" in done.stderr
    return done.stderr


@pytest.mark.parametrize("app", ["wsgi:selector", "wsgi:api"])
def test_without_our_settings_the_log_names_the_command(app: str) -> None:
    """gunicorn's own serve one request at a time, which nothing else would show."""
    printed = start(app, "--bind", f"127.0.0.1:{free_port()}", "--no-control-socket")

    assert '"level": "warning"' in printed
    assert f"start it with: gunicorn -c {OURS} {app}" in printed


def test_with_our_settings_nothing_is_said() -> None:
    """The right command is quiet."""
    assert "serve one request at a time" not in start("wsgi:selector", "-c", OURS)
