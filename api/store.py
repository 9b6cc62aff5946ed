"""
Every SQL statement of the API.

None of them names an organization: row-level security does, and what is inserted gets its
organization by default. A read goes behind the entry in one statement (`RowSecurity.select`);
a write enters, changes and notes the change in one transaction, whose entry travels with the
first statement.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
from pydantic import Field, TypeAdapter

from api.errors import LastOwner
from endpoint.errors import IdempotencyKeyReused
from endpoint.keyset import Keyset, Page
from org_guard.access_token import Principal
from org_guard.errors import InsufficientRole, NotAMember
from org_guard.row_security import RowSecurity
from service.pool import Unavailable

# The rows are not frozen: up to 100 are made for a page, and frozen ones take five times as long.
Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Role = Literal["owner", "admin", "member"]
Action = Literal[
    "organization.updated",
    "member.role_changed",
    "member.removed",
    "member.left",
    "project.created",
    "project.updated",
    "project.deleted",
]
Kind = Literal["organization", "member", "project"]


@dataclass(slots=True)
class OrganizationOfMe:
    """The organization this token is for."""

    id: Id
    slug: str
    name: str


@dataclass(slots=True)
class Me:
    """Who calls, and where."""

    id: Id
    name: str | None
    email: str | None
    role: Role
    organization: OrganizationOfMe


@dataclass(slots=True)
class Organization:
    """The organization."""

    id: Id
    slug: str
    name: str
    created_at: datetime


@dataclass(slots=True)
class Member:
    """A person in the organization; `id` is the person's."""

    id: Id
    name: str | None
    email: str | None
    role: Role
    joined_at: datetime


@dataclass(slots=True)
class Project:
    """The example of a tenant's own table."""

    id: Id
    name: str
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class Actor:
    """Who did it; the name is the one they had."""

    id: Id
    name: str | None


@dataclass(slots=True)
class Target:
    """What it was done to; the name is the one it had."""

    kind: Kind
    id: Id
    name: str | None


@dataclass(slots=True)
class AuditEvent:
    """Something that somebody changed."""

    id: Id
    at: datetime
    action: Action
    actor: Actor
    target: Target
    details: dict[str, Any]
    client_id: str


