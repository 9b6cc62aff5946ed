"""
Everything the API itself refuses; what the guard refuses stands in `org_guard.errors`.

`status`, `code` and `description` are constants and may be shown to anybody. `detail` belongs
to the one occurrence and goes to the log.
"""

from collections.abc import Sequence


class ApiError(Exception):
    """Base of this tree."""

    status = 500
    code = "unexpected"
    description = "Something went wrong on our side"
    challenge: str | None = None
    retry_after: int | None = None  # seconds

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class BadRequest(ApiError):
    """What no framework would take."""

    status = 400
    code = "bad_request"
    description = "The request is malformed"


class InvalidJson(ApiError):
    """The body is no JSON object, has a name twice, is nested too deep, or has a NUL in it."""

    status = 400
    code = "invalid_json"
    description = "The body must be one JSON object"


class NotFound(ApiError):
    """No such object, or none in this organization: both look alike, byte for byte."""

    status = 404
    code = "not_found"
    description = "There is nothing here"


class MethodNotAllowed(ApiError):
    """The header Allow says what can be done with this path."""

    status = 405
    code = "method_not_allowed"
    description = "This cannot be done here"


class LastOwner(ApiError):
    """Nobody would be left who may do everything."""

    status = 409
    code = "last_owner"
    description = "An organization needs an owner: make somebody else one first"


class UnsupportedMediaType(ApiError):
    """The body does not say that it is JSON."""

    status = 415
    code = "unsupported_media_type"
    description = "The body must be application/json"


class IdempotencyKeyReused(ApiError):
    """The key came with another request before."""

    status = 422
    code = "idempotency_key_reused"
    description = "This Idempotency-Key was used for another request"


class InvalidInput(ApiError):
    """
    Well-formed, but not what this operation takes. All mistakes of the query are named at once,
    and then all of the body.
    """

    status = 422
    code = "invalid_input"
    description = "Some of what was sent is not what this operation takes"

    def __init__(self, errors: Sequence[dict[str, str]]) -> None:
        """Take errors of `pointer` (RFC 6901) or `parameter` or `header`, and `detail`."""
        super().__init__(" ".join(next(iter(one.values())) for one in errors))
        self.errors = list(errors)
