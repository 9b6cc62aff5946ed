"""The picker's pages: requests to the app, with the real database."""

import html
import re
import time
from uuid import uuid4

import pytest
import structlog

from local_stack import seed
from org_selector.picker.cookie import LoginCookies, UnverifiedLogin
from tests.kit.action_tokens import (
    CUSTOM_DOMAIN,
    DOMAIN,
    HEADER,
    SESSION_SECRET,
    STATE,
    sign,
    valid_session_claims,
)
from tests.kit.running_selector import Selector, choice
from tests.kit.visit import OWN_ORIGIN, TRAVEL, enter, heading, names, selection_of

SOLO = str(seed.organization("solo-works").id)
FROZEN = str(seed.organization("frozen-foods").id)


def test_the_address_of_the_page_holds_no_token(selector: Selector) -> None:
    """So the token is not in the address bar, the history or the Referer."""
    visit = enter(selector)

    assert re.fullmatch(r"/select/[A-Za-z0-9_-]{22}", visit.address)
    assert names(visit.page()) == ["ABC Inc", "XYZ Travel"]
    assert "joe@example.com" in visit.page().text


def test_the_login_cookie_is_bound_to_this_host_and_hidden_from_scripts(
    selector: Selector,
) -> None:
    """RFC 6265bis: with this prefix browsers require the host, Path=/ and Secure."""
    token = sign(HEADER, valid_session_claims(exp=valid_session_claims()["exp"]), SESSION_SECRET)
    response = selector.app.test_client().get(
        "/select", query_string={"session_token": token, "state": STATE}, base_url=OWN_ORIGIN
    )
    cookie = response.headers["Set-Cookie"]

    assert cookie.startswith("__Host-login-")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age="):
        assert attribute in cookie
    assert "Domain" not in cookie


@pytest.mark.parametrize(("left", "kept"), [(60, {59, 60}), (0, {1}), (-5, {1})])
def test_the_cookie_lives_as_long_as_its_token_and_at_least_a_second(
    selector: Selector, left: int, kept: set[int]
) -> None:
    """A token in its last seconds is accepted, because Auth0's clock may be behind ours."""
    now = int(time.time())
    claims = valid_session_claims(iat=now - 240, exp=now + left)
    query = {"session_token": sign(HEADER, claims, SESSION_SECRET), "state": STATE}
    answer = selector.app.test_client().get("/select", query_string=query, base_url=OWN_ORIGIN)

    assert answer.status_code == 303
    [cookie] = answer.headers.getlist("Set-Cookie")
    [seconds] = [part for part in cookie.split("; ") if part.startswith("Max-Age=")]
    assert int(seconds.removeprefix("Max-Age=")) in kept


def test_a_choice_is_signed_for_this_login_and_sent_to_auth0(selector: Selector) -> None:
    """The selection token repeats issuer, user, nonce and state, and names one organization."""
    visit = enter(selector)
    response = visit.select(TRAVEL)
    claims = selection_of(response)

    assert response.status_code == 200
    assert f'action="https://{DOMAIN}/continue?state={STATE}"' in response.text
    assert isinstance(claims["exp"], int)
    assert isinstance(claims["iat"], int)
    assert claims["exp"] - claims["iat"] == 300
    assert len(str(claims["jti"])) >= 16
    for volatile in ("exp", "iat", "jti"):
        del claims[volatile]
    assert claims == {
        "iss": DOMAIN,
        "sub": "auth0|joe",
        "aud": "select-organization",
        "state": STATE,
        "nonce": visit.nonce,
        "org_id": TRAVEL,
        "remember": False,
        "forget": False,
    }


@pytest.mark.parametrize("boxes", [(), ("remember",), ("forget",), ("remember", "forget")])
def test_each_ticked_box_is_part_of_the_selection_token(
    selector: Selector, boxes: tuple[str, ...]
) -> None:
    """The decision applies it."""
    visit = enter(selector)
    ticked = dict.fromkeys(boxes, "yes")
    answer = visit.select(TRAVEL, data={"form": visit.form(), "org_id": TRAVEL} | ticked)
    claims = selection_of(answer)

    assert {name for name in ("remember", "forget") if claims[name] is True} == set(boxes)
    assert {claims["remember"], claims["forget"]} <= {True, False}