class Store:
    """
    The organization's data.

    Every method may raise what the entry raises: NotAMember, OrganizationSuspended,
    InsufficientRole. A method that finds nothing returns None.
    """

    def __init__(self, rows: RowSecurity) -> None:
        self._rows = rows

    def load_me(self, principal: Principal) -> Me:
        """Load who calls."""
        rows = self._rows.select(
            principal,
            """
            select u.id::text, u.name, u.email, m.role,
                o.id::text, o.slug, o.name
            from app_user u join membership m on m.user_id = u.id, organization o
            where u.id = (select entered_user())
            """,
        )
        id_, name, email, role, *organization = _found(next(iter(rows), None))
        return Me(id_, name, email, role, OrganizationOfMe(*organization))

    def load_organization(self, principal: Principal) -> Organization:
        """Load the organization."""
        rows = self._rows.select(
            principal, "select id::text, slug, name, created_at from organization"
        )
        return Organization(*_found(next(iter(rows), None)))

    def rename_organization(self, principal: Principal, name: str) -> Organization:
        """Give it another name; its slug stays what it was."""
        with self._rows.organization(principal) as conn:
            _lock_organization(conn, principal)
            row = conn.execute(
                """
                with before as (
                    select id, name from organization for no key update
                ), changed as (
                    update organization o set name = %(name)s from before b where o.id = b.id
                    returning o.id, o.slug, o.name, o.created_at, b.name as old_name
                ), noted as (
                    insert into audit_event
                        (actor_name, client_id, action, target_id, target_name, details)
                    select (
                            select name from app_user
                            where id = entered_user()
                        ), %(client_id)s, 'organization.updated', id, name,
                        jsonb_build_object('name', jsonb_build_array(old_name, name))
                    from changed where name <> old_name
                )
                select id::text, slug, name, created_at from changed
                """,
                {"name": name, "client_id": principal.client_id},
            ).fetchone()
        return Organization(*_found(row))

    def list_members(self, principal: Principal, keyset: Keyset) -> Page[Member]:
        """List the members, who joined first comes first."""
        rows = self._rows.select(
            principal,
            """
            select m.user_id::text, u.name, u.email, m.role, m.joined_at
            from membership m join app_user u on u.id = m.user_id
            where (m.joined_at, m.user_id) > (%s::timestamptz, %s)
            order by m.joined_at, m.user_id limit %s
            """,
            (*keyset.after, keyset.limit + 1),
        )
        members = [Member(*row) for row in rows]
        return Page.of(members, keyset, lambda one: (one.joined_at, one.id))

    def change_role(self, principal: Principal, user_id: UUID, role: Role) -> Member | None:
        """
        Give a member another role.

        Raises:
            InsufficientRole: only an owner makes and unmakes owners.
            LastOwner: nobody else is one.
        """
        with self._rows.organization(principal) as conn:
            _lock_organization(conn, principal)
            row = conn.execute(
                """
                with actor as (
                    select m.role, u.name from membership m join app_user u on u.id = m.user_id
                    where m.user_id = entered_user()
                ), target as (
                    select m.user_id, m.role, m.joined_at, u.name, u.email,
                        case
                            when a.role = 'member' then 'insufficient_role'
                            when m.role = %(role)s then 'same'
                            when a.role <> 'owner' and 'owner' in (m.role, %(role)s)
                            then 'insufficient_role'
                            when m.role = 'owner' and not exists (
                                select from membership o
                                where o.role = 'owner' and o.user_id <> m.user_id
                            ) then 'last_owner'
                            else 'change'
                        end as verdict
                    from actor a, membership m join app_user u on u.id = m.user_id
                    where m.user_id = %(user_id)s
                ), changed as (
                    update membership m set role = %(role)s from target t
                    where m.user_id = t.user_id and t.verdict = 'change'
                ), noted as (
                    insert into audit_event
                        (actor_name, client_id, action, target_id, target_name, details)
                    select a.name, %(client_id)s, 'member.role_changed', t.user_id, t.name,
                        jsonb_build_object('role', jsonb_build_array(t.role, %(role)s))
                    from target t, actor a where t.verdict = 'change'
                )
                select verdict, user_id::text, name, email, %(role)s, joined_at from target
                """,
                {"user_id": user_id, "role": role, "client_id": principal.client_id},
            ).fetchone()
            if row is None:
                _require_actor(conn)
                return None
            _require_change(row[0])
        return Member(*row[1:])

    def remove_member(self, principal: Principal, user_id: UUID) -> bool:
        """
        Take somebody, or oneself, out of the organization.

        Raises:
            InsufficientRole: neither oneself nor an admin; or an owner, by somebody who is none.
            LastOwner: nobody else is one.
        """
        with self._rows.organization(principal) as conn:
            _lock_organization(conn, principal)
            row = conn.execute(
                """
                with actor as (
                    select m.user_id, m.role, u.name
                    from membership m join app_user u on u.id = m.user_id
                    where m.user_id = entered_user()
                ), target as (
                    select m.user_id, u.name, m.user_id = a.user_id as leaves,
                        case
                            when m.user_id <> a.user_id
                            and (a.role = 'member' or m.role = 'owner' and a.role <> 'owner')
                            then 'insufficient_role'
                            when m.role = 'owner' and not exists (
                                select from membership o
                                where o.role = 'owner' and o.user_id <> m.user_id
                            ) then 'last_owner'
                            else 'change'
                        end as verdict
                    from actor a, membership m join app_user u on u.id = m.user_id
                    where m.user_id = %(user_id)s
                ), removed as (
                    delete from membership m using target t
                    where m.user_id = t.user_id and t.verdict = 'change'
                ), noted as (
                    insert into audit_event
                        (actor_name, client_id, action, target_id, target_name)
                    select a.name, %(client_id)s,
                        case when t.leaves then 'member.left' else 'member.removed' end,
                        t.user_id, t.name
                    from target t, actor a where t.verdict = 'change'
                )
                select verdict from target
                """,
                {"user_id": user_id, "client_id": principal.client_id},
            ).fetchone()
            if row is None:
                _require_actor(conn)
                return False
            _require_change(row[0])
        return True

    def list_audit_events(self, principal: Principal, keyset: Keyset) -> Page[AuditEvent]:
        """List what was changed, the newest first."""
        rows = self._rows.select(
            principal,
            """
            select e.id::text, e.at, e.action, e.actor_user_id::text, e.actor_name,
                split_part(e.action, '.', 1), e.target_id::text, e.target_name, e.details,
                e.client_id
            from audit_event e where (e.at, e.id) < (%s::timestamptz, %s)
            order by e.at desc, e.id desc limit %s
            """,
            (*keyset.before, keyset.limit + 1),
        )
        events = [
            AuditEvent(row[0], row[1], row[2], Actor(*row[3:5]), Target(*row[5:8]), *row[8:])
            for row in rows
        ]
        return Page.of(events, keyset, lambda one: (one.at, one.id))

    def list_projects(self, principal: Principal, keyset: Keyset) -> Page[Project]:
        """List the projects, the newest first."""
        rows = self._rows.select(
            principal,
            """
            select p.id::text, p.name, p.description, p.created_at, p.updated_at
            from project p where (p.created_at, p.id) < (%s::timestamptz, %s)
            order by p.created_at desc, p.id desc limit %s
            """,
            (*keyset.before, keyset.limit + 1),
        )
        projects = [Project(*row) for row in rows]
        return Page.of(projects, keyset, lambda one: (one.created_at, one.id))

    def find_project(self, principal: Principal, project_id: UUID) -> Project | None:
        """Find a project."""
        rows = self._rows.select(
            principal,
            """
            select id::text, name, description, created_at, updated_at from project
            where id = %s
            """,
            (project_id,),
        )
        return Project(*rows[0]) if rows else None

    def add_project(self, principal: Principal, name: str, description: str) -> Project:
        """Make a project."""
        with self._rows.organization(principal) as conn:
            return _insert_project(conn, principal, name, description)

    def add_project_once(
        self, principal: Principal, name: str, description: str, *, key: str, request_sha256: str
    ) -> Project:
        """
        Make a project, or return the one that this person's *key* made before.

        Whoever comes second at the same moment waits for the first. A key is kept for a day.

        Raises:
            IdempotencyKeyReused: the key came with another request.
        """
        with self._rows.organization(principal) as conn:
            conn.execute("delete from idempotency_key where created_at < now() - interval '1 day'")
            claimed = conn.execute(
                """
                insert into idempotency_key (key, request_sha256) values (%s, %s)
                on conflict do nothing returning key
                """,
                (key, request_sha256),
            ).fetchone()
            if claimed is None:
                return _load_answer(conn, key, request_sha256)
            project = _insert_project(conn, principal, name, description)
            conn.execute(
                "update idempotency_key set answer = %s where key = %s",
                (_PROJECT.dump_json(project).decode(), key),
            )
        return project

    def change_project(
        self, principal: Principal, project_id: UUID, name: str | None, description: str | None
    ) -> Project | None:
        """Change what is given; None leaves a field as it is."""
        with self._rows.organization(principal) as conn:
            row = conn.execute(
                """
                with before as (
                    select id, name, description from project
                    where id = %(project_id)s for no key update
                ), changed as (
                    update project p
                    set name = coalesce(%(name)s, p.name),
                        description = coalesce(%(description)s, p.description),
                        updated_at = case
                            when (coalesce(%(name)s, p.name),
                                coalesce(%(description)s, p.description))
                                is distinct from (p.name, p.description)
                            then now() else p.updated_at
                        end
                    from before b where p.id = b.id
                    returning p.id, p.name, p.description, p.created_at, p.updated_at,
                        jsonb_strip_nulls(jsonb_build_object(
                            'name', case when p.name <> b.name
                                then jsonb_build_array(b.name, p.name) end,
                            'description', case when p.description <> b.description
                                then jsonb_build_array(b.description, p.description) end
                        )) as details
                ), noted as (
                    insert into audit_event
                        (actor_name, client_id, action, target_id, target_name, details)
                    select (
                            select name from app_user
                            where id = entered_user()
                        ), %(client_id)s, 'project.updated', id, name, details
                    from changed where details <> '{}'
                )
                select id::text, name, description, created_at, updated_at from changed
                """,
                {
                    "project_id": project_id,
                    "name": name,
                    "description": description,
                    "client_id": principal.client_id,
                },
            ).fetchone()
        return Project(*row) if row else None

    def remove_project(self, principal: Principal, project_id: UUID) -> bool:
        """Delete a project; whether there was one."""
        with self._rows.organization(principal) as conn:
            row = conn.execute(
                """
                with removed as (
                    delete from project where id = %(project_id)s returning id, name
                ), noted as (
                    insert into audit_event
                        (actor_name, client_id, action, target_id, target_name)
                    select (
                            select name from app_user
                            where id = entered_user()
                        ), %(client_id)s, 'project.deleted', id, name
                    from removed
                )
                select 1 from removed
                """,
                {"project_id": project_id, "client_id": principal.client_id},
            ).fetchone()
        return row is not None


