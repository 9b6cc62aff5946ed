"""
The SQL statements of the picker. They write nothing.

Each method is one statement and one round trip; `org_selector/rows.py` explains literals and joins.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from service.pool import Database

PAGE_SIZE = 20  # organizations of one page
RECENT = 3  # organizations of the list of recently used ones
INVITATIONS = 10  # shown on one page, the newest first
SUBSTRING_UP_TO = 100  # organizations; a person with more searches by the beginning of the name
END_OF_NAMES = "\U0010ffff"  # sorts after every character that a name can contain

# The first row of each statement below is the person. The rows after it are invitations, which
# have no first column, and organizations; theirs is true in the list of recently used ones and
# false in the list by name.
_PERSON = """
    select null::boolean, u.email, u.name, (
            select org_name from org.membership where user_id = u.id and org_id = u.default_org_id
        ), null, case when not u.email_verified and exists (
            select from org.organization where created_by = u.id
        ) then 'may not create' end,
        exists (select from org.selection where nonce = %(nonce)s), null::timestamptz
    from org.app_user u
    where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
    union all
"""
_INVITATIONS = """
    (
        select null::boolean, i.id::text, p.name, o.name, null, i.role, null::boolean,
            null::timestamptz
        from org.app_user u
        join org.invitation i on i.email = lower(u.email) and org.is_open(i)
        join org.organization o on o.id = i.org_id
        left join org.app_user p on p.id = i.invited_by
        where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null and u.email_verified
        and i.org_id = coalesce(%(bound_to)s, i.org_id) and not exists (
            select from org.membership where user_id = u.id and org_id = i.org_id
        )
        order by i.id = %(invitation_id)s desc nulls last, i.created_at desc, i.id
        limit %(invitations)s
    )
    union all
"""
_BY_NAME = """
    select m.recent, m.org_id::text, m.org_slug, m.org_name, m.name_key, m.role,
        m.org_suspended, m.last_selected_at
    from org.app_user u cross join lateral (
        (
            select true as recent, org_id, org_slug, org_name, name_key, role,
                org_suspended, last_selected_at
            from org.membership where user_id = u.id and last_selected_at is not null
            order by last_selected_at desc limit %(recent)s
        ) union all (
            select false, org_id, org_slug, org_name, name_key, role, org_suspended, null
            from org.membership where user_id = u.id
            and (name_key, org_id) > (%(name_key)s, %(org_id)s)
            order by name_key, org_id limit %(limit)s
        )
    ) m
    where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
"""
_BY_SEARCH = """
    select false, m.org_id::text, m.org_slug, m.org_name, m.name_key, m.role,
        m.org_suspended, null
    from org.app_user u
    cross join lateral (
        select case when exists (
            select from org.membership where user_id = u.id offset %(substring_up_to)s
        ) then lower(%(search)s) else '' end as beginning offset 0
    ) b
    cross join lateral (
        select * from org.membership where user_id = u.id
        -- One lower bound: with two, Postgres would start reading the index at the weaker one.
        and (name_key, org_id) > (greatest(%(name_key)s, b.beginning), %(org_id)s)
        and name_key < b.beginning || %(end_of_names)s
        and strpos(name_key, lower(%(search)s)) > 0
        order by name_key, org_id limit %(limit)s
    ) m
    where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
"""
_FIRST_PAGE = _PERSON + _INVITATIONS + _BY_NAME
_LATER_PAGE = _PERSON + _BY_NAME
_SEARCH_PAGE = _PERSON + _BY_SEARCH


class ListedOrganization(NamedTuple):  # a page has 26; a dataclass takes three times as long
    """An organization of the person."""

    id: str
    slug: str
    name: str
    name_key: str  # the list is sorted by it
    role: str  # owner, admin or member
    suspended: bool
    last_selected_at: datetime | None  # None in the list by name


class ListedInvitation(NamedTuple):
    """An open invitation to the person's verified address."""

    id: str
    inviter: str | None  # None: an administrator of the service, or without a name
    org_name: str
    role: str


@dataclass(frozen=True, slots=True)
class OrganizationList:
    """One page of a person's organizations, and the person."""

    email: str | None
    name: str | None
    default_name: str | None  # of the organization with which the person always continues
    already_chosen: bool  # in this login
    recent: tuple[ListedOrganization, ...]  # the last use first, at most RECENT; first page only
    by_name: tuple[ListedOrganization, ...]  # at most PAGE_SIZE
    more: bool  # the list by name goes on
    invitations: tuple[ListedInvitation, ...]  # first page only, at most INVITATIONS
    may_create: bool  # with an address that is not verified, one organization only


class PickerRows:
    """
    What the picker reads.

    Every method returns `None` for an unknown or blocked user, and raises
    `service.pool.Unavailable` if Postgres does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def load_page(
        self,
        auth0_user_id: str,
        *,
        nonce: str,
        after: tuple[str, UUID],
        invitation_id: UUID | None = None,
        bound_to: UUID | None = None,
    ) -> OrganizationList | None:
        """
        Load the page of the user's organizations that begins after (name_key, id).

        Args:
            invitation_id: this invitation comes first.
            bound_to: invitations to this organization only.
        """
        statement = _LATER_PAGE if after[0] else _FIRST_PAGE
        values = {
            "auth0_user_id": auth0_user_id,
            "nonce": nonce,
            "invitation_id": invitation_id,
            "bound_to": bound_to,
            "invitations": INVITATIONS,
            "name_key": after[0],
            "org_id": after[1],
            "recent": 0 if after[0] else RECENT,  # shown on the first page only
            "limit": PAGE_SIZE + 1,
        }
        return _read_list(self._database.fetch(statement, values))

    def search_page(
        self, auth0_user_id: str, *, nonce: str, after: tuple[str, UUID], search: str
    ) -> OrganizationList | None:
        """
        Load one page of the user's organizations whose name contains *search*.

        For a user with more than SUBSTRING_UP_TO organizations: whose name begins with it.
        """
        values = {
            "auth0_user_id": auth0_user_id,
            "nonce": nonce,
            "name_key": after[0],
            "org_id": after[1],
            "search": search,
            "substring_up_to": SUBSTRING_UP_TO,
            "end_of_names": END_OF_NAMES,
            "limit": PAGE_SIZE + 1,
        }
        return _read_list(self._database.fetch(_SEARCH_PAGE, values))


def _read_list(rows: list[tuple[Any, ...]]) -> OrganizationList | None:
    if not rows:
        return None
    _, email, name, default_name, _, may_not_create, already_chosen, _ = rows[0]
    by_name = [ListedOrganization._make(row[1:]) for row in rows if row[0] is False]
    return OrganizationList(
        email=email,
        name=name,
        default_name=default_name,
        already_chosen=already_chosen,
        recent=tuple(ListedOrganization._make(row[1:]) for row in rows if row[0]),
        by_name=tuple(by_name[:PAGE_SIZE]),
        more=len(by_name) > PAGE_SIZE,
        invitations=tuple(
            ListedInvitation(row[1], row[2], row[3], row[5]) for row in rows[1:] if row[0] is None
        ),
        may_create=may_not_create is None,
    )
