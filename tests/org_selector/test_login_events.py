"""The audit trail has one event for each login in a browser that got an organization."""

import json
import re
from typing import Any

import pytest

from local_stack import seed
from tests.kit.action_tokens import HEADER, SESSION_SECRET, sign, valid_decision_claims
from tests.kit.running_selector import Selector, ask, choice

ABC = str(seed.organization("abc-inc").id)


def post(selector: Selector, login: str = "joe", **changes: object) -> str:
    """Ask as the Action does, over HTTP, and read the whole answer; return what came of it."""
    body = ask(login, **changes).model_dump_json().encode()
    claims = valid_decision_claims(body, sub=f"auth0|{login}")
    token = sign(HEADER, claims, SESSION_SECRET)
    answer = selector.app.test_client().post(
        "/decisions", data=body, headers={"Authorization": f"Bearer {token}"}
    )
    with answer:
        assert answer.status_code == 200
        return str(json.loads(answer.data)["outcome"])


def list_logins(selector: Selector) -> list[tuple[Any, ...]]:
    """Return the events of logins: organization, person, application, way."""
    return selector.superuser.execute(
        "select o.slug, e.actor_name, e.client_id, e.details->>'way', "
        "e.actor_user_id = e.target_id "
        "from org.audit_event e join org.organization o on o.id = e.org_id "
        "where e.action = 'member.logged_in' order by e.at"
    ).fetchall()


def test_each_way_to_an_organization_is_noted(selector: Selector) -> None:
    """With the application, and who it was."""
    selector.set_default("sue", "abc-inc")
    selector.invite("nina@example.com", "solo-works")
    asked: list[tuple[str, dict[str, object]]] = [
        ("joe", {"hint": "abc-inc"}),
        ("joe", {"bound": ABC}),
        ("joe", {"choice": choice("xyz-travel")}),
        ("ann", {}),
        ("sue", {}),
        ("nina", {"choice": choice("abc-inc") | {"org_id": None, "new_organization": "Acme"}}),
    ]
    for login, changes in asked:
        assert post(selector, login, **changes) == "organization"

    assert [event[0::3] for event in list_logins(selector)] == [
        ("abc-inc", "hint"),
        ("abc-inc", "bound"),
        ("xyz-travel", "chosen"),
        ("solo-works", "only_one"),
        ("abc-inc", "default"),
        ("acme", "created"),
    ]
    assert {event[2:5:2] for event in list_logins(selector)} == {("spa", True)}
    assert list_logins(selector)[3][1] == "Ann Solo"


@pytest.mark.parametrize("interaction", ["silent", "refresh"])
def test_a_renewal_is_not_a_login(selector: Selector, interaction: str) -> None:
    """An app renews its token every few minutes."""
    assert post(selector, hint="abc-inc", interaction=interaction) == "organization"
    assert list_logins(selector) == []
    assert post(selector, hint="abc-inc") == "organization"
    assert len(list_logins(selector)) == 1


def test_a_login_that_gets_no_organization_is_not_noted(selector: Selector) -> None:
    """Neither where the person must still choose."""
    assert post(selector) == "choose"
    assert post(selector, hint="solo-works", interaction="refresh") == "refuse"
    assert list_logins(selector) == []


def test_a_login_goes_on_if_it_cannot_be_noted(
    selector: Selector, capsys: pytest.CaptureFixture[str]
) -> None:
    """As when the disk of the database is full; the log says it."""
    selector.superuser.execute("alter table org.audit_event add check (client_id <> 'spa')")

    assert post(selector, hint="abc-inc") == "organization"
    assert list_logins(selector) == []
    assert re.search(r"login_not_noted", capsys.readouterr().out)
