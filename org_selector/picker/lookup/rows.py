"""
The SQL statements with which the picker looks a choice up again before it signs it.

They write nothing. Each method is one statement and one round trip; `org_selector/rows.py` explains
literals and joins.
"""

from dataclasses import dataclass
from uuid import UUID

from service.pool import Database

NAMES = 1_000  # organizations whose names are compared with a new one
_FIND_SELECTABLE = """
    select exists (select from org.selection where nonce = %(nonce)s),
        exists (
            select from org.membership
            where user_id = u.id and org_id = %(org_id)s and not org_suspended
        )
    from org.app_user u
    where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
"""
_FIND_ACCEPTABLE = """
    select exists (select from org.selection where nonce = %(nonce)s),
        u.email_verified and exists (
            select from org.invitation i
            where i.id = %(invitation_id)s and i.email = lower(u.email) and org.is_open(i)
            and i.org_id = coalesce(%(bound_to)s, i.org_id)
        )
    from org.app_user u
    where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
"""
_FIND_CREATABLE = """
    select exists (select from org.selection where nonce = %(nonce)s),
        u.email_verified or not exists (
            select from org.organization where created_by = u.id
        ),
        array(
            select org_name from org.membership where user_id = u.id
            order by name_key, org_id limit %(names)s
        )
    from org.app_user u
    where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
"""
_FIND_INVITATION = """
    select i.email, i.email is not distinct from lower(u.email), u.email_verified
    from org.app_user u, org.invitation i
    where u.auth0_user_id = %(auth0_user_id)s and i.id = %(invitation_id)s and org.is_open(i)
    and i.org_id = coalesce(%(bound_to)s, i.org_id)
    and (i.email is distinct from lower(u.email) or not exists (
        select from org.membership where user_id = u.id and org_id = i.org_id
    ))
"""


@dataclass(frozen=True, slots=True)
class Selectable:
    """What the picker looks up again before it signs a choice."""

    already_chosen: bool
    selectable: bool  # a member, and the organization is not suspended; or the invitation is open


@dataclass(frozen=True, slots=True)
class Creatable:
    """What the picker looks up before it signs the name of a new organization."""

    already_chosen: bool
    may_create: bool
    names: list[str]  # of the person's organizations, at most NAMES


@dataclass(frozen=True, slots=True)
class FoundInvitation:
    """An open invitation that a link names."""

    email: str
    same_address: bool  # as the person's
    verified: bool  # the person's address


class LookupRows:
    """
    What the picker looks up about one choice.

    Every method returns `None` for an unknown or blocked user, and raises
    `service.pool.Unavailable` if Postgres does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_selectable(self, auth0_user_id: str, *, org_id: UUID, nonce: str) -> Selectable | None:
        """Look up a choice before it is signed."""
        values = {"auth0_user_id": auth0_user_id, "org_id": org_id, "nonce": nonce}
        rows = self._database.fetch(_FIND_SELECTABLE, values)
        return Selectable(*rows[0]) if rows else None

    def find_acceptable(
        self, auth0_user_id: str, *, invitation_id: UUID, bound_to: UUID | None, nonce: str
    ) -> Selectable | None:
        """Look up an invitation before its acceptance is signed."""
        values = {
            "auth0_user_id": auth0_user_id,
            "invitation_id": invitation_id,
            "bound_to": bound_to,
            "nonce": nonce,
        }
        rows = self._database.fetch(_FIND_ACCEPTABLE, values)
        return Selectable(*rows[0]) if rows else None

    def find_creatable(self, auth0_user_id: str, *, nonce: str) -> Creatable | None:
        """Look up whether the user may create an organization, and what theirs are called."""
        values = {"auth0_user_id": auth0_user_id, "nonce": nonce, "names": NAMES}
        rows = self._database.fetch(_FIND_CREATABLE, values)
        return Creatable(*rows[0]) if rows else None

    def find_invitation(
        self, auth0_user_id: str, *, invitation_id: UUID | None, bound_to: UUID | None
    ) -> FoundInvitation | None:
        """Look up the invitation that a link names; `None` also if it is not open or no id."""
        values = {
            "auth0_user_id": auth0_user_id,
            "invitation_id": invitation_id,
            "bound_to": bound_to,
        }
        rows = self._database.fetch(_FIND_INVITATION, values)
        return FoundInvitation(*rows[0]) if rows else None
