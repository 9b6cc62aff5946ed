"""`/projects`: an example of a table of your own; docs/your-own-table.md shows how to copy it."""

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
from org_guard import Guard, Principal

ProjectName = Annotated[Name, Field(examples=["Website relaunch"])]
Description = Annotated[
    str,
    Field(
        description="Text without control characters, except tabs and line breaks.",
        examples=["New pages, same addresses"],
    ),
    StringConstraints(max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$"),
]


class NewProject(Body):
    """A project to create."""

    name: ProjectName
    description: Description = ""


class ProjectChange(Body):
    """The fields of a project to change; an absent field stays as it is."""

    name: MayBeAbsent[ProjectName]
    description: MayBeAbsent[Description]


def create_blueprint(guard: Guard) -> Blueprint:
    """Make the routes."""
    routes, projects = Blueprint("projects", __name__), ProjectRows(guard.rows)

    @routes.get("/projects")
    @guard.require_auth("read:projects")
    @operation("The projects, newest first", answer=Page[Project], paged=True)
    def list_projects(principal: Principal, keyset: Keyset) -> Page[Project]:
        return projects.list_projects(principal, keyset)

    @routes.post("/projects")
    @guard.require_auth("write:projects")
    @operation(
        "Create a project; a request repeated with its Idempotency-Key creates it only once",
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
        return projects.load_project(principal, project_id)

    @routes.patch("/projects/<uuid:project_id>")
    @guard.require_auth("write:projects")
    @operation("Change a project", answer=Project, body=ProjectChange, errors=[NotFound])
    def change_project(principal: Principal, project_id: ProjectId, body: ProjectChange) -> Project:
        return projects.change_project(principal, project_id, body.name, body.description)

    @routes.delete("/projects/<uuid:project_id>")
    @guard.require_auth("write:projects", role="admin")
    @operation("Delete a project", status=204, errors=[NotFound])
    def remove_project(principal: Principal, project_id: ProjectId) -> None:
        projects.remove_project(principal, project_id)

    return routes
