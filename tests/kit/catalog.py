# ruff: noqa: S608 - names from the catalog of a throw-away database
"""
Find rows and rights that a database role has and must not have, or lacks and needs.

What a role may do is read from Postgres' catalog; what it can do is tried on every table. A table
that is missing in ROWS counts as a leak, so that a new table cannot be forgotten.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg

from local_stack import seed

ABC, TRAVEL = seed.organization("abc-inc").id, seed.organization("xyz-travel").id
JOE, SUE, NINA = "auth0|joe", "auth0|sue", "auth0|nina"  # nina has no membership
OURS = "n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'"

Found = set[tuple[Any, ...]]


class Row(NamedTuple):
    """How to try a table: a row to insert and a change, as SQL expressions that read no column."""

    insert: dict[str, str]
    change: dict[str, str]
    own: str = "org_id = %(org_id)s"  # which rows org_api may reach after it entered


class Table(NamedTuple):
    """A table, as the catalog describes it."""

    name: str
    key: str
    columns: list[str]
    entered: list[str]  # columns whose default is the entered organization or user

    @property
    def row(self) -> Row:
        """How to try it."""
        return ROWS[self.name]


_ORG, _PERSON, _NOBODY = "%(org_id)s", "%(user_id)s", "%(nobody)s"
ROWS = {
    "org.app_user": Row(
        {"auth0_user_id": "'auth0|' || gen_random_uuid()"},
        {"name": "'New'", "created_at": "now()"},
        "id in (select user_id from org.membership where org_id = %(org_id)s)",
    ),
    "org.audit_event": Row(
        {
            "org_id": _ORG,
            "actor_user_id": _PERSON,
            "client_id": "'spa'",
            "action": "'member.logged_in'",
            "target_id": "gen_random_uuid()",
        },
        {"client_id": "'x'"},
    ),
    "org.idempotency_key": Row(
        {"org_id": _ORG, "user_id": _PERSON, "key": "gen_random_uuid()", "request_sha256": "'x'"},
        {"answer": "'{}'"},
        "org_id = %(org_id)s and user_id = %(user_id)s",
    ),
    "org.invitation": Row(
        {
            "org_id": _ORG,
            "email": "gen_random_uuid() || '@example.com'",
            "role": "'member'",
            "expires_at": "now()",
            "invited_by": _PERSON,
        },
        {"expires_at": "now()", "accepted_at": "now()", "invited_by": _PERSON},
    ),
    "org.mail_outbox": Row(
        {
            "invitation_id": "(select id from org.invitation where org_id = %(org_id)s and id not "
            "in (select invitation_id from org.mail_outbox) limit 1)"
        },
        {"tries": "1"},
        "invitation_id in (select id from org.invitation where org_id = %(org_id)s)",
    ),
    "org.membership": Row(
        {"org_id": _ORG, "user_id": _NOBODY, "role": "'member'"},
        {"role": "'member'", "last_selected_at": "now()"},
    ),
    "org.organization": Row(
        {"slug": "'new-' || gen_random_uuid()", "name": "'New'"},
        {"name": "'New'", "created_at": "now()"},
        f"id = {_ORG}",
    ),
    "org.project": Row({"org_id": _ORG, "name": "'New'"}, {"name": "'New'"}),
    "org.schema_migration": Row(
        {"version": "1000", "name": "'x'", "sha256": "'x'"}, {"name": "'x'"}, "true"
    ),
    "org.selection": Row(
        {"nonce": "gen_random_uuid()", "user_id": _PERSON, "org_id": _ORG},
        {"created_at": "now()"},
        "false",
    ),
    "org.used_slug": Row({"slug": "'new-' || gen_random_uuid()"}, {"used_at": "now()"}, "false"),
}
# States of a transaction that has not entered. "unset" is possible only in a session that has never
# entered an organization.
NOT_ENTERED = {
    "unset": "select 1",
    "empty": "select set_config('app.org_id', '', true)",
    "malformed": "select set_config('app.org_id', 'abc-inc', true)",
    "unknown": f"select set_config('app.org_id', '{uuid4()}', true)",
}
_REFUSALS: dict[str | None, tuple[type[psycopg.Error], ...]] = {
    # A policy or a missing privilege refused; or a trigger found no organization.
    None: (psycopg.errors.InsufficientPrivilege, psycopg.errors.NoDataFound),
    "malformed": (psycopg.errors.InvalidTextRepresentation,),
    "unknown": (psycopg.errors.ForeignKeyViolation,),
}


def list_tables(conn: psycopg.Connection) -> list[Table]:
    """Return all tables except Postgres' own."""
    found = conn.execute(
        f"""
        select c.oid::regclass::text,
            array_to_string(array(
                select a.attname from pg_index i, pg_attribute a
                where i.indrelid = c.oid and i.indisprimary and a.attrelid = c.oid
                and a.attnum = any((i.indkey::int2[])[0:i.indnkeyatts - 1])
            ), ', '),
            array(
                select attname::text from pg_attribute
                where attrelid = c.oid and attnum > 0 and not attisdropped
            ),
            array(
                select a.attname::text from pg_attribute a
                join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
                where a.attrelid = c.oid
                and pg_get_expr(d.adbin, d.adrelid) ~ '\\mentered_(organization|user)\\(\\)'
            )
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and {OURS} order by 1
        """.encode()
    )
    return [Table(*row) for row in found.fetchall()]


