"""
The OpenAPI document of this API, made of what stands in the code: the routes, what `@operation`
and `@require_auth` declare about them, the models and the error classes.

Nothing here names an operation, so a new one is documented as soon as it is registered. What no
code can tell is plausible values: those of `_EXAMPLES` are by name, others are made from the type.

Source: OpenAPI Specification 3.1.1; its schemas are JSON Schema 2020-12.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from flask import Flask
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from endpoint.errors import (
    BadRequest,
    BodyTooLarge,
    EndpointError,
    InvalidInput,
    InvalidJson,
    MethodNotAllowed,
    NotFound,
    RefusalClass,
    UnsupportedMediaType,
)
from endpoint.keyset import MAX_CURSOR, MOST, USUAL, Keyset, Page
from endpoint.operation import MAX_ERRORS, Operation
from org_guard.errors import (
    InsufficientRole,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    KeysUnavailable,
    MissingToken,
    NotAMember,
    OrganizationSuspended,
)

SECURITY_SCHEME = "access_token"
Json = dict[str, Any]

_TITLE = "Resource API"
_DESCRIPTION = "Everything here happens inside the one organization that the access token names."
_REF = "#/components/schemas/"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PATH_PARAMETER = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>")
_PATH_SCHEMAS: dict[str, Json] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
}

_GUARD: tuple[RefusalClass, ...] = (
    InvalidRequest,
    MissingToken,
    InvalidToken,
    NotAMember,
    OrganizationSuspended,
    KeysUnavailable,
)
_BODY: tuple[RefusalClass, ...] = (InvalidJson, BodyTooLarge, UnsupportedMediaType)
_WITHOUT_OPERATION: tuple[RefusalClass, ...] = (
    BadRequest,
    NotFound,
    MethodNotAllowed,
    EndpointError,
)

_PERSON = "7d1f3c52-9a60-4f0e-8b1d-2f6c4a9e5b37"
_ORGANIZATION = "c0a8e1d4-3b5f-4c7a-9e26-8d4f1b7a6c90"
_PROJECT = "1e9b6a04-5d2c-4f83-a7c1-0b6e8f3d2a45"
_LAST = (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), _PROJECT)
_NEXT = Page.of([1, 2], Keyset(limit=1), lambda _: _LAST).next
# By property of a component, or else by property or parameter.
_EXAMPLES: dict[str, object] = {
    "Actor.id": _PERSON,
    "Actor.name": "Joe Bloggs",
    "AuditEvent.action": "project.updated",
    "AuditEvent.details": {"name": ["Website", "Website relaunch"]},
    "Idempotency-Key": "b7e4d9a2-0c38-4f15-92d6-6a81f5c3e07b",
    "Me.id": _PERSON,
    "Me.name": "Joe Bloggs",
    "Member.id": _PERSON,
    "Member.name": "Joe Bloggs",
    "Organization.id": _ORGANIZATION,
    "Organization.name": "ABC Inc",
    "OrganizationChange.name": "ABC Inc",
    "OrganizationOfMe.id": _ORGANIZATION,
    "OrganizationOfMe.name": "ABC Inc",
    "Project.id": _PROJECT,
    "Target.id": _PROJECT,
    "Target.kind": "project",
    "after": _NEXT,
    "client_id": "jF3vXq0ZrT8cWm5LbN2yKd7HsPa9GuE4",
    "description": "New pages, same addresses",
    "email": "joe@example.com",
    "name": "Website relaunch",
    "next": _NEXT,
    "project_id": _PROJECT,
    "role": "admin",
    "slug": "abc-inc",
    "user_id": _PERSON,
}
_EXAMPLES_BY_FORMAT = {
    "date-time": "2026-03-02T09:30:00Z",
    "uuid": "5c2f8e71-6b0d-4a39-b4e8-d3a1f7960c24",
}

_QUERY_PARAMETERS: dict[str, Json] = {
    "limit": {
        "description": "The most items of one page.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    },
    "after": {
        "description": "The `next` of the page before, unchanged; without it, the first page.",
        "schema": {"type": "string", "maxLength": MAX_CURSOR},
    },
}
_HEADER_PARAMETERS: dict[str, Json] = {
    "Idempotency-Key": {
        "description": "Visible ASCII characters, random, another key for each thing you want "
        "made; kept for a day. The same request with the same key is answered as before and "
        "does nothing.",
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[\\x21-\\x7e]+$",
        },
    },
}


@dataclass(frozen=True, slots=True)
class _Route:
    path: str
    parameters: tuple[Json, ...]
    method: str
    name: str
    noun: str
    declared: Operation
    scopes: tuple[str, ...]
    role: str

    @property
    def refusals(self) -> tuple[RefusalClass, ...]:
        """All that a request to it may be refused with, each once, in order of status."""
        found = [*_GUARD, InvalidInput, *self.declared.errors]
        if self.scopes:
            found.append(InsufficientScope)
        if self.role != "member":
            found.append(InsufficientRole)
        if self.declared.body:
            found += _BODY
        return _in_order(found)


def build_document(app: Flask) -> Json:
    """
    Build the document of every guarded operation of *app*; the same for the same code.

    Public routes (health, this document) are not in it.
    """
    routes = list(_list_routes(app))
    schemas, components = _build_schemas(routes)
    paths: Json = {}
    for route in routes:
        path = paths.setdefault(route.path, {})
        path[route.method.lower()] = _describe(route, schemas, components)
    codes = [one.code for one in _in_order([*_WITHOUT_OPERATION, *list_refusals(app)])]
    return {
        "openapi": "3.1.1",
        "info": {
            "title": _TITLE,
            "description": _DESCRIPTION,
            "version": version("org-selector"),
        },
        "tags": [{"name": noun} for noun in dict.fromkeys(route.noun for route in routes)],
        "paths": paths,
        "components": {
            "securitySchemes": {
                SECURITY_SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token of one person for one organization.",
                }
            },
            "schemas": components | _problem_schemas(codes),
        },
    }


def list_refusals(app: Flask) -> tuple[RefusalClass, ...]:
    """Return every error class that a request to *app* may be answered with, in order of status."""
    found = [error for route in _list_routes(app) for error in route.refusals]
    return _in_order([*_WITHOUT_OPERATION, *found])


def resolve(document: Json, schema: Json) -> Json:
    """Return the component that *schema* refers to, or else *schema*."""
    if "$ref" not in schema:
        return schema
    found: Json = document["components"]["schemas"][component_name(schema)]
    return found


def component_name(schema: Json) -> str:
    """Return the name of the component that *schema* refers to."""
    reference: str = schema["$ref"]
    return reference.removeprefix(_REF)


class _Schemas(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        """Leave titles out: they only say the name again."""
        return False

    def normalize_name(self, name: str) -> str:
        """Call `Page[Project]` ProjectPage."""
        return super().normalize_name(re.sub(r"(\w+)\[(\w+)\]", r"\2\1", name))


def _list_routes(app: Flask) -> Iterator[_Route]:
    for rule in app.url_map.iter_rules():
        view: Any = app.view_functions[rule.endpoint]
        if not hasattr(view, "operation") or not hasattr(view, "required_role"):
            continue
        parameters = [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": _PATH_SCHEMAS.get(kind, {"type": "string"}),
            }
            for kind, name in _PATH_PARAMETER.findall(rule.rule)
        ]
        for method in sorted(set(_METHODS) & set(rule.methods or ()), key=_METHODS.index):
            yield _Route(
                path=_PATH_PARAMETER.sub(r"{\2}", rule.rule),
                parameters=tuple(parameters),
                method=method,
                name=view.__name__,
                noun=rule.endpoint.partition(".")[0].replace("_", " "),
                declared=view.operation,
                scopes=tuple((view.required_scope or "").split()),
                role=view.required_role,
            )


def _build_schemas(routes: Sequence[_Route]) -> tuple[dict[tuple[str, str], Json], Json]:
    """Make the schema of each route's ("body" or "answer", name), and the components they name."""
    inputs: list[tuple[tuple[str, str], Any, TypeAdapter[Any]]] = []
    for route in routes:
        if route.declared.body:
            inputs.append((("body", route.name), "validation", TypeAdapter(route.declared.body)))
        if route.declared.answer:
            inputs.append((("answer", route.name), "serialization", route.declared.answer))
    made, definitions = TypeAdapter.json_schemas(
        inputs, ref_template=f"{_REF}{{model}}", schema_generator=_Schemas
    )
    components: Json = dict(sorted(definitions.get("$defs", {}).items()))
    for component in components.values():
        component.pop("title", None)
    return {key: dict(schema) for (key, _mode), schema in made.items()}, components