def test_a_person_with_a_default_can_stop_it_and_others_are_not_offered_to(
    selector: Selector,
) -> None:
    """The page names the organization."""
    assert 'name="forget"' not in enter(selector).page().text
    selector.set_default("joe", "xyz-travel")
    page = enter(selector).page().text

    assert "Stop always continuing with</" not in page
    assert "Stop always continuing with <bdi>XYZ Travel</bdi>" in page
    assert "checked" not in page


def test_a_login_on_the_custom_domain_continues_there(selector: Selector) -> None:
    """Auth0's cookie belongs to the host on which the login began."""
    response = enter(selector, iss=CUSTOM_DOMAIN).select(TRAVEL)

    assert f'action="https://{CUSTOM_DOMAIN}/continue?state={STATE}"' in response.text


@pytest.mark.parametrize("state", ["a", "~/?#[]@!$&'()*+,;=%20<\">", "s" * 1024])
def test_the_state_is_sent_back_byte_for_byte(selector: Selector, state: str) -> None:
    """Only Auth0 reads it; we do not parse, cut or re-encode it."""
    response = enter(selector, state=state).select(TRAVEL)

    assert selection_of(response)["state"] == state


@pytest.mark.parametrize("state", ["", "s" * 1025, "a b", "a\nb", "ä", "\0"])
def test_a_state_that_could_not_be_sent_back_unchanged_is_refused(
    selector: Selector, state: str
) -> None:
    """Auth0 makes no such state."""
    token = sign(HEADER, valid_session_claims(), SESSION_SECRET)
    response = selector.app.test_client().get(
        "/select", query_string={"session_token": token, "state": state}, base_url=OWN_ORIGIN
    )

    assert response.status_code == 400
    assert heading(response) == "This sign-in link is not valid any more"


@pytest.mark.parametrize("doubled", ["session_token", "state"])
def test_a_parameter_sent_twice_is_refused(selector: Selector, doubled: str) -> None:
    """One reader could check the first value, and another use the second."""
    token = sign(HEADER, valid_session_claims(), SESSION_SECRET)
    query = [("session_token", token), ("state", STATE)]
    twice = [*query, (doubled, dict(query)[doubled])]
    client = selector.app.test_client()

    assert client.get("/select", query_string=dict(query), base_url=OWN_ORIGIN).status_code == 303
    answer = client.get(
        "/select?" + "&".join(f"{name}={value}" for name, value in twice), base_url=OWN_ORIGIN
    )
    assert answer.status_code == 400


def test_a_reload_of_the_redirect_or_the_page_changes_nothing(selector: Selector) -> None:
    """A reload, a prefetch and the back button are GET requests."""
    visit = enter(selector)
    pages = {visit.page().text.split('class="reference"')[0] for _ in range(3)}

    assert len(pages) == 1
    assert selection_of(visit.select(TRAVEL))["org_id"] == TRAVEL
    assert selection_of(visit.select(TRAVEL))["org_id"] == TRAVEL  # a double click


@pytest.mark.parametrize(
    "org_id",
    [SOLO, FROZEN, str(uuid4())],
    ids=["of others", "suspended", "that does not exist"],
)
def test_a_choice_that_is_not_allowed_shows_the_list_again(selector: Selector, org_id: str) -> None:
    """Foreign, suspended and unknown organizations get the same answer; nothing is signed."""
    visit = enter(selector)
    answer = visit.select(org_id)

    assert answer.status_code == 403
    assert "selection_token" not in answer.text
    assert "You cannot use that organization any more" in answer.text
    assert names(answer) == ["ABC Inc", "XYZ Travel"]
    assert selection_of(visit.select(TRAVEL))["org_id"] == TRAVEL


def test_a_choice_that_is_not_allowed_is_named_in_the_log(selector: Selector) -> None:
    """So an administrator sees why the page answered 403."""
    visit = enter(selector, "sue")
    errors = []
    for org_id in (TRAVEL, FROZEN):
        with structlog.testing.capture_logs() as events:
            visit.select(org_id)
        errors.append([event.get("error") for event in events if event.get("method") == "POST"])

    assert errors == [[None], ["not_selectable"]]


