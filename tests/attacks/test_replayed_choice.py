"""
Attacker: a person who keeps a choice that a login has used, or who sends another one beside it.
Wants: a second organization from one login, or a choice that no longer holds.
Stopped by: `org_selector/choice_rows.py` `apply_selection`, `org_selector/decision_table.py`
`_back_from_the_picker`

A login has one choice. The same one is answered again for a minute, because an answer can be lost;
it is checked again each time, and it names the same organization. (Reproduced at commit 3d47401:
the same choice, asked again, ended the login with `selection_failed`.)
"""

from uuid import uuid4

import pytest

from local_stack import seed
from org_selector.decision_table import Decision, Granted, Refused
from tests.kit.running_selector import Selector, choice


def name(decision: Decision) -> str:
    """Return the slug that a decision grants, or why it refuses."""
    match decision:
        case Granted(organization, _):
            return organization.slug
        case Refused(reason):
            return reason
    return "choose"


@pytest.mark.parametrize(
    ("login", "slug"), [("joe", "xyz-travel"), ("sue", "abc-inc"), ("sue", "xyz-travel")]
)
def test_a_login_that_has_its_choice_takes_no_other(
    selector: Selector, login: str, slug: str
) -> None:
    """Neither another organization nor another person can use the same login."""
    nonce = uuid4().hex
    assert name(selector.decide("joe", choice=choice("abc-inc", nonce=nonce))) == "abc-inc"
    assert name(selector.decide(login, choice=choice(slug))) == slug

    refused = selector.decide(login, choice=choice(slug, nonce=nonce))
    assert name(refused) == "selection_failed"


def test_a_choice_of_an_hour_ago_is_refused(selector: Selector) -> None:
    """The same choice passes once more in its first minute."""
    again: dict[str, object] = {"choice": choice("abc-inc")}
    assert [name(selector.decide(**again)) for _ in range(2)] == ["abc-inc"] * 2
    selector.superuser.execute("update org.selection set created_at = now() - interval '1 hour'")

    assert name(selector.decide(**again)) == "selection_failed"


@pytest.mark.parametrize("change", ["removed", "suspended", "blocked"])
def test_a_choice_that_no_longer_holds_is_refused_within_the_minute(
    selector: Selector, change: str
) -> None:
    again: dict[str, object] = {"choice": choice("abc-inc")}
    assert name(selector.decide(**again)) == "abc-inc"
    if change == "removed":
        selector.remove("joe", "abc-inc")
    elif change == "suspended":
        selector.suspend("abc-inc")
    else:
        selector.block("joe")

    assert name(selector.decide(**again)) in {"selection_failed", "not_a_member"}


def test_a_choice_for_another_organization_than_the_applications_own_is_refused(
    selector: Selector,
) -> None:
    """In any spelling of the binding; the right choice passes in each of them."""
    abc = seed.organization("abc-inc")
    for bound in (str(abc.id), str(abc.id).upper(), "abc-inc"):
        assert name(selector.decide(bound=bound, choice=choice("abc-inc"))) == "abc-inc"
        refused = selector.decide(bound=bound, choice=choice("xyz-travel"))
        assert name(refused) == "selection_failed"
