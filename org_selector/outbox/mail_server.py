"""
The mail server, over SMTP.

TLS is required, and the server's certificate is verified, unless the server is on this machine.
Every wait has a limit: `SILENCE` for one answer, `DEADLINE` for a whole message, after which the
socket is shut, since a server may send a byte at a time.
"""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from email.message import EmailMessage

SILENCE = 15.0  # seconds
DEADLINE = 45.0  # seconds; the outbox gives a mail to another program after 60
Failure = (smtplib.SMTPException, OSError)  # OSError: also TLS, and names that are not found


class MailServer:
    """
    Where to send mail.

    Args:
        scheme: "smtps" for TLS from the start, "smtp" for STARTTLS.
        login: user and password.
        is_local: whether the server is on this machine and needs no TLS.
        own_name: what this program calls itself (EHLO).
    """

    def __init__(
        self,
        scheme: str,
        host: str,
        port: int,
        *,
        login: tuple[str, str] | None,
        is_local: bool,
        own_name: str,
    ) -> None:
        self._scheme = scheme
        self._host = host
        self._port = port
        self._login = login
        self._is_local = is_local
        self._own_name = own_name

    @contextlib.contextmanager
    def connect(self) -> Iterator["MailConnection"]:
        """
        Connect and log in; leaving the context says good-bye.

        Raises:
            smtplib.SMTPException, OSError: `Failure`.
        """
        smtp = self._make()
        try:
            with _deadline(smtp):
                code, greeting = smtp.connect(self._host, self._port)
                if code != 220:
                    raise smtplib.SMTPConnectError(code, greeting)
                if self._scheme == "smtp" and (not self._is_local or smtp.has_extn("starttls")):
                    smtp.starttls(context=ssl.create_default_context())
                if self._login is not None:
                    smtp.login(*self._login)
            yield MailConnection(smtp)
            with contextlib.suppress(*Failure), _deadline(smtp):
                smtp.quit()
        finally:
            smtp.close()

    def _make(self) -> smtplib.SMTP:
        # Without a host, so that it connects later, under the deadline.
        if self._scheme == "smtps":
            return smtplib.SMTP_SSL(
                local_hostname=self._own_name,
                timeout=SILENCE,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(local_hostname=self._own_name, timeout=SILENCE)


class MailConnection:
    """A connection that takes messages."""

    def __init__(self, smtp: smtplib.SMTP) -> None:
        self._smtp = smtp

    @property
    def is_open(self) -> bool:
        """Whether another message can be sent."""
        return self._smtp.sock is not None

    def send(self, message: EmailMessage) -> None:
        """
        Hand a message over; when this returns, the server is responsible for it.

        Raises:
            smtplib.SMTPException, OSError: `Failure`; the server did not take it, or perhaps did
                and could not say so.
        """
        with _deadline(self._smtp):
            self._smtp.send_message(message)


@contextlib.contextmanager
def _deadline(smtp: smtplib.SMTP) -> Iterator[None]:
    over = threading.Event()

    def shut() -> None:
        over.set()
        if smtp.sock is not None:
            with contextlib.suppress(OSError):
                smtp.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(DEADLINE, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if over.is_set():
        raise TimeoutError  # what arrived is half an answer, whatever it looked like
