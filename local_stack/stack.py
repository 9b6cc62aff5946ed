"""
The whole product on this machine: Postgres, tenant, selector, resource API and example app.

Demo, tests and benchmarks start it on different ports; only the demo keeps the data.
"""

import json
import os
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg

from local_stack import seed
from local_stack.node import PROJECT, node
from local_stack.postgres import Postgres
from local_stack.processes import Child, Processes, Ready, free_port, listens, wait_until
from local_tenant.configuration import (
    MANAGEMENT_API,
    Action,
    Api,
    Client,
    ClientGrant,
    TenantConfig,
)
from schema.migrate import migrate

AUDIENCE = "https://api.example.com/"
NAMESPACE = "https://example.com/claims/"
# Two other APIs of the same tenant, whose tokens the resource API must refuse: one of design C, and
# one that has nothing to do with organizations.
ALL_ORGANIZATIONS_AUDIENCE = "https://all-organizations.example.com/"
OTHER_AUDIENCE = "https://reports.example.com/"
DATABASE = "organizations"
START_SECONDS = 30.0
API_SCOPES = (
    "read:organization write:organization read:members write:members read:invitations "
    "write:invitations read:audit-events read:projects write:projects"
)
SIGNING_KEY_SCOPES = ("read:signing_keys", "create:signing_keys", "update:signing_keys")
Starting = tuple[Child, Ready, str]  # a program, how to find out that it is ready, its name
_SERVICES = {"selector": "selector", "api": "resource API"}


@dataclass(frozen=True)
class Ports:
    """The port of each part on 127.0.0.1; the defaults are the demo's."""

    spa: int = 3000
    api: int = 3010
    selector: int = 3020
    mail: int = 3025
    tenant: int = 3030

    @classmethod
    def free(cls) -> Self:
        """Take free ports, so that tests can run beside a demo."""
        return cls(free_port(), free_port(), free_port(), free_port(), free_port())


