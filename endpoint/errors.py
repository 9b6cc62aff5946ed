"""
What a JSON endpoint refuses by itself, and how an app of such endpoints answers every refusal.

`status`, `code`, `description`, `challenge` and `retry_after` are constants of the class and make
the answer. `detail` says what happened this time; it goes to the log and never into an answer.
What the guard refuses is in `org_guard.errors`.
"""

from collections.abc import Sequence

from flask import Response
from werkzeug.exceptions import HTTPException

from org_guard.errors import GuardError, KeysUnavailable
from service.app import Refusals
from service.problem import problem

MAX_BODY_BYTES = 65_536


class EndpointError(GuardError):
    """
    Base of what follows; raised itself for a mistake of ours.

    A GuardError, so that one error handler answers what an endpoint and what the guard refuse.
    """


class BadRequest(EndpointError):
    """Flask cannot read the request."""

    status = 400
    code = "bad_request"
    description = "The request is malformed"


class InvalidJson(EndpointError):
    """The body is not a JSON object, has a name twice, is nested too deep, or has a NUL in it."""

    status = 400
    code = "invalid_json"
    description = "The body must be one JSON object"


class NotFound(EndpointError):
    """No such object, or none in this organization: the two answers are the same, byte for byte."""

    status = 404
    code = "not_found"
    description = "There is nothing here"


class MethodNotAllowed(EndpointError):
    """The path exists, but not with this method; the header Allow names those it has."""

    status = 405
    code = "method_not_allowed"
    description = "This cannot be done here"


class BodyTooLarge(EndpointError):
    """The body is longer than any operation takes."""

    status = 413
    code = "request_entity_too_large"
    description = f"The body is larger than {MAX_BODY_BYTES} bytes"


class UnsupportedMediaType(EndpointError):
    """The header Content-Type does not say that the body is JSON."""

    status = 415
    code = "unsupported_media_type"
    description = "The body must be application/json"


class IdempotencyKeyReused(EndpointError):
    """An earlier request with this key was not the same."""

    status = 422
    code = "idempotency_key_reused"
    description = "This Idempotency-Key was used for another request"


class InvalidInput(EndpointError):
    """
    Well-formed, but not what this operation takes.

    It reports all errors of the query; if there are none, all errors of the body.
    """

    status = 422
    code = "invalid_input"
    description = "Some of what was sent is not what this operation takes"

    def __init__(self, errors: Sequence[dict[str, str]]) -> None:
        """Take errors of `pointer` (RFC 6901) or `parameter` or `header`, and `detail`."""
        super().__init__(" ".join(next(iter(error.values())) for error in errors))
        self.errors = list(errors)


def _answer(error: GuardError) -> Response:
    if isinstance(error, InvalidInput):
        return problem(error, errors=error.errors)
    return problem(error)


def _refuse_http(error: HTTPException) -> EndpointError:
    status = error.code or 500
    # 404 is also the answer to an id in the path that is not a UUID: no such object exists.
    by_status = {404: NotFound, 405: MethodNotAllowed, 413: BodyTooLarge}
    refusal = by_status.get(status, BadRequest if status < 500 else EndpointError)
    return refusal(type(error).__name__)


REFUSALS = Refusals(
    base=GuardError,
    answer=_answer,
    unavailable=KeysUnavailable,  # a client need not know which part of the service is down
    http=_refuse_http,
    unforeseen=EndpointError,
)
