"""
Send what waits in the outbox, one mail after the other, until told to stop.

A mail is never lost: its row stays until the mail server has taken it. It is sent twice only if the
server took it and could not say so, or this program was killed between the two.
While the mail server is out of reach no mail is claimed, so all of them go out once it is back.
"""

import threading
from email.errors import MessageError

import psycopg
import structlog

from org_selector.outbox.invitation_mail import InvitationMails
from org_selector.outbox.mail_server import Failure, MailConnection, MailServer
from org_selector.outbox.rows import OutboxRows, WaitingMail
from service.pool import Unavailable

PAUSE = 2.0  # seconds between two looks
LONGEST_PAUSE = 60.0  # seconds, while Postgres or the mail server is out of reach


class Sender:
    """Send mails. Several programs may do so at once."""

    def __init__(self, rows: OutboxRows, mails: InvitationMails, server: MailServer) -> None:
        self._rows = rows
        self._mails = mails
        self._server = server
        self._log = structlog.get_logger()

    def run(self, stop: threading.Event) -> None:
        """Send until *stop* is set; the mail that is being sent is finished."""
        pause = PAUSE
        while not stop.is_set():
            try:
                self.send_due(stop)
                pause = PAUSE
            except (Unavailable, psycopg.Error) as error:
                pause = self._report("database_unreachable", error, pause)
            except Failure as error:
                pause = self._report("mail_server_unreachable", error, pause)
            stop.wait(pause)

    def send_due(self, stop: threading.Event) -> int:
        """
        Send all mails that are due, and return how many the server took.

        Raises:
            service.pool.Unavailable: Postgres does not answer.
            smtplib.SMTPException, OSError: the connection to the mail server failed.
        """
        if not self._rows.find_due():
            return 0
        sent = 0
        with self._server.connect() as connection:
            while not stop.is_set() and (mail := self._rows.claim()):
                if self._send(connection, mail):
                    self._rows.forget(mail)
                    sent += 1
                elif not connection.is_open:
                    break
        return sent

    def _send(self, connection: MailConnection, mail: WaitingMail) -> bool:
        log = self._log.bind(invitation_id=mail.invitation_id, tries=mail.tries)
        try:
            connection.send(self._mails.make(mail))
        except (*Failure, MessageError, ValueError) as error:
            # It waits for its next try. The text of the server may have an address in it; logs
            # replace those.
            log.warning("mail_not_sent", error=type(error).__name__, detail=str(error))
            return False
        log.info("mail_sent")
        return True

    def _report(self, event: str, error: Exception, pause: float) -> float:
        longer = min(pause * 2, LONGEST_PAUSE)
        self._log.warning(
            event, error=type(error).__name__, detail=str(error), next_try_seconds=longer
        )
        return longer
