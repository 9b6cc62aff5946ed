"""
Which refusals an operation may answer with, and how the OpenAPI document describes them.

Everything follows from the error classes. The examples are real answers, made as for a request.

Sources: RFC 9457 (problem+json), RFC 6750 section 3 (the challenge).
"""

import json
from collections.abc import Iterable, Sequence
from itertools import groupby

from endpoint.errors import (
    REFUSALS,
    BadRequest,
    BodyTooLarge,
    EndpointError,
    InvalidInput,
    InvalidJson,
    MethodNotAllowed,
    NotFound,
    UnsupportedMediaType,
)
from endpoint.operation import MAX_ERRORS, operation
from endpoint.schemas import REF, Json
from org_guard.errors import (
    GuardError,
    InsufficientRole,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    KeysUnavailable,
    MissingToken,
    NotAMember,
    OrganizationSuspended,
)

RefusalClass = type[GuardError]
# Of requests that reach no operation.
WITHOUT_OPERATION: list[RefusalClass] = [BadRequest, NotFound, MethodNotAllowed, EndpointError]
_GUARD: list[RefusalClass] = [
    InvalidRequest,
    MissingToken,
    InvalidToken,
    NotAMember,
    OrganizationSuspended,
    KeysUnavailable,
]
_BODY: list[RefusalClass] = [InvalidJson, BodyTooLarge, UnsupportedMediaType]


def list_refusals_of(declared: operation, scopes: Sequence[str], role: str) -> list[RefusalClass]:
    """List all that a guarded operation may be refused with, each once, in order of status."""
    refusals = [*_GUARD, InvalidInput, *declared.errors]
    if scopes:
        refusals.append(InsufficientScope)
    if role != "member":
        refusals.append(InsufficientRole)
    if declared.body:
        refusals += _BODY
    return in_order(refusals)


def in_order(refusals: Iterable[RefusalClass]) -> list[RefusalClass]:
    """List each once, in order of status and code."""
    return sorted(set(refusals), key=lambda error: (error.status, error.code))


def describe_refusals(declared: operation, scopes: Sequence[str], role: str) -> Json:
    """Return the responses that refuse, by status."""
    refusals = list_refusals_of(declared, scopes, role)
    return {
        str(status): _describe_response([_make_refusal(error, declared, scopes) for error in group])
        for status, group in groupby(refusals, key=lambda error: error.status)
    }


def _make_refusal(error: RefusalClass, declared: operation, scopes: Sequence[str]) -> GuardError:
    if issubclass(error, InsufficientScope):
        return error(" ".join(scopes))
    if issubclass(error, InvalidInput) and declared.body:
        return error([{"pointer": "/colour", "detail": "Extra inputs are not permitted"}])
    if issubclass(error, InvalidInput):
        return error([{"parameter": "colour", "detail": "There is no such parameter."}])
    return error()


def _describe_response(refusals: Sequence[GuardError]) -> Json:
    answers = {refusal.code: REFUSALS.answer(refusal) for refusal in refusals}
    schema: Json = {
        "$ref": f"{REF}Problem",
        "properties": {
            "status": {"const": refusals[0].status},
            "code": {"enum": list(answers)},
        },
    }
    if list(answers) == [InvalidInput.code]:
        schema["required"] = ["errors"]
    described: Json = {
        "description": "\n\n".join(f"`{one.code}`: {one.description}." for one in refusals),
        "headers": _describe_headers(refusals),
        "content": {
            "application/problem+json": {
                "schema": schema,
                "examples": {code: {"value": json.loads(a.data)} for code, a in answers.items()},
            }
        },
    }
    if not described["headers"]:
        del described["headers"]
    return described


def _describe_headers(refusals: Sequence[GuardError]) -> Json:
    headers: Json = {}
    challenges = {one.code: {"value": one.challenge} for one in refusals if one.challenge}
    if challenges:
        headers["WWW-Authenticate"] = {
            "description": "What is wrong with the token (RFC 6750 section 3).",
            "required": len(challenges) == len(refusals),
            "schema": {"type": "string"},
            "examples": challenges,
        }
    if refusals[0].retry_after:
        headers["Retry-After"] = {
            "description": "Seconds after which another try makes sense.",
            "required": True,
            "schema": {"type": "integer"},
            "example": refusals[0].retry_after,
        }
    return headers


def problem_schemas(codes: Sequence[str]) -> Json:
    """Return the components for refusals; *codes* are all that the app has."""

    def text(description: str, **limits: object) -> Json:
        return {"type": "string", "description": description, **limits}

    return {
        "Problem": {
            "type": "object",
            "description": "Why a request was refused (RFC 9457).",
            "required": ["type", "title", "status", "code", "detail"],
            "properties": {
                "type": {
                    "const": "about:blank",
                    "description": "Always this; decide by `code`.",
                },
                "title": text("The status in words."),
                "status": {"type": "integer", "description": "The HTTP status."},
                "code": text("What programs decide by.", enum=list(codes)),
                "detail": text("The code in one sentence; the same in every answer."),
                "errors": {
                    "type": "array",
                    "description": f"With `{InvalidInput.code}` only: what is wrong.",
                    "items": {"$ref": f"{REF}InputError"},
                    "minItems": 1,
                    "maxItems": MAX_ERRORS,
                },
            },
        },
        "InputError": {
            "type": "object",
            "description": "One error; `pointer`, `parameter` or `header` says where it is.",
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
