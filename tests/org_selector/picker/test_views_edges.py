"""What the picker's pages do at the edges: the account, the log, the box, the last seconds."""

import time

import pytest
import structlog

from local_stack import seed
from tests.kit.action_tokens import HEADER, SESSION_SECRET, STATE, sign, valid_session_claims
from tests.kit.running_selector import Selector
from tests.kit.visit import OWN_ORIGIN, TRAVEL, enter, selection_of

FROZEN = str(seed.organization("frozen-foods").id)


def test_a_person_without_an_address_is_called_by_name(selector: Selector) -> None:
    """The address first; where neither is known, the id does."""
    assert "joe@example.com" in enter(selector).page().text
    selector.superuser.execute("update app_user set email = null")
    named = enter(selector).page().text
    assert "Joe Doe" in named
    assert "auth0|joe" not in named


@pytest.mark.parametrize("box", [{}, {"remember": "yes"}], ids=["empty", "ticked"])
def test_the_box_travels_with_the_choice(selector: Selector, box: dict[str, str]) -> None:
    """It takes effect in the decision, not here."""
    visit = enter(selector)
    answer = visit.select(TRAVEL, data={"form": visit.form(), "org_id": TRAVEL} | box)

    assert selection_of(answer)["remember"] is bool(box)


def test_a_choice_that_is_not_possible_is_named_in_the_log(selector: Selector) -> None:
    """The page answers 403, and an administrator sees why; a possible one has no error."""
    visit = enter(selector, "sue")
    errors = []
    for org_id in (TRAVEL, FROZEN):
        with structlog.testing.capture_logs() as events:
            visit.select(org_id)
        errors.append([event.get("error") for event in events if event.get("method") == "POST"])

    assert errors == [[None], ["not_selectable"]]


@pytest.mark.parametrize(("left", "kept"), [(60, {59, 60}), (0, {1}), (-5, {1})])
def test_the_cookie_is_kept_as_long_as_its_token_and_a_second_at_least(
    selector: Selector, left: int, kept: set[int]
) -> None:
    """A token of the last seconds is taken, for Auth0's clock may be behind ours."""
    now = int(time.time())
    claims = valid_session_claims(iat=now - 240, exp=now + left)
    query = {"session_token": sign(HEADER, claims, SESSION_SECRET), "state": STATE}
    answer = selector.app.test_client().get("/select", query_string=query, base_url=OWN_ORIGIN)

    assert answer.status_code == 303
    [cookie] = answer.headers.getlist("Set-Cookie")
    [seconds] = [part for part in cookie.split("; ") if part.startswith("Max-Age=")]
    assert int(seconds.removeprefix("Max-Age=")) in kept