def test_a_choice_after_the_membership_ended_is_not_signed(selector: Selector) -> None:
    """The membership is looked up again at the choice."""
    visit = enter(selector)
    assert "XYZ Travel" in names(visit.page())
    selector.remove("joe", "xyz-travel")
    answer = visit.select(TRAVEL)

    assert answer.status_code == 403
    assert names(answer) == ["ABC Inc"]


@pytest.mark.parametrize(
    "org_id", ["", "abc-inc", "1", "{", "\0", "'; drop table org.membership; --", "0" * 5000]
)
def test_a_form_whose_organization_is_not_an_id_is_refused(selector: Selector, org_id: str) -> None:
    """Our page never sends one."""
    visit = enter(selector)
    answer = visit.select(org_id)

    assert answer.status_code == 400
    assert heading(answer) == "This sign-in link is not valid any more"


def test_a_form_with_two_organizations_is_refused(selector: Selector) -> None:
    visit = enter(selector)
    both = {"form": visit.form(), "org_id": [TRAVEL, str(seed.organization("abc-inc").id)]}

    assert visit.select(TRAVEL, data=both).status_code == 400
    assert visit.select(TRAVEL).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example.com"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": OWN_ORIGIN},
        {"Sec-Fetch-Site": "same-site", "Origin": OWN_ORIGIN},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_a_form_sent_by_another_site_is_refused(
    selector: Selector, headers: dict[str, str]
) -> None:
    """Even with the signature of a form that was shown before."""
    visit = enter(selector)
    answer = visit.select(TRAVEL, headers=headers)

    assert answer.status_code == 403
    assert heading(answer) == "This choice did not come from our page"
    assert visit.select(TRAVEL).status_code == 200
    assert visit.select(TRAVEL, headers={}).status_code == 200  # a browser without both headers


@pytest.mark.parametrize("form", ["", "x", "ä", "A" * 43, "other"])
def test_a_form_of_another_login_is_refused(selector: Selector, form: str) -> None:
    """The form's signature belongs to one cookie. The form of a person's other login fails, too."""
    visit = enter(selector)
    forged = enter(selector).form() if form == "other" else form

    assert visit.select(TRAVEL, data={"form": forged, "org_id": TRAVEL}).status_code == 403
    assert visit.select(TRAVEL, data={"org_id": TRAVEL}).status_code == 403
    assert visit.select(TRAVEL).status_code == 200


def test_a_page_opened_in_another_browser_is_refused(selector: Selector) -> None:
    """The address without the cookie shows nothing."""
    visit = enter(selector)
    elsewhere = selector.app.test_client().get(visit.address, base_url=OWN_ORIGIN)

    assert visit.page().status_code == 200
    assert elsewhere.status_code == 400


@pytest.mark.parametrize("address", ["x", "../select", "a" * 22, "%00" * 8, "é" * 11])
def test_an_address_that_belongs_to_no_login_gets_the_error_page(
    selector: Selector, address: str
) -> None:
    """It is a page, never a 500."""
    visit = enter(selector)
    answer = visit.client.get(f"/select/{address}", base_url=OWN_ORIGIN)

    assert answer.status_code in (400, 404)
    assert "Go to the app" in answer.text


def test_a_cookie_stored_under_another_logins_name_is_refused(selector: Selector) -> None:
    """The address is a hash of the cookie's content; each login alone is valid."""
    own = UnverifiedLogin(_session_token("auth0|joe"), STATE)
    other = UnverifiedLogin(_session_token("auth0|sue"), STATE)
    client = selector.app.test_client(use_cookies=False)  # sends just the header given here

    def status(address: UnverifiedLogin, cookie: UnverifiedLogin) -> int:
        return client.get(
            f"/select/{address.login_id}",
            base_url=OWN_ORIGIN,
            headers={"Cookie": f"__Host-login-{address.login_id}={cookie.value}"},
        ).status_code

    assert [status(own, own), status(other, other)] == [200, 200]
    assert [status(own, other), status(other, own)] == [400, 400]


