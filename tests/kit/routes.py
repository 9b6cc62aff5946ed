"""The operations of the API: how to call them, and the status that each role gets."""

import re
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from werkzeug.test import TestResponse

from local_stack import seed
from tests.kit.running_api import RunningApi

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True)
class Row:
    """One operation, and the status that each membership role gets."""

    method: str
    path: str  # {member} is nina's id, {project} that of a new project
    scope: str | None
    owner: int
    admin: int
    member: int
    body: object = None

    @property
    def rule(self) -> str:
        """The path as a rule of Flask."""
        return self.path.format(member="<uuid:user_id>", project="<uuid:project_id>")

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


NAMED = {"name": "Something new"}
ROWS = (
    #   method    path                  scope                 owner admin member
    Row("GET", "/me", None, 200, 200, 200),
    Row("GET", "/organization", "read:organization", 200, 200, 200),
    Row("PATCH", "/organization", "write:organization", 200, 200, 403, NAMED),
    Row("GET", "/members", "read:members", 200, 200, 200),
    Row("PATCH", "/members/{member}", "write:members", 200, 200, 403, {"role": "admin"}),
    Row("DELETE", "/members/{member}", "write:members", 204, 204, 403),
    Row("GET", "/audit-events", "read:audit-events", 200, 200, 403),
    Row("GET", "/projects", "read:projects", 200, 200, 200),
    Row("POST", "/projects", "write:projects", 201, 201, 201, NAMED),
    Row("GET", "/projects/{project}", "read:projects", 200, 200, 200),
    Row("PATCH", "/projects/{project}", "write:projects", 200, 200, 200, NAMED),
    Row("DELETE", "/projects/{project}", "write:projects", 204, 204, 403),
)


def add_project(api: RunningApi, slug: str = "abc-inc", name: str = "Theirs") -> str:
    """Insert a project into the database, without the API."""
    row = api.superuser.execute(
        "insert into org.project (org_id, name) values (%s, %s) returning id::text",
        (seed.organization(slug).id, name),
    ).fetchone()
    assert row is not None
    return str(row[0])


def place(api: RunningApi, row: Row) -> str:
    """Make nina a member and add a project; return the row's path with their ids."""
    api.set_role("nina", "abc-inc", "member")
    return row.path.format(member=api.user_id("nina"), project=add_project(api))


def code(response: TestResponse) -> str:
    """Return the `code` of a refusal, after checking that it is a complete problem+json."""
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    assert body.keys() >= {"type", "title", "status", "code", "detail"}
    assert body["status"] == response.status_code
    return str(body["code"])


def snapshot(api: RunningApi) -> list[tuple[Any, ...]]:
    """Return count and hash of every table that a request could change."""
    tables = ("organization", "membership", "project", "audit_event", "idempotency_key")
    return [
        api.superuser.execute(
            sql.SQL(
                "select count(*), md5(string_agg(t::text, '' order by t::text)) from {} t"
            ).format(sql.Identifier("org", table))
        ).fetchall()[0]
        for table in tables
    ]


def events(api: RunningApi, slug: str = "abc-inc") -> list[dict[str, Any]]:
    """Return the audit trail as the API shows it to an owner, but with the oldest event first."""
    found = api.get("/audit-events?limit=100", login="joe", slug=slug)
    assert found.status_code == 200
    return list(reversed(found.get_json()["items"]))
