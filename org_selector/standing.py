"""What the database knows about one user when a decision is made; plain values."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Profile:
    """The part of a user's Auth0 profile that the database keeps."""

    auth0_user_id: str
    email: str | None
    email_verified: bool  # only if the connection is trusted to verify addresses
    name: str | None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization, and the user's membership role in it."""

    id: str  # canonical lower-case UUID
    slug: str
    name: str
    role: str  # owner, admin or member
    suspended: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """
    Everything that a decision depends on, except the question.

    If the question asks for an organization, `asked` is looked up and the last two fields are not.
    If it asks for none, only those two are.
    """

    user_id: UUID
    profile: Profile
    blocked: bool
    asked: Organization | None = None  # None if the user is not a member of it
    # An open invitation waits for the user's verified address: to the organization asked for, if
    # the application is bound to it; to any, if the question asks for none.
    invited: bool = False
    default: Organization | None = None  # None if the user is not a member of it any more
    usable: tuple[
        Organization, ...
    ] = ()  # not suspended; at most two, which tells one from several
