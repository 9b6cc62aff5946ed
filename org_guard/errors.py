"""
Every refusal of the guard, each an exception class.

The answer is made of constants of the class: `status`, `code`, `description`, `challenge` and
`retry_after`. `detail` says what was wrong this time; it is logged, and never part of an answer.
"""


class GuardError(Exception):
    """Base of all refusals; raised by itself for a mistake in the API that uses the guard."""

    status = 500
    code = "unexpected"
    description = "Something went wrong on our side"
    retry_after: int | None = None  # seconds
    challenge: str | None = None  # the value of WWW-Authenticate (RFC 6750 section 3)

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class MissingToken(GuardError):
    """The request has no bearer token; so the challenge names no error (RFC 6750 section 3.1)."""

    status = 401
    code = "missing_token"
    description = "An access token is needed"
    challenge = "Bearer"


class InvalidRequest(GuardError):
    """The request has more than one token, or a malformed header."""

    status = 400
    code = "invalid_request"
    description = "The request is malformed"
    challenge = 'Bearer error="invalid_request"'


class InvalidToken(GuardError):
    """A check of the token failed; the log says which one, the answer does not."""

    status = 401
    code = "invalid_token"
    description = "The access token is not valid"
    challenge = 'Bearer error="invalid_token"'


class InsufficientScope(GuardError):
    """The token is valid but lacks a scope; the app can log in again and ask for it."""

    status = 403
    code = "insufficient_scope"
    description = "The access token does not cover this"

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.challenge = f'Bearer error="insufficient_scope", scope="{scope}"'


class NotAMember(GuardError):
    """The person is not, or no longer, a member of the organization, or is blocked."""

    status = 403
    code = "not_a_member"
    description = "You are not a member of this organization"


class OrganizationSuspended(GuardError):
    """The person is a member, but the organization is suspended."""

    status = 403
    code = "organization_suspended"
    description = "This organization is suspended"


class InsufficientRole(GuardError):
    """The person is a member in a role that does not cover this; another token does not help."""

    status = 403
    code = "insufficient_role"
    description = "Your role does not cover this"


class KeysUnavailable(GuardError):
    """The tenant's signing keys could not be fetched: an outage, not a fault of the caller."""

    status = 503
    code = "temporarily_unavailable"
    description = "Temporarily unavailable"
    retry_after = 5