class Stack:
    """
    All parts; entering the context starts them, leaving it ends them in reverse order.

    Args:
        folder: for data, logs and configuration.
        durable: keep the database for the next start.
        report: called with the name of each part that is ready.
        postgres: a running server to use and leave running; None starts one for this stack.
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        *,
        durable: bool = False,
        report: Callable[[str], None] = lambda step: None,
        postgres: Postgres | None = None,
    ) -> None:
        self.folder = folder
        self.ports = ports
        # 127.0.0.1 and localhost are different sites, as selector and tenant are in production.
        self.spa_url = f"http://localhost:{ports.spa}"
        self.selector_url = f"http://127.0.0.1:{ports.selector}"
        self.api_url = f"http://localhost:{ports.api}"
        self.tenant_host = f"localhost:{ports.tenant}"
        self.tenant_url = f"http://{self.tenant_host}"
        self.session_secret = secrets.token_urlsafe(48)
        self.selection_secret = secrets.token_urlsafe(48)
        self.machine_secret = secrets.token_urlsafe(48)
        self.postgres = postgres or Postgres(folder / "postgres", durable=durable)
        self._owns_postgres = postgres is None
        self.processes = Processes(folder / "logs")
        self._report = report

    def __enter__(self) -> Self:
        self.processes.__enter__()
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.processes.__exit__(kind, error, trace)
        if self._owns_postgres:
            self.postgres.stop()

    @property
    def logs(self) -> Path:
        """The folder of the log files, one for each program."""
        return self.processes.log_folder

    def tenant_config(self, *, one_click: bool = True) -> TenantConfig:
        """
        Return the tenant's configuration.

        Its applications are the example app, one that is bound to an organization (design A), and
        two machines.
        """
        places = (self.spa_url, f"{self.spa_url}/")
        stale = f"{self.spa_url}/#stale-sign-in"
        spa = Client("spa", "Example App", places, places, (self.spa_url,), stale)
        bound = Client(
            "abc-app",
            "ABC Portal",
            places,
            places,
            (self.spa_url,),
            stale,
            {"organization": str(seed.organization("abc-inc").id)},
        )
        machines = (
            Client(
                "nightly-job",
                "Nightly job",
                client_secret=self.machine_secret,
                client_grants=(ClientGrant(AUDIENCE, tuple(API_SCOPES.split())),),
            ),
            Client(
                "operator",
                "Operator",
                client_secret=self.machine_secret,
                client_grants=(ClientGrant(MANAGEMENT_API, SIGNING_KEY_SCOPES),),
            ),
        )
        return TenantConfig(
            clients=(spa, bound, *machines),
            users=seed.list_users({ALL_ORGANIZATIONS_AUDIENCE: API_SCOPES.split()}),
            apis=(
                Api(AUDIENCE, access_token_lifetime=600),
                Api(
                    ALL_ORGANIZATIONS_AUDIENCE,
                    access_token_lifetime=600,
                    dialect="rfc9068_profile_authz",
                    enforce_policies=True,
                ),
                Api(OTHER_AUDIENCE),
            ),
            actions=self._actions(),
            one_click=one_click,
        )

    def _actions(self) -> tuple[Action, ...]:
        """List both Actions in the order in which an administrator binds them."""
        folder = PROJECT / "actions"
        secrets = {
            "SELECTOR_URL": self.selector_url,
            "SESSION_TOKEN_SECRETS": self.session_secret,
            "SELECTION_TOKEN_SECRETS": self.selection_secret,
            "CLAIM_NAMESPACE": NAMESPACE,
            "AUDIENCES": AUDIENCE,
        }
        return (
            Action("keep-organization-hint", folder / "keep-organization-hint" / "code.js"),
            Action("select-organization", folder / "select-organization" / "code.js", secrets),
        )

    def selector_environment(self) -> dict[str, str]:
        """Return the environment of the selector, as an administrator would set it."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "AUTH0_DOMAIN": self.tenant_host,
            "SESSION_TOKEN_SECRETS": self.session_secret,
            "SELECTION_TOKEN_SECRETS": self.selection_secret,
            "DATABASE_URL": self.postgres.url(DATABASE, "org_selector"),
            "SELECTOR_URL": self.selector_url,
            "APP_ORIGINS": self.spa_url,
            "NEW_ORGANIZATIONS": "true",
            "PORT": str(self.ports.selector),
            "WEB_CONCURRENCY": "2",
        }

    def api_environment(self) -> dict[str, str]:
        """Return the environment of the resource API, as an administrator would set it."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "AUTH0_DOMAIN": self.tenant_host,
            "AUTH0_AUDIENCE": AUDIENCE,
            "CLAIM_NAMESPACE": NAMESPACE,
            "DATABASE_URL": self.postgres.url(DATABASE, "org_api"),
            "APP_ORIGINS": self.spa_url,
            "PORT": str(self.ports.api),
            "WEB_CONCURRENCY": "2",
        }

    def worker_environment(self) -> dict[str, str]:
        """Return the environment of the worker, as an administrator would set it."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "DATABASE_URL": self.postgres.url(DATABASE, "org_worker"),
            "SMTP_URL": f"smtp://127.0.0.1:{self.ports.mail}",
            "MAIL_FROM": "Example App <no-reply@example.com>",
            "INVITATION_URL": f"{self.spa_url}/?invitation={{id}}",
        }

    @property
    def mails(self) -> Path:
        """The Maildir folder of the mails that were sent."""
        return self.folder / "mails"

    def _start(self) -> None:
        if self._owns_postgres:
            self.postgres.start()
        self._report("Postgres")
        prepare_database(self.postgres)
        self._report("database: migrated, people and organizations in place")
        # Start all, then wait for each. All start in this thread, because Linux ends a program when
        # the thread that started it ends (child.py).
        for child, ready, what in self._start_programs():
            wait_until(ready, child, START_SECONDS)
            self._report(what)

    def _start_programs(self) -> list[Starting]:
        return [
            self._start_mail_server(),
            self._start_spa(),
            self._start_tenant(),
            self._start_selector(),
            self._start_api(),
            self._start_worker(),
        ]

    def _start_mail_server(self) -> Starting:
        argv: list[str | Path] = [sys.executable, "-m", "aiosmtpd", "-n"]
        argv += ["-l", f"127.0.0.1:{self.ports.mail}", "-c", "aiosmtpd.handlers.Mailbox"]
        child = self.processes.start("mail", [*argv, self.mails], cwd=PROJECT)
        return child, lambda: listens(self.ports.mail), "mail server, whose mails /dev/mail shows"

    def _start_worker(self) -> Starting:
        argv: list[str | Path] = [sys.executable, "-m", "worker"]
        child = self.processes.start("worker", argv, env=self.worker_environment(), cwd=PROJECT)
        return child, lambda: "worker_started" in child.log.read_text(), "worker, which sends mail"

    def _start_tenant(self) -> Starting:
        config = self.folder / "tenant.json"
        _write_private(config, self.tenant_config().to_json())
        argv: list[str | Path] = [sys.executable, "-m", "local_tenant", "--node", node()]
        argv += ["--config", config]
        port = str(self.ports.tenant)
        child = self.processes.start("tenant", [*argv, "--port", port], cwd=PROJECT)
        ready = f"http://127.0.0.1:{port}/.well-known/jwks.json"
        return child, ready, "stand-in for an Auth0 tenant, with the Actions in Node 22"

    def _start_selector(self) -> Starting:
        return self._start_service("selector", self.selector_environment(), self.selector_url)

    def _start_api(self) -> Starting:
        return self._start_service("api", self.api_environment(), self.api_url)

    def _start_service(self, name: str, environment: dict[str, str], url: str) -> Starting:
        argv: list[str | Path] = [sys.executable, "-m", "gunicorn"]
        argv += ["-c", "python:service.gunicorn_settings", f"wsgi:{name}"]
        child = self.processes.start(name, argv, env=environment, cwd=PROJECT)
        return child, f"{url}/readyz", f"{_SERVICES[name]} under gunicorn"

    def _start_spa(self) -> Starting:
        config = self.folder / "spa.json"
        settings = {
            "domain": self.tenant_url,
            "clientId": "spa",
            "audience": AUDIENCE,
            "namespace": NAMESPACE,
            "apiUrl": self.api_url,
        }
        config.write_text(json.dumps(settings))
        port = str(self.ports.spa)
        argv: list[str | Path] = [sys.executable, "-m", "local_stack.spa_server"]
        argv += ["--config", config, "--mails", self.mails]
        child = self.processes.start("spa", [*argv, "--port", port], cwd=PROJECT)
        return child, f"http://127.0.0.1:{port}/config.json", "example app"


def prepare_database(postgres: Postgres, name: str = DATABASE) -> None:
    """Create, migrate and seed a database; steps that are already done are skipped."""
    superuser = postgres.url("postgres", "postgres")
    with psycopg.connect(superuser, autocommit=True) as conn:
        owner = conn.execute("select 1 from pg_roles where rolname = 'org_owner'").fetchone()
        if owner is None:
            conn.execute("create role org_owner login createrole")
        known = conn.execute("select 1 from pg_database where datname = %s", (name,)).fetchone()
    if known is None:
        postgres.create_database(name)
        with psycopg.connect(superuser, autocommit=True) as conn:
            conn.execute(
                psycopg.sql.SQL("alter database {} owner to org_owner").format(
                    psycopg.sql.Identifier(name)
                )
            )
    for _ in migrate(postgres.url(name, "org_owner")):
        pass
    seed.seed(postgres.url(name, "postgres"))


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
