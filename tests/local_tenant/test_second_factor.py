"""Actions that ask for a second factor, and Actions bound around others that suspend a login."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from local_tenant.assumptions import Assumptions
from local_tenant.configuration import LinkedIdentity, User
from tests.kit.tenant import ANN, AUDIENCE, JOE, Running, Start, action, answered

CODE = "135790"
ENROLLED = replace(JOE, factors={"otp": CODE, "phone": "246800"})
CHALLENGE = action("api.authentication.challengeWith({ type: 'otp' });")
WITH_FACTORS: dict[str, Any] = {"users": (ENROLLED, ANN)}


def note(expression: str) -> str:
    """Return an Action that puts what it sees into a claim."""
    claim = "https://example.com/seen"
    return action(f"api.accessToken.setCustomClaim('{claim}', {expression});")


def seen(running: Running, answer: httpx2.Response) -> Any:
    """Return what such an Action saw."""
    token = running.exchange(answer).json()["access_token"]
    return running.verify(token, AUDIENCE)["https://example.com/seen"]


def open_page(browser: httpx2.Client, answer: httpx2.Response) -> httpx2.Response:
    """Follow the redirect to the page of the second factor."""
    assert answer.status_code == 302, answer.text
    assert urlsplit(answer.headers["location"]).path == "/u/mfa"
    return browser.get(answer.headers["location"])


def prove(browser: httpx2.Client, answer: httpx2.Response, code: str = CODE) -> httpx2.Response:
    """Type the code on the page of the second factor."""
    page = open_page(browser, answer)
    return browser.post(str(page.url), data={"code": code})


def test_a_login_goes_on_with_the_next_action_after_the_right_code(start: Start) -> None:
    """It then has the method, and a new request without the app's parameters."""
    after = note("[event.authentication.methods, event.request.query, event.request.method]")
    running = start(CHALLENGE, after, **WITH_FACTORS)
    browser = running.browser()
    answer = running.log_in(browser, ext_dash_org="abc-inc")
    page = open_page(browser, answer)
    assert "Prove that it is you" in page.text
    assert CODE not in page.text

    methods, query, method = seen(running, browser.post(str(page.url), data={"code": CODE}))
    assert [(one["name"], one.get("type")) for one in methods] == [("pwd", None), ("mfa", "otp")]
    assert (list(query), method) == (["state"], "POST")


def test_a_wrong_code_shows_the_page_again_and_the_right_one_still_works(start: Start) -> None:
    running = start(CHALLENGE, **WITH_FACTORS)
    browser = running.browser()
    answer = running.log_in(browser)
    for wrong in ("", "000000", CODE[:-1], CODE + "0"):
        refused = prove(browser, answer, wrong)
        assert refused.status_code == 401
        assert "Wrong code" in refused.text

    assert "code" in answered(prove(browser, answer))


def test_ten_wrong_codes_end_the_login(start: Start) -> None:
    """So that a code cannot be guessed."""
    running = start(CHALLENGE, **WITH_FACTORS)
    browser = running.browser()
    answer = running.log_in(browser)
    for _ in range(9):
        assert prove(browser, answer, "000000").status_code == 401

    assert answered(prove(browser, answer, "000000"))["error"] == "access_denied"
    assert browser.get(answer.headers["location"]).status_code == 400


def test_a_page_of_a_second_factor_works_once_and_in_its_browser_only(start: Start) -> None:
    running = start(CHALLENGE, **WITH_FACTORS)
    browser = running.browser()
    answer = running.log_in(browser)
    url = answer.headers["location"]
    assert running.browser().post(url, data={"code": CODE}).status_code == 400

    assert "code" in answered(prove(browser, answer))
    assert browser.post(url, data={"code": CODE}).status_code == 400


def test_a_thief_without_the_code_gets_no_silent_token(start: Start) -> None:
    """The session exists, but each login runs the Actions again."""
    running = start(CHALLENGE, **WITH_FACTORS)
    browser = running.browser()
    running.log_in(browser)
    silent = answered(running.authorize(browser, prompt="none"))

    assert silent["error"] == "interaction_required"


@pytest.mark.parametrize("grant", ["refresh_token", "password"])
def test_a_challenge_fails_where_there_is_no_browser(start: Start, grant: str) -> None:
    unless_first = "if (event.transaction.protocol !== 'oidc-basic-profile') "
    running = start(
        action(unless_first + "api.authentication.challengeWith({ type: 'otp' });"), **WITH_FACTORS
    )
    if grant == "refresh_token":
        refused = running.refresh(running.tokens()["refresh_token"])
    else:
        body = {"grant_type": grant, "client_id": "spa", "username": JOE.email}
        refused = httpx2.post(
            f"{running.url}/oauth/token", data=body | {"password": JOE.password}, trust_env=False
        )

    assert (refused.status_code, refused.json()["error"]) == (403, "mfa_required")


