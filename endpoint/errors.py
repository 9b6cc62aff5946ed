"""
Everything a JSON endpoint refuses by itself; what the guard refuses is in `org_guard.errors`.

`status`, `code`, `description`, `challenge` and `retry_after` are constants and may be shown to
anybody. `detail` belongs to the one occurrence and goes to the log.
"""

from collections.abc import Sequence

from org_guard.errors import GuardError

MAX_BODY_BYTES = 65_536


class EndpointError(Exception):
    """Base of this tree."""

    status = 500
    code = "unexpected"
    description = "Something went wrong on our side"
    challenge: str | None = None  # the value of WWW-Authenticate
    retry_after: int | None = None  # seconds

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


RefusalClass = type[EndpointError] | type[GuardError]


class BadRequest(EndpointError):
    """What the web framework itself does not take."""

    status = 400
    code = "bad_request"
    description = "The request is malformed"


class InvalidJson(EndpointError):
    """The body is not a JSON object, has a name twice, is nested too deep, or has a NUL in it."""

    status = 400
    code = "invalid_json"
    description = "The body must be one JSON object"


class NotFound(EndpointError):
    """No such object, or none in this organization: both look alike, byte for byte."""

    status = 404
    code = "not_found"
    description = "There is nothing here"


class MethodNotAllowed(EndpointError):
    """The header Allow says what can be done with this path."""

    status = 405
    code = "method_not_allowed"
    description = "This cannot be done here"


class BodyTooLarge(EndpointError):
    """The body is longer than anything that an operation takes."""

    status = 413
    code = "request_entity_too_large"
    description = f"The body is larger than {MAX_BODY_BYTES} bytes"


class UnsupportedMediaType(EndpointError):
    """The body does not say that it is JSON."""

    status = 415
    code = "unsupported_media_type"
    description = "The body must be application/json"


class IdempotencyKeyReused(EndpointError):
    """The key came with another request before."""

    status = 422
    code = "idempotency_key_reused"
    description = "This Idempotency-Key was used for another request"


class InvalidInput(EndpointError):
    """
    Well-formed, but not what this operation takes. Reports all mistakes of the query; if there are
    none, all mistakes of the body.
    """

    status = 422
    code = "invalid_input"
    description = "Some of what was sent is not what this operation takes"

    def __init__(self, errors: Sequence[dict[str, str]]) -> None:
        """Take errors of `pointer` (RFC 6901) or `parameter` or `header`, and `detail`."""
        super().__init__(" ".join(next(iter(one.values())) for one in errors))
        self.errors = list(errors)
