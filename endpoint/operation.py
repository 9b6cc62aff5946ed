"""
`@operation` declares what a view takes and gives; the same declaration reads, checks and documents.

It stands below `@require_auth`, so that callers prove who they are before they learn anything about
a body. It reads the query and the body, calls the view with them, and writes what the view returns.
`openapi.py` builds the document from the same declarations.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
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

from endpoint.errors import BodyTooLarge, InvalidInput, InvalidJson, UnsupportedMediaType
from endpoint.keyset import MAX_LIMIT, Keyset
from org_guard.compact_token import MalformedInput, parse_json_object
from org_guard.errors import GuardError

MAX_ERRORS = 20  # of one answer
_MAX_NAME = 64  # characters of a name that the client made up and an answer repeats
_FIRST_PAGE = Keyset()
# By name: how to read a query parameter, and what a client is told whose value is wrong.
_PARAMETERS: dict[str, tuple[Callable[[Keyset, str], Keyset], str]] = {
    "limit": (Keyset.with_limit, f"It must be a number from 1 to {MAX_LIMIT}."),
    "after": (Keyset.with_cursor, "It must be the `next` of an earlier page, unchanged."),
}
View = Callable[..., Any]
T = TypeVar("T")


class Body(BaseModel):
    """A JSON body. Unknown fields are refused, and values of another type are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


class _WithoutNull:
    """Show pydantic `T` instead of `T | None`: None is for absent fields, and null is refused."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        [type_of_value] = [arg for arg in get_args(source) if arg is not NoneType]
        return handler(type_of_value)


# A field that a body may leave out; it is then None. A plain `= None` would be documented as the
# default, and a client that sends it would be refused.
MayBeAbsent = Annotated[T | None, _WithoutNull(), Field(default_factory=lambda: None)]


@dataclass(frozen=True)
class operation:
    """
    Declare a view: `@operation("Find a project", answer=Project, errors=[NotFound])`.

    Args:
        summary: one sentence for the documentation.
        answer: the type that the view returns, if it returns anything.
        status: of the response; 201 adds the header Location, from the answer's `id`.
        body: the body that the view takes, if any; it gets it as `body`.
        paged: whether the query has `limit` and `after`; the view gets them as `keyset`.
        errors: what the view refuses with, beside what the guard and this decorator refuse.
        headers: types of the request headers that the view reads by itself, by name.

    Raises, when the view is called:
        UnsupportedMediaType, BodyTooLarge, InvalidJson, InvalidInput: the request is not what
            was declared.
    """

    summary: str
    _: KW_ONLY
    answer: Any = None
    status: int = 200
    body: type[Body] | None = None
    paged: bool = False
    errors: Sequence[type[GuardError]] = ()
    headers: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, view: View) -> View:
        """Wrap *view*; the declaration is its attribute `operation`."""
        adapter = TypeAdapter(self.answer)  # here, since it is costly to make

        @functools.wraps(view)
        def run(*args: Any, **kwargs: Any) -> Response:
            keyset = _read_query(self.paged)
            if self.paged:
                kwargs["keyset"] = keyset
            if self.body is not None:
                kwargs["body"] = _read_body(self.body)
            value = view(*args, **kwargs)
            if self.answer is None:
                response = Response(status=self.status)
                del response.headers["Content-Type"]
                return response
            answer = adapter.dump_json(value)
            response = Response(answer, self.status, content_type="application/json")
            if self.status == 201:
                response.headers["Location"] = f"{request.path}/{value.id}"
            return response

        run.operation = self  # type: ignore[attr-defined]
        return run


def _read_query(paged: bool) -> Keyset:
    if not request.query_string:
        return _FIRST_PAGE
    keyset, errors = _FIRST_PAGE, []
    for name, (unverified_value, *more) in request.args.lists():
        if not paged or name not in _PARAMETERS:
            detail = "There is no such parameter."
            errors.append({"parameter": name[:_MAX_NAME], "detail": detail})
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
        # Not request.get_json(): where a name stands twice, it silently takes the last value.
        return model.model_validate(parse_json_object(request.get_data(cache=False)))
    except RequestEntityTooLarge as error:
        raise BodyTooLarge from error
    except MalformedInput as error:
        raise InvalidJson(str(error)) from error
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        raise InvalidInput(
            [
                {"pointer": _pointer(detail["loc"]), "detail": _explain(model, detail)}
                for detail in details[:MAX_ERRORS]
            ]
        ) from None  # pydantic's error quotes the body, which must not get into a traceback


def _explain(model: type[Body], error: ErrorDetails) -> str:
    """Say what is wrong with one field."""
    # Few people can read a pattern, so name the field's description instead.
    if error["type"] == "string_pattern_mismatch":
        return _describe_fields(model).get(str(error["loc"][0]), error["msg"])
    return error["msg"]


@functools.cache
def _describe_fields(model: type[Body]) -> dict[str, str]:
    """Return the fields' descriptions by name; kept, since a schema is costly to make."""
    fields = model.model_json_schema()["properties"]
    return {name: field["description"] for name, field in fields.items() if "description" in field}


def _pointer(path: tuple[int | str, ...]) -> str:
    names = (str(part)[:_MAX_NAME] for part in path)
    return "".join(f"/{name.replace('~', '~0').replace('/', '~1')}" for name in names)  # RFC 6901
