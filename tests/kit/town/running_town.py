"""A tenant, a selector and an API on a database of their own, with five people."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
from flask import Flask

from api.app import create_app
from local_stack.node import PROJECT
from local_stack.postgres import Postgres
from local_stack.processes import wait_until
from local_stack.seed import PASSWORD
from local_stack.stack import Ports, Stack, Starting
from local_tenant.configuration import TenantConfig, User
from org_guard import Guard
from org_guard.signing_keys import SigningKeys
from tests.kit.databases import copy_database
from tests.kit.running_api import make_settings
from tests.kit.town.bugs import BUGS, break_schema

VERIFIED, UNVERIFIED, CLAIMED = ("ada", "bob", "cas"), "dee", "eve"
LOGINS = (*VERIFIED, UNVERIFIED, CLAIMED)
USERS = (
    *(User(f"auth0|{one}", f"{one}@example.com", name=one, password=PASSWORD) for one in VERIFIED),
    User("auth0|dee", "dee@example.com", email_verified=False, name="dee", password=PASSWORD),
    # Of an enterprise connection, whose administrator may claim any address.
    User(
        "samlp|acme|eve",
        "eve@example.com",
        name="eve",
        password=PASSWORD,
        connection="acme",
        strategy="samlp",
    ),
)
USER_IDS = {user.name: user.user_id for user in USERS}


class Clock:
    """The time of the API's key store."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class TownStack(Stack):
    """
    Tenant and selector.

    Args:
        bug: the name of the mistake that the selector makes; None for the product's own.
    """

    def __init__(self, folder: Path, postgres: Postgres, database: str, bug: str | None) -> None:
        super().__init__(folder, Ports.free(), postgres=postgres)
        self._database = database
        self._bug = bug

    def tenant_config(self, *, one_click: bool = False) -> TenantConfig:
        """Return the configuration, with the people of the town."""
        return replace(super().tenant_config(one_click=one_click), users=USERS)

    def selector_environment(self) -> dict[str, str]:
        """Return the environment of the selector, with the database of the town."""
        url = self.postgres.url(self._database, "org_selector")
        bug = {"SEEDED_BUG": self._bug} if self._bug else {}
        return super().selector_environment() | {"DATABASE_URL": url, "WEB_CONCURRENCY": "1"} | bug

    def _start(self) -> None:
        for child, ready, _what in self._start_programs():
            wait_until(ready, child, 30)

    def _start_programs(self) -> list[Starting]:
        return [self._start_tenant(), self._start_selector()]

    def _start_service(self, name: str, environment: dict[str, str], url: str) -> Starting:
        if self._bug is None:
            return super()._start_service(name, environment, url)
        argv: list[str | Path] = [sys.executable, "-m", "gunicorn"]
        argv += [
            "-c",
            "python:service.gunicorn_settings",
            "tests.kit.town.broken_selector:selector",
        ]
        child = self.processes.start(name, argv, env=environment, cwd=PROJECT)
        return child, f"{url}/readyz", name


@dataclass
class Town:
    """What is running, and a superuser of its database."""

    stack: TownStack
    api: Flask
    clock: Clock
    superuser: psycopg.Connection

    def empty(self) -> None:
        """Forget every organization of an earlier life."""
        self.superuser.execute("delete from org.organization where slug like 'life-%'")
        self.superuser.execute(
            "update org.app_user set blocked_at = null where blocked_at is not null"
        )

    def run(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Run a statement as an administrator."""
        cursor = self.superuser.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def add_organization(self) -> str:
        """Create an organization; return its slug, which no other life has."""
        slug = f"life-{uuid4().hex[:12]}"
        self.run("insert into org.organization (slug, name) values (%(slug)s, %(slug)s)", slug=slug)
        return slug

    def org_id(self, slug: str) -> UUID:
        """Return an organization's id."""
        [(found,)] = self.run("select id from org.organization where slug = %(slug)s", slug=slug)
        return UUID(str(found))

    def rotate_keys(self) -> None:
        """Let the tenant sign with its next key."""
        url = self.stack.tenant_url
        fields = {
            "grant_type": "client_credentials",
            "client_id": "operator",
            "client_secret": self.stack.machine_secret,
            "audience": f"{url}/api/v2/",
        }
        with httpx2.Client(trust_env=False) as client:
            token = client.post(f"{url}/oauth/token", data=fields).json()["access_token"]
            bearer = {"Authorization": f"Bearer {token}"}
            client.post(f"{url}/api/v2/keys/signing/rotate", headers=bearer).raise_for_status()
        self.clock.now += 3600  # longer than the API keeps keys


@contextmanager
def open_town(
    folder: Path,
    postgres: Postgres,
    bug: str | None = None,
) -> Iterator[Town]:
    """Start everything, with a mistake of `bugs.py` if *bug* names one."""
    with (
        copy_database(postgres, "town") as name,
        psycopg.connect(postgres.url(name, "postgres"), autocommit=True) as superuser,
    ):
        if bug is not None:
            break_schema(BUGS[bug], superuser)
        with superuser.cursor() as cursor:
            cursor.executemany(
                "insert into org.app_user (auth0_user_id, email, name) values (%s, %s, %s)",
                [(user.user_id, user.email, user.name) for user in USERS],
            )
        with TownStack(folder, postgres, name, bug) as stack:
            keys_url, clock = f"{stack.tenant_url}/.well-known/jwks.json", Clock()
            settings = make_settings(postgres.url(name, "org_api"), keys_url)
            app = create_app(settings, partial(Guard, keys=SigningKeys(keys_url, clock=clock)))
            try:
                yield Town(stack, app, clock, superuser)
            finally:
                app.extensions["database"].close()