def _describe(route: _Route, schemas: Mapping[tuple[str, str], Json], components: Json) -> Json:
    declared = route.declared
    parameters = [
        *route.parameters,
        *({"name": name, "in": "query"} | _QUERY_PARAMETERS[name] for name in declared.parameters),
        *({"name": name, "in": "header"} | _HEADER_PARAMETERS[name] for name in declared.headers),
    ]
    described: Json = {
        "operationId": route.name,
        "summary": declared.summary,
        "tags": [route.noun],
        "security": [{SECURITY_SCHEME: list(route.scopes)}],
        "x-required-role": route.role,
    }
    if parameters:
        described["parameters"] = [
            one | {"example": _example(one["schema"], components, one["name"])}
            for one in parameters
        ]
    if declared.body:
        content = _content(schemas["body", route.name], components)
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    answer: Json = {"description": HTTPStatus(declared.status).phrase}
    if declared.answer:
        content = _content(schemas["answer", route.name], components)
        if declared.status == HTTPStatus.CREATED:
            answer["headers"] = {
                "Location": {
                    "description": "The path of what was made.",
                    "required": True,
                    "schema": {"type": "string", "format": "uri-reference"},
                    "example": f"{route.path}/{content['example']['id']}",
                }
            }
        answer["content"] = {"application/json": content}
    described["responses"] = {str(declared.status): answer}
    for status in dict.fromkeys(error.status for error in route.refusals):
        errors = [error for error in route.refusals if error.status == status]
        described["responses"][str(status)] = _describe_refusals(route, status, errors)
    return described


