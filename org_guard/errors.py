"""
Every refusal of the guard is an exception class of this file.

`status`, `code`, `description`, `challenge` and `retry_after` are constants of the class and make
the answer. `detail` says what happened this time; it goes to the log and never into an answer.
"""


class GuardError(Exception):
    """Base of all refusals; raised itself for a mistake in the API that uses the guard."""

    status = 500
    code = "unexpected"
    description = "Something went wrong on our side"
    retry_after: int | None = None  # seconds
    challenge: str | None = None  # the value of WWW-Authenticate (RFC 6750 section 3)

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class MissingToken(GuardError):
    """No bearer token; the challenge then names no error (RFC 6750 section 3.1)."""

    status = 401
    code = "missing_token"
    description = "An access token is needed"
    challenge = "Bearer"


class InvalidRequest(GuardError):
    """The request is malformed: more than one token, or a bad header."""

    status = 400
    code = "invalid_request"
    description = "The request is malformed"
    challenge = 'Bearer error="invalid_request"'


class InvalidToken(GuardError):
    """A check of the token failed. The answer does not say which one; the log does."""

    status = 401
    code = "invalid_token"
    description = "The access token is not valid"
    challenge = 'Bearer error="invalid_token"'


class InsufficientScope(GuardError):
    """The token is valid but lacks a scope; a new token that has it would do."""

    status = 403
    code = "insufficient_scope"
    description = "The access token does not cover this"

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.challenge = f'Bearer error="insufficient_scope", scope="{scope}"'


class NotAMember(GuardError):
    """The person is not a member of the organization (any more), or is blocked."""

    status = 403
    code = "not_a_member"
    description = "You are not a member of this organization"


class OrganizationSuspended(GuardError):
    """The person is a member of the organization, which is suspended for everyone."""

    status = 403
    code = "organization_suspended"
    description = "This organization is suspended"


class InsufficientRole(GuardError):
    """The person is a member in a role that does not cover this; no other token would do."""

    status = 403
    code = "insufficient_role"
    description = "Your role does not cover this"


class KeysUnavailable(GuardError):
    """The tenant's signing keys could not be fetched: an outage on our side."""

    status = 503
    code = "temporarily_unavailable"
    description = "Temporarily unavailable"
    retry_after = 5
