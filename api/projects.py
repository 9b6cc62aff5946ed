"""`/projects`: the example of a tenant's own table; docs/your-own-table.md is about copying it."""

from typing import Annotated

from flask import Blueprint
from pydantic import Field, StringConstraints

from api.ids import ProjectId
from api.names import Name
from api.rows.projects import Project, ProjectRows
from endpoint.errors import IdempotencyKeyReused, NotFound
from endpoint.idempotency import IDEMPOTENCY_KEY, IdempotencyKey, read_keyed_request
from endpoint.keyset import Keyset, Page
from endpoint.operation import Body, MayBeAbsent, operation
from org_guard import Guard, GuardByHeader, Principal

ProjectName = Annotated[Name, Field(examples=["Website relaunch"])]
Description = Annotated[
    str,
    Field(
        description="Lines of text; no other control characters.",
        examples=["New pages, same addresses"],
    ),
    StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"),
]


class NewProject(Body):
    """What a project is made of."""

    name: ProjectName
    description: Description = ""


class ProjectChange(Body):
    """What may be changed about a project; what is not there stays as it is."""

    name: MayBeAbsent[ProjectName]
    description: MayBeAbsent[Description]


def create_blueprint(guard: Guard | GuardByHeader) -> Blueprint:
    """Make the routes."""
    routes, projects = Blueprint("projects", __name__), ProjectRows(guard.rows)

    @routes.get("/projects")
    @guard.require_auth("read:projects")
    @operation("The projects, the newest first", answer=Page[Project], paged=True)
    def list_projects(principal: Principal, keyset: Keyset) -> Page[Project]:
        return projects.list_projects(principal, keyset)

    @routes.post("/projects")
    @guard.require_auth("write:projects")
    @operation(
        "Make a project; with an Idempotency-Key it is made once, however often it is asked for",
        answer=Project,
        status=201,
        body=NewProject,
        errors=[IdempotencyKeyReused],
        headers={IDEMPOTENCY_KEY: IdempotencyKey},
    )
    def add_project(principal: Principal, body: NewProject) -> Project:
        request = read_keyed_request(body)
        return projects.add_project(principal, body.name, body.description, request)

    @routes.get("/projects/<uuid:project_id>")
    @guard.require_auth("read:projects")
    @operation("One project", answer=Project, errors=[NotFound])
    def find_project(principal: Principal, project_id: ProjectId) -> Project:
        return _require_found(projects.find_project(principal, project_id))

    @routes.patch("/projects/<uuid:project_id>")
    @guard.require_auth("write:projects")
    @operation("Change a project", answer=Project, body=ProjectChange, errors=[NotFound])
    def change_project(principal: Principal, project_id: ProjectId, body: ProjectChange) -> Project:
        changed = projects.change_project(principal, project_id, body.name, body.description)
        return _require_found(changed)

    @routes.delete("/projects/<uuid:project_id>")
    @guard.require_auth("write:projects", role="admin")
    @operation("Delete a project", status=204, errors=[NotFound])
    def remove_project(principal: Principal, project_id: ProjectId) -> None:
        if not projects.remove_project(principal, project_id):
            raise NotFound

    return routes


def _require_found(project: Project | None) -> Project:
    if project is None:
        raise NotFound
    return project
