"""
What an operation may be refused with, and how the OpenAPI document says so.

Everything follows from the error classes: status, code, description, challenge, retry_after.

Sources: RFC 9457 (problem+json), RFC 6750 section 3 (the challenge).
"""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

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
from endpoint.operation import MAX_ERRORS, Operation
from endpoint.schemas import REF, Json
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

# Of requests that reach no operation.
WITHOUT_OPERATION: tuple[RefusalClass, ...] = (
    BadRequest,
    NotFound,
    MethodNotAllowed,
    EndpointError,
)
_GUARD: tuple[RefusalClass, ...] = (
    InvalidRequest,
    MissingToken,
    InvalidToken,
    NotAMember,
    OrganizationSuspended,
    KeysUnavailable,
)
_BODY: tuple[RefusalClass, ...] = (InvalidJson, BodyTooLarge, UnsupportedMediaType)


def list_refusals_of(
    declared: Operation, scopes: Sequence[str], role: str
) -> tuple[RefusalClass, ...]:
    """Return all that a guarded operation may be refused with, each once, in order of status."""
    refusals = [*_GUARD, InvalidInput, *declared.errors]
    if scopes:
        refusals.append(InsufficientScope)
    if role != "member":
        refusals.append(InsufficientRole)
    if declared.body:
        refusals += _BODY
    return in_order(refusals)


def in_order(refusals: Iterable[RefusalClass]) -> tuple[RefusalClass, ...]:
    """Return each once, in order of status and code."""
    return tuple(sorted(dict.fromkeys(refusals), key=lambda error: (error.status, error.code)))


def describe_refusals(declared: Operation, scopes: Sequence[str], role: str) -> Json:
    """Return the responses that refuse, by status."""
    by_status: dict[int, list[RefusalClass]] = {}
    for error in list_refusals_of(declared, scopes, role):
        by_status.setdefault(error.status, []).append(error)
    return {
        str(status): _describe_response(status, errors, declared, scopes)
        for status, errors in by_status.items()
    }


def _describe_response(
    status: int, errors: Sequence[RefusalClass], declared: Operation, scopes: Sequence[str]
) -> Json:
    described: Json = {
        "description": "\n\n".join(f"`{error.code}`: {error.description}." for error in errors)
    }
    if headers := _describe_headers(errors, scopes):
        described["headers"] = headers
    schema: Json = {
        "$ref": f"{REF}Problem",
        "properties": {
            "status": {"const": status},
            "code": {"enum": [error.code for error in errors]},
        },
    }
    if errors == [InvalidInput]:
        schema["required"] = ["errors"]
    described["content"] = {
        "application/problem+json": {
            "schema": schema,
            "examples": {error.code: {"value": _problem(error, declared)} for error in errors},
        }
    }
    return described


def _describe_headers(errors: Sequence[RefusalClass], scopes: Sequence[str]) -> Json:
    challenges = {error.code: _challenge(error, scopes) for error in errors}
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
    if issubclass(error, InsufficientScope):  # the only one that depends on the operation
        return error(" ".join(scopes)).challenge
    return error.challenge


def _problem(error: RefusalClass, declared: Operation) -> Json:
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
            if declared.body
            else {"parameter": "colour", "detail": "There is no such parameter."}
        ]
    return problem


def problem_schemas(codes: Sequence[str]) -> Json:
    """Return the components that every refusal refers to; *codes* are all there are."""

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
                    "items": {"$ref": f"{REF}InputError"},
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
