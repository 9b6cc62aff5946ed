"""
Attacker: a thief who knows a person's password, but has no second factor of theirs.
Wants: to see the person's organizations, and to set the one of their next login.
Stopped by: `actions/select-organization/code.js` `requireSecondFactor`

Auth0 runs the MFA policy of the tenant after all Actions ("Redirect Actions for partners"), so the
picker would be open before it. With `REQUIRE_MFA` an earlier Action must have asked.
"""

from collections.abc import Iterator

import pytest

from local_stack.node import PROJECT
from local_stack.person import Person
from local_stack.postgres import Postgres
from local_tenant.configuration import Action
from tests.kit.bound_stack import CODE, BoundStack, with_secrets

PICKER, SECOND_FACTOR = "Choose an organization", "Prove that it is you"
EXAMPLE = PROJECT / "actions" / "examples" / "challenge-second-factor.js"


@pytest.fixture(scope="module")
def with_second_factor(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BoundStack]:
    """Require a second factor, and bind the example that asks for it."""

    def arrange(keep: Action, select: Action) -> tuple[Action, ...]:
        audiences = {"AUDIENCES": select.secrets["AUDIENCES"]}
        challenge = Action("challenge-second-factor", EXAMPLE, audiences)
        return (keep, challenge, with_secrets(select, REQUIRE_MFA="true"))

    with BoundStack(tmp_path_factory.mktemp("bound"), postgres, arrange) as running:
        yield running


@pytest.fixture(scope="module")
def without_challenge(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BoundStack]:
    """Require a second factor, and bind no Action that asks for it."""

    def arrange(keep: Action, select: Action) -> tuple[Action, ...]:
        return (keep, with_secrets(select, REQUIRE_MFA="true"))

    with BoundStack(tmp_path_factory.mktemp("bound"), postgres, arrange) as running:
        yield running


def log_in(stack: BoundStack, login: str = "joe", /, **parameters: str) -> Person:
    """Log in as the person themself, with the second factor where one is asked."""
    person = Person(stack).open_app(**parameters).log_in(f"{login}@example.com")
    if person.heading == SECOND_FACTOR:
        person.submit(person.form("code"), code=CODE)
    return person


def test_a_thief_with_the_password_alone_sees_no_organization(
    with_second_factor: BoundStack,
) -> None:
    """The second factor comes before the picker, and each attempt is asked for it."""
    with Person(with_second_factor).open_app().log_in("joe@example.com") as thief:
        assert thief.heading == SECOND_FACTOR
        assert "ABC" not in thief.text
        thief.submit(thief.form("code"), code="000000")
        assert "Wrong code" in thief.text
        assert thief.open_app(prompt="none").callback is not None
        assert (thief.callback or {})["error"] == "interaction_required"
        assert thief.open_app().heading == SECOND_FACTOR


def test_a_person_with_a_second_factor_chooses_and_is_not_asked_again_in_the_session(
    with_second_factor: BoundStack,
) -> None:
    """Auth0 keeps the method in the session."""
    with log_in(with_second_factor) as person:
        assert person.heading == PICKER
        tokens = person.choose("XYZ Travel").redeem()
        assert tokens.org_slug == "xyz-travel"
        assert person.refresh(tokens, ext_org="abc-inc").org_slug == "abc-inc"
        assert person.open_app().heading == PICKER


def test_a_person_without_a_second_factor_adds_one_first(with_second_factor: BoundStack) -> None:
    """The example enrolls; Auth0 shows its own pages for that."""
    person = Person(with_second_factor).open_app().log_in("sue@example.com")
    with person:
        assert person.heading == "Add a second factor"
        code = person.text.partition("<strong>")[2][:6]

        assert person.submit(person.form("code"), code=code).heading == PICKER


def test_without_an_action_that_asks_for_it_the_login_is_refused_by_name(
    without_challenge: BoundStack,
) -> None:
    """A login that needs no choice passes: the MFA policy of the tenant still follows."""
    with log_in(without_challenge) as person:
        assert person.callback is not None
        assert person.callback["error_description"] == "second_factor_required"
    with log_in(without_challenge, "ann") as person:
        assert person.redeem().org_slug == "solo-works"
    with log_in(without_challenge, ext_org="abc-inc") as person:
        assert person.redeem().org_slug == "abc-inc"
