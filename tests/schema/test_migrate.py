"""What an administrator does to the database, and what can go wrong."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from click.testing import CliRunner

from local_stack.postgres import Postgres
from local_stack.stack import Stack
from org_admin.cli import main
from org_selector.rows import DecisionRows
from schema import migrate as migrations
from schema.migrate import Migration, MigrationFailed, migrate
from service.pool import Database
from tests.kit.marked_block import read_block

ALL = [one.version for one in migrations.list_migrations()]
NAMES = [one.name for one in migrations.list_migrations()]


@pytest.fixture
def owner_url(stack: Stack) -> str:
    """An empty database that belongs to org_owner."""
    name = "migrations"
    stack.postgres.drop_database(name)
    stack.postgres.create_database(name)
    with psycopg.connect(stack.postgres.url("postgres", "postgres"), autocommit=True) as conn:
        conn.execute("alter database migrations owner to org_owner")
    return stack.postgres.url(name, "org_owner")


def test_the_command_applies_each_migration_once(owner_url: str) -> None:
    """The second time it says that there is nothing to do."""
    runner = CliRunner(env={"OWNER_DATABASE_URL": owner_url})
    dry = runner.invoke(main, ["migrate", "--dry-run"])
    first = runner.invoke(main, ["migrate"])
    second = runner.invoke(main, ["migrate"])
    calm = runner.invoke(main, ["migrate", "--dry-run"])

    pending = "".join(f"pending  {name}\n" for name in NAMES)
    assert dry.output == f"{pending}{len(NAMES)} to apply\n"
    assert first.output == f"{pending.replace('pending', 'applied')}Done.\n"
    assert second.output == calm.output == "Up to date.\n"
    assert {one.exit_code for one in (dry, first, second, calm)} == {0}


def test_four_processes_at_once_apply_each_migration_once(owner_url: str) -> None:
    """As when four containers start together."""
    argv = [sys.executable, "-m", "org_admin.cli"]
    code = "import sys; from org_admin.cli import main; main()"
    with ThreadPoolExecutor(4) as pool:
        results = list(
            pool.map(
                lambda _: subprocess.run(
                    [argv[0], "-c", code, "migrate"],
                    env={"OWNER_DATABASE_URL": owner_url, "PATH": ""},
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                ),
                range(4),
            )
        )

    assert [one.returncode for one in results] == [0] * 4, [one.stderr for one in results]
    assert {one.stdout.splitlines()[-1] for one in results} == {"Done.", "Up to date."}
    lines = [line for one in results for line in one.stdout.splitlines()]
    applied = [line for line in lines if line.startswith("applied")]
    assert sorted(applied) == [f"applied  {name}" for name in NAMES]


def test_a_failed_migration_changes_nothing(
    owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Migration(99, "0099_broken.sql", "create table half (id int); select 1/0;")
    known = migrations.list_migrations()
    monkeypatch.setattr(migrations, "list_migrations", lambda: [*known, broken])
    with pytest.raises(MigrationFailed, match=r"0099_broken\.sql failed and was undone"):
        list(migrate(owner_url))
    with psycopg.connect(owner_url) as conn:
        rows = conn.execute("select to_regclass('half'), max(version) from org.schema_migration")

        assert rows.fetchall() == [(None, ALL[-1])]


def test_a_database_of_an_earlier_unreleased_schema_is_refused_in_one_sentence(
    owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file was changed after it was applied; the sentence says what to do about it."""
    known = migrations.list_migrations()
    assert [one.version for one in migrate(owner_url)] == ALL
    changed = [Migration(one.version, one.name, one.sql + "\n-- later") for one in known]
    monkeypatch.setattr(migrations, "list_migrations", lambda: changed)

    with pytest.raises(MigrationFailed) as refused:
        list(migrate(owner_url))
    assert str(refused.value) == (
        "0001_organizations.sql has changed since it was applied to this database. "
        "Make a new database, or go back to the checkout that made this one."
    )
    monkeypatch.setattr(migrations, "list_migrations", lambda: known)
    assert list(migrate(owner_url)) == []


def test_a_database_newer_than_the_release_is_not_changed(owner_url: str) -> None:
    """An old release does not know what later migrations did."""
    assert [one.version for one in migrate(owner_url)] == ALL
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute("insert into org.schema_migration values (99, '0099_later.sql', 'x')")

    with pytest.raises(MigrationFailed, match="Install the newer release"):
        list(migrate(owner_url))