@pytest.mark.parametrize(
    "command",
    [
        "challengeWith({ type: 'email' })",
        "challengeWithAny([{ type: 'email' }, { type: 'push-notification' }])",
        "challengeWithAny([])",
        "enrollWith({ type: 'otp' })",
    ],
)
def test_a_login_fails_if_no_factor_fits(start: Start, command: str) -> None:
    """The user is enrolled in otp and phone."""
    running = start(action(f"api.authentication.{command};"), **WITH_FACTORS)

    assert answered(running.log_in(running.browser()))["error"] == "access_denied"


@pytest.mark.parametrize("factor", ["undefined", "{}", "{ type: 'sms' }", "'otp'"])
def test_an_unknown_factor_is_an_error_of_the_action(start: Start, factor: str) -> None:
    running = start(action(f"api.authentication.challengeWith({factor});"), **WITH_FACTORS)

    assert "type of a factor" in answered(running.log_in(running.browser()))["error_description"]


def test_of_several_factors_the_first_that_the_user_has_is_asked(start: Start) -> None:
    """Others are ignored."""
    command = "challengeWith({ type: 'email' }, { additionalFactors: [{ type: 'phone' }] })"
    running = start(
        action(f"api.authentication.{command};"),
        note("event.authentication.methods.map((method) => method.type)"),
        **WITH_FACTORS,
    )
    browser = running.browser()

    assert seen(running, prove(browser, running.log_in(browser), "246800")) == [None, "phone"]


def test_two_challenges_of_one_action_are_asked_one_after_the_other(start: Start) -> None:
    both = "api.authentication.challengeWith({ type: 'otp' });"
    running = start(action(both + both.replace("otp", "phone")), **WITH_FACTORS)
    browser = running.browser()
    second = prove(browser, running.log_in(browser))

    assert "code" in answered(prove(browser, second, "246800"))


def test_a_factor_that_this_login_has_proved_is_not_asked_again(start: Start) -> None:
    """A later login is asked again, unless the Action looks at the methods."""
    running = start(CHALLENGE, CHALLENGE, **WITH_FACTORS)
    browser = running.browser()
    assert "code" in answered(prove(browser, running.log_in(browser)))

    open_page(browser, running.authorize(browser))


def test_the_fifth_command_of_a_login_fails(start: Start) -> None:
    four = start(CHALLENGE, CHALLENGE, CHALLENGE, CHALLENGE, **WITH_FACTORS)
    browser = four.browser()
    assert "code" in answered(prove(browser, four.log_in(browser)))

    five = start(*[CHALLENGE] * 5, **WITH_FACTORS)
    browser = five.browser()
    assert answered(prove(browser, five.log_in(browser)))["error"] == "access_denied"


def test_a_person_without_a_factor_enrolls_one_and_proves_it_the_next_time(start: Start) -> None:
    """The page shows the code of the new factor."""
    running = start(
        action(
            "const { enrolledFactors } = event.user;"
            "if (enrolledFactors.length) api.authentication.challengeWithAny(enrolledFactors);"
            "else api.authentication.enrollWithAny([{ type: 'otp' }, { type: 'phone' }]);"
        )
    )
    browser = running.browser()
    page = open_page(browser, running.log_in(browser))
    shown = re.search(r"<strong>([0-9]{6})</strong>", page.text)
    assert shown is not None
    assert browser.post(str(page.url), data={"code": "wrong"}).status_code == 401
    assert "code" in answered(browser.post(str(page.url), data={"code": shown[1]}))

    assert "code" in answered(prove(browser, running.authorize(browser), shown[1]))


def test_an_action_that_redirects_and_challenges_is_refused(start: Start) -> None:
    """Auth0 says that a person could skip the factor."""
    both = "api.authentication.challengeWith({ type: 'otp' }); api.redirect.sendUserTo('http://x');"
    running = start(action(both), **WITH_FACTORS)
    assert answered(running.log_in(running.browser()))["error"] == "access_denied"

    lax = Assumptions(factor_with_redirect_fails=False)
    running = start(action(both), assumptions=lax, **WITH_FACTORS)
    assert running.log_in(running.browser()).headers["location"].startswith("http://x")


def test_multifactor_enable_is_refused_by_name(start: Start) -> None:
    """Its challenge would come after all Actions; a test must not pass because it was ignored."""
    running = start(action("api.multifactor.enable('any');"))
    denied = answered(running.log_in(running.browser()))

    assert denied["error_description"] == (
        "api.multifactor.enable is not available in the local tenant"
    )


