"""Who calls the API, and for which organization."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """
    What a verified access token says; a guarded view gets it as its first argument.

    It does not say that the person is still a member: `RowSecurity` asks the database that, at
    every request.
    """

    auth0_user_id: str
    org_id: str  # canonical lower-case UUID
    org_role: str | None  # the membership role when the token was issued; it may have changed
    scopes: frozenset[str]
    client_id: str  # the application that asked for the token
    expires_at: float  # seconds since the epoch
