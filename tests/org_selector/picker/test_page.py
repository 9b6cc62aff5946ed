"""What the picker's page shows, without a browser, an app or a database."""

import gettext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from org_selector.picker.address import PageAddress
from org_selector.picker.page import NewOrganization, Page, PageRow, build_page, make_initials
from org_selector.picker.rows import (
    PAGE_SIZE,
    ListedInvitation,
    ListedOrganization,
    OrganizationList,
)
from org_selector.picker.texts import PageTexts

ENGLISH = PageTexts.translate(gettext.NullTranslations())
NOW = datetime(2030, 3, 1, 0, 30, tzinfo=UTC)
SECOND_PAGE = PageAddress(after=("name 20", UUID(int=20)))


def _organization(number: int, *, suspended: bool = False) -> ListedOrganization:
    return ListedOrganization(
        id=str(UUID(int=(number << 96) + number)),
        slug=f"slug-{number}",
        name=f"Name {number}",
        name_key=f"name {number}",
        role="member",
        suspended=suspended,
        last_selected_at=None,
    )


def _used(organization: ListedOrganization, *, days: int = 0) -> ListedOrganization:
    return organization._replace(last_selected_at=NOW - timedelta(days=days))


FEW = tuple(_organization(number) for number in range(1, 8))  # seven: a short list
MANY = tuple(_organization(number) for number in range(1, 9))
LIST = OrganizationList(
    email="joe@example.com",
    name="Joe",
    default_name=None,
    already_chosen=False,
    recent=(),
    by_name=FEW,
    more=False,
    invitations=(),
    may_create=True,
)
INVITATIONS = (
    ListedInvitation("i1", "Joe Doe", "Solo Works", "admin"),
    ListedInvitation("i2", None, "Acme", "member"),
)
FORM = NewOrganization("", fault=False, lookalike=None)


def _build(
    address: PageAddress = PageAddress(),  # noqa: B008 - frozen
    *,
    notice: str = "",
    form: NewOrganization | None = None,
    **changes: Any,
) -> Page:
    lists = replace(LIST, **changes)
    return build_page(
        lists,
        address,
        ENGLISH,
        notice=notice,
        today=NOW.date(),
        invited_address="n@e",
        new_organization=form,
    )


def _rows(page: Page, name: str) -> tuple[PageRow, ...]:
    found = [section.rows for section in page.sections if section.name == name]
    return found[0] if found else ()


def _recent(page: Page) -> list[str]:
    return [row.slug for row in _rows(page, "recent")]


def _by_name(page: Page) -> list[str]:
    return [row.slug for row in _rows(page, "all")]


def test_a_person_with_seven_organizations_sees_one_list_and_no_search() -> None:
    """With eight, the page has a search."""
    few, many = _build(), _build(by_name=MANY)

    assert not few.search_shown
    assert many.search_shown
    assert _by_name(few) == [one.slug for one in FEW]
    assert _by_name(many) == [one.slug for one in MANY]


def test_in_a_short_list_the_last_used_organization_moves_to_the_front() -> None:
    """It is shown once, and the others keep their order."""
    page = _build(recent=(_used(FEW[4]), _used(FEW[1], days=2)))

    assert _recent(page) == ["slug-5"]
    assert _by_name(page) == ["slug-1", "slug-2", "slug-3", "slug-4", "slug-6", "slug-7"]


def test_in_a_short_list_a_suspended_organization_does_not_move_to_the_front() -> None:
    """The last used one that is not suspended does."""
    suspended = FEW[4]._replace(suspended=True)
    by_name = (*FEW[:4], suspended, *FEW[5:])
    page = _build(by_name=by_name, recent=(_used(suspended), _used(FEW[1], days=2)))
    none_usable = _build(by_name=by_name, recent=(_used(suspended),))

    assert _recent(page) == ["slug-2"]
    assert "slug-5" in _by_name(page)
    assert _recent(none_usable) == []
    assert len(_by_name(none_usable)) == len(FEW)


def test_in_a_long_list_recently_used_organizations_are_also_shown_above_it() -> None:
    """The list by name stays complete; a suspended one is shown as suspended."""
    suspended = MANY[4]._replace(suspended=True)
    page = _build(by_name=MANY, recent=(_used(suspended), _used(MANY[1], days=2)))

    assert _recent(page) == ["slug-5", "slug-2"]
    assert [row.suspended for row in _rows(page, "recent")] == [True, False]
    assert len(_by_name(page)) == len(MANY)


