"""The table of decisions, without a database: every row, and that the first row that fits wins."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from org_selector.decision_table import Apply, Choose, Granted, Refused, decide
from org_selector.standing import Organization, Profile, Standing
from tests.kit.running_selector import ask

INTERACTIONS = ("page", "silent", "refresh")
ABC = Organization("0b9d0f1e-6a52-4c2b-9d43-5a0c5b1f2e11", "abc", "ABC", "member", suspended=False)
XYZ = Organization("7c1b3a52-9f0e-4d7a-8b55-1f2e3d4c5b6a", "xyz", "XYZ", "owner", suspended=False)
FROZEN = replace(ABC, suspended=True)
NEWCOMER = Standing(
    user_id=UUID(int=1), profile=Profile("auth0|joe", "joe@example.com", True, "Joe"), blocked=False
)
CHOICE = {"org_id": ABC.id, "nonce": "n" * 22, "remember": False, "forget": False}
INVITED = CHOICE | {"org_id": None, "invitation_id": "5d0c8f0e-6a52-4c2b-9d43-5a0c5b1f2e11"}
NEW = CHOICE | {"org_id": None, "new_organization": "Acme"}

# The question, what the database knows, and the decision for a page, for a silent login and for a
# refresh: a slug, the notice of a choice in brackets, or the reason of a refusal.
Row = tuple[dict[str, object], dict[str, Any], tuple[str, str, str]]
MEMBER, NOT_A_MEMBER = ("abc",) * 3, ("not_a_member",) * 3
ASKED_TO_ASK = ("[]", "[]", "organization_required")
ROWS: dict[str, Row] = {
    "1 a blocked user": ({}, {"blocked": True, "usable": (ABC,)}, NOT_A_MEMBER),
    "3 a hint to a suspended organization": (
        {"hint": "abc"},
        {"asked": FROZEN},
        ("[organization_suspended]", "organization_suspended", "organization_suspended"),
    ),
    "3 an application bound to a suspended organization": (
        {"bound": ABC.id},
        {"asked": FROZEN},
        ("[bound_suspended]", "organization_suspended", "organization_suspended"),
    ),
    "4 an application bound to the organization of a member": (
        {"bound": ABC.id},
        {"asked": ABC},
        MEMBER,
    ),
    "4 an application bound to an organization of others": ({"bound": ABC.id}, {}, NOT_A_MEMBER),
    "4 an application bound to an organization that has invited the person": (
        {"bound": ABC.id},
        {"invited": True},
        ("[]", "not_a_member", "not_a_member"),
    ),
    "4 an application bound to nothing that exists": ({"bound": ""}, {}, NOT_A_MEMBER),
    "5 the app asks for the picker": (
        {"prompt_select": True},
        {"usable": (ABC,)},
        ASKED_TO_ASK,
    ),
    "5 the app brings an invitation": ({"invitation": "x"}, {"usable": (ABC,)}, ASKED_TO_ASK),
    "5 the app brings an empty invitation": ({"invitation": ""}, {"usable": (ABC,)}, ASKED_TO_ASK),
    "6 a hint to an organization of a member": ({"hint": "abc"}, {"asked": ABC}, MEMBER),
    "6 a hint to an organization of others": (
        {"hint": "abc"},
        {},
        ("[hint_unknown]", "not_a_member", "not_a_member"),
    ),
    "6 a malformed hint": (
        {"hint": ""},
        {"usable": (ABC,)},
        ("[hint_unknown]", "not_a_member", "not_a_member"),
    ),
    "8 one usable organization": ({}, {"usable": (ABC,)}, MEMBER),
    "8 one usable organization and an invitation": (
        {},
        {"usable": (ABC,), "invited": True},
        ("[]", "abc", "abc"),
    ),
    "9 a default among several": (
        {},
        {"usable": (XYZ, ABC), "default": ABC},
        ("abc", "[]", "organization_required"),
    ),
    "9 a default that is suspended, among several": (
        {},
        {"usable": (XYZ, XYZ), "default": FROZEN},
        ASKED_TO_ASK,
    ),
    "10 several usable organizations": ({}, {"usable": (XYZ, ABC)}, ASKED_TO_ASK),
    "11 none": ({}, {}, ("[]", "[]", "no_organization")),
    "11 none but an invitation": ({}, {"invited": True}, ("[]", "[]", "no_organization")),
    "11 none that is not suspended": (
        {},
        {"default": FROZEN},
        ("[]", "[]", "no_organization"),
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_decided_as_the_table_says(row: str) -> None:
    """For a page, for a silent login and for a refresh."""
    question, standing, expected = ROWS[row]

    assert expected == _decide_three_times(question, standing)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(ABC, "abc"), (FROZEN, "organization_suspended"), (None, "not_a_member")],
)
def test_the_organization_in_a_refresh_token_decides_a_refresh_only(
    asked: Organization | None, expected: str
) -> None:
    """Row 7. With the same question, a login in a browser is decided by row 10."""
    standing = replace(NEWCOMER, asked=asked)

    assert _name(decide(ask(interaction="refresh", remembered=ABC.id), standing)) == expected
    for interaction in ("page", "silent"):
        question = ask(interaction=interaction, remembered=ABC.id)
        assert _name(decide(question, replace(NEWCOMER, usable=(ABC, XYZ)))) == "[]"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "apply"),
        ({"bound": ABC.id}, "apply"),
        ({"bound": ABC.id.upper()}, "apply"),
        ({"bound": ABC.slug}, "apply"),
        ({"hint": "xyz"}, "apply"),
        ({"prompt_select": True}, "apply"),
        ({"bound": XYZ.id}, "selection_failed"),
        ({"bound": ""}, "selection_failed"),
        ({"choice": INVITED}, "apply"),
        ({"choice": INVITED, "bound": XYZ.id}, "apply"),
        ({"choice": INVITED, "bound": XYZ.slug}, "selection_failed"),
        ({"choice": INVITED, "bound": ""}, "selection_failed"),
        ({"choice": NEW}, "apply"),
        ({"choice": NEW, "bound": ABC.id}, "selection_failed"),
        ({"choice": NEW, "interaction": "silent"}, "selection_failed"),
        ({"choice": INVITED, "interaction": "refresh"}, "selection_failed"),
        ({"interaction": "silent"}, "selection_failed"),
        ({"interaction": "refresh"}, "selection_failed"),
    ],
)
def test_a_choice_is_applied_only_at_a_page_and_in_the_bound_organization(
    changes: dict[str, object], expected: str
) -> None:
    """Row 2: a choice cannot move a bound application to another organization."""
    question = ask(**({"choice": CHOICE} | changes))
    bound = str(question.bound).lower()
    asked = next((one for one in (ABC, XYZ) if bound in (one.id, one.slug)), None)
    decision = decide(question, replace(NEWCOMER, usable=(ABC, XYZ), asked=asked))

    assert _name(decision) == expected
    if isinstance(decision, Apply):
        assert decision.choice == question.choice
        # Where only the database knows the organization, it is told which one is allowed.
        to_check = question.bound is not None and changes.get("choice") is INVITED
        assert decision.bound_to == (UUID(XYZ.id) if to_check else None)


# Each pair fits two rows at once; the upper one must win.
FITTING_TWO: dict[str, Row] = {
    "1 blocked, before 2 a choice": (
        {"choice": CHOICE},
        {"blocked": True},
        NOT_A_MEMBER,
    ),
    "1 blocked, before 4 bound": (
        {"bound": ABC.id},
        {"blocked": True, "asked": ABC},
        NOT_A_MEMBER,
    ),
    "1 blocked, before 3 suspended": (
        {"hint": "abc"},
        {"blocked": True, "asked": FROZEN},
        NOT_A_MEMBER,
    ),
    "2 a choice, before 3 a suspended hint": (
        {"choice": CHOICE, "hint": "abc"},
        {"asked": FROZEN},
        ("apply", "selection_failed", "selection_failed"),
    ),
    "3 a suspended hint, before 5 the picker": (
        {"hint": "abc", "prompt_select": True},
        {"asked": FROZEN},
        ("[organization_suspended]", "organization_suspended", "organization_suspended"),
    ),
    "3 a suspended hint, before 5 an invitation": (
        {"hint": "abc", "invitation": "x"},
        {"asked": FROZEN},
        ("[organization_suspended]", "organization_suspended", "organization_suspended"),
    ),
    "4 bound, before 5 the picker": (
        {"bound": ABC.id, "prompt_select": True},
        {"asked": ABC},
        MEMBER,
    ),
    "4 bound to others, before 5 an invitation": (
        {"bound": ABC.id, "invitation": "x"},
        {},
        NOT_A_MEMBER,
    ),
    "4 bound to others, before 6 a hint": ({"bound": ABC.id, "hint": "xyz"}, {}, NOT_A_MEMBER),
    "5 the picker, before 6 a hint": (
        {"prompt_select": True, "hint": "abc"},
        {"asked": ABC},
        ASKED_TO_ASK,
    ),
    "5 an invitation, before 6 a hint to others": (
        {"invitation": "x", "hint": "abc"},
        {},
        ASKED_TO_ASK,
    ),
    "5 the picker, before 7 a memory": (
        {"prompt_select": True, "remembered": ABC.id},
        {"asked": FROZEN},
        ASKED_TO_ASK,
    ),
    "8 only one with an invitation, before 9 a default": (
        {},
        {"usable": (ABC,), "invited": True, "default": ABC},
        ("[]", "abc", "abc"),
    ),
}


@pytest.mark.parametrize("row", FITTING_TWO)
def test_the_upper_of_two_rows_that_fit_wins(row: str) -> None:
    """In every column."""
    question, standing, expected = FITTING_TWO[row]

    assert expected == _decide_three_times(question, standing)


@pytest.mark.parametrize(
    ("question", "standing", "way"),
    [
        ({"bound": ABC.id}, {"asked": ABC}, "bound"),
        ({"hint": "abc"}, {"asked": ABC}, "hint"),
        ({"remembered": ABC.id, "interaction": "refresh"}, {"asked": ABC}, "remembered"),
        ({}, {"usable": (ABC,)}, "only_one"),
        ({}, {"usable": (XYZ, ABC), "default": ABC}, "default"),
    ],
)
def test_a_grant_says_how_the_organization_was_found(
    question: dict[str, object], standing: dict[str, Any], way: str
) -> None:
    """The audit trail shows it."""
    assert decide(ask(**question), replace(NEWCOMER, **standing)) == Granted(ABC, way)  # type: ignore[arg-type]


def _decide_three_times(question: dict[str, object], standing: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        _name(decide(ask(interaction=one, **question), replace(NEWCOMER, **standing)))
        for one in INTERACTIONS
    )


def _name(decision: object) -> str:
    match decision:
        case Granted(organization, _):
            return organization.slug
        case Choose(notice):
            return f"[{notice}]"
        case Refused(reason):
            return reason
        case Apply():
            return "apply"
    raise AssertionError(decision)