def test_several_logins_can_wait_and_the_oldest_is_forgotten(selector: Selector) -> None:
    """Tabs do not disturb each other, and the Cookie header stays small."""
    client = selector.app.test_client()
    addresses = []
    for _ in range(5):
        token = sign(HEADER, valid_session_claims(nonce=uuid4().hex), SESSION_SECRET)
        response = client.get(
            "/select", query_string={"session_token": token, "state": STATE}, base_url=OWN_ORIGIN
        )
        addresses.append(response.location)
    statuses = [client.get(one, base_url=OWN_ORIGIN).status_code for one in addresses]

    assert statuses == [400, 400, 200, 200, 200]


def test_the_page_of_a_login_that_already_chose_says_so(selector: Selector) -> None:
    """As after the back button, or in a second window."""
    visit = enter(selector)
    assert visit.page().status_code == 200
    form = visit.form()
    selector.decide(choice=choice("abc-inc", nonce=visit.nonce))
    page = visit.page()
    posted = visit.select(TRAVEL, data={"form": form, "org_id": TRAVEL})

    for answer in (page, posted):
        assert answer.status_code == 409
        assert heading(answer) == "You have already chosen in this sign-in"
        assert "https://app.acme.example" in answer.text


def test_a_person_without_an_organization_is_told_what_to_do(closed_selector: Selector) -> None:
    """The page shows the address they are known by, and who can help."""
    answer = enter(closed_selector, "nina").page()

    assert answer.status_code == 403
    assert heading(answer) == "You do not belong to an organization yet"
    assert "nina@example.com" in answer.text
    assert "/v2/logout?client_id=spa&amp;returnTo=https%3A%2F%2Fapp.acme.example" in answer.text


def test_a_person_without_an_address_can_change_the_account(selector: Selector) -> None:
    """As every person can who is in the wrong account."""
    selector.superuser.execute("update org.app_user set email = null, name = null")
    page = enter(selector, "nina").page()

    assert "Not you?" in page.text
    assert "auth0|nina" in page.text


def test_a_person_without_an_address_is_shown_by_name(selector: Selector) -> None:
    """The address comes first; without both, the page shows the user id."""
    assert "joe@example.com" in enter(selector).page().text
    selector.superuser.execute("update org.app_user set email = null")
    named = enter(selector).page().text
    assert "Joe Doe" in named
    assert "auth0|joe" not in named


def test_a_blocked_user_sees_no_organization(selector: Selector) -> None:
    visit = enter(selector)
    assert len(names(visit.page())) == 2
    selector.block("joe")

    assert visit.page().status_code == 403
    assert names(visit.page()) == []


def test_a_user_blocked_between_page_and_choice_gets_no_token(selector: Selector) -> None:
    """The person is looked up again, and gets the page of a blocked user."""
    visit = enter(selector)
    form = visit.form()
    assert "selection_token" in visit.select(TRAVEL, data=_choice(form, TRAVEL)).text
    selector.block("joe")
    answer = visit.select(TRAVEL, data=_choice(form, TRAVEL))

    assert answer.status_code == 403
    assert heading(answer) == "You do not belong to an organization yet"
    assert "selection_token" not in answer.text


def test_a_person_whose_organizations_are_all_suspended_is_told(selector: Selector) -> None:
    """There is no button, so the page does not offer to remember a choice."""
    for slug in ("abc-inc", "xyz-travel"):
        selector.suspend(slug)
    page = enter(selector).page()

    assert "Every organization of yours is suspended" in page.text
    assert 'name="org_id"' not in page.text
    assert 'name="remember"' not in page.text


def test_a_first_page_of_suspended_organizations_does_not_say_all_are(selector: Selector) -> None:
    """A usable one may be on a later page, or be the last used one."""
    for n in range(1, 25):
        selector.add("joe", f"customer-{n:04}")
        selector.suspend(f"customer-{n:04}")
    selector.suspend("abc-inc")
    before = enter(selector).page()
    selector.decide(choice=choice("xyz-travel"))
    after = enter(selector).page()

    assert "Every organization of yours is suspended" not in before.text
    assert 'name="remember"' not in before.text
    assert "Next page" in before.text
    assert f'value="{TRAVEL}"' in after.text
    assert 'name="remember"' in after.text