def test_enter_continues_with_the_last_used_organization_that_can_be_used() -> None:
    """At most one row has the focus."""
    suspended = MANY[4]._replace(suspended=True)
    recent = (_used(suspended), _used(MANY[1], days=2), _used(MANY[2], days=3))
    page = _build(by_name=MANY, recent=recent)
    fresh = _build(by_name=MANY)

    rows = (*_rows(page, "recent"), *_rows(page, "all"))
    assert [(row.slug, row.focus) for row in rows if row.focus] == [("slug-2", True)]
    assert not any(row.focus for row in _rows(fresh, "all"))


@pytest.mark.parametrize(
    "address", [PageAddress("name"), SECOND_PAGE, replace(SECOND_PAGE, search="n")]
)
def test_a_search_and_a_later_page_show_no_recently_used_ones(address: PageAddress) -> None:
    """They always show the search field."""
    recent = (_used(FEW[1]),)
    page = _build(address, by_name=FEW[:2], recent=recent)

    assert _recent(_build(recent=recent)) == ["slug-2"]
    assert _recent(page) == []
    assert _by_name(page) == ["slug-1", "slug-2"]
    assert page.search_shown
    assert page.search == address.search


@pytest.mark.parametrize(
    ("address", "found", "more", "outcome", "text"),
    [
        (PageAddress(), 3, False, "no search", "3 organizations found"),
        (PageAddress(), 0, False, "no search", "0 organizations found"),
        (SECOND_PAGE, 3, False, "no search", "3 organizations found"),
        (PageAddress("name"), 0, False, "nothing", "0 organizations found"),
        (PageAddress("name"), 1, False, "one page", "1 organization found"),
        (PageAddress("name"), 3, False, "one page", "3 organizations found"),
        (PageAddress("name"), 20, False, "one page", "20 organizations found"),
        (PageAddress("name"), 3, True, "several pages", "3 organizations found"),
        (replace(SECOND_PAGE, search="name"), 3, False, "several pages", "3 organizations found"),
        (replace(SECOND_PAGE, search="name"), 0, False, "nothing", "0 organizations found"),
    ],
)
def test_a_search_says_how_many_organizations_it_found(
    address: PageAddress, found: int, more: bool, outcome: str, text: str
) -> None:
    """It gives the number only if the page shows them all."""
    page = _build(address, by_name=tuple(map(_organization, range(found))), more=more)

    assert (page.outcome, page.found) == (outcome, text)
    assert len(ENGLISH.found) == PAGE_SIZE + 1


@pytest.mark.parametrize(
    ("address", "names"),
    [(PageAddress(), ["recent", "all"]), (PageAddress("name"), ["all"]), (SECOND_PAGE, ["all"])],
)
def test_a_list_without_an_organization_is_left_out(address: PageAddress, names: list[str]) -> None:
    """And its heading with it."""
    page = _build(address, by_name=MANY, recent=(_used(MANY[0]),))

    assert [section.name for section in page.sections] == names
    assert _build(by_name=()).sections == ()


def test_a_person_whose_organizations_are_all_suspended_is_told() -> None:
    """There is nothing to choose, so the page has no box to remember a choice."""
    suspended = tuple(one._replace(suspended=True) for one in FEW)
    page = _build(by_name=suspended)

    assert (page.all_suspended, page.may_choose) == (True, False)
    assert (_build().all_suspended, _build().may_choose) == (False, True)


def test_a_person_with_one_usable_organization_is_not_told_that_all_are_suspended() -> None:
    """Wherever it is listed."""
    suspended = tuple(one._replace(suspended=True) for one in MANY)
    by_name = _build(by_name=(*suspended[:-1], MANY[-1]))
    recent = _build(by_name=suspended, recent=(_used(_organization(99)),))

    for page in (by_name, recent):
        assert (page.all_suspended, page.may_choose) == (False, True)


