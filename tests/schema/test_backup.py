"""An administrator dumps the database, restores it into an empty cluster, and people log in."""

import subprocess
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from local_stack import seed
from local_stack.postgres import Postgres
from local_stack.postgres_home import find_home
from org_admin.cli import main
from org_guard.role_check import require_plain_role
from org_selector.choice_rows import ChoiceRows
from service.pool import Database
from tests.kit.databases import copy_database
from tests.kit.marked_block import read_block

JOE = "auth0|joe"
NEW = "organizations"  # the database's name in docs/backup.md


def run(
    postgres: Postgres, program: str, *arguments: str | Path
) -> subprocess.CompletedProcess[str]:
    """Run a program of Postgres, as an administrator would."""
    found = find_home(postgres.folder).programs / program
    return subprocess.run(
        [found, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_restored_database_lets_people_log_in(postgres: Postgres, tmp_path: Path) -> None:
    """Every row comes back, and every privilege."""
    backup = tmp_path / "backup.dump"
    with copy_database(postgres, "backup") as name:
        owner = postgres.url(name, "org_owner")
        dumped = run(
            postgres,
            "pg_dump",
            *("--enable-row-security", "--format", "custom", "--file", backup, owner),
        )
        assert dumped.returncode == 0, dumped.stderr
        before = count_rows(postgres.url(name, "postgres"))
    with Postgres(tmp_path / "cluster") as empty:
        with psycopg.connect(empty.url("postgres", "postgres"), autocommit=True) as conn:
            for statement in read_block("docs/backup.md", "roles before a restore").split(";")[:-1]:
                conn.execute(statement.encode())
        superuser = empty.url(NEW, "postgres")
        restored = run(empty, "pg_restore", "--dbname", superuser, "--exit-on-error", backup)
        assert restored.returncode == 0, restored.stderr
        assert count_rows(superuser) == before
        checked = CliRunner(env={"OWNER_DATABASE_URL": empty.url(NEW, "org_owner")}).invoke(
            main, ["migrate"]
        )
        assert checked.output == "Up to date.\n"
        require_login(empty)


def test_a_dump_without_the_option_is_refused_and_not_incomplete(
    postgres: Postgres, tmp_path: Path
) -> None:
    """Reproduced at commit 3d47401. docs/backup.md quotes the message."""
    with copy_database(postgres, "backup") as name:
        refused = run(
            postgres, "pg_dump", "--file", tmp_path / "x.sql", postgres.url(name, "org_owner")
        )

    assert refused.returncode != 0
    assert "query would be affected by row-level security policy" in refused.stderr


def count_rows(superuser_url: str) -> dict[str, int]:
    """Return how many rows each of our tables has."""
    with psycopg.connect(superuser_url) as conn:
        tables = conn.execute(
            "select relname from pg_class "
            "where relnamespace = 'org'::regnamespace and relkind = 'r' order by 1"
        ).fetchall()
        counts = {}
        for (table,) in tables:
            row = conn.execute(f"select count(*) from org.{table}".encode()).fetchone()  # noqa: S608
            assert row is not None
            counts[table] = row[0]
    assert counts["membership"] > 2_000
    return counts


def require_login(postgres: Postgres) -> None:
    """Decide about a login and enter an organization, with the services' own roles."""
    abc = seed.organization("abc-inc").id
    database = Database(postgres.url(NEW, "org_selector"), size=1, configure=require_plain_role)
    with closing(database):
        chosen = ChoiceRows(database).apply_selection(
            JOE, org_id=abc, nonce="n" * 22, remember=True, forget=False
        )
    assert chosen is not None
    assert chosen.slug == "abc-inc"
    with psycopg.connect(postgres.url(NEW, "org_api")) as conn:
        conn.execute("select org.enter_organization(%s, %s)", (JOE, abc))
        assert conn.execute("select slug from org.organization").fetchall() == [("abc-inc",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select auth0_user_id from org.app_user")
