"""Projects: an example of a table of your own; docs/your-own-table.md shows how to copy it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

import psycopg
from pydantic import Field, TypeAdapter

from api.ids import ProjectIdText
from api.rows.audit_events import add_audit_event
from api.rows.idempotency_keys import claim_key, store_answer
from endpoint.errors import NotFound
from endpoint.idempotency import KeyedRequest
from endpoint.keyset import Keyset, Page
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity


@dataclass(slots=True)
class Project:
    """A project of the organization."""

    id: ProjectIdText
    name: Annotated[str, Field(examples=["Website relaunch"])]
    description: Annotated[str, Field(examples=["New pages, same addresses"])]
    created_at: datetime
    updated_at: datetime


_PROJECT = TypeAdapter(Project)


class ProjectRows:
    """The organization's projects."""

    def __init__(self, rows: RowSecurity) -> None:
        self._rows = rows

    def list_projects(self, principal: Principal, keyset: Keyset) -> Page[Project]:
        """List the projects, newest first."""
        rows = self._rows.select(
            principal,
            """
            select p.id::text, p.name, p.description, p.created_at, p.updated_at
            from org.project p where (p.created_at, p.id) < (%s::timestamptz, %s)
            order by p.created_at desc, p.id desc limit %s
            """,
            (*keyset.before, keyset.limit + 1),  # one more tells whether another page follows
        )
        projects = [Project(*row) for row in rows]
        return Page.of(projects, keyset, lambda project: (project.created_at, project.id))

    def load_project(self, principal: Principal, project_id: UUID) -> Project:
        """Load a project."""
        rows = self._rows.select(
            principal,
            """
            select id::text, name, description, created_at, updated_at from org.project
            where id = %s
            """,
            (project_id,),
        )
        if not rows:
            raise NotFound
        return Project(*rows[0])

    def add_project(
        self, principal: Principal, name: str, description: str, request: KeyedRequest | None
    ) -> Project:
        """
        Create a project, or return the one that was created when *request* came before.

        Raises:
            IdempotencyKeyReused: the key came with another request before.
        """
        with self._rows.organization(principal) as conn:
            if request is None:
                return _insert_project(conn, principal, name, description)
            answer = claim_key(conn, request)
            if answer is not None:
                return _PROJECT.validate_json(answer)
            project = _insert_project(conn, principal, name, description)
            store_answer(conn, request, _PROJECT.dump_json(project))
        return project

    def change_project(
        self, principal: Principal, project_id: UUID, name: str | None, description: str | None
    ) -> Project:
        """Change a project; None leaves a field as it is."""
        with self._rows.organization(principal) as conn:
            # One statement that also returns the old values, for the audit event.
            row = conn.execute(
                """
                with before as (
                    select id, name, description, coalesce(%s, name) as new_name,
                        coalesce(%s, description) as new_description
                    from org.project where id = %s for no key update
                )
                update org.project p
                set name = b.new_name, description = b.new_description,
                    updated_at = case
                        when (b.name, b.description) = (b.new_name, b.new_description)
                        then p.updated_at else now()
                    end
                from before b where p.id = b.id
                returning p.id::text, p.name, p.description, p.created_at, p.updated_at,
                    b.name, b.description
                """,
                (name, description, project_id),
            ).fetchone()
            if row is None:
                raise NotFound
            *columns, old_name, old_description = row
            project = Project(*columns)
            pairs = {
                "name": [old_name, project.name],
                "description": [old_description, project.description],
            }
            details = {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}
            if details:
                add_audit_event(
                    conn, principal, "project.updated", project.id, project.name, details
                )
        return project

    def remove_project(self, principal: Principal, project_id: UUID) -> None:
        """Delete a project."""
        with self._rows.organization(principal) as conn:
            row = conn.execute(
                "delete from org.project where id = %s returning name", (project_id,)
            ).fetchone()
            if row is None:
                raise NotFound
            add_audit_event(conn, principal, "project.deleted", project_id, row[0])


def _insert_project(
    conn: psycopg.Connection, principal: Principal, name: str, description: str
) -> Project:
    [row] = conn.execute(
        """
        insert into org.project (name, description) values (%s, %s)
        returning id::text, name, description, created_at, updated_at
        """,
        (name, description),
    ).fetchall()
    project = Project(*row)
    add_audit_event(conn, principal, "project.created", project.id, project.name)
    return project