@pytest.mark.parametrize(
    ("address", "changes"),
    [(PageAddress("name"), {}), (SECOND_PAGE, {}), (PageAddress(), {"more": True})],
    ids=["a search", "a later page", "not the last page"],
)
def test_a_page_with_a_part_of_the_organizations_never_says_all_are_suspended(
    address: PageAddress, changes: dict[str, Any]
) -> None:
    """Without an organization to choose, it has no box to remember a choice either."""
    suspended = tuple(one._replace(suspended=True) for one in MANY)
    assert _build(by_name=suspended).all_suspended
    page = _build(address, by_name=suspended, **changes)

    assert (page.all_suspended, page.may_choose) == (False, False)


def test_a_person_without_an_organization_is_not_told_that_all_are_suspended() -> None:
    assert not _build(by_name=()).all_suspended


def test_a_default_ticks_the_box() -> None:
    """Without a default the box is empty."""
    assert _build(default_name=FEW[0].name).default_name == FEW[0].name
    assert _build().default_name == ""


@pytest.mark.parametrize(
    ("notice", "shown"),
    [
        ("hint_unknown", "hint_unknown"),
        ("organization_suspended", "organization_suspended"),
        ("not_selectable", "not_selectable"),
        ("", ""),
        ("made_up", ""),
        ("bound_suspended", ""),
    ],
)
def test_only_notices_with_a_text_are_shown(notice: str, shown: str) -> None:
    """The session token may hold a notice of a later version."""
    assert _build(notice=notice).notice == shown


@pytest.mark.parametrize(
    ("days", "last_used"),
    [
        (-1, "Last used today"),
        (0, "Last used today"),
        (1, "Last used 1 day ago"),
        (2, "Last used 2 days ago"),
        (59, "Last used 59 days ago"),
        (60, "Last used 2029-12-31"),
        (400, "Last used 2029-01-25"),
    ],
)
def test_a_last_use_is_shown_in_days_and_after_two_months_as_a_date(
    days: int, last_used: str
) -> None:
    """If the clock of Postgres is ahead of ours, the page says today."""
    (row,) = _rows(_build(recent=(_used(FEW[0], days=days),)), "recent")

    assert row.last_used == last_used


def test_a_use_before_midnight_was_yesterday() -> None:
    """Even if it was an hour ago: days are counted, not hours."""
    used = FEW[0]._replace(last_selected_at=NOW - timedelta(hours=1))
    (row,) = _rows(_build(recent=(used,)), "recent")

    assert row.last_used == "Last used 1 day ago"


def test_an_organization_that_was_never_used_shows_no_last_use() -> None:
    assert _rows(_build(), "all")[0].last_used == ""


def test_a_row_shows_the_organization_as_the_database_has_it() -> None:
    listed = FEW[2]._replace(role="owner", suspended=True)
    (row,) = _rows(_build(by_name=(listed,)), "all")

    assert (row.org_id, row.slug, row.name) == (listed.id, listed.slug, listed.name)
    assert (row.role, row.suspended, row.initials) == ("Owner", True, "N3")


@pytest.mark.parametrize(
    ("role", "text"), [("owner", "Owner"), ("admin", "Admin"), ("member", "Member")]
)
def test_a_row_names_the_membership_role(role: str, text: str) -> None:
    """In words, not as the database spells it."""
    (row,) = _rows(_build(by_name=(FEW[0]._replace(role=role),)), "all")

    assert row.role == text


def test_an_organization_always_has_the_same_one_of_eight_colours() -> None:
    """By its id, so that a rename does not change it."""
    rows = _rows(_build(by_name=tuple(map(_organization, range(20)))), "all")

    assert [row.hue for row in rows] == [str(number % 8) for number in range(20)]


def test_the_only_page_of_a_list_has_no_links_to_others() -> None:
    assert (_build().first_page, _build().next_page) == ("", "")


def test_each_page_links_to_the_next_and_to_the_first() -> None:
    """The next page begins after the last organization of this one, in the same search."""
    first = _build(more=True)
    later = _build(replace(SECOND_PAGE, search="a&b c"), more=True)
    last = _build(SECOND_PAGE)

    assert first.first_page == ""
    assert first.next_page == f"?after={FEW[-1].id}+name+7"
    assert later.first_page == "?search=a%26b+c"
    assert later.next_page == f"?search=a%26b+c&after={FEW[-1].id}+name+7"
    assert (last.first_page, last.next_page) == ("?", "")


