"""What the database knows about one user at the moment of one decision; plain values."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Profile:
    """What Auth0 says about a user, as far as we keep it."""

    auth0_user_id: str
    email: str | None
    email_verified: bool  # by a connection we trust for that
    name: str | None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization as one of its members meets it."""

    id: str  # canonical lower-case UUID
    slug: str
    name: str
    role: str  # the user's: owner, admin or member
    suspended: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """
    What a decision depends on, beside the question.

    Where the question asks for an organization, only `asked` of the organizations is looked up;
    where it asks for none, only the other three are.
    """

    user_id: UUID
    profile: Profile
    blocked: bool
    asked: Organization | None = None  # what `question.asked` means, if the user is a member of it
    invited: bool = False  # an open invitation waits for the user's verified address
    default: Organization | None = None  # the user's own default, if still a member of it
    usable: tuple[Organization, ...] = ()  # not suspended; two at most, since one is decisive
