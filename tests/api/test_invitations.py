"""Invitations in the API: who may invite whom, how often, and what the list says."""

import threading
from collections import Counter
from typing import Any

import pytest
from werkzeug.test import TestResponse

from local_stack import seed
from tests.kit.routes import TIME, add_invitation, code, events, snapshot
from tests.kit.running_api import RunningApi

ABC = seed.organization("abc-inc")
NEW = "new@example.com"


def invite(api: RunningApi, email: str = NEW, role: str = "member", **options: Any) -> TestResponse:
    """Invite an address to ABC Inc, as joe, its owner, unless *options* say otherwise."""
    return api.request("POST", "/invitations", {"email": email, "role": role}, **options)


def listed(api: RunningApi) -> list[dict[str, Any]]:
    """Return the invitations of ABC Inc, as its owner sees them."""
    found = api.get("/invitations?limit=100")
    assert found.status_code == 200
    items: list[dict[str, Any]] = found.get_json()["items"]
    return items


def let_a_minute_pass(api: RunningApi) -> None:
    """Make every mail one that was asked for more than a minute ago."""
    api.superuser.execute("update org.audit_event set at = at - interval '61 seconds'")


def test_an_invited_address_is_listed_and_its_mail_waits(api: RunningApi) -> None:
    """Once the mail server has the mail, the list says so."""
    invited = invite(api, "New.Person@Example.COM", "admin")

    assert invited.status_code == 201
    one = invited.get_json()
    assert invited.headers["Location"] == f"/invitations/{one['id']}"
    assert (one["email"], one["role"], one["status"]) == ("new.person@example.com", "admin", "open")
    assert one["invited_by"] == {"id": str(api.user_id("joe")), "name": "Joe Doe"}
    assert all(TIME.fullmatch(one[name]) for name in ("created_at", "sent_at", "expires_at"))
    assert listed(api) == [one]
    assert one["mail"] == "waiting"
    api.superuser.execute("delete from org.mail_outbox")
    assert listed(api) == [one | {"mail": "sent"}]


def test_an_invitation_is_open_for_seven_days(api: RunningApi) -> None:
    invite(api)
    rows = api.superuser.execute(
        "select expires_at - created_at = interval '7 days' from org.invitation"
    ).fetchall()

    assert rows == [(True,)]
    api.superuser.execute("update org.invitation set expires_at = now()")
    assert [one["status"] for one in listed(api)] == ["expired"]


@pytest.mark.parametrize("role", ["owner", "admin", "member"])
def test_only_an_owner_invites_an_owner(api: RunningApi, role: str) -> None:
    """An admin invites admins and members, a member invites none at all."""
    for inviter, expected in (
        ("owner", 201),
        ("admin", 403 if role == "owner" else 201),
        ("member", 403),
    ):
        api.set_role("sue", "abc-inc", inviter)
        before = snapshot(api)
        answer = invite(api, f"{inviter}@example.com", role, login="sue")

        assert answer.status_code == expected, inviter
        if expected == 403:
            assert code(answer) == "insufficient_role"
            assert snapshot(api) == before


def test_an_owner_s_invitation_is_sent_again_and_withdrawn_by_owners_only(api: RunningApi) -> None:
    invitation = add_invitation(api, role="owner")
    api.set_role("sue", "abc-inc", "admin")
    for method, path in (
        ("POST", f"/invitations/{invitation}/resend"),
        ("DELETE", f"/invitations/{invitation}"),
    ):
        before = snapshot(api)
        assert code(api.request(method, path, login="sue")) == "insufficient_role"
        assert snapshot(api) == before
        assert api.request(method, path).status_code in (200, 204)


def test_a_member_cannot_be_invited_again(api: RunningApi) -> None:
    """Whatever the spelling of the address; a person of another organization can be."""
    for email in ("sue@example.com", "SUE@Example.com", "joe@example.com"):
        before = snapshot(api)
        assert code(invite(api, email)) == "already_member"
        assert snapshot(api) == before

    assert invite(api, "ann@example.com").status_code == 201


def test_an_address_has_one_invitation(api: RunningApi) -> None:
    """An expired one is replaced, so the link in the old mail stays dead."""
    first = invite(api).get_json()["id"]
    let_a_minute_pass(api)
    before = snapshot(api)
    assert code(invite(api, NEW.upper())) == "already_invited"
    assert snapshot(api) == before

    api.superuser.execute("update org.invitation set expires_at = now()")
    again = invite(api)
    assert again.status_code == 201
    assert again.get_json()["id"] != first
    assert [one["id"] for one in listed(api)] == [again.get_json()["id"]]


