"""The worker's settings, and the program itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_stack.stack import Stack
from org_selector.outbox.settings import WorkerSettings
from service.environment import SettingsError, read

RIGHT = {
    "DATABASE_URL": "postgresql://org_worker:x@localhost/organizations",
    "SMTP_URL": "smtp://user:p%40ss@smtp.example.com",
    "MAIL_FROM": "Example <no-reply@example.com>",
    "INVITATION_URL": "https://app.example.com/?invitation={id}",
}


def read_settings(monkeypatch: pytest.MonkeyPatch, **changes: str) -> WorkerSettings:
    """Read an environment that is right but for *changes*."""
    for name, value in (RIGHT | changes).items():
        monkeypatch.setenv(name, value)
    return read(WorkerSettings, "worker")


def test_right_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The password in the URL is percent-encoded, and the port has a default."""
    settings = read_settings(monkeypatch)

    assert settings.smtp_login == ("user", "p@ss")
    assert settings.smtp_place == ("smtp", "smtp.example.com", 587)
    assert not settings.smtp_is_local
    monkeypatch.setenv("SMTP_URL", "smtps://localhost")
    assert read(WorkerSettings, "worker").smtp_place == ("smtps", "localhost", 465)
    assert read(WorkerSettings, "worker").smtp_login is None
    assert read(WorkerSettings, "worker").smtp_is_local


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "smtp.example.com"),
        ("SMTP_URL", "https://smtp.example.com"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://user:secret@smtp.example.com:port"),
        ("SMTP_URL", "smtp://user:sec/ret@smtp.example.com"),
        ("SMTP_URL", "smtp://user@smtp.example.com"),
        ("SMTP_URL", "smtp://smtp.example.com/?tls=off"),
        ("MAIL_FROM", "no-reply"),
        ("MAIL_FROM", "a@example.com, b@example.com"),
        ("MAIL_FROM", "Example <no-reply@example.com>\r\nBcc: eve@example.com"),
        ("INVITATION_URL", "https://app.example.com/"),
        ("INVITATION_URL", "https://app.example.com/{id}/{id}"),
        ("INVITATION_URL", "http://app.example.com/{id}"),
        ("INVITATION_URL", "https://{id}.example.com/"),
        ("INVITATION_URL", "javascript:{id}"),
    ],
)
def test_a_wrong_setting_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """Its value may be a secret."""
    with pytest.raises(SettingsError) as caught:
        read_settings(monkeypatch, **{name: value})

    lines = str(caught.value).splitlines()
    assert [line.split()[0] for line in lines[1:]] == [name]
    assert "sec" not in str(caught.value)


def run_worker(log: Path, environment: dict[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    """Start the program."""
    argv = [sys.executable, "-m", "worker", *arguments]
    with log.open("wb") as output:
        return subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )


def test_the_worker_explains_itself(tmp_path: Path) -> None:
    """`--help`, and one line for each missing setting."""
    environment = {"PATH": os.environ["PATH"]}
    log = tmp_path / "log"
    assert run_worker(log, environment, "--help").wait(timeout=30) == 0
    for name in RIGHT:
        assert name in log.read_text()

    assert run_worker(log, environment).wait(timeout=30) == 3
    lines = log.read_text().splitlines()
    assert lines[0] == "The worker cannot start:"
    assert [line.split()[0] for line in lines[1:]] == ["DATABASE_URL", *list(RIGHT)[1:]]


def test_the_worker_ends_when_told(stack: Stack, tmp_path: Path) -> None:
    """With status 0, and at once."""
    log = tmp_path / "log"
    program = run_worker(log, stack.worker_environment())
    try:
        deadline = time.monotonic() + 30
        while "worker_started" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=10) == 0
        assert "worker_ended" in log.read_text()
    finally:
        program.kill()
        program.wait(timeout=10)