def test_enter_never_continues_with_a_suspended_organization(selector: Selector) -> None:
    """The first row is the last used one that is not suspended."""
    selector.decide("sue", choice=choice("xyz-travel"))
    selector.decide("sue", choice=choice("abc-inc"))
    selector.suspend("abc-inc")

    assert names(enter(selector, "sue").page())[0] == "XYZ Travel"


def test_a_suspended_organization_is_shown_and_cannot_be_chosen(selector: Selector) -> None:
    """People look for it; without it they would ask where it is."""
    page = enter(selector, "sue").page()

    assert names(page) == ["ABC Inc", "Frozen Foods", "XYZ Travel"]
    assert "Suspended" in page.text
    assert f'value="{FROZEN}"' not in page.text
    assert f'value="{TRAVEL}"' in page.text


def test_a_page_bound_to_a_suspended_organization_offers_no_other(
    selector: Selector,
) -> None:
    """Choosing another one would fail."""
    visit = enter(selector, "sue", notice="bound_suspended", hint=FROZEN)

    assert visit.page().status_code == 403
    assert heading(visit.page()) == "This organization is suspended"
    assert "Not you?" in visit.page().text


def test_a_choice_at_a_page_bound_to_a_suspended_organization_is_not_signed(
    selector: Selector,
) -> None:
    """The page has no form, but a person could send one with a right signature."""
    bound = enter(selector, "sue", notice="bound_suspended", hint=FROZEN)
    other = enter(selector, "sue", nonce=bound.nonce)
    cookies = LoginCookies([SESSION_SECRET], secure=True)
    for visit, signed in ((bound, False), (other, True)):
        login_id = visit.address.rpartition("/")[2]
        cookie = visit.client.get_cookie(f"__Host-login-{login_id}", domain="select.example.com")
        assert cookie is not None
        login = cookies.read({f"__Host-login-{login_id}": cookie.value}, login_id)
        answer = visit.select(TRAVEL, data=_choice(cookies.sign_form(login), TRAVEL))

        assert ("selection_token" in answer.text) == signed
        assert answer.status_code == (200 if signed else 403)
        assert (heading(answer) == "This organization is suspended") != signed


@pytest.mark.parametrize(
    ("notice", "text"),
    [
        ("hint_unknown", "asked for an organization you cannot use"),
        ("organization_suspended", "asked for is suspended"),
        ("", None),
        ("made_up", None),
    ],
)
def test_a_notice_says_why_the_page_is_shown(
    selector: Selector, notice: str, text: str | None
) -> None:
    """Unknown notices are not shown, and the app's own text never is."""
    page = enter(selector, notice=notice, hint="<b>hint</b>").page().text

    assert ('role="alert"' in page) == (text is not None)
    assert text is None or text in page
    assert "<b>hint</b>" not in page


def test_the_last_used_organization_comes_first_and_the_rest_stays_in_order(
    selector: Selector,
) -> None:
    """Enter continues with it; the others keep their order."""
    selector.add("joe", "solo-works")
    assert names(enter(selector).page()) == ["ABC Inc", "Solo Works", "XYZ Travel"]
    selector.decide(choice=choice("xyz-travel"))
    page = enter(selector).page()

    assert names(page) == ["XYZ Travel", "ABC Inc", "Solo Works"]
    assert page.text.count("autofocus") == 1
    assert page.text.index("autofocus") < page.text.index("ABC Inc")
    assert "Last used" in page.text


def test_a_switch_by_hint_counts_as_use(selector: Selector) -> None:
    """A person who switches inside the app finds that organization first next time."""
    selector.decide(choice=choice("abc-inc"))
    selector.decide(hint="xyz-travel")

    assert names(enter(selector).page())[0] == "XYZ Travel"


def test_names_that_could_break_the_page_are_shown_as_text(selector: Selector) -> None:
    """Markup, right-to-left text, emoji, 200 characters and two equal names."""
    page = enter(selector, "odd").page()

    assert "<script>alert" not in page.text
    assert set(names(page)) == {
        seed.organization(slug).name
        for slug in next(p for p in seed.PEOPLE if p.login == "odd").roles
    }
    assert "twin-north" in page.text
    assert "twin-south" in page.text


