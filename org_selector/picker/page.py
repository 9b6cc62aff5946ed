"""
What the picker shows, decided before any HTML is made; pure.

A person with few organizations sees one list that begins with the last used one. A person with many
sees a search field, the recently used ones, and all by name in several pages. Texts that depend on
the data are made here, in the language of the page; the template only prints them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from org_selector.picker.address import PageAddress
from org_selector.picker.rows import (
    ListedInvitation,
    ListedOrganization,
    OrganizationList,
)
from org_selector.picker.texts import MAX_DAYS, PageTexts

SEARCH_FROM = 8  # organizations; a shorter list needs no search
HUES = 8  # colours behind the initials, in style.css
NOTICES = (  # the template has the texts
    "hint_unknown",
    "organization_suspended",
    "not_selectable",
    "not_creatable",
    "invitation_closed",
    "invitation_unverified",
    "invitation_elsewhere",
)

Outcome = Literal["no search", "nothing", "one page", "several pages"]
_Listed = tuple[ListedOrganization, ...]


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


class InvitationRow(NamedTuple):
    """One invitation, as the page prints it."""

    invitation_id: str
    name: str  # of the organization
    role: str
    inviter: str  # "" if no person is known
    initials: str
    focus: bool


@dataclass(frozen=True, slots=True)
class NewOrganization:
    """The form for a new organization."""

    name: str  # what the person has typed
    fault: bool  # it cannot be that
    lookalike: str | None  # another organization of the person with a similar name

    @property
    def mistake(self) -> bool:
        """Whether the form comes back with a notice."""
        return self.fault or self.lookalike is not None


Heading = Literal["choose", "invited", "create", "nothing"]


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template prints, except the login and the person."""

    heading: Heading
    notice: str  # one of NOTICES, or ""
    invited_address: str | None  # masked; of an invitation to another address
    invitations: tuple[InvitationRow, ...]
    new_organization: NewOrganization | None  # None: the person may create none
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
    invited_address: str | None,
    new_organization: NewOrganization | None,
) -> Page:
    """
    Arrange *organizations*, which were loaded for *address*.

    Args:
        notice: the code that says why the page is shown; an unknown one is ignored.
        today: the date in UTC, as the times of the last use are in UTC.
        invited_address: the masked address of an invitation that is for another one.
        new_organization: the form for it, if the person may create one.
    """
    whole_list = address.first and not address.search
    many = not whole_list or len(organizations.by_name) >= SEARCH_FROM
    recent, by_name = (
        _divide(organizations, many=many) if whole_list else ((), organizations.by_name)
    )
    # The focus is where the person goes on: at a form with a mistake, else at the first row.
    mistake = new_organization is not None and new_organization.mistake
    last_usable = next((one for one in recent if not one.suspended and not mistake), None)
    sections = (
        PageSection("recent", _make_rows(recent, texts, today, last_usable)),
        PageSection("all", _make_rows(by_name, texts, today)),
    )
    invitations = _make_invitations(
        organizations.invitations, texts, focus=not last_usable and not mistake
    )
    return Page(
        heading=_find_heading(
            choose=bool(recent or by_name) or not whole_list,
            invited=bool(invitations),
            create=new_organization is not None,
        ),
        notice=notice if notice in NOTICES else "",
        invited_address=invited_address,
        invitations=invitations,
        new_organization=new_organization,
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


def _find_heading(*, choose: bool, invited: bool, create: bool) -> Heading:
    """Return the first thing that the person can do."""
    if choose:
        return "choose"
    if invited:
        return "invited"
    return "create" if create else "nothing"


def _make_invitations(
    invitations: Sequence[ListedInvitation], texts: PageTexts, *, focus: bool
) -> tuple[InvitationRow, ...]:
    return tuple(
        InvitationRow(
            one.id,
            one.org_name,
            texts.roles[one.role],
            one.inviter or "",
            make_initials(one.org_name),
            focus=focus and number == 0,
        )
        for number, one in enumerate(invitations)
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
