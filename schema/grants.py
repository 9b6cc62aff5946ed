"""
What each database role may do in the schema org, and nothing beyond it.

Hosted Postgres often has default privileges that give every new table and function to a role of the
host, such as Supabase's `anon`. They would open the definer functions and the audit trail. So the
last step of a migration takes back what default privileges gave, and then compares.

Checked: privileges on the schema, its tables, columns, sequences and functions, of every role but
the owner of the object. Not checked: members of a role, superusers, and objects outside the schema.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, LiteralString

import psycopg
from psycopg import sql

_LIST: LiteralString = """
    with object (kind, name, acl, owner, columns) as (
        select 'schema', 'org', nspacl, nspowner, null::text
        from pg_namespace where nspname = 'org'
        union all
        select case relkind when 'S' then 'sequence' else 'table' end, oid::regclass::text, relacl,
            relowner, null
        from pg_class
        where relnamespace = 'org'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        union all
        select 'table', c.oid::regclass::text, a.attacl, c.relowner, a.attname::text
        from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'org'::regnamespace and a.attacl is not null
        union all
        select 'function', oid::regprocedure::text, coalesce(proacl, acldefault('f', proowner)),
            proowner, null
        from pg_proc where pronamespace = 'org'::regnamespace
    )
    select kind, name, lower(a.privilege_type),
        string_agg(columns, ', ' order by columns), -- null for the whole object
        case when a.grantee = 0 then 'public' else a.grantee::regrole::text end,
        exists (
            select from pg_default_acl d, aclexplode(d.defaclacl) given
            where given.grantee = a.grantee and d.defaclnamespace in (0, 'org'::regnamespace)
        )
    from object o, aclexplode(o.acl) a where a.grantee <> o.owner
    group by kind, name, a.privilege_type, columns is null, a.grantee
    order by 5, 1, 2, 3
