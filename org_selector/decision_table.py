"""
The table of decisions: may this user act, and for which organization?

Three kinds of login, one a column: *page* has a browser that can show the picker; *silent* is
`prompt=none`; *refresh* is the exchange of a refresh token and every other login without a
browser. "One" is an organization; `=` repeats the column to the left. The first row that fits
wins. Each number is one function of this file.

   situation                   page                    silent                 refresh
 - no answer of the selector   temporarily_unavailable =                      =
   within 3 s (see the Action)
 1 user blocked                not_a_member            =                      =
 2 back from the picker with   that organization, or   selection_failed       =
   a choice                    selection_failed
 3 bound or hint, to one of a  choose, shown as        organization_suspended =
   member that is suspended    suspended
 4 bound, to one of a member   that organization       =                      =
   bound, to anything else     not_a_member            =                      =
 5 the app asks for the picker choose                  =                      organization_required
   or brings an invitation
 6 hint, to one of a member    that organization       =                      =
   hint, to anything else      choose, with a notice   not_a_member           =
 7 remembered by the refresh
   token: one of a member      -                       -                      that organization
   the same, but suspended     -                       -                      organization_suspended
   anything else               -                       -                      not_a_member
 8 exactly one usable          it; choose, if an       it                     =
                               invitation waits
 9 a default                   it                      - (rows 10 and 11)     =
10 several usable              choose                  =                      organization_required
11 none usable                 choose                  =                      no_organization

*Bound* is what the application's metadata orders, *hint* what the application wishes; "anything
else" is a text that names no organization, one that does not exist, or one of others. *Usable* is
an organization of a member that is not suspended; a default counts only while it is usable.
*Choose* sends the browser to the picker, which Auth0 turns into `interaction_required` in a silent
login. Words with an underscore are the codes that the application is told.
Row 2: the picker sends the browser back to the Action, which asks again with the choice. This
file says whether the choice may be tried (a page, and no application bound elsewhere);
`DecisionRows.apply_selection` looks the membership up again and applies it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from org_selector.standing import Organization, Standing

if TYPE_CHECKING:  # only for types: the table needs no library
    from org_selector.question import AskedChoice, Question

Reason = Literal[
    "organization_required",
    "not_a_member",
    "no_organization",
    "organization_suspended",
    "selection_failed",
]
Notice = Literal["", "hint_unknown", "organization_suspended", "bound_suspended"]


@dataclass(frozen=True, slots=True)
class Granted:
    """The token shall name this organization."""

    organization: Organization


@dataclass(frozen=True, slots=True)
class Choose:
    """A page must ask; `notice` is what it says first."""

    notice: Notice = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """No token; `reason` is the fixed code the application sees."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Apply:
    """Grant what was chosen on the picker's page if it can be applied, else `selection_failed`."""

    choice: AskedChoice


Decision = Granted | Choose | Refused


def decide(question: Question, standing: Standing) -> Decision | Apply:
    """
    Return what the first fitting row says; see the table above.

    Args:
        question: what the Action asked, whose body was verified.
        standing: what the database said just now about the user and about `question.asked`.
    """
    return (
        _blocked(standing)
        or _back_from_the_picker(question)
        or _asked_but_suspended(question, standing)
        or _bound(question, standing)
        or _page_wanted(question)
        or _hint(question, standing)
        or _remembered(question, standing)
        or _only_one(question, standing)
        or _default(question, standing)
        or _several(question, standing)
        or _none(question)
    )


def _blocked(standing: Standing) -> Decision | None:  # 1
    return Refused("not_a_member") if standing.blocked else None


def _back_from_the_picker(question: Question) -> Refused | Apply | None:  # 2
    choice = question.choice
    if choice is None:
        return None
    # A page alone leads to the picker, and no choice leads out of a bound application.
    if question.interaction != "page" or question.bound not in (None, choice.org_id):
        return Refused("selection_failed")
    return Apply(choice)


def _asked_but_suspended(question: Question, standing: Standing) -> Decision | None:  # 3
    asked = question.asked
    if asked is None or asked.kind == "remembered":
        return None
    if standing.asked is None or not standing.asked.suspended:
        return None
    if question.interaction != "page":
        return Refused("organization_suspended")
    # Where the application is bound, the page has no other organization to offer.
    return Choose("bound_suspended" if asked.kind == "bound" else "organization_suspended")


def _bound(question: Question, standing: Standing) -> Decision | None:  # 4
    if question.asked is None or question.asked.kind != "bound":
        return None
    return Granted(standing.asked) if standing.asked else Refused("not_a_member")


def _page_wanted(question: Question) -> Decision | None:  # 5
    if question.prompt_select or question.invitation is not None:
        return _ask(question)
    return None


def _hint(question: Question, standing: Standing) -> Decision | None:  # 6
    if question.asked is None or question.asked.kind != "hint":
        return None
    if standing.asked is not None:
        return Granted(standing.asked)
    # Malformed, unknown and foreign look alike, else a hint would tell which slugs exist.
    return Choose("hint_unknown") if question.interaction == "page" else Refused("not_a_member")


def _remembered(question: Question, standing: Standing) -> Decision | None:  # 7
    if question.asked is None or question.asked.kind != "remembered":
        return None
    if standing.asked is not None and standing.asked.suspended:
        return Refused("organization_suspended")
    return Granted(standing.asked) if standing.asked else Refused("not_a_member")


def _only_one(question: Question, standing: Standing) -> Decision | None:  # 8
    if len(standing.usable) != 1:
        return None
    if question.interaction == "page" and standing.invited:
        return Choose()  # the invitation is the other choice
    return Granted(standing.usable[0])


def _default(question: Question, standing: Standing) -> Decision | None:  # 9
    # It saves a person the page. A token that is renewed must not change its organization by it.
    if question.interaction != "page" or standing.default is None or standing.default.suspended:
        return None
    return Granted(standing.default)


def _several(question: Question, standing: Standing) -> Decision | None:  # 10
    return _ask(question) if standing.usable else None


def _none(question: Question) -> Decision:  # 11
    return Refused("no_organization") if question.interaction == "refresh" else Choose()


def _ask(question: Question) -> Decision:
    return Refused("organization_required") if question.interaction == "refresh" else Choose()