def _content(schema: Json, components: Json) -> Json:
    return {"schema": schema, "example": _example(schema, components)}


def _describe_refusals(route: _Route, status: int, errors: Sequence[RefusalClass]) -> Json:
    codes = [error.code for error in errors]
    described: Json = {
        "description": "\n\n".join(f"`{error.code}`: {error.description}." for error in errors)
    }
    if headers := _headers_of_refusals(route, errors):
        described["headers"] = headers
    schema: Json = {
        "$ref": f"{_REF}Problem",
        "properties": {"status": {"const": status}, "code": {"enum": codes}},
    }
    if errors == [InvalidInput]:
        schema["required"] = ["errors"]
    described["content"] = {
        "application/problem+json": {
            "schema": schema,
            "examples": {error.code: {"value": _problem(error, route)} for error in errors},
        }
    }
    return described


def _headers_of_refusals(route: _Route, errors: Sequence[RefusalClass]) -> Json:
    challenges = {error.code: _challenge(error, route.scopes) for error in errors}
    sent = {code: {"value": value} for code, value in challenges.items() if value is not None}
    seconds = [error.retry_after for error in errors]
    headers: Json = {}
    if sent:
        headers["WWW-Authenticate"] = {
            "description": "What is wrong with the token (RFC 6750 section 3).",
            "required": len(sent) == len(errors),
            "schema": {"type": "string"},
            "examples": sent,
        }
    if any(seconds):
        headers["Retry-After"] = {
            "description": "Seconds after which another try makes sense.",
            "required": True,
            "schema": {"type": "integer"},
            "example": seconds[0],
        }
    return headers


def _challenge(error: RefusalClass, scopes: Sequence[str]) -> str | None:
    if issubclass(error, InsufficientScope):
        return error(" ".join(scopes)).challenge
    return error.challenge


def _problem(error: RefusalClass, route: _Route) -> Json:
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.description,
    }
    if issubclass(error, InvalidInput):
        problem["errors"] = [
            {"pointer": "/colour", "detail": "Extra inputs are not permitted"}
            if route.declared.body
            else {"parameter": "colour", "detail": "There is no such parameter."}
        ]
    return problem


def _problem_schemas(codes: Sequence[str]) -> Json:
    def text(description: str, **limits: object) -> Json:
        return {"type": "string", "description": description, **limits}

    return {
        "Problem": {
            "type": "object",
            "description": "Why a request was refused (RFC 9457).",
            "required": ["type", "title", "status", "code", "detail"],
            "properties": {
                "type": {"const": "about:blank", "description": "Says nothing: `code` does."},
                "title": text("The phrase of the status."),
                "status": {"type": "integer", "description": "The status once more."},
                "code": text("What to decide by.", enum=list(codes)),
                "detail": text("The code in one sentence, always the same one."),
                "errors": {
                    "type": "array",
                    "description": f"With `{InvalidInput.code}` only: the mistakes.",
                    "items": {"$ref": f"{_REF}InputError"},
                    "minItems": 1,
                    "maxItems": MAX_ERRORS,
                },
            },
        },
        "InputError": {
            "type": "object",
            "description": "One mistake; `pointer`, `parameter` or `header` says where it is.",
            "required": ["detail"],
            "properties": {
                "pointer": text("In the body (RFC 6901), such as `/name`."),
                "parameter": text("In the query."),
                "header": text("In a header."),
                "detail": text("What is wrong there."),
            },
            "oneOf": [{"required": [place]} for place in ("pointer", "parameter", "header")],
        },
    }


def _example(schema: Json, components: Json, name: str = "") -> Any:
    """Make a plausible value; *name* is that of a parameter, or `Component.property`."""
    if "$ref" in schema:
        component = component_name(schema)
        return _example(components[component], components, component)
    for known in (name, name.rpartition(".")[2]):
        if known in _EXAMPLES:
            return _EXAMPLES[known]
    if "examples" in schema:
        return schema["examples"][0]
    if "properties" in schema:
        return {
            key: _example(value, components, f"{name}.{key}")
            for key, value in schema["properties"].items()
        }
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], components, name)
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])[0]
    if "default" in schema:
        return schema["default"]
    return _example_of_type(schema, components, name)


def _example_of_type(schema: Json, components: Json, name: str) -> Any:
    match schema.get("type"):
        case "array":
            return [_example(schema["items"], components, name)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "object":
            return {}
        case "null":
            return None
        case _:
            return _EXAMPLES_BY_FORMAT.get(schema.get("format", ""), "text")


def _in_order(errors: Sequence[RefusalClass]) -> tuple[RefusalClass, ...]:
    return tuple(sorted(dict.fromkeys(errors), key=lambda error: (error.status, error.code)))
