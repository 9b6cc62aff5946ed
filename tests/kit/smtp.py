"""A real SMTP server that a test can make refuse, hang up or disappear."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from local_stack.processes import free_port


@dataclass
class Postman:
    """What the server got, and what it answers."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    to_recipient: str = "250 ok"
    to_message: str = "250 ok"
    hangs_up: bool = False  # after a message, before it is taken

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Answer the address of a recipient."""
        if self.to_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.to_recipient

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Answer a message."""
        if self.hangs_up:
            assert server.transport is not None
            server.transport.close()
        elif self.to_message.startswith("250"):
            assert isinstance(envelope.content, bytes)
            parser = BytesParser(_class=EmailMessage, policy=default)
            self.mails.append(parser.parsebytes(envelope.content))
            self.recipients += envelope.rcpt_tos
        return self.to_message


@contextlib.contextmanager
def run_postman(postman: Postman | None = None) -> Iterator[Postman]:
    """Run the server on a free port, or on the one that it had before."""
    postman = postman or Postman(free_port())
    controller = Controller(postman, "127.0.0.1", postman.port, enable_SMTPUTF8=True)
    controller.start()
    try:
        yield postman
    finally:
        controller.stop()
