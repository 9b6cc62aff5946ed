"""The organization's invitations, and the outbox of the mails that tell about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
from pydantic import Field, TypeAdapter

from api.errors import AlreadyInvited, AlreadyMember, MailedJustNow, TooManyInvitations
from api.ids import InvitationIdText, UserIdText
from api.rows.audit_events import Action, add_audit_event
from api.rows.idempotency_keys import claim_key, store_answer
from api.rows.organization import lock_organization
from api.rows.roles import MembershipRole, may_change
from endpoint.errors import NotFound
from endpoint.idempotency import KeyedRequest
from endpoint.keyset import Keyset, Page
from org_guard.errors import InsufficientRole, NotAMember
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity

MAX_OPEN = 100  # open invitations of an organization
DAYS = 7  # for which an invitation is open


@dataclass(slots=True)
class Inviter:
    """The member who sent the invitation last."""

    id: UserIdText
    name: Annotated[str | None, Field(examples=["Joe Doe"])]


@dataclass(slots=True)
class Invitation:
    """An invitation that was not accepted yet."""

    id: InvitationIdText
    email: Annotated[str, Field(examples=["nina@example.com"])]
    role: Annotated[MembershipRole, Field(examples=["member"])]
    status: Annotated[
        Literal["open", "expired"],
        Field(
            description="`expired` also if the inviter may no longer give this role.",
            examples=["open"],
        ),
    ]
    mail: Annotated[
        Literal["waiting", "sent"], Field(description="Whether the mail server has it.")
    ]
    invited_by: Annotated[
        Inviter | None,
        Field(description="null: an administrator of the service, or a person who left"),
    ]
    created_at: datetime
    sent_at: Annotated[datetime, Field(description="When the mail was asked for last.")]
    expires_at: datetime


_INVITATION = TypeAdapter(Invitation)


class InvitationRows:
    """The organization's invitations."""

    def __init__(self, rows: RowSecurity) -> None:
        self._rows = rows

    def list_invitations(self, principal: Principal, keyset: Keyset) -> Page[Invitation]:
        """List the invitations that were not accepted, newest first."""
        rows = self._rows.select(
            principal,
            """
            select i.id::text, i.email, i.role,
                case when org.is_open(i) then 'open' else 'expired' end,
                case when exists (select from org.mail_outbox o where o.invitation_id = i.id)
                    then 'waiting' else 'sent' end,
                u.id::text, u.name, i.created_at, i.sent_at, i.expires_at
            from org.invitation i left join org.app_user u on u.id = i.invited_by
            where i.accepted_at is null and (i.created_at, i.id) < (%s::timestamptz, %s)
            order by i.created_at desc, i.id desc limit %s
            """,
            (*keyset.before, keyset.limit + 1),
        )
        invitations = [_make(row) for row in rows]
        return Page.of(invitations, keyset, lambda one: (one.created_at, one.id))

    def add_invitation(
        self,
        principal: Principal,
        email: str,
        role: MembershipRole,
        language: str,
        request: KeyedRequest | None,
    ) -> Invitation:
        """
        Invite an address, or return the invitation that was made when *request* came before.

        An expired invitation of the same address is replaced.

        Raises:
            IdempotencyKeyReused: the key came with another request before.
            InsufficientRole: the caller may not give this role.
            AlreadyMember, AlreadyInvited, TooManyInvitations, MailedJustNow: as `_require_free`.
        """
        with self._rows.organization(principal) as conn:
            if request is not None:
                answer = claim_key(conn, request)
                if answer is not None:
                    return _INVITATION.validate_json(answer)
            lock_organization(self._rows, conn, principal)
            _require_right(conn, "member", role)
            _require_free(conn, email, renewed=None)
            conn.execute(
                "delete from org.invitation where email = lower(%s) and accepted_at is null",
                (email,),
            )
            [row] = conn.execute(
                """
                insert into org.invitation (email, role, language, expires_at)
                values (lower(%s), %s, %s, now() + make_interval(days => %s)) returning id
                """,
                (email, role, language, DAYS),
            ).fetchall()
            invitation = _post(conn, row[0])
            if request is not None:
                store_answer(conn, request, _INVITATION.dump_json(invitation))
            _note(conn, principal, "invitation.created", invitation.id, invitation.email, role)
        return invitation

    def resend_invitation(self, principal: Principal, invitation_id: UUID) -> Invitation:
        """
        Send an invitation again, which then is the caller's.

        Raises:
            NotFound: there is no such invitation, or it was accepted.
            InsufficientRole: the caller may not give its role.
            AlreadyMember, TooManyInvitations, MailedJustNow: as `_require_free`.
        """
        with self._rows.organization(principal) as conn:
            lock_organization(self._rows, conn, principal)
            email, role = _load_waiting(conn, invitation_id)
            _require_right(conn, "member", role)
            _require_free(conn, email, renewed=invitation_id)
            conn.execute(
                """
                update org.invitation set expires_at = now() + make_interval(days => %s),
                    sent_at = now(), invited_by = (select org.entered_user())
                where id = %s
                """,
                (DAYS, invitation_id),
            )
            invitation = _post(conn, invitation_id)
            _note(conn, principal, "invitation.resent", invitation_id, email, role)
        return invitation

    def withdraw_invitation(self, principal: Principal, invitation_id: UUID) -> None:
        """
        Delete an invitation, and with it a mail that waits.

        Raises:
            NotFound: there is no such invitation, or it was accepted.
            InsufficientRole: it is an owner's, and the caller is not an owner.
        """
        with self._rows.organization(principal) as conn:
            lock_organization(self._rows, conn, principal)
            email, role = _load_waiting(conn, invitation_id)
            _require_right(conn, role, None)
            conn.execute("delete from org.invitation where id = %s", (invitation_id,))
            _note(conn, principal, "invitation.withdrawn", invitation_id, email, role)