def test_a_person_with_two_thousand_organizations_can_page_and_search(selector: Selector) -> None:
    """The pages show each organization once; a search finds names by their beginning."""
    visit = enter(selector, "max")
    page = visit.page()
    seen = names(page)
    for _ in range(120):
        following = re.search(r'href="(\?after=[^"]+)">Next page', page.text)
        if following is None:
            break
        page = visit.page(html.unescape(following[1]))
        seen += names(page)

    assert len(seen) == len(set(seen)) == seed.MANY
    assert seen == sorted(seen)
    assert names(visit.page("?search=customer+1234")) == ["Customer 1234"]
    assert len(names(visit.page("?search=CUSTOMER"))) == 20
    nothing = visit.page("?search=%25_zzz")
    assert names(nothing) == []
    assert "Were you invited with another address?" in nothing.text


def test_a_search_keeps_its_words_over_pages_and_finds_inside_names_of_a_short_list(
    selector: Selector,
) -> None:
    """Up to a hundred organizations the search looks anywhere in the name."""
    for n in range(1, 51):
        selector.add("joe", f"customer-{n:04}")
    visit = enter(selector)
    page = visit.page("?search=tomer")
    following = re.search(r'href="(\?search=tomer&amp;after=[^"]+)"', page.text)
    assert following is not None

    assert len(names(page)) == 20
    assert len(names(visit.page(html.unescape(following[1])))) == 20
    assert names(visit.page("?search=travel")) == ["XYZ Travel"]


@pytest.mark.parametrize(
    "query",
    ["?after=x", "?after=", "?after=a&after=b", "?search=" + "x" * 5000, "?search=%00", "?q=1"],
)
def test_a_malformed_query_shows_the_first_page_or_no_result(
    selector: Selector, query: str
) -> None:
    assert enter(selector, "max").page(query).status_code == 200


@pytest.mark.parametrize("path", ["/select", "/select/x", "/nothing", "/decisions"])
def test_every_answer_has_the_strict_headers(selector: Selector, path: str) -> None:
    """Errors included."""
    answer = selector.app.test_client().get(path, base_url=OWN_ORIGIN)

    assert answer.status_code in (400, 404, 405)
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    assert answer.headers["X-Frame-Options"] == "DENY"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


def test_only_the_continuing_page_may_run_its_one_script_and_post_elsewhere(
    selector: Selector,
) -> None:
    """Chromium applies form-action to every redirect after the submit."""
    visit = enter(selector)
    page = visit.page().headers["Content-Security-Policy"]
    continuing = visit.select(TRAVEL).headers["Content-Security-Policy"]

    assert "form-action 'self'" in page
    assert "script-src" not in page
    assert f"form-action https: https://{DOMAIN} https://app.acme.example" in continuing
    assert "script-src 'sha256-" in continuing


def test_a_form_that_is_too_large_gets_a_413(selector: Selector) -> None:
    """It is not read."""
    visit = enter(selector)
    data = {"form": visit.form(), "org_id": TRAVEL, "more": "x" * 100_000}

    assert visit.select(TRAVEL, data=data).status_code == 413


def test_another_spelling_of_an_address_is_not_redirected(selector: Selector) -> None:
    """A redirect would use the Host that the client sent."""
    client = selector.app.test_client()
    answer = client.get("//select///x", base_url="https://evil.example.com")

    assert answer.status_code == 404
    assert "Location" not in answer.headers


def test_a_wrong_method_at_decisions_gets_problem_json(selector: Selector) -> None:
    """The answer has the header Allow."""
    answer = selector.app.test_client().get("/decisions")

    assert answer.status_code == 405
    assert answer.content_type == "application/problem+json"
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_another_method_at_the_picker_gets_a_405_page(selector: Selector, method: str) -> None:
    visit = enter(selector)

    assert getattr(visit.client, method)(visit.address, base_url=OWN_ORIGIN).status_code == 405


def _session_token(auth0_user_id: str) -> str:
    return sign(HEADER, valid_session_claims(sub=auth0_user_id, nonce=uuid4().hex), SESSION_SECRET)


def _choice(form: str, org_id: str) -> dict[str, str]:
    return {"form": form, "org_id": org_id}