def find_schema_version(conn: psycopg.Connection) -> int:
    """Return the newest applied migration."""
    row = conn.execute("select coalesce(max(version), 0) from schema_migration").fetchone()
    return row[0] if row else 0


def _insert_project(
    conn: psycopg.Connection, principal: Principal, name: str, description: str
) -> Project:
    row = conn.execute(
        """
        with added as (
            insert into project (name, description) values (%(name)s, %(description)s)
            returning id, name, description, created_at, updated_at
        ), noted as (
            insert into audit_event (actor_name, client_id, action, target_id, target_name)
            select (
                    select name from app_user
                    where id = entered_user()
                ), %(client_id)s, 'project.created', id, name
            from added
        )
        select id::text, name, description, created_at, updated_at from added
        """,
        {"name": name, "description": description, "client_id": principal.client_id},
    ).fetchone()
    return Project(*_found(row))


def _load_answer(conn: psycopg.Connection, key: str, request_sha256: str) -> Project:
    row = conn.execute(
        "select request_sha256 = %s, answer from idempotency_key where key = %s",
        (request_sha256, key),
    ).fetchone()
    if row is None:
        raise Unavailable("the key expired this very moment")
    same, answer = row
    if not same:
        raise IdempotencyKeyReused
    return _PROJECT.validate_json(answer)


def _lock_organization(conn: psycopg.Connection, principal: Principal) -> None:
    """Let nobody else change roles here meanwhile, and enter again: it may have taken a while."""
    conn.execute("select from organization for no key update")
    conn.execute(
        "select enter_organization(%s, %s, %s)",
        (principal.auth0_user_id, principal.org_id, principal.required_role),
    )


def _require_actor(conn: psycopg.Connection) -> None:
    """Tell "no such member" from "no member any more": removed while waiting for the lock."""
    row = conn.execute(
        """
        select 1 from membership
        where user_id = entered_user()
        """
    ).fetchone()
    _found(row)


def _require_change(verdict: str) -> None:
    if verdict == "insufficient_role":
        raise InsufficientRole(verdict)
    if verdict == "last_owner":
        raise LastOwner


def _found(row: tuple[Any, ...] | None) -> tuple[Any, ...]:
    if row is None:  # removed between the entry and now
        raise NotAMember("gone meanwhile")
    return row


_PROJECT = TypeAdapter(Project)
