"""A server elsewhere proves who it is, and the password may change while the service runs."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.conninfo import conninfo_to_dict

from local_stack.postgres import Postgres
from org_admin.cli import main
from org_guard.role_check import require_plain_role
from org_selector.settings import SelectorSettings
from service.database_url import DatabaseTls, secure_url
from service.environment import SettingsError, read
from service.pool import Database, Unavailable
from tests.kit.databases import copy_database, find_unchanged_database
from tests.kit.tls_proxy import serve_tls

HOST = "db.example.com"
REMOTE = f"postgresql://org_selector@{HOST}/organizations"


@pytest.fixture
def socket(postgres: Postgres) -> Path:
    """Postgres' socket."""
    place = conninfo_to_dict(postgres.url("postgres", "postgres"))
    return Path(str(place["host"])) / f".s.PGSQL.{place['port']}"


def open_pool(url: str, tls: DatabaseTls) -> Database:
    """Make the pool as the services do."""
    return Database(secure_url(url, tls), size=1, configure=require_plain_role)


def is_answered(url: str, tls: DatabaseTls = "verify-full") -> bool:
    """Say whether a statement is answered."""
    database = open_pool(url, tls)
    try:
        return database.fetch("select 1") == [(1,)]
    except Unavailable:
        return False
    finally:
        database.close()


def test_a_server_with_a_certificate_for_its_name_is_used(
    postgres: Postgres, socket: Path, tmp_path: Path
) -> None:
    """Not one for another name, nor one of an authority that is not named, nor one without TLS."""
    name = find_unchanged_database(postgres)
    with (
        serve_tls(socket, HOST, tmp_path / "right") as (port, authority),
        serve_tls(socket, "other.example.com", tmp_path / "other") as (other_port, other),
    ):
        # hostaddr stands in for DNS: HOST is this machine.
        place = f"postgresql://org_selector@{HOST}:%s/{name}?hostaddr=127.0.0.1"
        right = f"{place % port}&sslrootcert={authority}"
        database = open_pool(right, "verify-full")
        with database.connection() as conn:
            assert conn.pgconn.ssl_in_use
        database.close()

        assert is_answered(right)
        assert not is_answered(f"{place % other_port}&sslrootcert={other}")  # another name
        assert not is_answered(f"{place % port}&sslrootcert={other}")  # another authority
        assert not is_answered(place % port)  # none that this machine trusts
        assert is_answered(place % port, "off")


def test_a_server_that_offers_no_tls_is_not_used(tmp_path: Path) -> None:
    """Unless DATABASE_TLS is off."""
    with Postgres(tmp_path, tcp=True) as postgres:
        place = f"{HOST}:{postgres.port}/postgres?hostaddr=127.0.0.1"
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as conn:
            conn.execute("create role plain login password 'plain'")
            conn.execute("alter role plain set statement_timeout = '1s'")
            conn.execute("alter role plain set lock_timeout = '500ms'")
        url = f"postgresql://plain:plain@{place}"

        assert not is_answered(url)
        assert is_answered(url, "off")


@pytest.mark.parametrize(
    ("url", "secured"),
    [
        (REMOTE, True),
        (f"{REMOTE}?sslmode=verify-full", True),
        ("postgresql://org_selector@localhost,db.example.com/organizations", True),
        ("postgresql://org_selector@localhost/organizations?hostaddr=192.0.2.1", True),
        ("service=organizations dbname=organizations", True),
        ("postgresql://org_selector@localhost/organizations", False),
        ("postgresql://org_selector@127.0.0.1:6432/organizations?sslmode=disable", False),
        ("postgresql://org_selector@[::1]/organizations", False),
        ("postgresql:///organizations?host=/run/postgresql", False),
        ("dbname=organizations user=org_selector", False),
    ],
)
def test_only_a_server_on_this_machine_may_do_without_tls(url: str, secured: bool) -> None:
    """On another machine the certificate is checked against an authority, always."""
    parameters = conninfo_to_dict(secure_url(url, "verify-full"))

    assert (parameters.get("sslmode") == "verify-full") is secured
    assert ("sslrootcert" in parameters) is secured
    assert secure_url(url, "off") == url