"""


# What a role that does not see the defaults of audit_event must give for each event.
_WHOLE_EVENT: Final = (
    "action, actor_name, actor_user_id, client_id, details, org_id, target_id, target_name"
)


@dataclass(frozen=True, slots=True)
class Grant:
    """A privilege that a database role has on one object."""

    kind: str  # schema, table, sequence or function
    name: str
    privilege: str
    columns: str | None  # "a, b", or None for the whole object
    grantee: str  # as SQL writes it; "public" is every role

    @property
    def revoke(self) -> str:
        """The statement that takes it back."""
        columns = f" ({self.columns})" if self.columns else ""
        return f"revoke {self.privilege}{columns} on {self.kind} {self.name} from {self.grantee};"


# The migrations give exactly these; a new one extends the list.
GRANTS: Final = frozenset(
    Grant(kind, name, privilege, columns, grantee)
    for grantee, grants in {
        "org_api": (
            ("function", "org.enter_organization(text,uuid,text)", "execute", None),
            ("function", "org.entered_organization()", "execute", None),
            ("function", "org.entered_user()", "execute", None),
            ("function", "org.find_organization_id(text)", "execute", None),
            ("function", "org.is_open(org.invitation)", "execute", None),
            ("schema", "org", "usage", None),
            ("table", "org.app_user", "select", "blocked_at, email, id, name"),
            (
                "table",
                "org.audit_event",
                "insert",
                "action, actor_name, client_id, details, target_id, target_name",
            ),
            ("table", "org.audit_event", "select", None),
            ("table", "org.idempotency_key", "delete", None),
            ("table", "org.idempotency_key", "insert", "key, request_sha256"),
            ("table", "org.idempotency_key", "select", None),
            ("table", "org.idempotency_key", "update", "answer"),
            ("table", "org.invitation", "delete", None),
            ("table", "org.invitation", "insert", "email, expires_at, language, role"),
            ("table", "org.invitation", "select", None),
            ("table", "org.invitation", "update", "expires_at, invited_by, sent_at"),
            ("table", "org.mail_outbox", "insert", "invitation_id"),
            ("table", "org.mail_outbox", "select", "invitation_id"),
            ("table", "org.membership", "delete", None),
            ("table", "org.membership", "select", None),
            ("table", "org.membership", "update", "org_name, role"),
            ("table", "org.organization", "select", None),
            ("table", "org.organization", "update", "name"),
            ("table", "org.project", "delete", None),
            ("table", "org.project", "insert", None),
            ("table", "org.project", "select", None),
            ("table", "org.project", "update", "description, name, updated_at"),
            ("table", "org.schema_migration", "select", None),
        ),
        "org_gate": (
            ("schema", "org", "usage", None),
            ("table", "org.app_user", "select", "auth0_user_id, blocked_at, id"),
            ("table", "org.membership", "select", "org_id, org_suspended, role, user_id"),
            ("table", "org.organization", "select", "id, slug"),
        ),
        "org_maker": (
            ("function", "org.find_repeated_choice(uuid,text,text)", "execute", None),
            ("function", "org.is_open(org.invitation)", "execute", None),
            ("schema", "org", "usage", None),
            (
                "table",
                "org.app_user",
                "select",
                "auth0_user_id, blocked_at, email, email_verified, id, name",
            ),
            ("table", "org.app_user", "update", "created_at"),
            ("table", "org.audit_event", "insert", _WHOLE_EVENT),
            ("table", "org.invitation", "select", None),
            ("table", "org.invitation", "update", "accepted_at"),
            ("table", "org.membership", "insert", "org_id, role, user_id"),
            ("table", "org.membership", "select", "org_id, org_suspended, role, user_id"),
            ("table", "org.organization", "insert", "created_by, id, name, slug"),
            ("table", "org.organization", "select", "created_by, id, name, slug, suspended_at"),
            ("table", "org.organization", "update", "created_at"),
            ("table", "org.selection", "insert", "choice, nonce, org_id, user_id"),
            ("table", "org.selection", "select", None),
            ("table", "org.used_slug", "insert", "slug"),
            ("table", "org.used_slug", "select", "slug"),
        ),
        "org_selector": (
            ("function", "org.accept_invitation(text,uuid,text,text,uuid)", "execute", None),
            ("function", "org.create_organization(text,text,text,text,text)", "execute", None),
            ("function", "org.is_open(org.invitation)", "execute", None),
            ("schema", "org", "usage", None),
            ("table", "org.app_user", "insert", "auth0_user_id, email, email_verified, name"),
            ("table", "org.app_user", "select", None),
            ("table", "org.app_user", "update", "default_org_id, email, email_verified, name"),
            ("table", "org.audit_event", "insert", _WHOLE_EVENT),
            ("table", "org.invitation", "select", None),
            ("table", "org.membership", "select", None),
            ("table", "org.membership", "update", "last_selected_at"),
            ("table", "org.organization", "select", None),
            ("table", "org.schema_migration", "select", None),
            ("table", "org.selection", "delete", None),
            ("table", "org.selection", "insert", "nonce, org_id, user_id"),
            ("table", "org.selection", "select", None),
            ("table", "org.selection", "update", "created_at"),
        ),
        "org_worker": (
            ("function", "org.is_open(org.invitation)", "execute", None),
            ("schema", "org", "usage", None),
            ("table", "org.app_user", "select", "blocked_at, id, name"),
            ("table", "org.invitation", "select", None),
            ("table", "org.mail_outbox", "delete", None),
            ("table", "org.mail_outbox", "select", None),
            ("table", "org.mail_outbox", "update", "next_try_at, tries"),
            ("table", "org.membership", "select", "org_id, role, user_id"),
            ("table", "org.organization", "select", "id, name, suspended_at"),
            ("table", "org.schema_migration", "select", None),
        ),
    }.items()
    for kind, name, privilege, columns in grants
)


def list_grants(conn: psycopg.Connection) -> Iterator[tuple[Grant, bool]]:
    """List all privileges, and whether default privileges give the grantee anything."""
    for *grant, by_default in conn.execute(_LIST).fetchall():
        yield Grant(*grant), by_default


def find_excess(conn: psycopg.Connection, kept: Collection[str]) -> list[Grant]:
    """
    Take back what default privileges gave, and return what is still beyond GRANTS.

    Call it inside a transaction, as the owner of the tables.

    Args:
        kept: roles that may keep what they have, because an administrator says so.
    """
    conn.execute("set local search_path = pg_catalog")  # so that names come with their schema
    for grant, by_default in list_grants(conn):
        if by_default and _is_excess(grant, kept):
            conn.execute(sql.SQL(grant.revoke))  # its names come from the catalog
    return [grant for grant, _ in list_grants(conn) if _is_excess(grant, kept)]


def _is_excess(grant: Grant, kept: Collection[str]) -> bool:
    return grant.grantee not in kept and grant not in GRANTS
