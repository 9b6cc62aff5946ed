"""The members of the organization. The API adds none: its database role may not insert any."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

import psycopg
from pydantic import Field

from api.errors import LastOwner
from api.ids import UserIdText
from api.rows.audit_events import Action, add_audit_event
from api.rows.organization import lock_organization
from api.rows.roles import MembershipRole, Verdict, may_change
from endpoint.errors import NotFound
from endpoint.keyset import Keyset, Page
from org_guard.errors import InsufficientRole, NotAMember
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity


@dataclass(slots=True)
class Member:
    """A member of the organization; `id` is the id of the person."""

    id: UserIdText
    name: Annotated[str | None, Field(examples=["Joe Bloggs"])]
    email: Annotated[str | None, Field(examples=["joe@example.com"])]
    role: Annotated[MembershipRole, Field(examples=["admin"])]
    joined_at: datetime


class MemberRows:
    """The organization's members."""

    def __init__(self, rows: RowSecurity) -> None:
        self._rows = rows

    def list_members(self, principal: Principal, keyset: Keyset) -> Page[Member]:
        """List the members, in the order in which they joined."""
        rows = self._rows.select(
            principal,
            """
            select m.user_id::text, u.name, u.email, m.role, m.joined_at
            from org.membership m join org.app_user u on u.id = m.user_id
            where (m.joined_at, m.user_id) > (%s::timestamptz, %s)
            order by m.joined_at, m.user_id limit %s
            """,
            (*keyset.after, keyset.limit + 1),
        )
        members = [Member(*row) for row in rows]
        return Page.of(members, keyset, lambda member: (member.joined_at, member.id))

    def change_role(self, principal: Principal, user_id: UUID, role: MembershipRole) -> Member:
        """
        Give a member another role.

        Raises:
            NotFound, InsufficientRole, LastOwner: as `_decide`.
        """
        with self._rows.organization(principal) as conn:
            member, verdict, _ = self._decide(conn, principal, user_id, role)
            if verdict == "change":
                conn.execute(
                    "update org.membership set role = %s where user_id = %s", (role, user_id)
                )
                details = {"role": [member.role, role]}
                add_audit_event(
                    conn, principal, "member.role_changed", user_id, member.name, details
                )
        return replace(member, role=role)

    def remove_member(self, principal: Principal, user_id: UUID) -> None:
        """
        Take a person, who may be the caller, out of the organization.

        Raises:
            NotFound, InsufficientRole, LastOwner: as `_decide`.
        """
        with self._rows.organization(principal) as conn:
            member, _, is_self = self._decide(conn, principal, user_id, None)
            # Before the removal: afterwards the name of a person who leaves cannot be read.
            action: Action = "member.left" if is_self else "member.removed"
            add_audit_event(conn, principal, action, user_id, member.name)
            conn.execute("delete from org.membership where user_id = %s", (user_id,))

    def _decide(
        self,
        conn: psycopg.Connection,
        principal: Principal,
        user_id: UUID,
        new_role: MembershipRole | None,
    ) -> tuple[Member, Verdict, bool]:
        """
        Lock the organization, look up caller and target, and ask `may_change`.

        Returns: the target as it is, "change" or "same", and whether the target is the caller.

        Raises:
            NotFound: the target is not a member.
            InsufficientRole, LastOwner: `may_change` forbids it.
        """
        lock_organization(self._rows, conn, principal)
        # a is the caller, m the target, o any other owner who can log in.
        row = conn.execute(
            """
            select a.role, a.user_id = %(id)s, exists (
                    select from org.membership o join org.app_user p on p.id = o.user_id
                    where o.role = 'owner' and o.user_id <> %(id)s and p.blocked_at is null
                ), m.user_id::text, u.name, u.email, m.role, m.joined_at
            from org.membership a
            left join (org.membership m join org.app_user u on u.id = m.user_id)
                on m.user_id = %(id)s
            where a.user_id = (select org.entered_user())
            """,
            {"id": user_id},
        ).fetchone()
        if row is None:
            raise NotAMember("removed between the entry and now")
        actor_role, is_self, another_owner, *target = row
        if target[0] is None:  # the left join found no member
            raise NotFound
        member = Member(*target)
        verdict = may_change(
            actor_role, member.role, new_role, is_self=is_self, another_owner=another_owner
        )
        if verdict == "insufficient_role":
            raise InsufficientRole(verdict)
        if verdict == "last_owner":
            raise LastOwner
        return member, verdict, is_self