def test_the_error_about_an_unreachable_database_shows_no_password() -> None:
    """It says the cause and the next step."""
    url = "postgresql://org_owner:tell-nobody@127.0.0.1:1/nothing"
    result = CliRunner(env={"OWNER_DATABASE_URL": url}).invoke(main, ["migrate"])

    assert result.exit_code == 1
    assert "Check OWNER_DATABASE_URL" in result.output
    assert "tell-nobody" not in result.output


@pytest.mark.parametrize(
    "url",
    [
        "postgresql//org_owner:tell-nobody@db/x",
        "postgresql://org_owner:tell nobody@db/x",
        "postgresql://org_owner:tell@nobody@localhost:1/x",
        "postgresql://org_owner:tell/nobody@localhost:1/x",
    ],
)
def test_the_error_about_a_malformed_url_shows_no_password(url: str) -> None:
    """libpq would quote the URL."""
    result = CliRunner(env={"OWNER_DATABASE_URL": url}).invoke(main, ["migrate"])

    assert result.exit_code == 1
    assert "percent-encode" in result.output
    assert "nobody" not in result.output


def test_the_owner_adds_the_first_organization_with_the_statements_of_the_readme(
    owner_url: str,
) -> None:
    """Forced row-level security applies to the owner, too."""
    list(migrate(owner_url))
    statements = read_block("README.md", "the first organization")
    with psycopg.connect(owner_url) as conn:
        for statement in statements.split(";")[:-1]:
            if "password" not in statement:  # its role is shared with other tests
                conn.execute(statement.encode())
        rows = conn.execute("select org_slug, org_name, role from org.membership").fetchall()

    assert rows == [("abc-inc", "ABC Inc", "owner")]


def test_new_secrets_are_long_enough_and_all_different() -> None:
    """The settings accept them."""
    made = {CliRunner().invoke(main, ["secret"]).output.strip() for _ in range(5)}

    assert len(made) == 5
    assert all(len(one) >= 32 for one in made)


TABLES = {
    "app_user",
    "audit_event",
    "idempotency_key",
    "invitation",
    "mail_outbox",
    "membership",
    "organization",
    "project",
    "schema_migration",
    "selection",
    "used_slug",
}
# Columns of a privilege, or all.
PRIVILEGES_OF_ORG_API = {
    ("app_user", "select", "blocked_at email id name"),
    ("audit_event", "select", "all"),
    ("audit_event", "insert", "action actor_name client_id details target_id target_name"),
    ("idempotency_key", "select", "all"),
    ("idempotency_key", "insert", "key request_sha256"),
    ("idempotency_key", "update", "answer"),
    ("idempotency_key", "delete", "all"),
    ("invitation", "select", "all"),
    ("invitation", "insert", "email expires_at language role"),
    ("invitation", "update", "expires_at invited_by sent_at"),
    ("invitation", "delete", "all"),
    ("mail_outbox", "select", "invitation_id"),
    ("mail_outbox", "insert", "invitation_id"),
    ("membership", "select", "all"),
    ("membership", "update", "org_name role"),
    ("membership", "delete", "all"),
    ("organization", "select", "all"),
    ("organization", "update", "name"),
    ("project", "select", "all"),
    ("project", "insert", "all"),
    ("project", "update", "description name updated_at"),
    ("project", "delete", "all"),
    ("schema_migration", "select", "all"),
}
PRIVILEGES_OF_ORG_MAKER = {
    ("app_user", "select", "auth0_user_id blocked_at email email_verified id name"),
    ("app_user", "update", "created_at"),
    (
        "audit_event",
        "insert",
        "action actor_name actor_user_id client_id details org_id target_id target_name",
    ),
    ("invitation", "select", "all"),
    ("invitation", "update", "accepted_at"),
    ("membership", "select", "org_id org_suspended role user_id"),
    ("membership", "insert", "org_id role user_id"),
    ("organization", "select", "created_by id name slug suspended_at"),
    ("organization", "insert", "created_by id name slug"),
    ("organization", "update", "created_at"),
    ("selection", "select", "all"),
    ("selection", "insert", "choice nonce org_id user_id"),
    ("used_slug", "select", "slug"),
    ("used_slug", "insert", "slug"),
}
PRIVILEGES_OF_ORG_WORKER = {
    ("app_user", "select", "blocked_at id name"),
    ("invitation", "select", "all"),
    ("mail_outbox", "select", "all"),
    ("mail_outbox", "update", "next_try_at tries"),
    ("mail_outbox", "delete", "all"),
    ("membership", "select", "org_id role user_id"),
    ("organization", "select", "id name suspended_at"),
    ("schema_migration", "select", "all"),
}
PRIVILEGES_OF_ORG_GATE = {
    ("app_user", "select", "auth0_user_id blocked_at id"),
    ("membership", "select", "org_id org_suspended role user_id"),
    ("organization", "select", "id slug"),
}


