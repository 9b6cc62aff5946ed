"""The operations of the API: how to call them, and the status that each role gets."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from psycopg import sql
from werkzeug.test import TestResponse

from local_stack import seed
from tests.kit.running_api import RunningApi

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True)
class Row:
    """One operation, and the status that each membership role gets."""

    method: str
    path: str  # {member} is nina's id, {project} and {invitation} those of new ones
    scope: str | None
    owner: int
    admin: int
    member: int
    example: object = None

    @property
    def body(self) -> object:
        """A valid body, or None."""
        return with_unused_address(self.example)

    @property
    def rule(self) -> str:
        """The path as a rule of Flask."""
        return self.path.format(
            member="<uuid:user_id>",
            project="<uuid:project_id>",
            invitation="<uuid:invitation_id>",
        )

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


NAMED = {"name": "Something new"}
CHANGEABLE = (
    "organization",
    "membership",
    "project",
    "invitation",
    "mail_outbox",
    "audit_event",
    "idempotency_key",
)
ROWS = (
    #   method    path                  scope                 owner admin member
    Row("GET", "/me", None, 200, 200, 200),
    Row("GET", "/organization", "read:organization", 200, 200, 200),
    Row("PATCH", "/organization", "write:organization", 200, 200, 403, NAMED),
    Row("GET", "/members", "read:members", 200, 200, 200),
    Row("PATCH", "/members/{member}", "write:members", 200, 200, 403, {"role": "admin"}),
    Row("DELETE", "/members/{member}", "write:members", 204, 204, 403),
    Row("GET", "/invitations", "read:invitations", 200, 200, 403),
    Row("POST", "/invitations", "write:invitations", 201, 201, 403, {"email": "new@example.com"}),
    Row("POST", "/invitations/{invitation}/resend", "write:invitations", 200, 200, 403),
    Row("DELETE", "/invitations/{invitation}", "write:invitations", 204, 204, 403),
    Row("GET", "/audit-events", "read:audit-events", 200, 200, 403),
    Row("GET", "/projects", "read:projects", 200, 200, 200),
    Row("POST", "/projects", "write:projects", 201, 201, 201, NAMED),
    Row("GET", "/projects/{project}", "read:projects", 200, 200, 200),
    Row("PATCH", "/projects/{project}", "write:projects", 200, 200, 200, NAMED),
    Row("DELETE", "/projects/{project}", "write:projects", 204, 204, 403),
)


def with_unused_address(body: object) -> object:
    """Return *body* with a new address, if it has one: an address is invited once only."""
    if isinstance(body, dict) and "email" in body:
        return body | {"email": f"{uuid4()}@example.com"}
    return body


def add_project(api: RunningApi, slug: str = "abc-inc", name: str = "Theirs") -> str:
    """Insert a project into the database, without the API."""
    row = api.superuser.execute(
        "insert into org.project (org_id, name) values (%s, %s) returning id::text",
        (seed.organization(slug).id, name),
    ).fetchone()
    assert row is not None
    return str(row[0])


def add_invitation(
    api: RunningApi, slug: str = "abc-inc", email: str | None = None, role: str = "member"
) -> str:
    """Insert an invitation of an administrator of the service, without the API."""
    row = api.superuser.execute(
        "insert into org.invitation (org_id, email, role, expires_at) "
        "values (%s, %s, %s, now() + interval '1 day') returning id::text",
        (seed.organization(slug).id, email or f"{uuid4()}@example.com", role),
    ).fetchone()
    assert row is not None
    return str(row[0])


def place(api: RunningApi, row: Row) -> str:
    """Make nina a member, add a project and an invitation; return the row's path with their ids."""
    api.set_role("nina", "abc-inc", "member")
    invitation = add_invitation(api) if "{invitation}" in row.path else None
    return row.path.format(
        member=api.user_id("nina"), project=add_project(api), invitation=invitation
    )


def code(response: TestResponse) -> str:
    """Return the `code` of a refusal, after checking that it is a complete problem+json."""
    assert response.content_type == "application/problem+json"
    body = response.get_json()
    assert body.keys() >= {"type", "title", "status", "code", "detail"}
    assert body["status"] == response.status_code
    return str(body["code"])


def snapshot(api: RunningApi) -> list[tuple[Any, ...]]:
    """Return count and hash of every table that a request could change."""
    return [
        api.superuser.execute(
            sql.SQL(
                "select count(*), md5(string_agg(t::text, '' order by t::text)) from {} t"
            ).format(sql.Identifier("org", table))
        ).fetchall()[0]
        for table in CHANGEABLE
    ]


def events(api: RunningApi, slug: str = "abc-inc") -> list[dict[str, Any]]:
    """Return the audit trail as the API shows it to an owner, but with the oldest event first."""
    found = api.get("/audit-events?limit=100", login="joe", slug=slug)
    assert found.status_code == 200
    return list(reversed(found.get_json()["items"]))
