"""The outbox: each mail reaches the mail server once, and none is lost."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from pydantic import SecretStr

from local_stack import seed
from local_stack.stack import Stack
from org_guard.role_check import require_plain_role
from org_selector.outbox.rows import OutboxRows
from org_selector.outbox.settings import WorkerSettings
from service.pool import Database
from tests.kit.databases import copy_database
from tests.kit.smtp import Postman, run_postman
from worker import make_sender

ABC = seed.organization("abc-inc")
URL = "https://app.example.com/?invitation={id}"


@dataclass
class Outbox:
    """An outbox in a database of its own, a worker, and the mail server."""

    superuser: psycopg.Connection
    postman: Postman
    database: Database
    settings: WorkerSettings

    def invite(
        self,
        email: str = "nina@example.com",
        *,
        inviter: str | None = "joe",
        role: str = "member",
        language: str = "",
    ) -> UUID:
        """Put the mail of a new invitation into the outbox, as the API does."""
        row = self.superuser.execute(
            """
            with invited as (
                insert into org.invitation (org_id, email, role, language, expires_at, invited_by)
                values (%s, %s, %s, %s, now() + interval '7 days',
                    (select id from org.app_user where auth0_user_id = %s))
                returning id
            )
            insert into org.mail_outbox (invitation_id) select id from invited
            returning invitation_id
            """,
            (ABC.id, email, role, language, f"auth0|{inviter}"),
        ).fetchone()
        assert row is not None
        found: UUID = row[0]
        return found

    def send_due(self) -> int:
        """Send what is due, as a worker."""
        return make_sender(self.settings, self.database).send_due(threading.Event())

    def waiting(self) -> list[tuple[int, int]]:
        """Return tries, and minutes until the next one, of each mail that waits."""
        return self.superuser.execute(
            "select tries, round(extract(epoch from next_try_at - now()) / 60)::int "
            "from org.mail_outbox order by 1"
        ).fetchall()

    def make_due(self) -> None:
        """Let the pause of every mail be over."""
        self.superuser.execute("update org.mail_outbox set next_try_at = now()")


@pytest.fixture
def outbox(stack: Stack) -> Iterator[Outbox]:
    """An empty outbox."""
    with copy_database(stack.postgres, "outbox") as name, run_postman() as postman:
        settings = WorkerSettings.model_validate(
            {
                "database_url": stack.postgres.url(name, "org_worker"),
                "smtp_url": f"smtp://127.0.0.1:{postman.port}",
                "mail_from": "Example App <no-reply@example.com>",
                "invitation_url": URL,
            }
        )
        database = settings.open_database(require_plain_role)
        superuser_url = stack.postgres.url(name, "postgres")
        try:
            with psycopg.connect(superuser_url, autocommit=True) as superuser:
                yield Outbox(superuser, postman, database, settings)
        finally:
            database.close()


def test_a_waiting_mail_is_sent_once_and_leaves_the_outbox(outbox: Outbox) -> None:
    outbox.invite()

    assert outbox.send_due() == 1
    assert outbox.send_due() == 0
    assert outbox.postman.recipients == ["nina@example.com"]
    assert outbox.waiting() == []


def test_two_workers_share_the_mails(outbox: Outbox) -> None:
    """Each mail is sent by one of them."""
    for number in range(40):
        outbox.invite(f"{number}@example.com")
    sent: list[int] = []
    workers = [threading.Thread(target=lambda: sent.append(outbox.send_due())) for _ in range(4)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(timeout=30)

    assert sum(sent) == 40
    assert sorted(outbox.postman.recipients) == sorted(f"{n}@example.com" for n in range(40))
    assert outbox.waiting() == []


@pytest.mark.parametrize("answer", ["450 try later", "550 no such mailbox"])
@pytest.mark.parametrize("to", ["to_recipient", "to_message"])
def test_a_mail_that_the_server_refuses_waits_longer_each_time(
    outbox: Outbox, answer: str, to: str
) -> None:
    """A minute, then two, then four, at most an hour; another mail is sent meanwhile."""
    outbox.invite()
    setattr(outbox.postman, to, answer)
    for tries, minutes in enumerate((1, 2, 4, 8, 16, 32, 60, 60), start=1):
        assert outbox.send_due() == 0
        assert outbox.waiting() == [(tries, minutes)]
        assert outbox.send_due() == 0  # it is not due
        assert outbox.waiting() == [(tries, minutes)]
        outbox.make_due()
    setattr(outbox.postman, to, "250 ok")

    assert outbox.send_due() == 1
    assert outbox.waiting() == []
    assert len(outbox.postman.mails) == 1


def test_a_refused_mail_holds_up_no_other_one(outbox: Outbox) -> None:
    outbox.invite("@@@")  # no address at all
    outbox.invite("first@example.com")
    outbox.invite("second@example.com")

    assert outbox.send_due() == 2
    assert outbox.postman.recipients == ["first@example.com", "second@example.com"]
    assert outbox.waiting() == [(1, 1)]


def test_a_server_that_is_down_costs_no_try(outbox: Outbox) -> None:
    """However long it is down, all mails go out once it is back."""
    for number in range(3):
        outbox.invite(f"{number}@example.com")
    with run_postman() as gone:  # it listens no more after this block
        pass
    settings = outbox.settings.model_copy(
        update={"smtp_url": SecretStr(f"smtp://127.0.0.1:{gone.port}")}
    )
    stop = threading.Event()
    running = threading.Thread(target=make_sender(settings, outbox.database).run, args=(stop,))
    running.start()
    try:
        time.sleep(1)
        assert outbox.waiting() == [(0, 0)] * 3
        with run_postman(gone):
            deadline = time.monotonic() + 30
            while outbox.waiting() and time.monotonic() < deadline:
                time.sleep(0.1)
            assert outbox.waiting() == []
    finally:
        stop.set()
        running.join(timeout=30)
    assert sorted(gone.recipients) == ["0@example.com", "1@example.com", "2@example.com"]


def test_a_server_that_is_killed_in_the_middle_of_a_message_gets_it_again(outbox: Outbox) -> None:
    """With the same id, so that a mailbox can tell the second one, if there are two."""
    outbox.invite()
    outbox.postman.hangs_up = True
    assert outbox.send_due() == 0
    assert outbox.waiting() == [(1, 1)]
    outbox.postman.hangs_up = False
    outbox.make_due()

    assert outbox.send_due() == 1
    outbox.superuser.execute(
        "insert into org.mail_outbox (invitation_id) select id from org.invitation"
    )
    assert outbox.send_due() == 1
    first, second = outbox.postman.mails
    assert first["Message-ID"] == second["Message-ID"]


def test_a_mail_that_a_killed_worker_had_claimed_is_sent_a_minute_later(outbox: Outbox) -> None:
    outbox.invite()
    rows = OutboxRows(outbox.database)
    claimed = rows.claim()
    assert claimed is not None
    assert outbox.send_due() == 0
    outbox.make_due()

    assert outbox.send_due() == 1
    assert len(outbox.postman.mails) == 1


@pytest.mark.parametrize(
    "change",
    [
        "update org.invitation set expires_at = now()",
        "update org.invitation set accepted_at = now()",
        "delete from org.invitation",
    ],
)
def test_the_mail_of_an_invitation_that_is_over_is_dropped(outbox: Outbox, change: str) -> None:
    outbox.invite()
    outbox.superuser.execute(change.encode())

    assert outbox.send_due() == 0
    assert outbox.waiting() == []
    assert outbox.postman.mails == []
    outbox.invite("other@example.com")
    assert outbox.send_due() == 1


@pytest.mark.parametrize(
    ("change", "undo"),
    [
        (
            "update org.organization set suspended_at = now() where slug = 'abc-inc'",
            "update org.organization set suspended_at = null",
        ),
        (
            "update org.app_user set blocked_at = now() where auth0_user_id = 'auth0|joe'",
            "update org.app_user set blocked_at = null",
        ),
    ],
)
def test_the_mail_of_an_invitation_that_cannot_be_accepted_now_waits(
    outbox: Outbox, change: str, undo: str
) -> None:
    """The organization is suspended, or the inviter blocked: it is sent if that ends in time."""
    outbox.invite()
    outbox.superuser.execute(change.encode())
    assert outbox.send_due() == 0
    assert outbox.waiting() == [(0, 0)]

    outbox.superuser.execute(undo.encode())
    assert outbox.send_due() == 1
