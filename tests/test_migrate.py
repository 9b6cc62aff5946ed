"""What an administrator does to the database, and what can go wrong."""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from click.testing import CliRunner

from local_stack.node import PROJECT
from local_stack.stack import Stack
from org_admin import migrate as migrations
from org_admin.cli import main
from org_admin.migrate import Migration, MigrationFailed, migrate


@pytest.fixture
def owner_url(stack: Stack) -> str:
    """An empty database of the owner."""
    name = "migrations"
    stack.postgres.drop_database(name)
    stack.postgres.create_database(name)
    with psycopg.connect(stack.postgres.url("postgres", "postgres"), autocommit=True) as conn:
        conn.execute("alter database migrations owner to org_owner")
    return stack.postgres.url(name, "org_owner")


def test_the_command_applies_once_and_then_has_nothing_to_do(owner_url: str) -> None:
    """Progress, then a calm answer."""
    runner = CliRunner(env={"OWNER_DATABASE_URL": owner_url})
    dry = runner.invoke(main, ["migrate", "--dry-run"])
    first = runner.invoke(main, ["migrate"])
    second = runner.invoke(main, ["migrate"])
    calm = runner.invoke(main, ["migrate", "--dry-run"])

    assert dry.output == "pending  0001_organizations.sql\n1 to apply\n"
    assert first.output == "applied  0001_organizations.sql\nDone.\n"
    assert second.output == calm.output == "Up to date.\n"
    assert {one.exit_code for one in (dry, first, second, calm)} == {0}


def test_four_administrators_at_once_apply_it_once(owner_url: str) -> None:
    """Four containers start together; real processes, real locks."""
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
    assert sorted(one.stdout for one in results)[0] == "Up to date.\n"
    assert sum("applied" in one.stdout for one in results) == 1


def test_a_failing_migration_leaves_nothing_behind(
    owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a migration would be worse than none."""
    broken = Migration(2, "0002_broken.sql", "create table half (id int); select 1/0;")
    known = migrations.list_migrations()
    monkeypatch.setattr(migrations, "list_migrations", lambda: [*known, broken])
    with pytest.raises(MigrationFailed, match=r"0002_broken\.sql failed and was undone"):
        list(migrate(owner_url))
    with psycopg.connect(owner_url) as conn:
        rows = conn.execute("select to_regclass('half'), max(version) from schema_migration")

        assert rows.fetchall() == [(None, 1)]


def test_a_migration_changed_after_it_was_applied_is_noticed(
    owner_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database would not be what the files say."""
    known = migrations.list_migrations()
    assert [one.version for one in migrate(owner_url)] == [1]
    changed = [Migration(one.version, one.name, one.sql + "\n-- later") for one in known]
    monkeypatch.setattr(migrations, "list_migrations", lambda: changed)

    with pytest.raises(MigrationFailed, match="was changed after it was applied"):
        list(migrate(owner_url))


def test_a_database_newer_than_the_release_is_left_alone(owner_url: str) -> None:
    """An old release must not touch what it does not know."""
    assert [one.version for one in migrate(owner_url)] == [1]
    with psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute("insert into schema_migration values (99, '0099_later.sql', 'x')")

    with pytest.raises(MigrationFailed, match="Install the newer release"):
        list(migrate(owner_url))


def test_a_database_out_of_reach_is_explained_without_a_password() -> None:
    """Cause and next step."""
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
def test_a_malformed_url_is_explained_without_a_password(url: str) -> None:
    """libpq would quote it."""
    result = CliRunner(env={"OWNER_DATABASE_URL": url}).invoke(main, ["migrate"])

    assert result.exit_code == 1
    assert "percent-encode" in result.output
    assert "nobody" not in result.output


def test_the_owner_lets_the_first_organization_in(owner_url: str) -> None:
    """The README's statements; forced row-level security holds for the owner too."""
    list(migrate(owner_url))
    readme = (PROJECT / "README.md").read_text()
    statements = re.search(r"   ```sql\n(.*?)   ```", readme, re.S)
    assert statements is not None
    with psycopg.connect(owner_url) as conn:
        for statement in statements[1].split(";")[1:-1]:  # not the password of a shared role
            conn.execute(statement.encode())
        rows = conn.execute("select org_slug, org_name, role from membership").fetchall()

    assert rows == [("abc-inc", "ABC Inc", "owner")]


def test_new_secrets_are_long_and_never_the_same() -> None:
    """What the settings accept."""
    made = {CliRunner().invoke(main, ["secret"]).output.strip() for _ in range(5)}

    assert len(made) == 5
    assert all(len(one) >= 32 for one in made)


TABLES = ("app_user", "invitation", "membership", "organization", "selection")


def test_every_table_forces_row_level_security_and_org_api_has_no_privilege_yet(
    owner_url: str, stack: Stack
) -> None:
    """Read from the catalog, so that a new table cannot be forgotten."""
    assert [one.version for one in migrate(owner_url)] == [1]
    with psycopg.connect(stack.postgres.url("migrations", "postgres")) as conn:
        forced = conn.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace "
            "and relkind = 'r' and relrowsecurity and relforcerowsecurity order by 1"
        ).fetchall()
        unforced = conn.execute(
            "select relname from pg_class where relnamespace = 'public'::regnamespace "
            "and relkind in ('r', 'v', 'm', 'p') and not relforcerowsecurity"
        ).fetchall()
        privileges = conn.execute(
            "select c.relname, p.privilege from pg_class c, unnest(array['select', 'insert', "
            "'update', 'delete', 'truncate']) p(privilege) where relnamespace = "
            "'public'::regnamespace and relkind in ('r', 'v', 'm', 'p') and "
            "(has_table_privilege('org_api', c.oid, p.privilege) "
            "or p.privilege in ('select', 'insert', 'update') "
            "and has_any_column_privilege('org_api', c.oid, p.privilege))"
        ).fetchall()

    assert [name for (name,) in forced] == list(TABLES)
    assert unforced == [("schema_migration",)]
    assert privileges == []


def test_the_selector_may_do_what_it_needs_and_no_more(owner_url: str, stack: Stack) -> None:
    """It cannot make members, rename, suspend, delete organizations or forge invitations."""
    assert [one.version for one in migrate(owner_url)] == [1]
    forbidden = [
        "insert into organization (slug, name) values ('x', 'x')",
        "update organization set suspended_at = null",
        "delete from organization",
        "insert into membership (user_id, org_id, role, org_slug, org_name, org_suspended) "
        "select gen_random_uuid(), gen_random_uuid(), 'owner', 'x', 'x', false",
        "update membership set role = 'owner'",
        "delete from membership",
        "update app_user set blocked_at = null",
        "update app_user set auth0_user_id = 'x'",
        "delete from app_user",
        "insert into invitation (org_id, email, role, expires_at) "
        "values (gen_random_uuid(), 'x', 'owner', now())",
        "update invitation set email = 'x'",
        "update selection set nonce = 'x'",
        "insert into schema_migration values (2, 'x', 'x')",
        "create table mine (id int)",
        "truncate selection",
    ]
    allowed = ["select * from organization", "update membership set last_selected_at = now()"]
    url = stack.postgres.url("migrations", "org_selector")
    with psycopg.connect(url, autocommit=True) as conn:
        for statement in allowed:
            conn.execute(statement.encode())
        for statement in forbidden:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())
