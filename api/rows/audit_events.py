"""Audit events: which changes were made and who logged in, when and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb
from pydantic import Field

from api.ids import IdText, ProjectIdText, UserIdText
from endpoint.keyset import Keyset, Page
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity

Action = Literal[
    "organization.created",
    "organization.updated",
    "organization.suspended",
    "organization.resumed",
    "member.logged_in",
    "member.added",
    "member.role_changed",
    "member.blocked",
    "member.unblocked",
    "member.removed",
    "member.left",
    "invitation.created",
    "invitation.resent",
    "invitation.withdrawn",
    "invitation.accepted",
    "project.created",
    "project.updated",
    "project.deleted",
]
Kind = Literal["organization", "member", "invitation", "project"]


@dataclass(slots=True)
class Actor:
    """Who made the change, with the name they had then."""

    id: UserIdText
    name: Annotated[str | None, Field(examples=["Joe Bloggs"])]


@dataclass(slots=True)
class Target:
    """What was changed, with the name it had then."""

    kind: Annotated[Kind, Field(examples=["project"])]
    id: ProjectIdText
    name: Annotated[str | None, Field(examples=["Website relaunch"])]


@dataclass(slots=True)
class AuditEvent:
    """One change or login: when it was made, by whom and to what."""

    id: IdText
    at: datetime
    action: Annotated[Action, Field(examples=["project.updated"])]
    actor: Annotated[Actor | None, Field(description="null: an administrator of the service")]
    target: Target
    details: Annotated[dict[str, Any], Field(examples=[{"name": ["Website", "Website relaunch"]}])]
    client_id: Annotated[str, Field(examples=["jF3vXq0ZrT8cWm5LbN2yKd7HsPa9GuE4"])]


class AuditEventRows:
    """The organization's audit events."""

    def __init__(self, rows: RowSecurity) -> None:
        self._rows = rows

    def list_audit_events(self, principal: Principal, keyset: Keyset) -> Page[AuditEvent]:
        """List changes and logins, newest first."""
        rows = self._rows.select(
            principal,
            """
            select e.id::text, e.at, e.action, e.actor_user_id::text, e.actor_name,
                split_part(e.action, '.', 1), e.target_id::text, e.target_name, e.details,
                e.client_id
            from org.audit_event e where (e.at, e.id) < (%s::timestamptz, %s)
            order by e.at desc, e.id desc limit %s
            """,
            (*keyset.before, keyset.limit + 1),
        )
        events = [
            AuditEvent(
                id=row[0],
                at=row[1],
                action=row[2],
                actor=Actor(*row[3:5]) if row[3] else None,
                target=Target(*row[5:8]),
                details=row[8],
                client_id=row[9],
            )
            for row in rows
        ]
        return Page.of(events, keyset, lambda event: (event.at, event.id))


def add_audit_event(
    conn: psycopg.Connection,
    principal: Principal,
    action: Action,
    target_id: str | UUID,
    target_name: str | None,
    details: Mapping[str, object] | None = None,
) -> None:
    """
    Record what this transaction changes; the database adds organization, actor and time.

    Call it last and fetch no result after it, so that it travels with COMMIT.

    Args:
        details: each changed field, with its old and its new value.
    """
    conn.execute(
        """
        insert into org.audit_event (actor_name, client_id, action, target_id, target_name, details)
        values (
            (select name from org.app_user where id = (select org.entered_user())),
            %s, %s, %s, %s, %s
        )
        """,
        (principal.client_id, action, target_id, target_name, Jsonb(details or {})),
    )
