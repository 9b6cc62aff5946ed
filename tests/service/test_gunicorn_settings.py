"""An administrator who forgets gunicorn's settings is told so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.node import PROJECT
from local_stack.processes import free_port

OURS = "python:service.gunicorn_settings"


def run(app: str, *arguments: str) -> str:
    """Run gunicorn without any setting of an app, which ends it, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", *arguments, app],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stderr


def start(app: str, *arguments: str) -> str:
    """Run gunicorn until the app looks for its settings, and return what it printed."""
    printed = run(app, *arguments)
    assert "cannot start" in printed
    return printed


@pytest.mark.parametrize("app", ["wsgi:selector", "wsgi:api"])
def test_without_our_settings_the_log_names_the_command(app: str) -> None:
    """gunicorn's own serve one request at a time, which nothing else would show."""
    printed = start(app, "--bind", f"127.0.0.1:{free_port()}", "--no-control-socket")

    assert '"level": "warning"' in printed
    assert f"start it with: gunicorn -c {OURS} {app}" in printed


def test_with_our_settings_nothing_is_said() -> None:
    """The right command is quiet."""
    assert "serve one request at a time" not in start("wsgi:selector", "-c", OURS)


def test_tls_is_refused(tmp_path: Path) -> None:
    """Our worker would answer in plain text on a port that its clients believe to be encrypted."""
    certificate = tmp_path / "any.pem"
    certificate.touch()
    printed = run("wsgi:selector", "-c", OURS, "--certfile", str(certificate))

    assert "Let a proxy serve TLS" in printed
    assert "cannot start" not in printed
