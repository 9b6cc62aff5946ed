"""
The SQL statements of the outbox, as the database role org_worker.

A mail is claimed for a while and deleted once the mail server has it. If the program is killed in
between, the mail is due again after that while. Several programs share the work: each claim skips
the rows that another one is claiming at that moment.
"""

from dataclasses import dataclass
from datetime import datetime

from service.pool import Database

# The pause before the next try doubles, up to an hour: 1, 2, 4 … 60 minutes.
_CLAIM = """
    with claimed as (
        update org.mail_outbox set tries = tries + 1,
            next_try_at = now() + least(interval '1 minute' * power(2, least(tries, 10)),
                interval '1 hour')
        where invitation_id = (
            select m.invitation_id
            from org.mail_outbox m join org.invitation i on i.id = m.invitation_id
            where m.next_try_at <= now() and org.is_open(i)
            order by m.next_try_at limit 1 for update of m skip locked
        )
        returning invitation_id, tries
    )
    select i.id::text, c.tries, i.email, i.role, i.language, i.sent_at, i.expires_at, o.name, u.name
    from claimed c join org.invitation i on i.id = c.invitation_id
    join org.organization o on o.id = i.org_id left join org.app_user u on u.id = i.invited_by
"""
# The mail of a suspended organization waits, and that of an invitation that is over is dropped.
_FIND_DUE = """
    with over as (
        delete from org.mail_outbox where invitation_id in (
            select m.invitation_id
            from org.mail_outbox m join org.invitation i on i.id = m.invitation_id
            where i.accepted_at is not null or i.expires_at <= now()
            for update of m skip locked
        )
    )
    select exists (
        select from org.mail_outbox m join org.invitation i on i.id = m.invitation_id
        where m.next_try_at <= now() and org.is_open(i)
    )
"""
# Not if it was claimed again meanwhile, because this try took longer than its pause.
_FORGET = "delete from org.mail_outbox where invitation_id = %s and tries = %s"


@dataclass(frozen=True, slots=True)
class WaitingMail:
    """What the mail of an invitation says, and the number of this try."""

    invitation_id: str
    tries: int
    email: str
    role: str
    language: str
    sent_at: datetime
    expires_at: datetime
    organization: str
    inviter: str | None


class OutboxRows:
    """
    The outbox.

    Every method raises `service.pool.Unavailable` if Postgres does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_due(self) -> bool:
        """Drop mails that are of no use any more, and say whether one is due."""
        [(due,)] = self._database.fetch_once(_FIND_DUE)
        return bool(due)

    def claim(self) -> WaitingMail | None:
        """Take a mail that is due, so that no other program sends it for at least a minute."""
        rows = self._database.fetch_once(_CLAIM)
        return WaitingMail(*rows[0]) if rows else None

    def forget(self, mail: WaitingMail) -> None:
        """Delete a mail that the mail server has."""
        self._database.fetch_once(_FORGET, (mail.invitation_id, mail.tries))