def test_metadata_is_visible_at_once_in_the_same_action_and_after_a_suspension(
    start: Start,
) -> None:
    set_and_see = "api.transaction.setMetadata('a', event.transaction.metadata.a ?? 'first');"
    running = start(
        action(
            set_and_see + "if (event.transaction.metadata.a !== 'first') throw new Error('no');"
        ),
        CHALLENGE,
        note("event.transaction.metadata"),
        **WITH_FACTORS,
    )
    browser = running.browser()

    assert seen(running, prove(browser, running.log_in(browser))) == {"a": "first"}


def test_calls_that_return_nothing_at_auth0_return_nothing_here(start: Start) -> None:
    calls = [
        "api.transaction.setMetadata('a', 1)",
        "api.accessToken.addScope('more')",
        "api.accessToken.removeScope('email')",
        "api.session.setMetadata('a', 'b')",
        "api.refreshToken.setMetadata('a', 'b')",
        "api.refreshToken.deleteMetadata('a')",
        "api.authentication.challengeWith({ type: 'otp' })",
    ]
    running = start(note(f"[{', '.join(calls)}].map(String)"), **WITH_FACTORS)
    browser = running.browser()

    assert seen(running, prove(browser, running.log_in(browser))) == ["undefined"] * len(calls)


def test_a_deny_after_claims_ends_the_login(start: Start) -> None:
    """Claims that were set before give no token."""
    running = start(note("'claimed'"), action("api.access.deny('closed');"))
    denied = answered(running.log_in(running.browser()))

    assert (denied["error"], denied["error_description"]) == ("access_denied", "closed")
    assert "code" not in denied


def test_a_redirect_is_resumed_in_its_action_and_the_next_ones_see_the_new_request(
    start: Start,
) -> None:
    back = (
        action("api.redirect.sendUserTo('http://127.0.0.1:9/other');")
        + "exports.onContinuePostLogin = async (event, api) => "
        "api.transaction.setMetadata('protocol', String(event.transaction.protocol));"
    )
    after = note("[event.request.query, event.transaction.metadata.protocol]")
    for assumptions, protocol in (
        (Assumptions(), "oidc-basic-profile"),
        (Assumptions(protocol_at_continue=False), "undefined"),
    ):
        running = start(back, after, assumptions=assumptions)
        browser = running.browser()
        away = running.log_in(browser, ext_dash_org="abc-inc").headers["location"]
        state = urlsplit(away).query.partition("state=")[2]
        query, shown = seen(running, browser.get(f"/continue?state={state}"))

        assert (list(query), shown) == (["state"], protocol)


LINKED = LinkedIdentity("google-oauth2|42", "google-oauth2", "google-oauth2", "joe@gmail.example")
SEES = note("[event.connection, event.user.user_id, event.user.email, event.user.identities]")


def linked_user() -> User:
    """Joe, with another account linked to his."""
    return replace(JOE, linked=(LINKED,))


@pytest.mark.parametrize(
    ("email", "connection"),
    [(JOE.email, "Username-Password-Authentication"), (LINKED.email, "google-oauth2")],
)
def test_a_login_by_a_linked_identity_names_its_connection_and_the_primary_profile(
    start: Start, email: str, connection: str
) -> None:
    running = start(SEES, users=(linked_user(),))
    answer = running.log_in(running.browser(), replace(JOE, email=email))
    used, user_id, shown, identities = seen(running, answer)

    assert (used["name"], user_id, shown) == (connection, JOE.user_id, JOE.email)
    assert [one["connection"] for one in identities] == [
        "Username-Password-Authentication",
        "google-oauth2",
    ]
    assert "profileData" not in identities[0]
    assert identities[1]["profileData"] == {"email": LINKED.email, "email_verified": True}


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        ((), [True, True, True]),
        (("connection",), [False, True, True]),
        (("resource_server", "request.hostname"), [True, False, False]),
    ],
)
def test_what_a_refresh_shows_is_assumed_in_one_place(
    start: Start, absent: tuple[Any, ...], expected: list[bool]
) -> None:
    parts = "[event.connection, event.resource_server, event.request.hostname]"
    running = start(
        note(f"{parts}.map((part) => part !== undefined)"),
        assumptions=Assumptions(absent_in_refresh=absent),
    )
    tokens = running.tokens()
    renewed = running.refresh(tokens["refresh_token"]).json()["access_token"]

    claim = "https://example.com/seen"
    assert running.verify(tokens["access_token"], AUDIENCE)[claim] == [True, True, True]
    assert running.verify(renewed, AUDIENCE)[claim] == expected
