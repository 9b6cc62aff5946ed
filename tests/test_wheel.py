"""An installed wheel is the whole product: outside the clone, with nothing but what it requires."""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from local_stack import access_tokens
from local_stack.node import PROJECT
from local_stack.postgres import Postgres
from local_stack.processes import Processes
from local_stack.stack import Ports, Stack
from tests.kit.databases import find_unchanged_database
from tests.kit.running_api import RunningApi
from tests.kit.wheel import Installed, build_wheel, install_wheel

SETTINGS = ("-c", "python:service.gunicorn_settings")
SECRET_QUERY = "session_token=what-no-log-may-hold"
GUARDED_APP = """
import importlib.util
import sys

from flask import Flask
from psycopg_pool import ConnectionPool

from org_guard import Guard, answer_refusals

token, url, audience, namespace, *domains = sys.argv[1:]
pool = ConnectionPool(url, kwargs={"autocommit": True}, open=True)
guard = Guard(domains=domains, audience=audience, namespace=namespace, connections=pool.connection)
app = Flask(__name__)
answer_refusals(app)

@app.get("/organization")
@guard.require_auth("read:organization")
def show_organization(principal):
    return guard.rows.select(principal, "select slug from org.organization")[0][0]

answer = app.test_client().get("/organization", headers={"Authorization": f"Bearer {token}"})
print(answer.status_code, answer.text if answer.status_code == 200 else answer.json["detail"])
pool.close()

absent = ("authlib", "gunicorn", "jwt", "pydantic", "structlog")
assert [name for name in absent if importlib.util.find_spec(name)] == []
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this clone."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def service(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install 'org-selector[service]'` makes."""
    return install_wheel(wheel, tmp_path_factory.mktemp("service"), "service")


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """What `pip install org-selector` makes."""
    return install_wheel(wheel, tmp_path_factory.mktemp("base"))


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """An empty database of the owner, by its name."""
    find_unchanged_database(postgres)  # makes the role org_owner
    name = f"wheel_{os.getpid()}"
    postgres.create_database(name)
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as conn:
        conn.execute(f"alter database {name} owner to org_owner".encode())
    yield name
    postgres.drop_database(name)


def get(url: str) -> tuple[int, str]:
    """Ask as a German browser does, without a proxy of the environment."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    opener.addheaders = [("Accept-Language", "de")]
    try:
        with opener.open(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_an_administrator_runs_both_services(
    service: Installed, postgres: Postgres, database: str, keys_url: str, tmp_path: Path
) -> None:
    """Migrate, start each service with the README's command, look at its pages and its log."""
    owner = {"OWNER_DATABASE_URL": postgres.url(database, "org_owner")}
    migrated = service.run("org-selector", "migrate", env=owner)
    names = sorted(file.name for file in (PROJECT / "schema").glob("*.sql"))
    assert migrated.stdout == "".join(f"applied  {name}\n" for name in names) + "Done.\n"

    stack = Stack(tmp_path, Ports.free(), postgres=postgres)
    selector = stack.selector_environment()
    selector["DATABASE_URL"] = postgres.url(database, "org_selector")
    api = stack.api_environment() | {
        "AUTH0_DOMAIN": f"{urlsplit(keys_url).netloc} {access_tokens.DOMAIN}",
        "DATABASE_URL": postgres.url(database, "org_api"),
    }
    python = service.programs / "python"
    with Processes(tmp_path) as processes:
        for name, environment in (("selector", selector), ("api", api)):
            processes.start(
                name,
                [python, "-m", "gunicorn", *SETTINGS, "--access-logfile", "-", f"wsgi:{name}"],
                env=environment,
                cwd=service.folder,
                ready=f"http://127.0.0.1:{environment['PORT']}/readyz",
            )
        status, page = get(f"{stack.selector_url}/select?{SECRET_QUERY}")
        assert status == 400
        assert "Dieser Anmeldelink gilt nicht mehr" in page
        assert (PROJECT / "templates" / "style.css").read_text() in page
        for path, file in (("/docs", "api/documentation.html"), ("/api.md", "docs/api.md")):
            assert get(f"{stack.api_url}{path}") == (200, (PROJECT / file).read_text())
        assert get(f"{stack.api_url}/docs/redoc.js")[0] == 200

    log = (tmp_path / "selector.log").read_text()
    events = [json.loads(line)["event"] for line in log.splitlines()]
    assert "Using worker: service.gunicorn_worker.WholeRequestWorker" in events
    assert sum(event.startswith("Booting worker") for event in events) == 2
    assert events.count("request") == 1
    assert SECRET_QUERY not in log


def test_its_gunicorn_settings_are_ours(service: Installed) -> None:
    """Each worker answers several requests at once."""
    app = "flask:Flask"  # any that can be imported
    done = service.run("python", "-m", "gunicorn", *SETTINGS, "--print-config", app)
    lines = [line.partition("=") for line in done.stdout.splitlines()]
    settings = {name.strip(): value.strip() for name, _, value in lines}

    assert (settings["workers"], settings["threads"]) == ("2", "4")
    assert settings["limit_request_line"] == "8190"


def test_the_actions_are_those_of_the_repository(service: Installed) -> None:
    """What is deployed to Auth0 is what was tested."""
    done = service.run("org-selector", "actions", ".")
    written = [path for path in service.folder.rglob("*") if path.is_file()]

    assert done.returncode == 0, done.stderr
    assert len(written) == len([*(PROJECT / "actions").rglob("*.js*")])
    for path in written:
        assert path.read_bytes() == (PROJECT / path.relative_to(service.folder)).read_bytes()


@pytest.mark.parametrize(
    ("changes", "answer"),
    [({}, "200 abc-inc\n"), ({"scope": "openid"}, "403 The access token does not cover this\n")],
    ids=["member", "without the scope"],
)
def test_the_base_install_guards_an_api(
    base: Installed, api: RunningApi, keys_url: str, changes: dict[str, str], answer: str
) -> None:
    """An API of one's own needs nothing of the services."""
    domains = (urlsplit(keys_url).netloc, access_tokens.DOMAIN)
    settings = (access_tokens.AUDIENCE, access_tokens.NAMESPACE, *domains)
    done = base.run("python", "-c", GUARDED_APP, api.token(**changes), api.url, *settings)

    assert (done.stdout, done.stderr) == (answer, "")


def test_the_command_works_in_the_base_install(base: Installed) -> None:
    """A machine that only migrates needs nothing of the services."""
    done = base.run("org-selector", "--help")

    assert done.returncode == 0
    assert "migrate" in done.stdout
