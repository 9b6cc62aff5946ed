"""Invitations and new organizations on the picker: requests to the app, with the real database."""

import html
import re
from uuid import UUID, uuid4

import pytest
from werkzeug.test import TestResponse

from local_stack import seed
from tests.kit.running_selector import Selector
from tests.kit.visit import Visit, enter, heading, names, selection_of

ABC = str(seed.organization("abc-inc").id)
SOLO = str(seed.organization("solo-works").id)


def send(visit: Visit, **fields: str) -> TestResponse:
    """Send one of the page's forms."""
    return visit.select("", data={"form": visit.form()} | fields)


def notice(response: TestResponse) -> str:
    """Return the text of the page's notice, or ""."""
    found = re.search(r'<p class="notice"[^>]*>(.*?)</p>', response.text, re.DOTALL)
    text = re.sub(r"<[^>]+>|\s+", " ", found[1]) if found else ""
    return html.unescape(" ".join(text.split()))


def chosen(response: TestResponse) -> dict[str, object]:
    """Return what the selection token names."""
    claims = selection_of(response)
    return {
        name: claims[name]
        for name in ("org_id", "invitation_id", "new_organization")
        if name in claims
    }


def test_a_person_without_an_organization_accepts_an_invitation(selector: Selector) -> None:
    """With role and inviter; the acceptance is a POST, and nothing is written by the picker."""
    invitation_id = selector.invite("nina@example.com", "abc-inc")
    selector.superuser.execute(
        "update org.invitation set invited_by = "
        "(select id from org.app_user where auth0_user_id = 'auth0|joe')"
    )
    selector.superuser.execute(
        "update org.membership set role = 'owner' where org_slug = 'abc-inc'"
    )
    visit = enter(selector, "nina")
    page = visit.page()

    assert (page.status_code, heading(page), names(page)) == (200, "You are invited", ["ABC Inc"])
    assert "Member \xb7 invited by <bdi>Joe Doe</bdi>" in page.text
    assert chosen(send(visit, invitation_id=str(invitation_id))) == {
        "invitation_id": str(invitation_id)
    }
    [(accepted,)] = selector.superuser.execute("select accepted_at from org.invitation").fetchall()
    assert accepted is None


def test_an_invitation_stands_above_the_organizations(selector: Selector) -> None:
    """A member of two may join a third."""
    selector.invite("joe@example.com", "solo-works")
    page = enter(selector).page()

    assert heading(page) == "Choose an organization"
    assert names(page) == ["Solo Works", "ABC Inc", "XYZ Travel"]


@pytest.mark.parametrize("why", ["expired", "withdrawn", "of others", "unknown"])
def test_an_invitation_that_closed_meanwhile_is_not_signed(selector: Selector, why: str) -> None:
    """Between the page and the click."""
    invitation_id = str(selector.invite("joe@example.com", "solo-works"))
    visit = enter(selector)
    form = visit.form()
    if why == "expired":
        selector.superuser.execute("update org.invitation set expires_at = now()")
    elif why == "withdrawn":
        selector.superuser.execute("delete from org.invitation")
    elif why == "of others":
        invitation_id = str(selector.invite("sue@example.com", "solo-works"))
    else:
        invitation_id = str(uuid4())
    refused = visit.select("", data={"form": form, "invitation_id": invitation_id})

    assert refused.status_code == 403
    assert notice(refused).startswith("This invitation was accepted, has expired")
    assert names(refused)[-2:] == ["ABC Inc", "XYZ Travel"]
    own = selector.invite("joe@example.com", "customer-0001")
    assert chosen(send(visit, invitation_id=str(own))) == {"invitation_id": str(own)}


def test_the_link_of_an_invitation_opened_in_another_account_shows_both_addresses(
    selector: Selector,
) -> None:
    """The invited one is masked; one button signs out."""
    invitation_id = str(selector.invite("nina@example.com", "solo-works"))
    page = enter(selector, invitation=invitation_id).page()

    assert notice(page) == (
        "This invitation is for another address: n\u2022\u2022\u2022@e\u2022\u2022\u2022.com"
    )
    assert "joe@example.com" in page.text
    assert "nina@example.com" not in page.text
    assert "Solo Works" not in page.text
    [button] = re.findall(r'<a class="primary" href="([^"]+)">([^<]+)</a>', page.text)
    assert button[1] == "Sign out and use that address"
    assert "/v2/logout?client_id=spa&amp;returnTo=" in button[0]
    assert names(page) == ["ABC Inc", "XYZ Travel"]


