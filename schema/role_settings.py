"""
The time limits and the time zone of the services' sessions, as settings of their database roles.

`service/rows/session.py` refuses a session without them. They belong to this database: a copy or a
restored backup has none until `migrate` runs there. An administrator may also set them for all
databases of the cluster.
"""

from typing import Final

import psycopg
from psycopg import sql

ROLES: Final = ("org_selector", "org_api", "org_worker")
SETTINGS: Final = {"statement_timeout": "1s", "lock_timeout": "500ms", "timezone": "UTC"}
_FIND = """
    select r.rolname::text, split_part(setting, '=', 1)
    from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
    cross join unnest(s.setconfig) setting
    where s.setdatabase in (
        0, -- for every database of the cluster
        (select oid from pg_database where datname = current_database())
    )
"""


def set_role_settings(conn: psycopg.Connection) -> list[str]:
    """
    Give each role the settings that it has neither for this database nor for all; values stay.

    Returns: the statements for a role that may, where this one may not; none if all is set.
    """
    present = {(role, name.lower()) for role, name in conn.execute(_FIND).fetchall()}
    refused = []
    for role in ROLES:
        for name, value in SETTINGS.items():
            if (role, name) in present:
                continue
            statement = sql.SQL("alter role {} in database {} set {} = {}").format(
                sql.Identifier(role),
                sql.Identifier(conn.info.dbname),
                sql.Identifier(name),
                sql.Literal(value),
            )
            try:
                with conn.transaction():
                    conn.execute(statement)
            except psycopg.errors.InsufficientPrivilege:
                refused.append(f"{statement.as_string(conn)};")
    return refused
