"""The connection to the mail server: no mail and no password without TLS, and no endless wait."""

import contextlib
import smtplib
import socket
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from org_selector.outbox import mail_server
from org_selector.outbox.mail_server import Failure, MailServer
from tests.kit.smtp import run_postman


def make_server(
    port: int, *, is_local: bool = True, login: tuple[str, str] | None = None
) -> MailServer:
    """Make the client of a server on this machine."""
    return MailServer(
        "smtp", "127.0.0.1", port, login=login, is_local=is_local, own_name="example.com"
    )


def make_message() -> EmailMessage:
    """Make any message."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "Hello"
    message.set_content("Hello")
    return message


def test_a_server_elsewhere_without_tls_gets_no_mail() -> None:
    """One on this machine does: no network sees it."""
    with run_postman() as postman:
        with (
            pytest.raises(smtplib.SMTPNotSupportedError),
            make_server(postman.port, is_local=False, login=("user", "secret")).connect(),
        ):
            raise AssertionError("connected")
        assert postman.mails == []
        with make_server(postman.port).connect() as connection:
            connection.send(make_message())
        assert len(postman.mails) == 1


@contextlib.contextmanager
def slow_server(pause: float) -> Iterator[int]:
    """Greet each client with one byte every *pause* seconds, and never finish the line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve() -> None:
            client, _ = listener.accept()
            with client, contextlib.suppress(OSError):
                while not ended.wait(pause):
                    client.sendall(b"2")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            thread.join(timeout=10)


@pytest.mark.parametrize("pause", [0.1, 60.0])
def test_a_slow_server_is_given_up(monkeypatch: pytest.MonkeyPatch, pause: float) -> None:
    """Also one that sends a byte now and then, which no time limit of a socket notices."""
    monkeypatch.setattr(mail_server, "SILENCE", 1.5)
    monkeypatch.setattr(mail_server, "DEADLINE", 1.0)
    began = time.monotonic()
    with slow_server(pause) as port:
        with pytest.raises(Failure), make_server(port).connect():
            raise AssertionError("connected")
        assert 0.9 < time.monotonic() - began < 5
