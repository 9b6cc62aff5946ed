"""The resource API in this process, with a database of its own that a test may change."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID

import psycopg
from flask import Flask
from werkzeug.test import TestResponse

from api.app import MakeGuard, create_app
from api.settings import ApiSettings
from local_stack import access_tokens, seed
from local_stack.postgres import Postgres
from org_guard import Guard
from tests.kit.databases import copy_database

APP_ORIGIN = "https://app.example.com"


@dataclass
class RunningApi:
    """The resource API on a database with the seeded people."""

    app: Flask
    superuser: psycopg.Connection
    url: str  # as org_api
    database_name: str

    def token(self, login: str = "joe", slug: str = "abc-inc", **changes: object) -> str:
        """Sign an access token of a person in an organization, as the tenant would."""
        organization = {access_tokens.ORG_CLAIM: str(seed.organization(slug).id)}
        claims = access_tokens.valid_claims(**{"sub": f"auth0|{login}"} | organization | changes)
        return access_tokens.sign(claims=claims)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        login: str = "joe",
        slug: str = "abc-inc",
        token: str | None = None,
        **options: Any,
    ) -> TestResponse:
        """Send a request with the access token of a seeded person in an organization."""
        headers = {"Authorization": f"Bearer {token or self.token(login, slug)}"}
        headers |= options.pop("headers", {})
        if body is not None:
            options |= {"data": json.dumps(body), "content_type": "application/json"}
        return self.app.test_client().open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Send a GET request."""
        return self.request("GET", path, **options)

    def user_id(self, login: str) -> UUID:
        """Return the id that a person has in the API."""
        row = self.superuser.execute(
            "select id from org.app_user where auth0_user_id = %s", (f"auth0|{login}",)
        ).fetchone()
        assert row is not None
        found: UUID = row[0]
        return found

    def set_role(self, login: str, slug: str, role: str | None) -> None:
        """Give a person this membership role; None ends the membership."""
        self.superuser.execute(
            "delete from org.membership where user_id = %s and org_id = %s and %s::text is null",
            (self.user_id(login), seed.organization(slug).id, role),
        )
        if role is not None:
            self.superuser.execute(
                "insert into org.membership (user_id, org_id, role) values (%s, %s, %s) "
                "on conflict (user_id, org_id) do update set role = excluded.role",
                (self.user_id(login), seed.organization(slug).id, role),
            )


@contextmanager
def run_api(
    postgres: Postgres, keys_url: str, make_guard: MakeGuard = Guard
) -> Iterator[RunningApi]:
    """Run an API on a new database with the seeded people."""
    with copy_database(postgres, "api") as name:
        url = postgres.url(name, "org_api")
        app = create_app(make_settings(url, keys_url), make_guard)
        try:
            with psycopg.connect(postgres.url(name, "postgres"), autocommit=True) as superuser:
                yield RunningApi(app, superuser, url, name)
        finally:
            app.extensions["database"].close()


def make_settings(database_url: str, keys_url: str) -> ApiSettings:
    """Make settings as an administrator would, with signing keys from *keys_url*."""
    host = keys_url.removeprefix("http://").partition("/")[0]
    return ApiSettings.model_validate(
        {
            "auth0_domain": f"{host} {access_tokens.DOMAIN} {access_tokens.CUSTOM_DOMAIN}",
            "auth0_audience": access_tokens.AUDIENCE,
            "claim_namespace": access_tokens.NAMESPACE,
            "database_url": database_url,
            "app_origins": APP_ORIGIN,
        }
    )


@contextmanager
def serve_keys() -> Iterator[str]:
    """Serve the keys of `access_tokens`, as the tenant would; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(access_tokens.key_set()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/.well-known/jwks.json"
        finally:
            server.shutdown()
            thread.join(timeout=5)