def test_an_organization_has_at_most_a_hundred_open_invitations(api: RunningApi) -> None:
    """Expired and accepted ones do not count, nor do those of other organizations."""
    for number in range(99):
        add_invitation(api, email=f"{number}@example.com")
    api.superuser.execute("update org.invitation set accepted_at = now() where email < '2'")
    api.superuser.execute("update org.invitation set expires_at = now() where email like '2%'")
    for number in range(99):
        add_invitation(api, "xyz-travel", f"{number}@example.com")
    open_now = [one for one in listed(api) if one["status"] == "open"]
    for number in range(len(open_now), 100):
        assert invite(api, f"more{number}@example.com").status_code == 201

    before = snapshot(api)
    assert code(invite(api)) == "too_many_invitations"
    expired = next(one["id"] for one in listed(api) if one["status"] == "expired")
    refused = api.request("POST", f"/invitations/{expired}/resend")
    assert code(refused) == "too_many_invitations"
    assert snapshot(api) == before
    resent = api.request("POST", f"/invitations/{open_now[0]['id']}/resend")
    assert resent.status_code == 200  # it has its place already


def test_a_mail_to_one_address_goes_out_once_a_minute(api: RunningApi) -> None:
    """Also if the invitation is withdrawn and made again meanwhile."""
    path = f"/invitations/{invite(api).get_json()['id']}"
    before = snapshot(api)
    refused = api.request("POST", f"{path}/resend")
    assert (refused.status_code, code(refused)) == (429, "mailed_just_now")
    assert refused.headers["Retry-After"] == "60"
    assert snapshot(api) == before
    assert api.request("DELETE", path).status_code == 204
    assert code(invite(api)) == "mailed_just_now"
    assert invite(api, "other@example.com").status_code == 201

    let_a_minute_pass(api)
    assert invite(api).status_code == 201


def test_an_invitation_that_is_sent_again_is_open_for_seven_days_more(api: RunningApi) -> None:
    """It is then from the person who did that, who may still give its role."""
    api.set_role("sue", "abc-inc", "admin")
    invitation = invite(api, login="sue").get_json()
    api.superuser.execute("delete from org.mail_outbox")
    api.superuser.execute("update org.invitation set expires_at = now()")
    let_a_minute_pass(api)
    api.set_role("sue", "abc-inc", None)
    resent = api.request("POST", f"/invitations/{invitation['id']}/resend")

    assert resent.status_code == 200
    [one] = listed(api)
    assert one == resent.get_json()
    assert one["invited_by"]["name"] == "Joe Doe"
    assert (one["status"], one["mail"]) == ("open", "waiting")
    assert one["expires_at"] > invitation["expires_at"]
    assert one["created_at"] == invitation["created_at"]


def test_an_invitation_ends_when_its_inviter_may_no_longer_give_the_role(api: RunningApi) -> None:
    """The list shows what its link would say."""
    api.set_role("sue", "abc-inc", "admin")
    invite(api, role="admin", login="sue")
    assert [one["status"] for one in listed(api)] == ["open"]

    api.set_role("sue", "abc-inc", "member")
    assert [one["status"] for one in listed(api)] == ["expired"]
    assert [one["invited_by"]["name"] for one in listed(api)] == ["Sue Frost"]
    api.set_role("sue", "abc-inc", None)
    assert [one["invited_by"] for one in listed(api)] == [None]


def test_a_withdrawn_invitation_and_its_mail_are_gone(api: RunningApi) -> None:
    path = f"/invitations/{invite(api).get_json()['id']}"
    assert api.request("DELETE", path).status_code == 204

    assert listed(api) == []
    assert api.superuser.execute("select from org.mail_outbox").fetchall() == []
    assert code(api.request("DELETE", path)) == "not_found"
    assert code(api.request("POST", f"{path}/resend")) == "not_found"


