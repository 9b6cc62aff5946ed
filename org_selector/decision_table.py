"""
The table of decisions: may this user act, and for which organization?

The columns are the three kinds of login. *Page*: a browser that can show the picker. *Silent*:
`prompt=none`. *Refresh*: the exchange of a refresh token, and every other login without a browser.

An *own* organization is one that the user is a member of; it is *usable* if it is not suspended.
*Bound* is the organization that the application's metadata in Auth0 fixes; no other is allowed.
*Hint* is the one that the app asks for (`ext-org`). Bound wins over hint. *Anything else* is a
text that is neither a slug nor an id, an unknown organization, or one that is not the user's own.
*Choose* shows the picker; in a silent login Auth0 answers `interaction_required` instead.
Words with an underscore are codes that the app receives. `=` repeats the cell to the left, `-`
means that the row does not apply.

The first row that fits wins. Each number is one function of this file.

   situation                   page                    silent                 refresh
 - the selector gives no       temporarily_unavailable =                      =
   answer within 3 seconds
 1 the user is blocked         not_a_member            =                      =
 2 a choice comes back from    the chosen one, or      selection_failed       =
   the picker                  selection_failed
 3 bound or hint names an own  choose, with a notice   organization_suspended =
   one that is suspended
 4 bound names an own one      that one                =                      =
   bound names anything else   not_a_member; choose if not_a_member           =
                               an invitation to it
                               waits
 5 the app wants the picker,   choose                  =                      organization_required
   or brings an invitation
 6 hint names an own one       that one                =                      =
   hint names anything else    choose, with a notice   not_a_member           =
 7 the refresh token remembers
     an own one                -                       -                      that one
     a suspended own one       -                       -                      organization_suspended
     anything else             -                       -                      not_a_member
 8 exactly one is usable       that one; choose if an  that one               =
                               invitation waits
 9 the user has a default      the default             - (rows 10 and 11)     =
10 several are usable          choose                  =                      organization_required
11 none is usable              choose                  =                      no_organization

Row 2: this file decides whether the choice may be tried. `DecisionRows` then checks it again and
applies it: a membership is selected, an invitation accepted, an organization created. A login has
one choice. The same one, asked again within a minute, is checked again and granted again, but
applied once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

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
# How the organization was found; the audit trail says it.
Way = Literal[
    "chosen", "invitation", "created", "bound", "hint", "remembered", "only_one", "default"
]


@dataclass(frozen=True, slots=True)
class Granted:
    """The token names this organization."""

    organization: Organization
    way: Way


@dataclass(frozen=True, slots=True)
class Choose:
    """The picker must ask; `notice` says why, at the top of the page."""

    notice: Notice = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """There is to be no token; `reason` is the code that the app receives."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Apply:
    """Grant the organization if the choice can be applied, else refuse: `selection_failed`."""

    choice: AskedChoice
    bound_to: UUID | None = None  # an invitation must be to this organization


Decision = Granted | Choose | Refused


def decide(question: Question, standing: Standing) -> Decision | Apply:
    """
    Return what the first fitting row says; see the table above.

    Args:
        question: what the Action asked, after its token was verified.
        standing: what the database says now about the user and about `question.asked` (the
            organization that bound, hint or the refresh token names).
    """
    return (
        _blocked(standing)
        or _back_from_the_picker(question, standing)
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


def _back_from_the_picker(question: Question, standing: Standing) -> Refused | Apply | None:  # 2
    choice = question.choice
    if choice is None:
        return None
    if question.interaction != "page":  # nothing else can have shown the picker
        return Refused("selection_failed")
    if question.bound is None:
        return Apply(choice)
    # Such an application allows no other organization: not another one, and not a new one.
    if standing.asked and standing.asked.id == choice.org_id:
        return Apply(choice)
    if choice.invitation_id is not None and question.asked and question.asked.org_id:
        return Apply(choice, bound_to=question.asked.org_id)
    return Refused("selection_failed")


def _asked_but_suspended(question: Question, standing: Standing) -> Decision | None:  # 3
    asked = question.asked
    if asked is None or asked.kind == "remembered":
        return None
    if standing.asked is None or not standing.asked.suspended:
        return None
    if question.interaction != "page":
        return Refused("organization_suspended")
    # The picker of a bound application has no other organization to offer.
    return Choose("bound_suspended" if asked.kind == "bound" else "organization_suspended")


def _bound(question: Question, standing: Standing) -> Decision | None:  # 4
    if question.asked is None or question.asked.kind != "bound":
        return None
    if standing.asked is not None:
        return Granted(standing.asked, "bound")
    invited = question.interaction == "page" and standing.invited
    return Choose() if invited else Refused("not_a_member")


def _page_wanted(question: Question) -> Decision | None:  # 5
    if question.prompt_select or question.invitation is not None:
        return _ask(question)
    return None


def _hint(question: Question, standing: Standing) -> Decision | None:  # 6
    if question.asked is None or question.asked.kind != "hint":
        return None
    if standing.asked is not None:
        return Granted(standing.asked, "hint")
    # The same answer for malformed, unknown and not the user's own: slugs stay secret.
    return Choose("hint_unknown") if question.interaction == "page" else Refused("not_a_member")


def _remembered(question: Question, standing: Standing) -> Decision | None:  # 7
    if question.asked is None or question.asked.kind != "remembered":
        return None
    if standing.asked is not None and standing.asked.suspended:
        return Refused("organization_suspended")
    if standing.asked is not None:
        return Granted(standing.asked, "remembered")
    return Refused("not_a_member")


def _only_one(question: Question, standing: Standing) -> Decision | None:  # 8
    if len(standing.usable) != 1:
        return None
    if question.interaction == "page" and standing.invited:
        return Choose()  # the invitation is the other choice
    return Granted(standing.usable[0], "only_one")


def _default(question: Question, standing: Standing) -> Decision | None:  # 9
    # A default saves a person the picker. A renewed token must keep its organization, so a default
    # counts in a page login only.
    if question.interaction != "page" or standing.default is None or standing.default.suspended:
        return None
    return Granted(standing.default, "default")


def _several(question: Question, standing: Standing) -> Decision | None:  # 10
    return _ask(question) if standing.usable else None


def _none(question: Question) -> Decision:  # 11
    return Refused("no_organization") if question.interaction == "refresh" else Choose()


def _ask(question: Question) -> Decision:
    return Refused("organization_required") if question.interaction == "refresh" else Choose()
