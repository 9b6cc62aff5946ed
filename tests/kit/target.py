"""The target of attacks: an API of design C or D, and its operations."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from werkzeug.test import TestResponse

from api.app import MakeGuard
from local_stack import access_tokens, seed
from local_stack.access_tokens import ABSENT, NAMESPACE, ORG_CLAIM, valid_claims
from local_stack.postgres import Postgres
from org_guard import Guard, GuardByHeader
from tests.kit.routes import add_invitation, with_unused_address
from tests.kit.running_api import RunningApi, run_api

HEADER = "X-Organization"
GUARDS: Mapping[str, MakeGuard] = {"C": GuardByHeader, "D": Guard}
# Valid bodies by method and rule; other operations take none.
BODIES: Mapping[tuple[str, str], object] = {
    ("PATCH", "/organization"): {"name": "Another name"},
    ("PATCH", "/members/<uuid:user_id>"): {"role": "admin"},
    ("POST", "/invitations"): {"email": "another@example.com"},
    ("POST", "/projects"): {"name": "Another project"},
    ("PATCH", "/projects/<uuid:project_id>"): {"name": "Another name"},
}
PUBLIC = {"/healthz", "/readyz", "/openapi.json", "/docs", "/docs/redoc.js", "/api.md"}
TABLES = (
    "organization",
    "membership",
    "project",
    "audit_event",
    "idempotency_key",
    "invitation",
    "mail_outbox",
)
# How a row of these tables names its organization; the others have the column org_id.
_OF_ORGANIZATION = {
    "organization": "id = %s",
    "mail_outbox": "invitation_id in (select id from org.invitation where org_id = %s)",
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Operation:
    """One method of one route."""

    method: str
    rule: str
    scope: str | None
    role: str

    @property
    def body(self) -> object:
        """A valid body, or None."""
        return with_unused_address(BODIES.get((self.method, self.rule)))

    def path(self, **ids: UUID) -> str:
        """Return the path for these ids; an id that is not given belongs to no object."""
        path = self.rule
        for name in ("user_id", "project_id", "invitation_id"):
            path = path.replace(f"<uuid:{name}>", str(ids.get(name) or uuid4()))
        assert "<" not in path, f"{path}: say here what this is an id of"
        return path

    def __str__(self) -> str:
        return f"{self.method} {self.rule}"


@dataclass
class Target:
    """A running API, and how an app of its design calls it."""

    api: RunningApi
    design: str

    def token(self, login: str = "joe", slug: str = "abc-inc", /, **changes: object) -> str:
        """Sign the access token that an app of this design has; ABSENT leaves out a claim."""
        return access_tokens.sign(claims=self.claims(login, slug, **changes))

    def claims(
        self, login: str = "joe", slug: str = "abc-inc", /, **changes: object
    ) -> dict[str, Any]:
        """Return the claims of such a token."""
        if self.design == "D":
            organization: dict[str, object] = {ORG_CLAIM: str(seed.organization(slug).id)}
        else:
            person = next(one for one in seed.PEOPLE if one.login == login)
            slugs = dict.fromkeys([slug, *list(person.roles)[:10]])
            organization = {ORG_CLAIM: ABSENT, f"{NAMESPACE}org_role": ABSENT}
            organization["permissions"] = [f"org:{one}" for one in slugs]
        return valid_claims(**{"sub": f"auth0|{login}"} | organization | changes)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        login: str = "joe",
        slug: str = "abc-inc",
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        """Send a request as an app of this design does."""
        sent = ({HEADER: slug} if self.design == "C" else {}) | dict(headers or {})
        token = token or self.token(login, slug)
        return self.api.request(method, path, body, token=token, headers=sent, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """Send a GET request."""
        return self.request("GET", path, **options)

    def operations(self) -> list[Operation]:
        """Return all guarded operations."""
        found = []
        for rule in self.api.app.url_map.iter_rules():
            view: Any = self.api.app.view_functions[rule.endpoint]
            for method in _METHODS:
                if rule.rule not in PUBLIC and method in (rule.methods or ()):
                    scope, role = view.required_scope, view.required_role
                    found.append(Operation(method, rule.rule, scope, role))
        assert len(found) >= 17
        return sorted(found, key=str)

    def snapshot(self, slug: str) -> dict[str, list[Any]]:
        """Return all rows of an organization, by table."""
        org_id = seed.organization(slug).id
        return {
            table: self.api.superuser.execute(
                f"select to_jsonb(t) from org.{table} t "  # noqa: S608
                f"where {_OF_ORGANIZATION.get(table, 'org_id = %s')} order by 1",
                (org_id,),
            ).fetchall()
            for table in TABLES
        }

    def add_project(self, slug: str, name: str = "Secret plan") -> UUID:
        """Insert a project of an organization."""
        row = self.api.superuser.execute(
            "insert into org.project (org_id, name) values (%s, %s) returning id",
            (seed.organization(slug).id, name),
        ).fetchone()
        assert row is not None
        found: UUID = row[0]
        return found

    def objects(self, slug: str, login: str = "nina") -> dict[str, UUID]:
        """Return ids for paths: of a new project and invitation, and of a person made a member."""
        self.api.set_role(login, slug, "member")
        return {
            "project_id": self.add_project(slug),
            "user_id": self.api.user_id(login),
            "invitation_id": UUID(add_invitation(self.api, slug)),
        }


@contextmanager
def run_target(postgres: Postgres, keys_url: str, design: str) -> Iterator[Target]:
    """Run an API of this design on a database of its own."""
    with run_api(postgres, keys_url, GUARDS[design]) as api:
        yield Target(api, design)