def test_a_person_without_an_organization_learns_why_the_link_does_not_help(
    closed_selector: Selector,
) -> None:
    """In the wrong account, and with an invitation that is closed; and who can help."""
    invitation_id = str(closed_selector.invite("joe@example.com", "solo-works"))
    elsewhere = enter(closed_selector, "nina", invitation=invitation_id).page()
    closed = enter(closed_selector, "nina", invitation="x").page()

    assert "Sign out and use that address" in elsewhere.text
    assert notice(closed).startswith("This invitation was accepted")
    for page in (elsewhere, closed):
        assert heading(page) == "You do not belong to an organization yet"
        assert "Ask an administrator" in page.text
        assert "new_organization" not in page.text


def test_where_people_create_no_organizations_the_form_is_refused(
    closed_selector: Selector,
) -> None:
    """`NEW_ORGANIZATIONS` is off unless it is set."""
    visit = enter(closed_selector)
    refused = send(visit, new_organization="Acme")

    assert "new_organization" not in visit.page().text
    assert refused.status_code == 403
    assert notice(refused) == "You cannot create an organization here."


def test_an_address_that_is_not_verified_accepts_nothing(selector: Selector) -> None:
    """Its owner is told what to do."""
    invitation_id = str(selector.invite("joe@example.com", "solo-works"))
    selector.superuser.execute(
        "update org.app_user set email_verified = false where auth0_user_id = 'auth0|joe'"
    )
    visit = enter(selector, invitation=invitation_id)

    assert notice(visit.page()).startswith("Your address is not verified yet.")
    assert names(visit.page()) == ["ABC Inc", "XYZ Travel"]
    assert send(visit, invitation_id=invitation_id).status_code == 403


@pytest.mark.parametrize("invitation", ["00000000-0000-4000-8000-000000000000", "x", "'"])
def test_a_link_that_leads_to_no_open_invitation_says_so(
    selector: Selector, invitation: str
) -> None:
    """The person's organizations are listed below it."""
    page = enter(selector, invitation=invitation).page()

    assert notice(page).startswith("This invitation was accepted, has expired or was withdrawn.")
    assert names(page) == ["ABC Inc", "XYZ Travel"]


def test_a_bound_application_shows_the_invitation_to_its_organization_only(
    selector: Selector,
) -> None:
    """Neither the person's own organizations, nor another invitation, nor a new organization."""
    solo = str(selector.invite("joe@example.com", "solo-works"))
    other = str(selector.invite("joe@example.com", "customer-0001"))
    selector.superuser.execute("update org.membership set last_selected_at = now()")
    visit = enter(selector, bound=SOLO)
    page = visit.page()

    assert names(page) == ["Solo Works"]
    assert "new_organization" not in page.text
    assert send(visit, invitation_id=other).status_code == 403
    assert send(visit, org_id=ABC).status_code == 403
    assert send(visit, new_organization="Acme").status_code == 403
    assert chosen(send(visit, invitation_id=solo)) == {"invitation_id": solo}


def test_a_person_without_an_organization_creates_one(selector: Selector) -> None:
    """The name is signed in NFC, without blanks around it."""
    visit = enter(selector, "nina")
    page = visit.page()

    assert (page.status_code, heading(page)) == (200, "Create your organization")
    created = send(visit, new_organization="  Acme So\u0308hne ")
    assert chosen(created) == {"new_organization": "Acme S\xf6hne"}


@pytest.mark.parametrize("name", ["", " ", "Acme\u202e", "\u200b", "a" * 201])
def test_a_name_that_cannot_be_is_explained_at_the_field(selector: Selector, name: str) -> None:
    """What was typed is still there."""
    visit = enter(selector, "nina")
    refused = send(visit, new_organization=name)

    assert refused.status_code == 422
    assert notice(refused).startswith("An organization cannot have this name.")
    assert 'aria-invalid="true"' in refused.text
    assert f'value="{html.escape(name.strip())}"' in refused.text
    assert chosen(send(visit, new_organization="Acme")) == {"new_organization": "Acme"}


def test_a_name_that_looks_like_another_one_needs_a_second_click(selector: Selector) -> None:
    """People create their organization twice when they do not find it."""
    visit = enter(selector)
    warned = send(visit, new_organization="abc  inc.")

    assert warned.status_code == 422
    assert "similar name: ABC Inc" in notice(warned)
    assert 'name="confirmed" value="yes"' in warned.text
    again = send(visit, new_organization="abc  inc.", confirmed="yes")
    assert chosen(again) == {"new_organization": "abc  inc."}