def fill(conn: psycopg.Connection) -> None:
    """Insert rows into every table, for two organizations and two people in each."""
    people = _list_people(conn)
    tables = [one for one in list_tables(conn) if one.name != "org.schema_migration"]
    for table, org_id, person in product(tables, (ABC, TRAVEL), (JOE, SUE)):
        made = conn.execute(
            "insert into org.app_user (auth0_user_id) values (gen_random_uuid()) returning id"
        ).fetchone()
        parameters = {"org_id": org_id, "user_id": people[person], "nobody": made and made[0]}
        conn.execute(_insert(table, table.row.insert).encode(), parameters)
        if table.name == "org.mail_outbox":  # it takes an invitation, and a test needs one more
            invitation = next(one for one in tables if one.name == "org.invitation")
            conn.execute(_insert(invitation, invitation.row.insert).encode(), parameters)


def find_leaks(conn: psycopg.Connection, only: str | None = None) -> list[str]:
    """
    Try every statement on every table, entered and not; return what reached too much or too little.

    All changes are rolled back.

    Args:
        conn: of a superuser, in a transaction.
        only: try only this table.
    """
    return list(_iterate_leaks(conn, only))


def _iterate_leaks(conn: psycopg.Connection, only: str | None) -> Generator[str]:
    """Yield each leak as soon as it is found."""
    for table in list_tables(conn):
        if only not in (None, table.name):
            continue
        if table.name in ROWS:
            yield from _Attempts(conn, table).iterate_leaks()
        else:
            yield f"{table.name}: say in tests/kit/catalog.py what a row of it looks like"
    leaks = []
    with conn.transaction(force_rollback=True):
        conn.execute("set local role org_api")
        try:
            conn.execute("select org.enter_organization(%s, %s)", (JOE, ABC))
        except psycopg.DatabaseError as error:
            leaks.append(f"a member cannot enter: {error}")
        else:
            found = conn.execute("select org.find_organization_id('xyz-travel')").fetchone()
            leaks += [] if found == (TRAVEL,) else ["a slug is not found"]
    if only in (None, "org.audit_event"):
        leaks += _find_forged_events(conn)
    yield from leaks


def _find_forged_events(conn: psycopg.Connection) -> list[str]:
    """Try to make org_selector note what is no login."""
    row = ROWS["org.audit_event"].insert | {"action": "'invitation.accepted'"}
    columns, values = ", ".join(row), ", ".join(row.values())
    statement = f"insert into org.audit_event ({columns}) values ({values})"
    with conn.transaction(force_rollback=True):
        conn.execute("set local role org_selector")
        try:
            conn.execute(statement.encode(), {"org_id": ABC, "user_id": ABC})
        except psycopg.errors.InsufficientPrivilege:
            return []
    return ["org.audit_event: org_selector notes what is no login"]