def test_the_address_of_the_next_page_is_read_as_it_was_written() -> None:
    """Even if a name has spaces."""
    organization = _organization(5)._replace(name_key="name of  five ")
    after = f"{organization.id} {organization.name_key}"

    assert PageAddress.read(" five\0 ", [after]) == PageAddress(
        "five", ("name of  five ", UUID(organization.id))
    )


def test_a_null_character_in_a_pages_address_is_left_out() -> None:
    """Postgres does not take one in a text; the rest is read as it is."""
    org_id = UUID(int=1)

    assert PageAddress.read("", [f"{org_id} a b\0c"]).after == ("a bc", org_id)
    assert PageAddress.read("", [f"{org_id} a bc"]).after == ("a bc", org_id)


@pytest.mark.parametrize("after", [[], [""], ["x"], ["x y"], [f"{UUID(int=1)} a"] * 2])
def test_a_malformed_address_shows_the_first_page(after: list[str]) -> None:
    """Of the same search."""
    assert PageAddress.read("five", [f"{UUID(int=1)} a"]).first is False
    assert PageAddress.read("five", after) == PageAddress("five")
    assert PageAddress.read("five", after).first


def test_a_search_is_cut_at_a_hundred_characters() -> None:
    assert PageAddress.read("x" * 101, []).search == "x" * 100


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("ABC Inc", "AI"),
        ("abc", "A"),
        ("one two three", "OT"),
        ("- one (two) three", "OT"),
        ("one) (two) three", "OT"),
        ("🧭 compass", "C"),
        ("שלום עולם", "שע"),
        ("123 go", "1G"),
        ("", "•"),
        (" - ", "•"),
    ],
)
def test_initials_are_taken_from_a_name_in_any_script(name: str, initials: str) -> None:
    """A dot stands for a name without a letter or a number."""
    assert make_initials(name) == initials


@pytest.mark.parametrize(
    ("changes", "heading"),
    [
        ({}, "choose"),
        ({"recent": (_used(FEW[0]),), "by_name": (FEW[0],)}, "choose"),
        ({"invitations": INVITATIONS, "form": FORM}, "choose"),
        ({"by_name": (), "invitations": INVITATIONS, "form": FORM}, "invited"),
        ({"by_name": (), "invitations": INVITATIONS}, "invited"),
        ({"by_name": (), "form": FORM}, "create"),
        ({"by_name": ()}, "nothing"),
        ({"by_name": (), "address": PageAddress("zebra")}, "choose"),
        ({"by_name": (), "address": SECOND_PAGE}, "choose"),
    ],
)
def test_the_heading_says_what_the_person_can_do(changes: dict[str, Any], heading: str) -> None:
    """Organizations first, then invitations, then a new one."""
    page = _build(**changes)

    assert page.heading == heading
    assert page.new_organization is changes.get("form")
    assert page.invited_address == "n@e"


def test_an_invitation_shows_organization_role_and_inviter() -> None:
    """Where no person invited, none is named. Enter accepts the first one."""
    first, second = _build(by_name=(), invitations=INVITATIONS).invitations

    assert first == ("i1", "Solo Works", "Admin", "Joe Doe", "SW", True)
    assert second == ("i2", "Acme", "Member", "", "A", False)


@pytest.mark.parametrize(
    ("form", "focused"),
    [
        (FORM, True),
        (replace(FORM, name="A"), True),
        (replace(FORM, fault=True), False),
        (replace(FORM, lookalike="ABC"), False),
    ],
)
def test_the_focus_is_at_the_form_where_it_has_a_mistake(
    form: NewOrganization, focused: bool
) -> None:
    """Else at the last used organization, or at the first invitation."""
    used = _build(recent=(_used(FEW[0]),), invitations=INVITATIONS, form=form)
    unused = _build(invitations=INVITATIONS, form=form)

    assert [row.focus for row in _rows(used, "recent")] == [focused]
    assert [row.focus for row in used.invitations] == [False, False]
    assert [row.focus for row in unused.invitations] == [focused, False]


@pytest.mark.parametrize(
    "notice",
    ["not_creatable", "invitation_closed", "invitation_unverified", "invitation_elsewhere"],
)
def test_what_is_wrong_with_an_invitation_is_a_notice(notice: str) -> None:
    assert _build(notice=notice).notice == notice
    assert _build(notice="invitation_unknown").notice == ""
