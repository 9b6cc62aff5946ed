"""
The people and organizations of demo and tests, for the database and for the tenant.

Ids are computed from names, so that seeding twice changes nothing. Seeding needs the cluster's
superuser, because none of the product's database roles may write all of these tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

import psycopg

from local_tenant.configuration import User

PASSWORD = "demo"
MANY = 2_000  # organizations of max
MOST_PERMISSIONS = 100  # organizations in one access token, which stays below 8 kB
PROJECTS = {
    "abc-inc": ("Website relaunch", "Office move", "Price list"),
    "xyz-travel": ("Summer catalogue", "Train passes"),
    "solo-works": ("First customer",),
}
_NAMES = UUID("6f0e1f5c-56a7-4b0e-9a43-0d7f5f1b2c3d")


@dataclass(frozen=True)
class SeedOrganization:
    """An organization, and whether it is suspended."""

    slug: str
    name: str
    suspended: bool = False

    @property
    def id(self) -> UUID:
        """The id, computed from the slug."""
        return uuid5(_NAMES, self.slug)


@dataclass(frozen=True)
class SeedPerson:
    """A user, and their membership roles by slug of the organization."""

    login: str
    name: str
    roles: dict[str, str]
    what: str  # how the demo and the README describe them

    @property
    def email(self) -> str:
        """The e-mail address that they log in with."""
        return f"{self.login}@example.com"

    @property
    def auth0_user_id(self) -> str:
        """Their id in the tenant, and `app_user.auth0_user_id` in the database."""
        return f"auth0|{self.login}"


ORGANIZATIONS = (
    SeedOrganization("abc-inc", "ABC Inc"),
    SeedOrganization("xyz-travel", "XYZ Travel"),
    SeedOrganization("solo-works", "Solo Works"),
    SeedOrganization("frozen-foods", "Frozen Foods", suspended=True),
    SeedOrganization("markup", "<script>alert('x')</script> & <b>Sons</b>"),
    SeedOrganization("right-to-left", "شركة النور للسفر (عمّان)"),
    SeedOrganization("emoji", "🚀🌙 Lunar Freight 👩‍🚀"),
    SeedOrganization("very-long", "Long and Longer " * 12 + "Partner"),
    SeedOrganization("twin-north", "Twin Ltd"),
    SeedOrganization("twin-south", "Twin Ltd"),
    *(SeedOrganization(f"customer-{n:04}", f"Customer {n:04}") for n in range(1, MANY + 1)),
)
PEOPLE = (
    SeedPerson(
        "joe", "Joe Doe", {"abc-inc": "owner", "xyz-travel": "member"}, "ABC Inc and XYZ Travel"
    ),
    SeedPerson("ann", "Ann Solo", {"solo-works": "owner"}, "one organization: no page at all"),
    SeedPerson("nina", "Nina New", {}, "no organization yet"),
    SeedPerson(
        "max",
        "Max Many",
        {f"customer-{n:04}": "admin" for n in range(1, MANY + 1)},
        f"{MANY:,} organizations",
    ),
    SeedPerson(
        "sue",
        "Sue Frost",
        {"frozen-foods": "owner", "abc-inc": "member", "xyz-travel": "admin"},
        "one of three is suspended",
    ),
    SeedPerson(
        "odd",
        "Odd <i>Names</i>",
        dict.fromkeys(
            (
                "markup",
                "right-to-left",
                "emoji",
                "very-long",
                "twin-north",
                "twin-south",
                "frozen-foods",
            ),
            "member",
        ),
        "names that try to break the page",
    ),
)
_BY_SLUG = {organization.slug: organization for organization in ORGANIZATIONS}


def organization(slug: str) -> SeedOrganization:
    """Return the organization with this slug."""
    return _BY_SLUG[slug]


def list_users(scopes: Mapping[str, Sequence[str]] | None = None) -> tuple[User, ...]:
    """
    List the people as users of the tenant.

    Args:
        scopes: permissions of every user, by API. A user also gets the permission `org:SLUG` there
            for each of their organizations, up to MOST_PERMISSIONS.
    """
    return tuple(
        User(
            user_id=one.auth0_user_id,
            email=one.email,
            name=one.name,
            password=PASSWORD,
            permissions={
                audience: (
                    *permissions,
                    *(f"org:{slug}" for slug in [*one.roles][:MOST_PERMISSIONS]),
                )
                for audience, permissions in (scopes or {}).items()
            },
        )
        for one in PEOPLE
    )


def seed(superuser_url: str) -> None:
    """Add the rows that are missing; existing ones stay, so that a demo keeps its changes."""
    with psycopg.connect(superuser_url) as conn, conn.cursor() as cursor:
        cursor.executemany(
            "insert into org.organization (id, slug, name, suspended_at) "
            "values (%s, %s, %s, case when %s then now() end) on conflict do nothing",
            [(one.id, one.slug, one.name, one.suspended) for one in ORGANIZATIONS],
        )
        cursor.executemany(
            "insert into org.app_user (id, auth0_user_id, email, email_verified, name) "
            "values (%s, %s, %s, true, %s) on conflict do nothing",
            [(uuid5(_NAMES, one.email), one.auth0_user_id, one.email, one.name) for one in PEOPLE],
        )
        cursor.executemany(
            "insert into org.membership (user_id, org_id, role) "
            "values (%s, %s, %s) on conflict do nothing",
            [
                (uuid5(_NAMES, one.email), organization(slug).id, role)
                for one in PEOPLE
                for slug, role in one.roles.items()
            ],
        )
        cursor.executemany(
            "insert into org.project (org_id, id, name) values (%s, %s, %s) on conflict do nothing",
            [
                (organization(slug).id, uuid5(_NAMES, f"{slug} {name}"), name)
                for slug, names in PROJECTS.items()
                for name in names
            ],
        )