def list_privileges(conn: psycopg.Connection, role: str) -> set[tuple[str, str, str]]:
    """Return what a database role may do: table, privilege, columns."""
    found = conn.execute(
        """
        select c.relname::text, lower(a.privilege_type), 'all'
        from pg_class c, aclexplode(c.relacl) a
        where c.relnamespace = 'org'::regnamespace and a.grantee in (%(role)s::regrole, 0)
        union all
        select c.relname::text, lower(a.privilege_type), string_agg(t.attname, ' ' order by attname)
        from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
        where c.relnamespace = 'org'::regnamespace and a.grantee in (%(role)s::regrole, 0)
        group by 1, 2
        """,
        {"role": role},
    )
    return {(table, privilege, columns) for table, privilege, columns in found.fetchall()}


def test_every_table_forces_row_level_security_and_each_role_has_its_privileges(
    owner_url: str, stack: Stack
) -> None:
    """Both are read from the catalog, so a new table cannot be forgotten."""
    assert [one.version for one in migrate(owner_url)] == ALL
    with psycopg.connect(stack.postgres.url("migrations", "postgres")) as conn:
        tables = conn.execute(
            "select relname::text, relrowsecurity and relforcerowsecurity from pg_class "
            "where relnamespace = 'org'::regnamespace and relkind in ('r', 'v', 'm', 'p', 'S')"
        ).fetchall()
        roles = ("org_api", "org_gate", "org_maker", "org_worker")
        api, gate, maker, worker = (list_privileges(conn, role) for role in roles)

    assert set(tables) == {(name, True) for name in TABLES}
    assert api == PRIVILEGES_OF_ORG_API
    assert gate == PRIVILEGES_OF_ORG_GATE
    assert maker == PRIVILEGES_OF_ORG_MAKER
    assert worker == PRIVILEGES_OF_ORG_WORKER


