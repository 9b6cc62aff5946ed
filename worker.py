"""
`org-selector-worker`: sends the mails that wait in the outbox.

It needs no port and no token secret. Any number of workers may run; SIGTERM and Ctrl-C end one
after the mail that it is sending.
"""

import argparse
import signal
import sys
import threading
from email.utils import parseaddr

import structlog

from org_guard.role_check import require_plain_role
from org_selector.languages import TEMPLATES, Languages
from org_selector.outbox.invitation_mail import InvitationMails
from org_selector.outbox.mail_server import MailServer
from org_selector.outbox.rows import OutboxRows
from org_selector.outbox.sender import Sender
from org_selector.outbox.settings import WorkerSettings
from service.environment import SettingsError, read
from service.logs import configure_logs
from service.pool import Database

_DESCRIPTION = """\
Send the mails of invitations, until SIGTERM or Ctrl-C.

Environment:
  DATABASE_URL    Postgres, as the database role org_worker
  SMTP_URL        the mail server: smtp://USER:PASSWORD@smtp.example.com:587 (STARTTLS)
                  or smtps://USER:PASSWORD@smtp.example.com:465
  MAIL_FROM       who the mails are from: 'Example <no-reply@example.com>'
  INVITATION_URL  the page of your app that an invitation leads to, with {id} in it:
                  https://app.example.com/?invitation={id}

A mail that the server refuses is tried again after 1, 2, 4 … 60 minutes, until the invitation
expires. Several workers share the work.
"""


def main() -> int:
    """Run until told to stop; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="org-selector-worker",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    configure_logs()
    try:
        settings = read(WorkerSettings, "worker")
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 3
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    database = settings.open_database(require_plain_role)
    log = structlog.get_logger()
    log.info("worker_started")
    try:
        make_sender(settings, database).run(stop)
    finally:
        database.close()
    log.info("worker_ended")
    return 0


def make_sender(settings: WorkerSettings, database: Database) -> Sender:
    """Put the parts together."""
    scheme, host, port = settings.smtp_place
    server = MailServer(
        scheme,
        host,
        port,
        login=settings.smtp_login,
        is_local=settings.smtp_is_local,
        own_name=parseaddr(settings.mail_from)[1].rpartition("@")[2],
    )
    mails = InvitationMails(Languages(TEMPLATES), settings.mail_from, settings.invitation_url)
    return Sender(OutboxRows(database), mails, server)


if __name__ == "__main__":
    sys.exit(main())