def _load_waiting(conn: psycopg.Connection, invitation_id: UUID) -> tuple[str, MembershipRole]:
    row = conn.execute(
        "select email, role from org.invitation where id = %s and accepted_at is null",
        (invitation_id,),
    ).fetchone()
    if row is None:
        raise NotFound
    return row[0], row[1]


def _require_right(
    conn: psycopg.Connection, present: MembershipRole, wanted: MembershipRole | None
) -> None:
    """Require that the caller may change another member in this way; None is a removal."""
    row = conn.execute(
        "select role from org.membership where user_id = (select org.entered_user())"
    ).fetchone()
    if row is None:
        raise NotAMember("removed between the entry and now")
    verdict = may_change(row[0], present, wanted, is_self=False, another_owner=True)
    if verdict == "insufficient_role":
        raise InsufficientRole(verdict)


def _require_free(conn: psycopg.Connection, email: str, *, renewed: UUID | None) -> None:
    """
    Require that an invitation of this address may be sent.

    Args:
        renewed: the invitation that is sent again, which does not stand in its own way.

    Raises:
        AlreadyMember: a member has this address.
        AlreadyInvited: another invitation of this address is open.
        TooManyInvitations: the organization has MAX_OPEN others.
        MailedJustNow: within a minute before, the organization asked for a mail to this address,
            be it for an invitation that was withdrawn since.
    """
    [(is_member, is_invited, others, mailed)] = conn.execute(
        """
        select exists (
                select from org.membership m join org.app_user u on u.id = m.user_id
                where lower(u.email) = lower(%(email)s)
            ), exists (
                select from org.invitation i where i.email = lower(%(email)s)
                and i.id is distinct from %(renewed)s and org.is_open(i)
            ), (
                select count(*) from org.invitation i where i.accepted_at is null
                and i.expires_at > now() and i.id is distinct from %(renewed)s
            ), exists (
                select from org.audit_event e
                where e.action in ('invitation.created', 'invitation.resent')
                and e.target_name = lower(%(email)s) and e.at > now() - interval '1 minute'
            )
        """,
        {"email": email, "renewed": renewed},
    ).fetchall()
    if is_member:
        raise AlreadyMember
    if is_invited:
        raise AlreadyInvited
    if others >= MAX_OPEN:
        raise TooManyInvitations
    if mailed:
        raise MailedJustNow


def _post(conn: psycopg.Connection, invitation_id: UUID) -> Invitation:
    """Put the mail into the outbox, unless it waits there already, and return the invitation."""
    conn.execute(
        """
        insert into org.mail_outbox (invitation_id) values (%s) on conflict do nothing
        """,
        (invitation_id,),
    )
    [row] = conn.execute(
        """
        select i.id::text, i.email, i.role, 'open', 'waiting', u.id::text, u.name,
            i.created_at, i.sent_at, i.expires_at
        from org.invitation i join org.app_user u on u.id = i.invited_by where i.id = %s
        """,
        (invitation_id,),
    ).fetchall()
    return _make(row)


def _make(row: tuple[Any, ...]) -> Invitation:
    id_, email, role, status, mail, inviter_id, inviter_name, *times = row
    created_at, sent_at, expires_at = times
    invited_by = Inviter(inviter_id, inviter_name) if inviter_id else None
    return Invitation(id_, email, role, status, mail, invited_by, created_at, sent_at, expires_at)


def _note(
    conn: psycopg.Connection,
    principal: Principal,
    action: Action,
    invitation_id: UUID | str,
    email: str,
    role: MembershipRole,
) -> None:
    add_audit_event(conn, principal, action, invitation_id, email, {"role": role})
