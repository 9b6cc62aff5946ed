"""The entered organization itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import psycopg
from pydantic import Field

from api.ids import OrganizationIdText
from api.rows.audit_events import add_audit_event
from org_guard.errors import NotAMember
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity


@dataclass(slots=True)
class Organization:
    """The organization that the access token names."""

    id: OrganizationIdText
    slug: Annotated[str, Field(examples=["abc-inc"])]
    name: Annotated[str, Field(examples=["ABC Inc"])]
    created_at: datetime


class OrganizationRows:
    """The one row that the caller sees of the table `organization`."""

    def __init__(self, rows: RowSecurity) -> None:
        self._rows = rows

    def load_organization(self, principal: Principal) -> Organization:
        """Load the organization."""
        rows = self._rows.select(
            principal, "select id::text, slug, name, created_at from org.organization"
        )
        if not rows:
            raise NotAMember("removed between the entry and now")
        return Organization(*rows[0])

    def rename_organization(self, principal: Principal, name: str) -> Organization:
        """Give the organization another name; its slug stays, since links may contain it."""
        with self._rows.organization(principal) as conn:
            lock_organization(self._rows, conn, principal)
            row = conn.execute(
                """
                update org.organization o set name = %s from org.organization before
                where before.id = o.id
                returning o.id::text, o.slug, o.name, o.created_at, before.name
                """,
                (name,),
            ).fetchone()
            if row is None:
                raise NotAMember("removed between the entry and now")
            *columns, old_name = row
            organization = Organization(*columns)
            if name != old_name:
                details = {"name": [old_name, name]}
                add_audit_event(
                    conn, principal, "organization.updated", organization.id, name, details
                )
        return organization


def lock_organization(rows: RowSecurity, conn: psycopg.Connection, principal: Principal) -> None:
    """
    Lock the organization until COMMIT, so that changes of its name and roles happen one by one.

    Then check the caller again, who may have been removed, blocked or demoted during the wait.
    """
    # "no key": inserts that refer to the organization, such as a new project, need not wait.
    conn.execute("select from org.organization for no key update")
    rows.enter_again(conn, principal)
