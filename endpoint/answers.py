"""How an app of JSON endpoints answers what it, the guard, Flask or Postgres refuses."""

from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from endpoint.errors import (
    BadRequest,
    BodyTooLarge,
    EndpointError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
)
from org_guard.errors import GuardError, KeysUnavailable
from service.app import Refusals
from service.problem import problem

# What Flask itself refuses. A malformed id is one more object that does not exist.
_BY_STATUS: dict[int, type[EndpointError]] = {
    404: NotFound,
    405: MethodNotAllowed,
    413: BodyTooLarge,
}


class DatabaseUnavailable(EndpointError):
    """Postgres does not answer at the moment; a client is told the same as without keys."""

    status = KeysUnavailable.status
    code = KeysUnavailable.code
    description = KeysUnavailable.description
    retry_after = KeysUnavailable.retry_after


def _answer(error: Any) -> Response:
    if isinstance(error, InvalidInput):
        return problem(error, errors=error.errors)
    return problem(error)


def _refuse_http(error: HTTPException) -> EndpointError:
    status = error.code or 500
    refusal = _BY_STATUS.get(status, BadRequest if status < 500 else EndpointError)
    return refusal(type(error).__name__)


REFUSALS = Refusals(
    bases=(GuardError, EndpointError),
    answer=_answer,
    unavailable=DatabaseUnavailable,
    http=_refuse_http,
    unforeseen=EndpointError,
)
