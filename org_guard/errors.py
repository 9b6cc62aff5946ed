"""
Everything a guarded API refuses before its own work begins; the class is the whole policy.

`status`, `code` and `description` are constants and may be shown to anybody. `detail` belongs
to the one occurrence and goes to the log, never into an answer: it may quote the caller.
"""


class GuardError(Exception):
    """Base of this tree; raised itself for a mistake in the API that uses the guard."""

    status = 500
    code = "unexpected"
    description = "Something went wrong on our side"
    retry_after: int | None = None  # seconds
    challenge: str | None = None  # the value of WWW-Authenticate (RFC 6750 section 3)

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class MissingToken(GuardError):
    """No credentials: the challenge carries no error code (RFC 6750 section 3.1)."""

    status = 401
    code = "missing_token"
    description = "An access token is needed"
    challenge = "Bearer"


class InvalidRequest(GuardError):
    """Credentials in a form that is no single bearer token."""

    status = 400
    code = "invalid_request"
    description = "The request is malformed"
    challenge = 'Bearer error="invalid_request"'


class InvalidToken(GuardError):
    """Any check of a token failed. Which one is never said."""

    status = 401
    code = "invalid_token"
    description = "The access token is not valid"
    challenge = 'Bearer error="invalid_token"'


class InsufficientScope(GuardError):
    """The token is good and was not given the scope; a new one with it would help."""

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
    """A member, but nobody can work there at present."""

    status = 403
    code = "organization_suspended"
    description = "This organization is suspended"


class InsufficientRole(GuardError):
    """A member whose role does not cover this; no new token would help."""

    status = 403
    code = "insufficient_role"
    description = "Your role does not cover this"


class KeysUnavailable(GuardError):
    """The tenant's signing keys cannot be had: our outage, never the caller's mistake."""

    status = 503
    code = "temporarily_unavailable"
    description = "Temporarily unavailable"
    retry_after = 5
