"""What a database role could see: a service refuses to work with one that could see too much."""

from typing import LiteralString

import pytest

from org_guard import UnsafeRole, require_row_security
from org_guard.role_check import require_plain_role
from tests.kit.statements import Statements


def test_org_api_passes_as_the_migration_made_it(statements: Statements) -> None:
    """A login role that is a member of org_api passes, too."""
    superuser = statements.conn
    superuser.execute("set local role org_api")
    require_row_security(superuser)
    superuser.execute("reset role")
    superuser.execute("create role another_login in role org_api")
    superuser.execute("set local role another_login")
    require_row_security(superuser)


OWNED: LiteralString = "create role another_owner; alter table org.project owner to another_owner"


@pytest.mark.parametrize(
    ("role", "statement", "named"),
    [
        ("postgres", "select 1", "may act as postgres,"),
        ("org_owner", "select 1", "may act as org_gate,"),
        ("org_selector", "select 1", "may act as org_selector,"),
        ("org_gate", "select 1", "may act as org_gate,"),
        ("org_api", "alter role org_api bypassrls", "may act as org_api,"),
        ("org_api", "alter role org_api superuser", "may act as org_api,"),
        ("org_api", f"{OWNED}; grant another_owner to org_api", " org.project."),
        ("org_api", f"{OWNED}; grant another_owner to org_api with inherit false", " org.project."),
        ("org_api", "grant org_gate to org_api", "may act as org_gate,"),
        ("org_api", "grant org_selector to org_api", "may act as org_selector,"),
        ("org_api", "grant postgres to org_api", "may act as postgres,"),
        (
            "org_api",
            "create role middle; grant postgres to middle; "
            "grant middle to org_api with inherit false",
            "may act as postgres,",
        ),
        ("org_api", "create table t (id int); alter table t owner to org_api", " t."),
        ("org_api", "create table t (id int); grant select on t to org_api", " t."),
        ("org_api", "create table t (id int); grant select on t to public", " t."),
        ("org_api", "create table t (id int); grant update (id) on t to org_api", " t."),
        ("org_api", "create table t (id int); grant truncate on t to org_api", " t."),
        (
            "org_api",
            "create table t (id int); alter table t enable row level security; "
            "grant select on t to org_api",
            " t.",
        ),
        ("org_api", "alter table org.project no force row level security", " org.project."),
        ("org_api", "alter table org.project disable row level security", " org.project."),
        (
            "org_api",
            "create table t (id int) partition by range (id); grant select on t to org_api",
            " t.",
        ),
        (
            "org_api",
            "create table t (id int) partition by range (id); "
            "alter table t enable row level security; grant select on t to org_api",
            " t.",
        ),
        ("org_api", "create view v as table org.project; grant select on v to org_api", " v."),
        (
            "org_api",
            "create view v with (security_invoker = false) as table org.project; "
            "grant select on v to org_api",
            " v.",
        ),
        (
            "org_api",
            "create materialized view v as table org.project; grant select on v to org_api",
            " v.",
        ),
        (
            "org_api",
            "create schema billing; create table billing.t (id int); "
            "grant insert on billing.t to public",
            " billing.t.",
        ),
    ],
)
def test_a_database_role_of_the_api_that_could_see_more_is_refused(
    statements: Statements, role: str, statement: LiteralString, named: str
) -> None:
    """The text says what is wrong, and what to do."""
    superuser = statements.conn
    superuser.execute(statement)
    superuser.execute(f"set local role {role}".encode())
    with pytest.raises(UnsafeRole) as refused:
        require_row_security(superuser)

    assert named in str(refused.value).replace(", ", ",  ") + " "
    assert "Connect as org_api" in str(refused.value)


@pytest.mark.parametrize(
    "statement",
    [
        "create table t (id int)",
        "create table t (id int); alter table t enable row level security; "
        "alter table t force row level security; grant all on t to org_api",
        "create view v with (security_invoker) as table org.project; grant select on v to org_api",
        "create view v with (security_invoker = 1) as table org.project; "
        "grant select on v to org_api",
        "create view v with (security_barrier, security_invoker = on) as table org.project; "
        "grant select on v to org_api",
        "create view v as table org.project",
        "create extension pg_stat_statements",  # its views show no rows of our tables
    ],
)
def test_a_harmless_change_of_the_database_is_allowed(
    statements: Statements, statement: LiteralString
) -> None:
    """Each resembles one of the changes that are refused."""
    superuser = statements.conn
    superuser.execute(statement)
    superuser.execute("set local role org_api")
    require_row_security(superuser)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ("set role org_selector", False),
        ("reset role", True),
        ("alter role org_selector bypassrls; set role org_selector", True),
        ("set role org_owner", True),
        (
            "revoke org_selector from org_owner; grant org_owner to org_selector; "
            "set role org_selector",
            True,
        ),
        (
            "alter role org_selector superuser; set role org_selector",
            True,
        ),
        (
            "create schema mine authorization org_selector; set role org_selector; "
            "create table mine.own (id int)",
            False,
        ),
        (
            "grant create on schema org to org_selector; set role org_selector; "
            "create sequence org.own",
            False,
        ),
        (
            "grant create on schema org to org_selector; set role org_selector; "
            "create table org.own (id int)",
            True,
        ),
    ],
)
def test_a_database_role_of_the_selector_that_could_see_more_is_refused(
    statements: Statements, changes: str, refused: bool
) -> None:
    """A table of its own in another schema is allowed."""
    statements.conn.execute(changes.encode())
    if refused:
        with pytest.raises(UnsafeRole, match="Connect as org_selector"):
            require_plain_role(statements.conn)
    else:
        require_plain_role(statements.conn)