def test_without_a_verified_address_a_person_is_offered_one_organization(
    selector: Selector,
) -> None:
    """Afterwards the page does not offer it, and the form is refused."""
    selector.superuser.execute(
        "update org.app_user set email_verified = false where auth0_user_id = 'auth0|joe'"
    )
    visit = enter(selector)
    assert chosen(send(visit, new_organization="Acme")) == {"new_organization": "Acme"}
    selector.superuser.execute(
        "update org.organization set created_by = "
        "(select id from org.app_user where auth0_user_id = 'auth0|joe') where slug = 'abc-inc'"
    )

    assert "new_organization" not in visit.page().text
    assert send(visit, new_organization="Acme").status_code == 403


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"org_id": ABC, "new_organization": "Acme"},
        {"invitation_id": ABC, "org_id": ABC},
        {"invitation_id": "x"},
        {"invitation_id": ""},
    ],
)
def test_a_form_with_no_choice_or_two_is_refused(
    selector: Selector, fields: dict[str, str]
) -> None:
    """Our page sends exactly one."""
    visit = enter(selector)

    assert send(visit, **fields).status_code == 400
    assert chosen(send(visit, org_id=ABC)) == {"org_id": ABC}


def test_a_choice_of_any_kind_is_the_only_one_of_its_login(selector: Selector) -> None:
    """The page says where the login goes on."""
    invitation_id = str(selector.invite("joe@example.com", "solo-works"))
    visit = enter(selector)
    form = visit.form()
    selector.superuser.execute(
        "insert into org.selection (nonce, user_id, org_id) "
        "select %s, id, %s from org.app_user where auth0_user_id = 'auth0|joe'",
        (visit.nonce, UUID(ABC)),
    )
    for fields in ({"invitation_id": invitation_id}, {"new_organization": "Acme"}):
        answer = visit.select("", data={"form": form} | fields)
        assert answer.status_code == 409


def test_the_invitation_of_the_link_comes_first(selector: Selector) -> None:
    """Also before newer ones; and for the right person the page says nothing more."""
    older = str(selector.invite("joe@example.com", "solo-works"))
    selector.superuser.execute("update org.invitation set created_at = now() - interval '1 hour'")
    selector.invite("joe@example.com", "customer-0001")

    assert names(enter(selector).page())[:2] == ["Customer 0001", "Solo Works"]
    page = enter(selector, invitation=older).page()
    assert names(page)[:2] == ["Solo Works", "Customer 0001"]
    assert notice(page) == ""
    suspended = enter(selector, invitation=older, notice="organization_suspended").page()
    assert notice(suspended).startswith("The organization the app asked for is suspended.")


def test_what_the_person_just_did_is_answered_before_what_the_link_said(
    selector: Selector,
) -> None:
    """A refused invitation, and a mistake in a name."""
    invitation_id = str(selector.invite("joe@example.com", "solo-works"))
    refused = send(enter(selector, invitation=invitation_id), invitation_id=str(uuid4()))
    mistake = send(enter(selector, invitation="x"), new_organization=" ")

    assert notice(refused).startswith("This invitation was accepted")
    assert notice(mistake).startswith("An organization cannot have this name.")


def test_the_form_of_a_new_organization_stands_on_the_first_page_only(selector: Selector) -> None:
    """Empty at first; not where a person searches."""
    visit = enter(selector)

    assert 'name="new_organization" value=""' in visit.page().text
    assert "new_organization" not in visit.page("?search=abc").text


def test_a_bound_application_has_no_further_pages(selector: Selector) -> None:
    """Also for a person with two thousand organizations."""
    selector.invite("max@example.com", "solo-works")
    page = enter(selector, "max", bound=SOLO).page()

    assert names(page) == ["Solo Works"]
    assert "Next page" not in page.text
    assert "Next page" in enter(selector, "max").page().text


@pytest.mark.parametrize(
    "fields", [{"new_organization": "Acme"}, {"invitation_id": ABC}, {"org_id": ABC}]
)
def test_a_person_blocked_meanwhile_chooses_nothing(
    selector: Selector, fields: dict[str, str]
) -> None:
    """The page is that of a person without an organization."""
    visits = [enter(selector), enter(selector, bound=SOLO, notice="")]
    selector.invite("joe@example.com", "solo-works")
    forms = [visit.form() for visit in visits]
    selector.block("joe")
    for visit, form in zip(visits, forms, strict=True):
        answers = [visit.page(), visit.select("", data={"form": form} | fields)]
        assert [one.status_code for one in answers] == [403, 403]
        assert {heading(one) for one in answers} == {"You do not belong to an organization yet"}


def test_a_name_of_200_characters_is_taken(selector: Selector) -> None:
    assert chosen(send(enter(selector), new_organization="a" * 200)) == {
        "new_organization": "a" * 200
    }
