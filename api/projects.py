"""`/projects`: the example of a tenant's own table; docs/your-own-table.md is about copying it."""

import hashlib
import re
from typing import Annotated, Any
from uuid import UUID

from flask import Blueprint, request
from pydantic import Field, StringConstraints

from api.organization import Name
from api.store import Project, Store
from endpoint.errors import IdempotencyKeyReused, InvalidInput, NotFound
from endpoint.keyset import Keyset, Page
from endpoint.operation import Body, operation
from org_guard.access_token import Principal
from org_guard.flask import RequireAuth

IDEMPOTENCY_KEY = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
Description = Annotated[
    str,
    Field(description="Lines of text; no other control characters."),
    StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"),
]


def _absent() -> Any:
    # Absence leaves a field as it is; null is refused like any other wrong type.
    return None


class NewProject(Body):
    """What a project is made of."""

    name: Name
    description: Description = ""


class ProjectChange(Body):
    """What may be changed about a project; what is not there stays as it is."""

    name: Name = Field(default_factory=_absent)
    description: Description = Field(default_factory=_absent)


def create_blueprint(require_auth: RequireAuth, store: Store) -> Blueprint:
    """Make the routes."""
    routes = Blueprint("projects", __name__)

    @routes.get("/projects")
    @require_auth("read:projects")
    @operation("The projects, the newest first", answer=Page[Project], paged=True)
    def list_projects(principal: Principal, keyset: Keyset) -> Page[Project]:
        return store.list_projects(principal, keyset)

    @routes.post("/projects")
    @require_auth("write:projects")
    @operation(
        "Make a project; with an Idempotency-Key it is made once, however often it is asked for",
        answer=Project,
        status=201,
        body=NewProject,
        errors=[IdempotencyKeyReused],
        headers=[IDEMPOTENCY_KEY],
    )
    def add_project(principal: Principal, body: NewProject) -> Project:
        key = request.headers.get(IDEMPOTENCY_KEY)
        if key is None:
            return store.add_project(principal, body.name, body.description)
        if not _KEY.fullmatch(key):
            detail = "It must be 1 to 255 visible ASCII characters."
            raise InvalidInput([{"header": IDEMPOTENCY_KEY, "detail": detail}])
        sha256 = hashlib.sha256(body.model_dump_json().encode()).hexdigest()
        return store.add_project_once(
            principal, body.name, body.description, key=key, request_sha256=sha256
        )

    @routes.get("/projects/<uuid:project_id>")
    @require_auth("read:projects")
    @operation("One project", answer=Project, errors=[NotFound])
    def find_project(principal: Principal, project_id: UUID) -> Project:
        return _found(store.find_project(principal, project_id))

    @routes.patch("/projects/<uuid:project_id>")
    @require_auth("write:projects")
    @operation("Change a project", answer=Project, body=ProjectChange, errors=[NotFound])
    def change_project(principal: Principal, project_id: UUID, body: ProjectChange) -> Project:
        return _found(store.change_project(principal, project_id, body.name, body.description))

    @routes.delete("/projects/<uuid:project_id>")
    @require_auth("write:projects", role="admin")
    @operation("Delete a project", errors=[NotFound])
    def remove_project(principal: Principal, project_id: UUID) -> None:
        if not store.remove_project(principal, project_id):
            raise NotFound

    return routes


def _found(project: Project | None) -> Project:
    if project is None:
        raise NotFound
    return project
