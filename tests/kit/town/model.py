"""
What should happen, in a page of Python: who may act for which organization, and what a login gets.

It shares no code with the product, and follows the table of decisions in words.
"""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

ASK, REFUSED = "the picker", "refused: "
Role = Literal["owner", "admin", "member"]


@dataclass
class Invited:
    """An invitation."""

    login: str  # whose address it is for
    slug: str
    role: Role
    inviter: str | None
    expired: bool = False
    accepted: bool = False


@dataclass
class Model:
    """People and organizations, as they should be now."""

    unverified: frozenset[str]  # people whose address does not count
    roles: dict[tuple[str, str], Role] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    blocked: set[str] = field(default_factory=set)
    defaults: dict[str, str] = field(default_factory=dict)
    invitations: dict[UUID, Invited] = field(default_factory=dict)

    def may_act(self, login: str, slug: str) -> bool:
        """Whether the person is an active member of an organization that is not suspended."""
        return (
            login not in self.blocked and (login, slug) in self.roles and slug not in self.suspended
        )

    def usable(self, login: str) -> set[str]:
        """Return the organizations that the person can choose."""
        return {slug for who, slug in self.roles if who == login and slug not in self.suspended}

    def is_open(self, invited: Invited) -> bool:
        """Whether the invitation can be accepted, by the right person."""
        if invited.accepted or invited.expired or invited.slug in self.suspended:
            return False
        if invited.inviter is None:
            return True
        inviters_role = self.roles.get((invited.inviter, invited.slug))
        if invited.inviter in self.blocked:
            return False
        return inviters_role == "owner" or (inviters_role == "admin" and invited.role != "owner")

    def may_accept(self, login: str, invited: Invited) -> bool:
        """Whether this person can accept it now."""
        return (
            login not in self.blocked
            and login not in self.unverified
            and invited.login == login
            and self.is_open(invited)
        )

    def waiting(self, login: str) -> set[UUID]:
        """Return the invitations that the picker offers."""
        return {
            id_
            for id_, invited in self.invitations.items()
            if self.may_accept(login, invited) and (login, invited.slug) not in self.roles
        }

    def decide(
        self,
        login: str,
        kind: Literal["page", "silent", "refresh"],
        hint: str | None,
        *,
        wants_page: bool = False,
    ) -> str:
        """Return the slug of the organization, ASK, or REFUSED and a code."""
        ask = REFUSED + "organization_required" if kind == "refresh" else ASK
        if login in self.blocked:
            return f"{REFUSED}not_a_member"
        member = hint is not None and (login, hint) in self.roles
        if member and hint in self.suspended:
            return ASK if kind == "page" else f"{REFUSED}organization_suspended"
        if wants_page:
            return ask
        if hint is not None:
            if member:
                return hint
            return ASK if kind == "page" else f"{REFUSED}not_a_member"
        usable = self.usable(login)
        if len(usable) == 1:
            return ASK if kind == "page" and self.waiting(login) else next(iter(usable))
        if kind == "page" and self.defaults.get(login) in usable:
            return self.defaults[login]
        if not usable and kind == "refresh":
            return f"{REFUSED}no_organization"
        return ask

    def remove(self, login: str, slug: str) -> None:
        """End a membership, and with it a default."""
        self.roles.pop((login, slug), None)
        if self.defaults.get(login) == slug:
            del self.defaults[login]