def test_the_host_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """libpq takes PGHOST where the URL has no host."""
    monkeypatch.setenv("PGHOST", HOST)
    assert "sslmode=verify-full" in secure_url("dbname=organizations", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/authorities.pem")
    assert "sslrootcert" not in secure_url("dbname=organizations", "verify-full")


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A complete environment of the selector."""
    for name, value in {
        "AUTH0_DOMAIN": "example.eu.auth0.com",
        "SESSION_TOKEN_SECRETS": "s" * 32,
        "SELECTION_TOKEN_SECRETS": "l" * 32,
        "DATABASE_URL": REMOTE,
        "SELECTOR_URL": "https://select.example.com",
        "APP_ORIGINS": "https://app.example.com",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "verify-ca"])
def test_a_url_that_asks_for_less_is_refused_with_the_remedy(
    environment: pytest.MonkeyPatch, mode: str
) -> None:
    """At the start of a service, and by `migrate`; both start with DATABASE_TLS=off."""
    url = f"{REMOTE}?sslmode={mode}"
    environment.setenv("DATABASE_URL", url)
    environment.setenv("OWNER_DATABASE_URL", url)
    with pytest.raises(SettingsError, match=f"DATABASE_TLS .*sslmode={mode}.*DATABASE_TLS=off"):
        read(SelectorSettings, "selector")
    migrated = CliRunner().invoke(main, ["migrate", "--dry-run"])

    assert migrated.exit_code == 1
    assert f"sslmode={mode}" in migrated.output
    environment.setenv("DATABASE_TLS", "off")
    assert read(SelectorSettings, "selector").database_tls == "off"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Postgres]:
    """A Postgres that asks for passwords."""
    with Postgres(tmp_path / "cluster", tcp=True) as postgres:
        with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as conn:
            conn.execute("create role short login password 'first'")
            conn.execute("alter role short set statement_timeout = '1s'")
            conn.execute("alter role short set lock_timeout = '500ms'")
        yield postgres


def test_a_new_password_in_the_file_is_used_by_the_next_connection(
    guarded: Postgres, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Some hosts give out passwords that are valid for minutes."""
    file = tmp_path / "password"
    file.write_text("first\n")
    environment.setenv("DATABASE_PASSWORD_FILE", str(file))
    environment.setenv("DATABASE_URL", f"postgresql://short@localhost:{guarded.port}/postgres")
    database = read(SelectorSettings, "selector").open_database(require_plain_role)
    try:
        assert database.fetch("select 1") == [(1,)]
        with psycopg.connect(guarded.url("postgres", "postgres"), autocommit=True) as conn:
            conn.execute("alter role short password 'second'")
            conn.execute(
                "select pg_terminate_backend(pid, 5000) "
                "from pg_stat_activity where usename = 'short'"
            )
        with pytest.raises(Unavailable):
            database.fetch("select 1")
        file.write_text("second\n")
        _wait_for_answer(database)
    finally:
        database.close()


def _wait_for_answer(database: Database) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with suppress(Unavailable):
            assert database.fetch("select 1") == [(1,)]
            return
        time.sleep(0.05)
    raise AssertionError("the new password was not used")


def test_a_password_file_that_cannot_work_is_refused_at_the_start(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is missing or empty, or the URL has a password, too; no message shows a password."""
    file = tmp_path / "password"
    environment.setenv("DATABASE_PASSWORD_FILE", str(file))
    with pytest.raises(SettingsError, match=r"DATABASE_PASSWORD_FILE names .*cannot be read"):
        read(SelectorSettings, "selector")
    file.write_text("\n")
    with pytest.raises(SettingsError, match=r"DATABASE_PASSWORD_FILE names .*is empty"):
        read(SelectorSettings, "selector")
    file.write_text("from-the-file\n")
    assert read(SelectorSettings, "selector").database_password_file == file
    environment.setenv("DATABASE_URL", REMOTE.replace("org_selector@", "org_selector:secret@"))
    with pytest.raises(SettingsError, match="leave the password out of DATABASE_URL") as refused:
        read(SelectorSettings, "selector")
    assert "secret" not in str(refused.value)
    assert "from-the-file" not in str(refused.value)


def test_migrate_needs_tls_to_a_server_elsewhere(
    postgres: Postgres, socket: Path, tmp_path: Path
) -> None:
    """With the authority of the server it says that nothing is missing."""
    with (
        copy_database(postgres, "tls") as name,
        serve_tls(socket, HOST, tmp_path / "certificate") as (port, authority),
    ):
        url = f"postgresql://postgres@{HOST}:{port}/{name}?hostaddr=127.0.0.1"
        refused = CliRunner(env={"OWNER_DATABASE_URL": url}).invoke(main, ["migrate"])
        secure = CliRunner(env={"OWNER_DATABASE_URL": f"{url}&sslrootcert={authority}"})

        assert refused.exit_code == 1
        assert "certificate verify failed" in refused.output
        assert secure.invoke(main, ["migrate"]).output == "Up to date.\n"