def find_unnoticed(
    conn: psycopg.Connection,
    change: Callable[[str, str, str | None, str | None], list[str]],
    commands: str = "*rawd",
) -> list[str]:
    """
    Change each policy in turn; return the changes that `find_leaks` does not notice.

    Args:
        change: makes statements from a policy's name, table, USING and WITH CHECK.
        commands: which policies, as in `pg_policy.polcmd`.
    """
    policies = conn.execute(
        "select polname::text, polrelid::regclass::text, pg_get_expr(polqual, polrelid), "
        "pg_get_expr(polwithcheck, polrelid) from pg_policy where polcmd::text = any(%s)",
        (list(commands),),
    ).fetchall()
    statements = [(one, policy[1]) for policy in policies for one in change(*policy)]
    assert statements
    unnoticed = []
    for statement, table in statements:
        with conn.transaction(force_rollback=True):
            conn.execute(statement.encode())
            with closing(_iterate_leaks(conn, table)) as leaks:  # the first one is enough
                unnoticed += [] if next(leaks, None) else [statement]
    return unnoticed


def find_excess(conn: psycopg.Connection) -> list[str]:
    """Return every right that org_api has beyond reading and writing rows, and what it owns."""
    found = conn.execute(
        f"""
        select p.privilege || ' on ' || c.oid::regclass
        from pg_class c join pg_namespace n on n.oid = c.relnamespace,
            unnest(array['truncate', 'references', 'trigger']) p(privilege)
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and {OURS} and (
            has_table_privilege('org_api', c.oid, p.privilege)
            or p.privilege = 'references'
            and has_any_column_privilege('org_api', c.oid, p.privilege)
        )
        union all
        select p.privilege || ' on ' || c.oid::regclass
        from pg_class c join pg_namespace n on n.oid = c.relnamespace,
            unnest(array['usage', 'select', 'update']) p(privilege)
        where c.relkind = 'S' and {OURS}
        and has_sequence_privilege('org_api', c.oid, p.privilege)
        union all
        select 'not security_invoker: ' || c.oid::regclass
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('v', 'm', 'f') and {OURS} and not exists (
            select from pg_options_to_table(c.reloptions)
            where option_name = 'security_invoker' and option_value::boolean
        )
        union all
        select 'create in ' || n.nspname from pg_namespace n
        where has_schema_privilege('org_api', n.oid, 'create')
        union all
        select 'create in ' || datname from pg_database
        where datname = current_database() and has_database_privilege('org_api', oid, 'create')
        union all
        select 'function ' || p.oid::regprocedure
        from pg_proc p join pg_namespace n on n.oid = p.pronamespace, lateral (
            select p.proname in ('enter_organization', 'find_organization_id') as of_gate,
                p.proname in ('accept_invitation', 'create_organization') as of_maker,
                p.proname in ('entered_organization', 'entered_user', 'is_open') as harmless
        ) known
        where {OURS} and (
            (of_gate or harmless) <> has_function_privilege('org_api', p.oid, 'execute')
            or (of_gate or of_maker) <> p.prosecdef
            or of_gate <> (p.proowner = 'org_gate'::regrole)
            or of_maker <> (p.proowner = 'org_maker'::regrole)
            or p.prosecdef and p.proconfig is distinct from array['search_path=pg_catalog, pg_temp']
            or exists (
                select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                where a.grantee = 0
            )
        )
        union all
        select 'owns ' || pg_describe_object(d.classid, d.objid, d.objsubid) from pg_shdepend d
        where d.refobjid in ('org_api'::regrole, 'org_selector'::regrole, 'org_worker'::regrole)
        and d.deptype = 'o'
        -- Of this database only: pg_shdepend also has temporary tables of tests in other databases.
        and d.dbid in (0, (select oid from pg_database where datname = current_database()))
        union all
        select 'member of ' || roleid::regrole from pg_auth_members
        where member::regrole::text in (
            'org_api', 'org_gate', 'org_maker', 'org_selector', 'org_worker'
        )
        union all
        select 'attributes of ' || rolname from pg_roles
        where rolname in ('org_api', 'org_gate', 'org_maker', 'org_selector', 'org_worker') and (
            rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
            or rolcanlogin <> (rolname not in ('org_gate', 'org_maker'))
        )
        """.encode()
    )
    return [str(text) for (text,) in found.fetchall()]


