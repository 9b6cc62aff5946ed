"""
The OpenAPI document of an app, made from its routes.

It reads what `@operation` and `@require_auth` declare about each view, the view's type hints, the
models and the error classes. Nothing here names an operation, so a new one is documented as soon as
it is registered.

Source: OpenAPI Specification 3.1.1.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, get_type_hints

from flask import Flask
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from endpoint.keyset import DEFAULT_LIMIT, EXAMPLE_CURSOR, MAX_CURSOR, MAX_LIMIT
from endpoint.operation import operation
from endpoint.refusals import (
    WITHOUT_OPERATION,
    RefusalClass,
    describe_refusals,
    in_order,
    list_refusals_of,
    problem_schemas,
)
from endpoint.schemas import Json, Key, build_schemas, make_example

_SECURITY_SCHEME = "access_token"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PATH_PARAMETER = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>")  # such as <uuid:project_id>
_QUERY_PARAMETERS: dict[str, Json] = {
    "limit": {
        "description": "The largest number of items in one page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "example": DEFAULT_LIMIT,
    },
    "after": {
        "description": "The `next` of the page before, unchanged. Absent: the first page.",
        "schema": {"type": "string", "maxLength": MAX_CURSOR},
        "example": EXAMPLE_CURSOR,
    },
}


@dataclass(frozen=True, slots=True)
class _Route:
    path: str
    path_parameters: Mapping[str, Any]  # type hints of the view
    method: str
    name: str
    noun: str  # the name of the blueprint
    declared: operation
    scopes: tuple[str, ...]
    role: str


def build_document(app: Flask, *, title: str, description: str) -> Json:
    """
    Describe every guarded operation of *app*; public routes (health, this document) are left out.

    The same code gives the same document, byte for byte.
    """
    routes = list(_list_routes(app))
    schemas, components = build_schemas([*_list_types(routes)])
    paths: Json = {}
    for route in routes:
        path = paths.setdefault(route.path, {})
        path[route.method.lower()] = _describe(route, schemas, components)
    codes = [error.code for error in list_refusals(app)]
    return {
        "openapi": "3.1.1",
        "info": {"title": title, "description": description, "version": version("org-selector")},
        "tags": [{"name": noun} for noun in dict.fromkeys(route.noun for route in routes)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                _SECURITY_SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of one person for one organization.",
                }
            },
            "schemas": components | problem_schemas(codes),
        },
    }


def list_refusals(app: Flask) -> list[RefusalClass]:
    """List every error class that a request to *app* may be answered with, in order of status."""
    refusals = [*WITHOUT_OPERATION]
    for route in _list_routes(app):
        refusals += list_refusals_of(route.declared, route.scopes, route.role)
    return in_order(refusals)


def _list_routes(app: Flask) -> Iterator[_Route]:
    for rule in app.url_map.iter_rules():
        view: Any = app.view_functions[rule.endpoint]
        if not hasattr(view, "operation") or not hasattr(view, "required_role"):
            continue  # a public route
        hints = get_type_hints(view, include_extras=True)
        for method in _METHODS:
            if method in (rule.methods or ()):
                yield _Route(
                    path=_PATH_PARAMETER.sub(r"{\1}", rule.rule),
                    path_parameters={n: hints[n] for n in _PATH_PARAMETER.findall(rule.rule)},
                    method=method,
                    name=view.__name__,
                    noun=rule.endpoint.partition(".")[0].replace("_", " "),
                    declared=view.operation,
                    scopes=tuple((view.required_scope or "").split()),
                    role=view.required_role,
                )


def _list_types(routes: Sequence[_Route]) -> Iterator[tuple[str, JsonSchemaMode, TypeAdapter[Any]]]:
    for route in routes:
        if route.declared.body:
            yield route.name, "validation", TypeAdapter(route.declared.body)
        if route.declared.answer:
            yield route.name, "serialization", TypeAdapter(route.declared.answer)


def _describe(route: _Route, schemas: Mapping[Key, Json], components: Json) -> Json:
    declared = route.declared
    described: Json = {
        "operationId": route.name,
        "summary": declared.summary,
        "tags": [route.noun],
        "security": [{_SECURITY_SCHEME: list(route.scopes)}],
        "x-required-role": route.role,
    }
    if parameters := [*_list_parameters(route)]:
        described["parameters"] = parameters
    if declared.body:
        content = _content(schemas[route.name, "validation"], components)
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    answer: Json = {"description": HTTPStatus(declared.status).phrase}
    if declared.answer:
        content = _content(schemas[route.name, "serialization"], components)
        if declared.status == HTTPStatus.CREATED:
            answer["headers"] = {
                "Location": {
                    "description": "The path of what was created.",
                    "required": True,
                    "schema": {"type": "string", "format": "uri-reference"},
                    "example": f"{route.path}/{content['example']['id']}",
                }
            }
        answer["content"] = {"application/json": content}
    refusals = describe_refusals(declared, route.scopes, route.role)
    described["responses"] = {str(declared.status): answer} | refusals
    return described


def _list_parameters(route: _Route) -> Iterator[Json]:
    for name, hint in route.path_parameters.items():
        yield {"name": name, "in": "path", "required": True} | _describe_parameter(hint)
    for name, described in _QUERY_PARAMETERS.items() if route.declared.paged else ():
        yield {"name": name, "in": "query"} | described
    for name, hint in route.declared.headers.items():
        yield {"name": name, "in": "header"} | _describe_parameter(hint)


def _describe_parameter(hint: Any) -> Json:
    schema = TypeAdapter(hint).json_schema()
    described: Json = {"schema": schema, "example": make_example(schema, {})}
    schema.pop("examples", None)  # stands beside the schema, as `example`
    if "description" in schema:
        described["description"] = schema.pop("description")
    return described


def _content(schema: Json, components: Json) -> Json:
    return {"schema": schema, "example": make_example(schema, components)}
