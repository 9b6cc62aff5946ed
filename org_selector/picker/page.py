"""
What the picker's page shows, decided before any HTML is made; pure.

A person with few organizations sees one list, the last used one first. A person with many sees a
search, a list of recently used ones and a list by name in pages. The template only prints.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, Self
from urllib.parse import urlencode
from uuid import UUID

from org_selector.picker.rows import ListedOrganization, OrganizationList

MAX_SEARCH = 100  # characters
SEARCH_FROM = 8  # organizations; fewer are seen at a glance
MAX_DAYS = 60  # an older use is shown by its date
HUES = 8  # colours behind the initials, in style.css
NOTICES = ("hint_unknown", "organization_suspended", "not_selectable")  # the template has the texts

Outcome = Literal["no search", "nothing", "one page", "several pages"]
_Listed = tuple[ListedOrganization, ...]


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Which part of the organizations the page's query asks for."""

    search: str = ""
    after: tuple[str, UUID] = ("", UUID(int=0))  # (name_key, id) of the page before

    @classmethod
    def read(cls, unverified_search: str, unverified_after: Sequence[str]) -> Self:
        """Read the query; a beginning that makes no sense is the first page."""
        search = unverified_search.strip()[:MAX_SEARCH].replace("\0", "")
        try:
            (after,) = unverified_after
            org_id, _, name_key = after.partition(" ")
            return cls(search, (name_key.replace("\0", ""), UUID(org_id)))
        except ValueError:
            return cls(search)

    @property
    def first(self) -> bool:
        """Return whether this is the first page."""
        return self.after == ("", UUID(int=0))

    def link(self, after: ListedOrganization | None = None) -> str:
        """Return the link to the first page of the same search, or to the one after *after*."""
        query = {"search": self.search} if self.search else {}
        if after is not None:
            query["after"] = f"{after.id} {after.name_key}"
        return "?" + urlencode(query)


class PageRow(NamedTuple):  # like ListedOrganization, for the same reason
    """One organization, as the page prints it."""

    organization: ListedOrganization
    initials: str
    hue: int  # of the initials; always the same for one organization
    focus: bool  # where Enter continues
    last_used: date | None
    days_ago: int | None  # shown instead of the date, if there are not too many


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template prints, beside the login and the person."""

    notice: str  # one of NOTICES, or ""
    search: str
    search_shown: bool  # if so, the lists have headings, too
    outcome: Outcome
    count: int  # of the organizations of this page
    all_suspended: bool  # the person has organizations, and none can be used
    recent: tuple[PageRow, ...]
    by_name: tuple[PageRow, ...]
    may_choose: bool  # one of the rows is not suspended
    has_default: bool
    first_page: str  # a link, or "" where this is the first page
    next_page: str  # a link, or "" where this is the last page


def build_page(
    organizations: OrganizationList, address: PageAddress, *, notice: str, today: date
) -> Page:
    """
    Lay out *organizations*, which were loaded for *address*.

    Args:
        notice: why the page is shown; a notice without a text is left out.
        today: the date in UTC, like the times of the last use.
    """
    whole_list = address.first and not address.search
    many = not whole_list or len(organizations.by_name) >= SEARCH_FROM
    recent, by_name = (
        _divide(organizations, many=many) if whole_list else ((), organizations.by_name)
    )
    last_usable = next((one for one in recent if not one.suspended), None)
    return Page(
        notice=notice if notice in NOTICES else "",
        search=address.search,
        search_shown=many,
        outcome=_find_outcome(organizations, address),
        count=len(organizations.by_name),
        all_suspended=whole_list and _are_all_suspended(organizations),
        recent=tuple(_make_row(one, today, focus=one is last_usable) for one in recent),
        by_name=tuple(_make_row(one, today) for one in by_name),
        may_choose=any(not one.suspended for one in recent + by_name),
        has_default=organizations.default_org_id is not None,
        first_page="" if address.first else address.link(),
        next_page=address.link(after=organizations.by_name[-1]) if organizations.more else "",
    )


def make_initials(name: str) -> str:
    """Return one or two characters that stand for *name*, in any script."""
    words = [word for word in name.split() if word[0].isalnum()]
    if not words:
        return "•"
    return "".join(word[0] for word in words[:2]).upper()


def _divide(organizations: OrganizationList, many: bool) -> tuple[_Listed, _Listed]:
    """Return the organizations of both sections; a short list has one, with the last used first."""
    if many:
        return organizations.recent, organizations.by_name
    front = tuple(one for one in organizations.recent if not one.suspended)[:1]
    at_front = {one.id for one in front}
    return front, tuple(one for one in organizations.by_name if one.id not in at_front)


def _make_row(organization: ListedOrganization, today: date, *, focus: bool = False) -> PageRow:
    initials = make_initials(organization.name)
    hue = int(organization.id[:8], base=16) % HUES
    if organization.last_selected_at is None:
        return PageRow(organization, initials, hue, focus, last_used=None, days_ago=None)
    last_used = organization.last_selected_at.date()
    days = max(0, (today - last_used).days)  # Postgres' clock may be ahead of ours
    days_ago = days if days < MAX_DAYS else None
    return PageRow(organization, initials, hue, focus, last_used, days_ago)


def _find_outcome(organizations: OrganizationList, address: PageAddress) -> Outcome:
    if not address.search:
        return "no search"
    if not organizations.by_name:
        return "nothing"
    return "one page" if address.first and not organizations.more else "several pages"


def _are_all_suspended(organizations: OrganizationList) -> bool:
    if not organizations.by_name or organizations.more:
        return False
    return all(one.suspended for one in organizations.by_name + organizations.recent)
