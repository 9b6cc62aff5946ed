"""
What an operation takes and gives: read, checked, and documented from the same declaration.

`@operation` stands below `@require_auth`, so that a caller proves who they are before they learn
anything about a body. It reads the query and the body, calls the view with them, and writes
what the view returns; `openapi.py` builds the document from what stands here.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, TypeVar, get_args

from flask import Response, request
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import CoreSchema, ErrorDetails
from werkzeug.exceptions import RequestEntityTooLarge

from endpoint.errors import (
    BodyTooLarge,
    InvalidInput,
    InvalidJson,
    RefusalClass,
    UnsupportedMediaType,
)
from endpoint.keyset import MAX_LIMIT, Keyset
from org_guard.compact_token import MalformedInput, parse_json_object

MAX_ERRORS = 20  # named in one answer
View = Callable[..., Any]
T = TypeVar("T")


class Body(BaseModel):
    """A JSON body: no unknown fields, and no guessing at types."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _WithoutNull:
    """Let pydantic see the type beside None, so that null is refused like any other wrong type."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        [given] = [one for one in get_args(source) if one is not NoneType]
        return handler(given)


# A field that a body may leave out, which makes it None; not by `= None`, which would be documented
# as the default.
MayBeAbsent = Annotated[T | None, _WithoutNull(), Field(default_factory=lambda: None)]


@dataclass(frozen=True, slots=True)
class Operation:
    """
    The declaration of one operation.

    Args:
        summary: one sentence for the documentation.
        answer: the type that the view returns; None for 204.
        status: of the answer.
        body: what it takes, if anything; the view gets it as `body`.
        paged: whether it takes `limit` and `after`; the view gets them as `keyset`.
        errors: what of its own it may refuse with.
        headers: types of the request headers that it reads by itself, by name.
    """

    summary: str
    answer: TypeAdapter[Any] | None
    status: int
    body: type[Body] | None
    paged: bool
    errors: tuple[RefusalClass, ...]
    headers: Mapping[str, Any]

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its query parameters."""
        return tuple(_PARAMETERS) if self.paged else ()


def operation(
    summary: str,
    *,
    answer: Any = None,
    status: int = 200,
    body: type[Body] | None = None,
    paged: bool = False,
    errors: Sequence[RefusalClass] = (),
    headers: Mapping[str, Any] | None = None,
) -> Callable[[View], View]:
    """
    Declare a view; the arguments are those of `Operation`.

    Raises, when it is called:
        UnsupportedMediaType, BodyTooLarge, InvalidJson, InvalidInput: the request is not what
            was declared.
    """
    declared = Operation(
        summary,
        TypeAdapter(answer) if answer is not None else None,
        status if answer is not None else 204,
        body,
        paged,
        tuple(errors),
        headers or {},
    )

    def declare(view: View) -> View:
        @functools.wraps(view)
        def run(*args: Any, **kwargs: Any) -> Response:
            keyset = _read_query(declared)
            if paged:
                kwargs["keyset"] = keyset
            if body is not None:
                kwargs["body"] = _read_body(body)
            return _write(declared, view(*args, **kwargs))

        run.operation = declared  # type: ignore[attr-defined]
        return run

    return declare


def _write(declared: Operation, value: Any) -> Response:
    if declared.answer is None:
        response = Response(status=declared.status)
        del response.headers["Content-Type"]
        return response
    body = declared.answer.dump_json(value)
    response = Response(body, declared.status, content_type="application/json")
    if declared.status == 201:
        response.headers["Location"] = f"{request.path}/{value.id}"
    return response


def _read_query(declared: Operation) -> Keyset:
    if not request.query_string:
        return Keyset()
    keyset, errors = Keyset(), []
    for name, (unverified_value, *more) in request.args.lists():
        if name not in declared.parameters:
            errors.append({"parameter": name[:64], "detail": "There is no such parameter."})
        elif more:
            errors.append({"parameter": name, "detail": "It may be given once only."})
        else:
            read, expected = _PARAMETERS[name]
            try:
                keyset = read(keyset, unverified_value)
            except ValueError:
                errors.append({"parameter": name, "detail": expected})
    if errors:
        raise InvalidInput(errors[:MAX_ERRORS])
    return keyset


def _read_body(model: type[Body]) -> Body:
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    try:
        return model.model_validate(parse_json_object(request.get_data(cache=False)))
    except RequestEntityTooLarge as error:
        raise BodyTooLarge from error
    except MalformedInput as error:
        raise InvalidJson(str(error)) from error
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidInput(
            [
                {"pointer": _pointer(one["loc"]), "detail": _explain(model, one)}
                for one in found[:MAX_ERRORS]
            ]
        ) from None


def _explain(model: type[Body], error: ErrorDetails) -> str:
    """Say what is wrong with one field; a pattern by the words that describe it."""
    if error["type"] == "string_pattern_mismatch":
        return _describe_fields(model).get(str(error["loc"][0]), error["msg"])
    return error["msg"]


@functools.cache
def _describe_fields(model: type[Body]) -> dict[str, str]:
    """Return the descriptions of fields by name; once a model, since a schema is costly to make."""
    fields = model.model_json_schema()["properties"]
    return {name: field["description"] for name, field in fields.items() if "description" in field}


def _pointer(path: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(part)[:64].replace('~', '~0').replace('/', '~1')}" for part in path)


_PARAMETERS: dict[str, tuple[Callable[[Keyset, str], Keyset], str]] = {
    "limit": (Keyset.with_limit, f"It must be a number from 1 to {MAX_LIMIT}."),
    "after": (Keyset.with_cursor, "It must be the `next` of an earlier page, unchanged."),
}