@pytest.mark.parametrize("role", ["org_gate", "org_maker"])
def test_an_owner_of_functions_may_create_nothing_after_the_migration(
    owner_url: str, stack: Stack, role: str
) -> None:
    """It needed the right to receive two functions; it could read any table of its own."""
    list(migrate(owner_url))
    create = "create table org.mine (id int)"
    with psycopg.connect(stack.postgres.url("migrations", "postgres"), autocommit=True) as conn:
        conn.execute(f"set role {role}".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(create)
        conn.execute("reset role")
        conn.execute(f"grant create on schema org to {role}".encode())
        conn.execute(f"set role {role}".encode())
        conn.execute(create)


@pytest.fixture
def old_owner_url(owner_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database as an earlier release left it: with the first migration only."""
    known = migrations.list_migrations()
    with monkeypatch.context() as earlier:
        earlier.setattr(migrations, "list_migrations", lambda: known[:1])
        assert [one.version for one in migrate(owner_url)] == [1]
    return owner_url


def test_our_tables_stand_beside_tables_of_the_same_names(owner_url: str, stack: Stack) -> None:
    """
    A customer's database has tables such as `organization` and `project` already.

    Reproduced at commit 3d47401: the migration failed, or the services read the wrong tables.
    """
    public = (
        "select c.relname, c.relacl::text, n.nspacl::text from pg_class c "
        "join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' order by 1"
    )
    with psycopg.connect(stack.postgres.url("migrations", "postgres"), autocommit=True) as conn:
        for table in sorted(TABLES):
            conn.execute(f"create table public.{table} (theirs int)".encode())
        conn.execute("create function public.entered_organization() returns int return 1")
        before = conn.execute(public.encode()).fetchall()
        assert [one.version for one in migrate(owner_url)] == ALL
        assert conn.execute(public.encode()).fetchall() == before
        conn.execute(read_block("README.md", "the first organization").encode())
    database = Database(stack.postgres.url("migrations", "org_selector"), size=1, configure=_accept)
    with closing(database):
        standing = DecisionRows(database).find_standing("auth0|…", None)
    assert standing is not None
    assert [one.slug for one in standing.usable] == ["abc-inc"]
    api = stack.postgres.url("migrations", "org_api")
    with psycopg.connect(api) as conn:
        row = conn.execute("select org.find_organization_id('abc-inc')").fetchone()
        assert row is not None
        conn.execute("select org.enter_organization('auth0|…', %s)", row)
        assert conn.execute("select name from org.organization").fetchall() == [("ABC Inc",)]


def test_default_privileges_of_the_host_open_nothing(owner_url: str, stack: Stack) -> None:
    """
    As on Supabase, where `anon` gets every new table and function.

    Reproduced at commit 3d47401: `anon` could call both definer functions and truncate the trail.
    """
    with psycopg.connect(stack.postgres.url("migrations", "postgres"), autocommit=True) as conn:
        conn.execute("drop role if exists anon")
        conn.execute("create role anon")
        for kind in ("tables", "sequences", "functions", "schemas"):
            conn.execute(
                f"alter default privileges for role org_owner grant all on {kind} to anon".encode()
            )
        try:
            assert [one.version for one in migrate(owner_url)] == ALL
            for table in sorted(TABLES):
                found = conn.execute(
                    "select bool_or(has_table_privilege('anon', %s, one)) "
                    "from unnest(array['select', 'insert', 'update', 'delete', 'truncate']) one",
                    (f"org.{table}",),
                ).fetchone()
                assert found == (False,), table
            functions = conn.execute(
                "select bool_or(has_function_privilege('anon', oid, 'execute')), count(*) "
                "from pg_proc where pronamespace = 'org'::regnamespace"
            ).fetchone()
            assert functions == (False, 12)
            usage = conn.execute("select has_schema_privilege('anon', 'org', 'usage')").fetchone()
            assert usage == (False,)
            # Their own objects keep what the host gives.
            conn.execute("set role org_owner")
            conn.execute("create schema theirs; create table theirs.list (id int)")
            conn.execute("reset role")
            kept = conn.execute(
                "select has_table_privilege('anon', 'theirs.list', 'select')"
            ).fetchone()
            assert kept == (True,)
        finally:
            conn.execute("drop owned by anon")
            conn.execute("drop role anon")


def test_a_grant_that_no_migration_made_is_named_with_its_revoke(
    owner_url: str, stack: Stack
) -> None:
    """All is applied; the administrator decides."""
    runner = CliRunner(env={"OWNER_DATABASE_URL": owner_url})
    assert runner.invoke(main, ["migrate"]).exit_code == 0
    revokes = [
        "revoke select on table org.membership from report;",
        "revoke select (email) on table org.app_user from report;",
        "revoke execute on function org.enter_organization(text,uuid,text) from report;",
        "revoke truncate on table org.audit_event from org_api;",
    ]
    with psycopg.connect(stack.postgres.url("migrations", "postgres"), autocommit=True) as conn:
        conn.execute("drop role if exists report")
        conn.execute("create role report")
        try:
            for revoke in revokes:
                grant = revoke.replace("revoke", "grant").replace(" from ", " to ")
                conn.execute(grant.encode())
            refused = runner.invoke(main, ["migrate"])
            for role in ("report", "org_api"):
                kept = runner.invoke(main, ["migrate", "--keep-grants", role])
                named = [one for one in revokes if one in kept.output]
                assert named == [one for one in revokes if role not in one]
            both = ["--keep-grants", "report", "--keep-grants", "org_api"]
            assert runner.invoke(main, ["migrate", *both]).output == "Up to date.\n"
            for revoke in revokes:
                assert revoke in refused.output
                conn.execute(revoke.encode())
        finally:
            conn.execute("drop owned by report")
            conn.execute("drop role report")

    assert refused.exit_code == 1
    assert "--keep-grants" in refused.output
    assert runner.invoke(main, ["migrate"]).output == "Up to date.\n"


def test_the_audit_trail_stays_when_its_organization_is_deleted(owner_url: str) -> None:
    """It shows who did what until the end. Other rows of the organization go with it."""
    list(migrate(owner_url))
    with psycopg.connect(owner_url) as conn:
        for statement in (
            "insert into org.organization (slug, name) values ('abc-inc', 'ABC Inc')",
            "insert into org.project (org_id, name) select id, 'P' from org.organization",
            "insert into org.audit_event (org_id, actor_user_id, client_id, action, target_id) "
            "select id, id, 'spa', 'organization.updated', id from org.organization",
            "delete from org.organization",
        ):
            conn.execute(statement.encode())
        left = conn.execute(
            "select (select count(*) from org.audit_event), (select count(*) from org.project)"
        ).fetchone()

    assert left == (1, 0)


def test_blocking_the_last_owner_who_can_log_in_warns(owner_url: str) -> None:
    """It names the organizations; an owner beside the person, or another role, is enough."""
    list(migrate(owner_url))
    notices: list[str] = []
    block = "update org.app_user set blocked_at = now() where auth0_user_id = %s"
    with psycopg.connect(owner_url) as conn:
        conn.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
        for statement in (
            "insert into org.organization (slug, name) values ('one', 'One'), ('two', 'Two')",
            "insert into org.app_user (auth0_user_id) values ('joe'), ('sue'), ('ann')",
            "insert into org.membership (user_id, org_id, role) select u.id, o.id, 'owner' "
            "from org.app_user u, org.organization o where auth0_user_id in ('joe', 'sue')",
            "insert into org.membership (user_id, org_id, role) select u.id, o.id, 'admin' "
            "from org.app_user u, org.organization o where auth0_user_id = 'ann'",
        ):
            conn.execute(statement.encode())
        conn.execute(block, ("ann",))
        conn.execute(block, ("sue",))
        assert notices == []
        conn.execute(block, ("joe",))
        conn.execute(block, ("joe",))  # blocked already

    assert notices == ["no owner is left who can log in: one, two"]


def _accept(_conn: psycopg.Connection) -> None:
    """Check nothing: the test is about tables."""


def test_a_migration_keeps_the_rows_of_an_earlier_release(old_owner_url: str, stack: Stack) -> None:
    """Later columns apart. Earlier members have a date of joining and can enter."""
    rows = (
        "select one - array['choice', 'created_by', 'invited_by', 'language', 'sent_at'] from ("
        "select to_jsonb(o) from org.organization o union all "
        "select to_jsonb(u) from org.app_user u "
        "union all select to_jsonb(m) from org.membership m "
        "union all select to_jsonb(i) from org.invitation i union all select to_jsonb(s) "
        "from org.selection s) as each_row (one) order by 1"
    )
    with psycopg.connect(old_owner_url) as conn:
        for statement in (
            "insert into org.organization (slug, name) "
            "values ('abc-inc', 'ABC Inc'), ('xyz', 'XYZ')",
            "insert into org.app_user (auth0_user_id, name) "
            "values ('auth0|joe', 'Joe'), ('x', 'X')",
            "insert into org.membership (user_id, org_id, role, last_selected_at) "
            "select u.id, o.id, 'admin', now() from org.app_user u, org.organization o",
            "update org.app_user set default_org_id = "
            "(select id from org.organization where slug = 'xyz')",
            "insert into org.invitation (org_id, email, role, expires_at) "
            "select id, 'new@example.com', 'member', now() from org.organization",
            "insert into org.selection select 'n', user_id, org_id from org.membership limit 1",
        ):
            conn.execute(statement.encode())
        before = conn.execute(rows.encode()).fetchall()
    assert [one.version for one in migrate(old_owner_url)] == ALL[1:]
    with psycopg.connect(old_owner_url) as conn:
        after = conn.execute(rows.encode()).fetchall()
        joined = conn.execute(
            "select count(*), count(*) filter (where joined_at <= now()) from org.membership"
        ).fetchone()
    with psycopg.connect(stack.postgres.url("migrations", "org_api")) as conn:
        row = conn.execute("select org.find_organization_id('xyz')").fetchone()
        assert row is not None
        role = conn.execute("select org.enter_organization('auth0|joe', %s)", row).fetchone()
        names = conn.execute("select name from org.app_user order by 1").fetchall()

    assert len(before) == 2 + 2 + 4 + 2 + 1
    assert after == before
    assert joined == (4, 4)
    assert (role, names) == (("admin",), [("Joe",), ("X",)])


def test_logins_go_on_while_a_reader_keeps_a_migration_waiting(
    old_owner_url: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A report, for example, that reads the memberships for a long time.

    Reproduced at commit 3d47401: the migration waited, and every login behind it was refused.
    """
    monkeypatch.setattr(migrations, "PAUSE", 0.2)
    with psycopg.connect(old_owner_url) as conn:
        conn.execute("insert into org.app_user (auth0_user_id) values ('auth0|joe')")
    url = stack.postgres.url("migrations", "org_selector")
    database = Database(url, size=4, configure=_accept)
    # What an earlier release reads in a login; this one needs the functions of later migrations.
    login: LiteralString = (
        "select u.id, m.org_name from org.app_user u "
        "left join org.membership m on m.user_id = u.id where u.auth0_user_id = %s"
    )
    tries: list[int] = []
    with closing(database), psycopg.connect(old_owner_url) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("select count(*) from org.membership")
        running = pool.submit(
            lambda: list(migrate(old_owner_url, wait=lambda _, attempt: tries.append(attempt)))
        )
        while len(tries) < 3:
            assert len(database.fetch(login, ("auth0|joe",))) == 1
        assert not running.done()
        reader.commit()

        assert [one.version for one in running.result(timeout=30)] == ALL[1:]
    assert tries[:3] == [1, 2, 3]


def test_a_migration_that_never_gets_its_locks_says_how_to_find_who_has_them(
    old_owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And changes nothing; the same command works later."""
    monkeypatch.setattr(migrations, "PAUSE", 0.0)
    monkeypatch.setattr(migrations, "TRIES", 2)
    runner = CliRunner(env={"OWNER_DATABASE_URL": old_owner_url})
    with psycopg.connect(old_owner_url) as reader:
        reader.execute("select count(*) from org.membership")
        refused = runner.invoke(main, ["migrate"])

    assert refused.exit_code == 1
    assert refused.output.count("waiting  0002_resource_api.sql: another session has a lock") == 2
    assert "pg_stat_activity" in refused.output
    applied = "".join(f"applied  {name}\n" for name in NAMES[1:])
    assert runner.invoke(main, ["migrate"]).output == f"{applied}Done.\n"


def test_the_second_migration_does_not_change_the_selectors_privileges(
    old_owner_url: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = migrations.list_migrations()
    monkeypatch.setattr(migrations, "list_migrations", lambda: known[:2])
    policies = (
        "select polrelid::regclass::text, polname::text, polcmd::text, "
        "pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid) from pg_policy "
        "where 'org_selector'::regrole = any(polroles) and polname <> 'services_read' order by 1, 2"
    )
    superuser = stack.postgres.url("migrations", "postgres")
    with psycopg.connect(superuser) as conn:
        before = list_privileges(conn, "org_selector"), conn.execute(policies).fetchall()
    assert [one.version for one in migrate(old_owner_url)] == [2]
    with psycopg.connect(superuser) as conn:
        after = list_privileges(conn, "org_selector"), conn.execute(policies).fetchall()
    with psycopg.connect(stack.postgres.url("migrations", "org_selector")) as conn:
        version = conn.execute("select max(version) from org.schema_migration").fetchone()

    assert before == after
    assert ("invitation", "select", "all") in before[0]
    assert version == (2,)


def test_a_rename_and_a_suspension_are_copied_to_the_memberships(owner_url: str) -> None:
    """Also if the owner changes several columns at once."""
    list(migrate(owner_url))
    with psycopg.connect(owner_url) as conn:
        conn.execute("insert into org.organization (slug, name) values ('abc-inc', 'ABC Inc')")
        conn.execute("insert into org.app_user (auth0_user_id) values ('x')")
        conn.execute(
            "insert into org.membership (user_id, org_id, role) "
            "select u.id, o.id, 'owner' from org.app_user u, org.organization o"
        )
        copies = "select org_name, org_slug, org_suspended from org.membership"
        seen = []
        for change in (
            "name = 'Renamed'",
            "suspended_at = now()",
            "suspended_at = null",
            "slug = 'renamed', name = 'Both', suspended_at = now()",
        ):
            conn.execute(f"update org.organization set {change}".encode())  # noqa: S608
            seen.append(conn.execute(copies).fetchone())

    assert seen == [
        ("Renamed", "abc-inc", False),
        ("Renamed", "abc-inc", True),
        ("Renamed", "abc-inc", False),
        ("Both", "renamed", True),
    ]


@pytest.mark.parametrize("attribute", ["nocreaterole", "createrole"])
def test_an_owner_without_org_gate_and_org_maker_is_told_which_grant_helps(
    owner_url: str, stack: Stack, attribute: str
) -> None:
    """As when another role created the roles; each hint is a statement that can be run."""
    list(migrate(owner_url))  # creates the roles, as org_owner
    name = "migrations_of_another"
    superuser = stack.postgres.url("postgres", "postgres")
    stack.postgres.create_database(name)
    try:
        with psycopg.connect(superuser, autocommit=True) as conn:
            conn.execute(f'create role "Another Owner" login {attribute}'.encode())
            conn.execute(f'alter database {name} owner to "Another Owner"'.encode())
        url = stack.postgres.url(name, "Another Owner")
        runner = CliRunner(env={"OWNER_DATABASE_URL": url})
        for role in ("org_gate", "org_maker"):
            refused = runner.invoke(main, ["migrate"])
            hint = re.search(rf"grant {role} to \S.*", refused.output)
            assert refused.exit_code == 1
            assert f"may not give functions to {role}" in refused.output
            assert hint is not None
            with psycopg.connect(superuser, autocommit=True) as conn:
                conn.execute(hint[0].encode())
        limits = runner.invoke(main, ["migrate"])
        statements = re.findall(r"^  (alter role .*;)$", limits.output, re.MULTILINE)
        assert (limits.exit_code, len(statements)) == (1, 9)
        assert "this role may not set the time limits of the services" in limits.output
        with psycopg.connect(superuser, autocommit=True) as conn:
            for statement in statements:
                conn.execute(statement.encode())
        done = runner.invoke(main, ["migrate"])

        assert (done.output, done.exit_code) == ("Up to date.\n", 0)
    finally:
        stack.postgres.drop_database(name)
        with psycopg.connect(superuser, autocommit=True) as conn:
            conn.execute('drop role if exists "Another Owner"')


def test_three_databases_of_a_new_cluster_can_be_migrated_at_once(tmp_path: Path) -> None:
    """The roles belong to the cluster: each migration creates them and grants itself org_gate."""
    names = ["one", "two", "three"]
    with Postgres(tmp_path) as postgres:
        superuser = postgres.url("postgres", "postgres")
        with psycopg.connect(superuser, autocommit=True) as conn:
            conn.execute("create role org_owner login createrole")
            for _ in range(3):
                for name in names:
                    postgres.create_database(name)
                    conn.execute(f"alter database {name} owner to org_owner".encode())
                urls = [postgres.url(name, "org_owner") for name in names]
                with ThreadPoolExecutor(len(urls)) as pool:
                    applied = list(
                        pool.map(lambda url: [one.version for one in migrate(url)], urls)
                    )
                assert applied == [ALL] * len(urls)
                for name in names:
                    postgres.drop_database(name)
                conn.execute("drop role org_api, org_gate, org_maker, org_selector, org_worker")


def test_the_selector_can_do_what_it_needs_and_nothing_else(owner_url: str, stack: Stack) -> None:
    """It cannot add members, rename, suspend, delete organizations or forge invitations."""
    assert [one.version for one in migrate(owner_url)] == ALL
    forbidden = [
        "insert into org.organization (slug, name) values ('x', 'x')",
        "update org.organization set suspended_at = null",
        "delete from org.organization",
        "insert into org.membership (user_id, org_id, role, org_slug, org_name, org_suspended) "
        "select gen_random_uuid(), gen_random_uuid(), 'owner', 'x', 'x', false",
        "update org.membership set role = 'owner'",
        "delete from org.membership",
        "update org.app_user set blocked_at = null",
        "update org.app_user set auth0_user_id = 'x'",
        "delete from org.app_user",
        "insert into org.invitation (org_id, email, role, expires_at) "
        "values (gen_random_uuid(), 'x', 'owner', now())",
        "update org.invitation set email = 'x'",
        "update org.selection set nonce = 'x'",
        "insert into org.schema_migration values (3, 'x', 'x')",
        "select * from org.project",
        "select * from org.audit_event",
        "select * from org.idempotency_key",
        "select org.enter_organization('auth0|joe', gen_random_uuid())",
        "select org.find_organization_id('abc-inc')",
        "select org.find_repeated_choice(gen_random_uuid(), 'x', 'x')",
        "select * from org.mail_outbox",
        "select * from org.used_slug",
        "create table mine (id int)",
        "truncate org.selection",
    ]
    allowed = [
        "select * from org.organization",
        "update org.membership set last_selected_at = now()",
    ]
    url = stack.postgres.url("migrations", "org_selector")
    with psycopg.connect(url, autocommit=True) as conn:
        for statement in allowed:
            conn.execute(statement.encode())
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())