def test_an_accepted_invitation_is_neither_listed_nor_changed(api: RunningApi) -> None:
    """Its membership is changed under /members instead."""
    invitation = add_invitation(api)
    path = f"/invitations/{invitation}"
    assert [one["id"] for one in listed(api)] == [invitation]
    api.superuser.execute("update org.invitation set accepted_at = now()")
    before = snapshot(api)

    assert listed(api) == []
    assert code(api.request("DELETE", path)) == "not_found"
    assert code(api.request("POST", f"{path}/resend")) == "not_found"
    assert snapshot(api) == before


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nina",
        "nina@",
        "nina@example",
        "nina@localhost",
        "Nina <nina@example.com>",
        "nina@example.com, eve@example.com",
        "nina@example.com\r\nBcc: eve@example.com",
        "nina@example.com\n",
        "ni na@example.com",
        "nina@[127.0.0.1]",
        f"{'n' * 65}@example.com",
        f"nina@{'e' * 250}.com",
        "nina\u202e@example.com",
    ],
)
def test_what_is_no_address_is_refused_at_its_field(api: RunningApi, email: str) -> None:
    before = snapshot(api)
    refused = invite(api, email)

    assert (refused.status_code, code(refused)) == (422, "invalid_input")
    assert [one["pointer"] for one in refused.get_json()["errors"]] == ["/email"]
    assert snapshot(api) == before
    assert invite(api, "nina+invited@sub.example.com").status_code == 201


@pytest.mark.parametrize("language", ["d", "de_AT", "de\r\nX: y", "d" * 36, None, 5])
def test_a_language_that_is_none_is_refused(api: RunningApi, language: object) -> None:
    body = {"email": NEW, "language": language}
    refused = api.request("POST", "/invitations", body)

    assert [one["pointer"] for one in refused.get_json()["errors"]] == ["/language"]
    assert api.request("POST", "/invitations", body | {"language": "de-AT"}).status_code == 201
    rows = api.superuser.execute("select language from org.invitation").fetchall()
    assert rows == [("de-AT",)]


def test_a_repeated_request_invites_once(api: RunningApi) -> None:
    """With the same Idempotency-Key it gets the same answer; with another body it is refused."""
    key = {"Idempotency-Key": "one"}
    first, second = invite(api, headers=key), invite(api, headers=key)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.get_json() == second.get_json()
    assert len(listed(api)) == 1
    assert code(invite(api, "other@example.com", headers=key)) == "idempotency_key_reused"


def test_of_many_requests_at_once_one_invites(api: RunningApi) -> None:
    """The organization is locked, so the others find the invitation of the first."""
    answers: list[TestResponse] = []
    threads = [threading.Thread(target=lambda: answers.append(invite(api))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    statuses = Counter(one.status_code for one in answers)
    assert statuses[201] == 1
    assert statuses.keys() <= {201, 409, 503}  # 503: no connection within a second
    assert len(listed(api)) == 1


def test_what_happens_to_an_invitation_stands_in_the_trail(api: RunningApi) -> None:
    """With the address and the role, for the organization's admins."""
    path = f"/invitations/{invite(api, role='admin').get_json()['id']}"
    let_a_minute_pass(api)
    api.request("POST", f"{path}/resend")
    api.request("DELETE", path)

    noted = [
        (one["action"], one["actor"]["name"], one["target"]["name"], one["details"])
        for one in events(api)
    ]
    rest = ("Joe Doe", NEW, {"role": "admin"})
    assert noted == [
        ("invitation.created", *rest),
        ("invitation.resent", *rest),
        ("invitation.withdrawn", *rest),
    ]
    assert {one["target"]["kind"] for one in events(api)} == {"invitation"}


@pytest.mark.parametrize("action", ["created", "resent", "withdrawn"])
def test_a_change_fails_with_its_audit_event(api: RunningApi, action: str) -> None:
    """Nothing about an invitation happens that the trail does not show."""
    invitation = f"/invitations/{add_invitation(api)}"
    request = {
        "created": ("POST", "/invitations", {"email": NEW}),
        "resent": ("POST", f"{invitation}/resend", None),
        "withdrawn": ("DELETE", invitation, None),
    }[action]
    before = snapshot(api)
    api.superuser.execute(
        "alter table org.audit_event add constraint no_event "
        f"check (action <> 'invitation.{action}')"
    )

    assert api.request(*request).status_code == 500
    assert snapshot(api) == before
    api.superuser.execute("alter table org.audit_event drop constraint no_event")
    assert api.request(*request).status_code in (200, 201, 204)