class _Attempts:
    """All statements that are tried on one table."""

    def __init__(self, conn: psycopg.Connection, table: Table) -> None:
        self._conn = conn
        self._table = table
        self._people = _list_people(conn)
        self._all = self._list_rows()
        # The state of the transaction, a key of NOT_ENTERED; None: Joe has entered ABC Inc.
        self._not_entered: str | None = None
        assert self._all, table.name

    def iterate_leaks(self) -> Iterator[str]:
        """Yield what reached too much or too little, as soon as it is found."""
        name = self._table.name
        yield from (f"{name}: {leak}" for leak in self._find_what_is_not_forced())
        for role in ("org_owner", "org_selector", "org_gate", "org_maker", "org_worker"):
            with self._undone():
                found = list(self._find_missing(role))
            yield from (f"{name}: {role}, {leak}" for leak in found)
        for privileges in ("as granted", "with every privilege"):
            for not_entered in (*NOT_ENTERED, None):
                with self._undone():
                    if privileges != "as granted":  # one grant too many must not leak rows
                        self._conn.execute("grant all on all tables in schema org to org_api")
                    self._enter(not_entered)
                    found = [*self._find_too_much()]
                    if not_entered is None and privileges == "as granted":
                        found += self._find_missing("org_api")
                state = not_entered or "entered"
                yield from (f"{name}: org_api {privileges}, {state}, {one}" for one in found)

    def _find_what_is_not_forced(self) -> Iterator[str]:
        forced = self._conn.execute(
            "select relrowsecurity and relforcerowsecurity from pg_class where oid = %s::regclass",
            (self._table.name,),
        ).fetchone()
        if forced != (True,):
            yield "row-level security is not forced"

    def _find_missing(self, role: str) -> Iterator[str]:
        """Yield what a role cannot do although it has the privilege."""
        own, row = self._own() if role == "org_api" else self._all, self._table.row
        insert = row.insert
        if role == "org_api":  # the others have defaults
            insert = {one: insert[one] for one in insert if one not in self._table.entered}
        may = {
            verb: self._list_columns(role, verb) & set(self._table.columns)
            for verb in ("select", "update", "insert")
        }
        change = {one: row.change[one] for one in row.change if one in may["update"]}
        if may["update"] and not change:
            yield f"say in tests/kit/catalog.py how to change {', '.join(may['update'])}"
        if may["select"] and self._select(role) != own:
            yield "select does not show all of its rows"
        if change and self._write(role, self._update(change)) != own:
            yield "update does not reach all of its rows"
        if self._may_delete(role) and self._write(role, self._delete) != own:
            yield "delete does not reach all of its rows"
        if may["insert"] and self._count(role, _insert(self._table, insert)) != 1:
            yield "insert does not make a row"

    def _find_too_much(self) -> Iterator[str]:
        """Yield what org_api can reach although it may not."""
        row, own = self._table.row, self._own()
        if self._select("org_api") - own:
            yield "select shows rows of others"
        if self._write("org_api", self._update(row.change)) - own:
            yield "update reaches rows of others"
        if self._write("org_api", self._delete) - own:
            yield "delete reaches rows of others"
        insert = _insert(self._table, row.insert)
        if self._count("org_api", insert, self._parameters(TRAVEL, JOE)):
            yield "insert makes a row for another organization"
        personal = {"user_id", "actor_user_id", "invited_by"} & set(self._table.entered)
        another = self._not_entered is not None or bool(personal)
        if another and self._count("org_api", insert, self._parameters(ABC, SUE)):
            yield "insert makes a row for another person"
        if self._not_entered is not None:
            fewer = {one: row.insert[one] for one in row.insert if one not in self._table.entered}
            if self._count("org_api", _insert(self._table, fewer)):
                yield "insert makes a row"
        gifts = {"id": "gen_random_uuid()"} if self._table.name == "org.organization" else {}
        gifts |= dict.fromkeys(self._table.entered, _NOBODY)
        gifts |= {"org_id": _ORG} if "org_id" in self._table.columns else {}
        for column, value in gifts.items():
            if self._count("org_api", self._update({column: value}), self._parameters(TRAVEL, JOE)):
                yield f"update of {column} gives rows away"

    def _enter(self, not_entered: str | None) -> None:
        self._not_entered = not_entered
        if not_entered is not None:
            self._conn.execute(NOT_ENTERED[not_entered].encode())
            return
        self._conn.execute(
            "select set_config('app.org_id', %(org_id)s::text, true), "
            "set_config('app.user_id', %(user_id)s::text, true)",
            self._parameters(),
        )

    def _own(self) -> Found:
        if self._not_entered is not None and self._table.row.own != "true":
            return set()
        return self._list_rows(self._table.row.own)

    def _list_rows(self, condition: str = "true") -> Found:
        statement = f"select {self._table.key} from {self._table.name} where {condition}"
        return set(self._conn.execute(statement.encode(), self._parameters()).fetchall())

    def _select(self, role: str) -> Found:
        with suppress(*self._refusals), self._as(role):
            return self._list_rows()
        return set()

    def _write(self, role: str, statement: str) -> Found:
        """
        Return the keys of the rows that a statement changed.

        Rows are compared by their place (ctid), before and after, because a statement with a WHERE
        or RETURNING would also need the policy for SELECT.
        """
        places = f"select {self._table.key}, ctid from {self._table.name}"
        before = set(self._conn.execute(places.encode()).fetchall())
        with self._undone():
            self._count(role, statement, undo=False)
            after = set(self._conn.execute(places.encode()).fetchall())
        return {row[:-1] for row in before - after}

    def _count(
        self,
        role: str,
        statement: str,
        parameters: dict[str, object] | None = None,
        *,
        undo: bool = True,
    ) -> int:
        """
        Return how many rows a statement reached; 0 if it was refused.

        A violated constraint counts as 1: the check came only after the policies had let it pass.
        """
        try:
            with suppress(*self._refusals), self._as(role, undo=undo):
                return self._conn.execute(
                    statement.encode(), parameters or self._parameters()
                ).rowcount
        except psycopg.IntegrityError:
            return 1
        return 0

    def _parameters(self, org_id: UUID = ABC, person: str = JOE) -> dict[str, object]:
        people = self._people
        return {"org_id": org_id, "user_id": people[person], "nobody": people[NINA]}

    def _update(self, change: dict[str, str]) -> str:
        changes = ", ".join(f"{column} = {value}" for column, value in change.items())
        return f"update {self._table.name} set {changes}"

    @property
    def _delete(self) -> str:
        return f"delete from {self._table.name}"

    def _list_columns(self, role: str, verb: str) -> set[str]:
        found = self._conn.execute(
            "select c from unnest(%s::text[]) c where has_column_privilege(%s, %s, c, %s)",
            (self._table.columns, role, self._table.name, verb),
        )
        return {name for (name,) in found.fetchall()}

    def _may_delete(self, role: str) -> bool:
        row = self._conn.execute(
            "select has_table_privilege(%s, %s, 'delete')", (role, self._table.name)
        ).fetchone()
        return row == (True,)

    @contextmanager
    def _undone(self) -> Iterator[None]:
        with self._conn.transaction(force_rollback=True):
            yield

    @contextmanager
    def _as(self, role: str, *, undo: bool = True) -> Iterator[None]:
        with self._conn.transaction(force_rollback=undo):
            self._conn.execute(f"set local role {role}".encode())
            yield
            self._conn.execute("reset role")

    @property
    def _refusals(self) -> tuple[type[psycopg.Error], ...]:
        return (*_REFUSALS[None], *_REFUSALS.get(self._not_entered, ()))


def _insert(table: Table, row: dict[str, str]) -> str:
    return f"insert into {table.name} ({', '.join(row)}) values ({', '.join(row.values())})"


def _list_people(conn: psycopg.Connection) -> dict[str, UUID]:
    return dict(conn.execute("select auth0_user_id, id from org.app_user").fetchall())
