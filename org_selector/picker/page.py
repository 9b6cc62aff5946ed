"""
What the picker shows, decided before any HTML is made; pure.

A person with few organizations sees one list that begins with the last used one. A person with many
sees a search field, the recently used ones, and all by name in several pages. Texts that depend on
the data are made here, in the language of the page; the template only prints them.
"""

import gettext
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, Self
from urllib.parse import urlencode
from uuid import UUID

from org_selector.picker.rows import PAGE_SIZE, ListedOrganization, OrganizationList

MAX_SEARCH = 100  # characters
SEARCH_FROM = 8  # organizations; a shorter list needs no search
MAX_DAYS = 60  # a use longer ago is shown as a date
HUES = 8  # colours behind the initials, in style.css
NOTICES = ("hint_unknown", "organization_suspended", "not_selectable")  # the template has the texts

Outcome = Literal["no search", "nothing", "one page", "several pages"]
_Listed = tuple[ListedOrganization, ...]


@dataclass(frozen=True, slots=True)
class PageTexts:
    """The texts of one language for `build_page`; made once, not for each page."""

    roles: Mapping[str, str]
    last_used: str  # stands before a date
    days_ago: tuple[str, ...]  # "Last used 2 days ago" has index 2
    found: tuple[str, ...]  # "3 organizations found" has index 3

    @classmethod
    def translate(cls, catalog: gettext.NullTranslations) -> Self:
        """Look up every text in *catalog*."""
        _, ngettext = catalog.gettext, catalog.ngettext
        days_ago = [_("today")]
        for n in range(1, MAX_DAYS):
            days_ago.append(ngettext("%(count)s day ago", "%(count)s days ago", n) % {"count": n})
        found = []
        for n in range(PAGE_SIZE + 1):
            text = ngettext("%(count)s organization found", "%(count)s organizations found", n)
            found.append(text % {"count": n})
        return cls(
            roles={"owner": _("Owner"), "admin": _("Admin"), "member": _("Member")},
            last_used=_("Last used"),
            days_ago=tuple(f"{_('Last used')} {days}" for days in days_ago),
            found=tuple(found),
        )


@dataclass(frozen=True, slots=True)
class PageAddress:
    """The part of the organizations that the query of the page's URL asks for."""

    search: str = ""
    after: tuple[str, UUID] = ("", UUID(int=0))  # (name_key, id) of the page before

    @classmethod
    def read(cls, unverified_search: str, unverified_after: Sequence[str]) -> Self:
        """Read the query; an `after` that cannot be read means the first page."""
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


class PageRow(NamedTuple):  # faster to make than a dataclass, and a page has 26
    """One organization, as the page prints it."""

    org_id: str
    slug: str
    name: str
    role: str
    suspended: bool
    initials: str
    hue: str  # of the initials; always the same for one organization
    last_used: str  # "" if it was never used
    focus: bool  # where Enter continues


class PageSection(NamedTuple):
    """A list of organizations; the template has its heading."""

    name: Literal["recent", "all"]
    rows: tuple[PageRow, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template prints, except the login and the person."""

    notice: str  # one of NOTICES, or ""
    search: str
    search_shown: bool  # the search field, and with it the headings of the lists
    outcome: Outcome
    found: str  # how many organizations this page has
    all_suspended: bool  # the person has organizations, but none of them is usable
    sections: tuple[PageSection, ...]  # each has at least one row
    may_choose: bool  # at least one row is not suspended
    default_name: str  # of the organization with which the person always continues, or ""
    first_page: str  # a link, or "" where this is the first page
    next_page: str  # a link, or "" where this is the last page


def build_page(
    organizations: OrganizationList,
    address: PageAddress,
    texts: PageTexts,
    *,
    notice: str,
    today: date,
) -> Page:
    """
    Arrange *organizations*, which were loaded for *address*.

    Args:
        notice: the code that says why the page is shown; an unknown one is ignored.
        today: the date in UTC, as the times of the last use are in UTC.
    """
    whole_list = address.first and not address.search
    many = not whole_list or len(organizations.by_name) >= SEARCH_FROM
    recent, by_name = (
        _divide(organizations, many=many) if whole_list else ((), organizations.by_name)
    )
    last_usable = next((one for one in recent if not one.suspended), None)
    sections = (
        PageSection("recent", _make_rows(recent, texts, today, last_usable)),
        PageSection("all", _make_rows(by_name, texts, today)),
    )
    return Page(
        notice=notice if notice in NOTICES else "",
        search=address.search,
        search_shown=many,
        outcome=_find_outcome(organizations, address),
        found=texts.found[len(organizations.by_name)],
        all_suspended=whole_list and _are_all_suspended(organizations),
        sections=tuple(section for section in sections if section.rows),
        may_choose=any(not one.suspended for one in recent + by_name),
        default_name=organizations.default_name or "",
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
    """Return the recently used ones and those by name; a short list shows each only once."""
    if many:
        return organizations.recent, organizations.by_name
    front = tuple(one for one in organizations.recent if not one.suspended)[:1]
    at_front = {one.id for one in front}
    return front, tuple(one for one in organizations.by_name if one.id not in at_front)


def _make_rows(
    organizations: _Listed,
    texts: PageTexts,
    today: date,
    focus: ListedOrganization | None = None,
) -> tuple[PageRow, ...]:
    return tuple(
        PageRow(
            one.id,
            one.slug,
            one.name,
            texts.roles[one.role],
            one.suspended,
            make_initials(one.name),
            str(int(one.id[:8], base=16) % HUES),
            _describe_last_use(one, texts, today),
            focus=one is focus,
        )
        for one in organizations
    )


def _describe_last_use(organization: ListedOrganization, texts: PageTexts, today: date) -> str:
    if organization.last_selected_at is None:
        return ""
    day = organization.last_selected_at.date()
    days = max(0, (today - day).days)  # the clock of Postgres may be ahead of ours
    return texts.days_ago[days] if days < MAX_DAYS else f"{texts.last_used} {day}"


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
