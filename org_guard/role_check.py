"""
Refuse a database connection whose role could see more than it should.

Sources: PostgreSQL "Row Security Policies", "Role Membership", "System Catalogs".
"""

from typing import LiteralString

import psycopg

# First column: a role that this one is or may become and that is not limited to one organization.
# Second column: tables and views that show rows in spite of the policies, except those that belong
# to an extension, since they hold no rows of an organization.
_WHAT_ORG_API_COULD_SEE: LiteralString = """
    select
        (
            select r.rolname::text from pg_roles r where pg_has_role(r.oid, 'member')
            and (r.rolsuper or r.rolbypassrls or r.rolname in ('org_gate', 'org_selector'))
            order by r.rolname <> current_user, 1 limit 1
        ),
        array(
            select c.oid::regclass::text from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
            and c.relkind in ('r', 'p', 'v', 'm', 'f')
            and not exists (
                select from pg_depend d where d.classid = 'pg_class'::regclass
                and d.objid = c.oid and d.deptype = 'e'
            )
            and (
                pg_has_role(c.relowner, 'member')
                or not case
                    when c.relkind in ('r', 'p') then c.relrowsecurity and c.relforcerowsecurity
                    when c.relkind = 'v' then exists (
                        select from pg_options_to_table(c.reloptions)
                        where option_name = 'security_invoker' and option_value::boolean
                    )
                    else false
                end
                and (
                    has_table_privilege(c.oid, 'select, insert, update, delete, truncate')
                    or has_any_column_privilege(c.oid, 'select, insert, update')
                )
            )
            order by 1
        )
"""


class UnsafeRole(Exception):
    """The database role could see more than it should; the message says what to do."""


def require_row_security(conn: psycopg.Connection) -> None:
    """
    Require that row-level security limits *conn*; call this with every new connection.

    Not checked: functions that are `security definer`, and what the policies say.

    Raises:
        UnsafeRole: the role is, or may become, a superuser, a BYPASSRLS role, one of ours that
            sees all organizations, or an owner of tables; or it may use a table or view that does
            not force its policies.
    """
    [(unlimited, exposed)] = conn.execute(_WHAT_ORG_API_COULD_SEE).fetchall()
    if unlimited is not None:
        raise UnsafeRole(
            f"DATABASE_URL may act as {unlimited}, which row-level security does not limit to one "
            "organization. Connect as org_api, and do not make it a member of such a role."
        )
    if exposed:
        raise UnsafeRole(
            "DATABASE_URL owns, or may use without forced row-level security: "
            f"{', '.join(exposed)}. Connect as org_api, and see docs/your-own-table.md."
        )


def require_plain_role(conn: psycopg.Connection) -> None:
    """
    Require that the role of *conn* neither bypasses row-level security nor owns our tables.

    For the selector, whose role org_selector sees all organizations on purpose.

    Raises:
        UnsafeRole: the role is a superuser, has BYPASSRLS, or owns one of our tables.
    """
    [(unsafe,)] = conn.execute(
        """
        select r.rolsuper or r.rolbypassrls or exists (
            select from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'org' and c.relkind = 'r' and pg_has_role(c.relowner, 'usage')
        )
        from pg_roles r where r.rolname = current_user
        """
    ).fetchall()
    if unsafe:
        raise UnsafeRole(
            "DATABASE_URL connects as a superuser, a BYPASSRLS role or the owner of the tables. "
            "Connect as org_selector."
        )
