"""The organization and the person that an administrator names."""

import sys
from dataclasses import dataclass
from uuid import UUID

import psycopg


@dataclass(frozen=True, slots=True)
class FoundOrganization:
    """An organization, locked until the end of the transaction."""

    id: UUID
    slug: str
    name: str
    suspended: bool


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A person that the service knows, since they logged in once."""

    id: UUID
    auth0_user_id: str
    email: str | None
    name: str | None
    blocked: bool

    def __str__(self) -> str:
        return self.email or self.name or self.auth0_user_id


def load_organization(conn: psycopg.Connection, slug_or_id: str) -> FoundOrganization:
    """Find and lock an organization; an unknown one ends the program with a message."""
    row = conn.execute(
        """
        select id, slug, name, suspended_at is not null from org.organization
        where slug = lower(%(name)s) or id::text = lower(%(name)s) for no key update
        """,
        {"name": slug_or_id},
    ).fetchone()
    if row is None:
        sys.exit(f"There is no organization with the slug or id {slug_or_id!r}.")
    return FoundOrganization(*row)


def load_person(conn: psycopg.Connection, name: str) -> FoundPerson:
    """
    Find a person by Auth0 user id, e-mail address or id.

    An unknown one, or an address that several have, ends the program with a message.
    """
    rows = conn.execute(
        """
        select id, auth0_user_id, email, name, blocked_at is not null from org.app_user
        where auth0_user_id = %(name)s or lower(email) = lower(%(name)s)
        or id::text = lower(%(name)s) order by auth0_user_id limit 20
        """,
        {"name": name},
    ).fetchall()
    if not rows:
        sys.exit(
            f"There is no person with the Auth0 user id, address or id {name!r}. A person is known "
            "after their first login; until then, invite the address: org-selector invite"
        )
    people = [FoundPerson(*row) for row in rows]
    if len(people) > 1:
        listed = "\n".join(f"  {one.auth0_user_id}" for one in people)
        sys.exit(
            f"Several people have the address {name}. Name one by the Auth0 user id:\n{listed}"
        )
    return people[0]
