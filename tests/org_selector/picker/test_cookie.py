"""The cookie of a waiting login and the signature of its form, without an app or a database."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64encode

import pytest
from flask import Response

from org_selector.errors import CrossSiteForm, InvalidSessionToken
from org_selector.picker.cookie import LoginCookies, UnverifiedLogin, parse_login
from tests.kit.action_tokens import HEADER, SESSION_SECRET, sign, valid_session_claims

NEW, OLD = "the newest secret, of more than 32 bytes", "the secret before it, as long as it is"
TOKEN = "a.session.token"
COOKIES = LoginCookies([NEW, OLD], secure=True)
JOE, SUE = UnverifiedLogin(TOKEN, "state-of-joe"), UnverifiedLogin(TOKEN, "state-of-sue")


def _save(login: UnverifiedLogin, cookies: LoginCookies = COOKIES) -> tuple[str, str, set[str]]:
    """Return name, value and attributes of the cookie that is set."""
    response = Response()
    cookies.save(response, login, 60)
    pair, *attributes = response.headers["Set-Cookie"].split("; ")
    name, _, value = pair.partition("=")
    return name, value, set(attributes)


def _browser(*logins: UnverifiedLogin) -> dict[str, str]:
    """Return the cookies of a browser in which these logins wait, the oldest first."""
    return dict(_save(login)[:2] for login in logins)


def _forgotten(
    browser: dict[str, str], login: UnverifiedLogin, person: str = "auth0|joe"
) -> dict[str, set[str]]:
    """Return the cookies that a login of this person deletes, each with its attributes."""
    response = Response()
    COOKIES.make_room(response, browser, login, person)
    ended = [line.split("; ") for line in response.headers.getlist("Set-Cookie")]
    return {pair.partition("=")[0]: set(attributes) for pair, *attributes in ended}


@pytest.mark.parametrize("length", range(1, 14))
def test_a_saved_login_is_found_by_its_address(length: int) -> None:
    """With every base64 padding; the cookie's value holds no character that needs quotes."""
    login = UnverifiedLogin(TOKEN, "~?>"[:length] + "s" * (length - 3))
    name, value, _ = _save(login)

    assert re.fullmatch(r"[A-Za-z0-9_.-]+", value)
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", login.login_id)
    assert name == f"__Host-login-{login.login_id}"
    assert COOKIES.read({name: value}, login.login_id) == login


def test_the_cookie_is_kept_for_this_host_and_hidden_from_scripts() -> None:
    """RFC 6265bis section 4.1.3.2: `__Host-` needs Secure and Path=/, and no Domain."""
    attributes = _save(JOE)[2]

    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=60"} <= attributes
    assert {one.partition("=")[0] for one in attributes} <= {
        *("Secure", "HttpOnly", "SameSite", "Path", "Max-Age", "Expires")
    }


def test_the_cookie_has_no_prefix_over_plain_http() -> None:
    """Browsers refuse `__Host-` there; only a stand-in on localhost uses plain HTTP."""
    plain = LoginCookies([NEW], secure=False)
    name, value, _ = _save(JOE, plain)

    assert name == f"login-{JOE.login_id}"
    assert plain.read({name: value}, JOE.login_id) == JOE
    with pytest.raises(InvalidSessionToken):
        COOKIES.read({name: value}, JOE.login_id)


def test_an_address_does_not_find_another_login() -> None:
    """Neither one that does not wait in this browser, nor one stored under its name."""
    joe, sue = _browser(JOE), _browser(SUE)
    [(name, _)] = joe.items()
    [(_, value)] = sue.items()

    assert COOKIES.read(joe | sue, JOE.login_id) == JOE
    for browser in ({}, sue, {name: value}):
        with pytest.raises(InvalidSessionToken):
            COOKIES.read(browser, JOE.login_id)


@pytest.mark.parametrize("login_id", ["", "x", "x" * 21, "x" * 23, "x" * 21 + "ä", "x" * 21 + "="])
def test_an_address_that_is_not_a_login_id_has_its_own_reason_in_the_log(login_id: str) -> None:
    """No cookie is looked up under that name."""
    with pytest.raises(InvalidSessionToken) as refused:
        COOKIES.read({f"__Host-login-{login_id}": JOE.value}, login_id)

    assert refused.value.detail == "login id"


@pytest.mark.parametrize(
    "value", ["", ".", "a.b.c", "no-dot", f"{TOKEN}.ä", f"{TOKEN}.YQ.Y", "a.="]
)
def test_a_malformed_cookie_is_refused(value: str) -> None:
    [(name, good)] = _browser(JOE).items()
    assert COOKIES.read({name: good}, JOE.login_id) == JOE

    with pytest.raises(InvalidSessionToken):
        COOKIES.read({name: value}, JOE.login_id)


def _waiting(person: str, number: int) -> UnverifiedLogin:
    """Return a login of this person that waits for a choice."""
    token = sign(HEADER, valid_session_claims(sub=person), SESSION_SECRET)
    return UnverifiedLogin(token, f"state-{number}")


def test_a_persons_fourth_login_deletes_the_cookie_of_the_oldest() -> None:
    """Cookies of other apps stay. Deleting a `__Host-` cookie needs the same attributes."""
    logins = [_waiting("auth0|joe", number) for number in range(4)]
    oldest = f"__Host-login-{logins[0].login_id}"
    browser = {"first": "of another app"} | _browser(*logins[:3]) | {"last": "of another app"}

    for waiting in range(3):
        assert _forgotten(_browser(*logins[:waiting]), logins[3]) == {}
    forgotten = _forgotten(browser, logins[3])
    assert forgotten.keys() == {oldest}
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=0"} <= forgotten[oldest]


@pytest.mark.parametrize(
    ("waiting", "new", "deleted"),
    [
        # Joe waits; an attacker makes his browser open links of the attacker's own logins.
        (["joe", "evil", "evil"], "evil", 1),
        (["evil", "joe", "evil"], "evil", 0),
        (["evil", "evil", "joe"], "evil", 0),
        (["joe", "evil", "worse"], "worst", 2),
        (["evil", "joe", "worse"], "joe", 1),
        (["evil", "worse", "worst"], "joe", 2),
        (["joe", "joe", "evil"], "evil", 2),
    ],
)
def test_logins_of_an_attacker_drive_out_their_own_and_not_the_victims(
    waiting: list[str], new: str, deleted: int
) -> None:
    """
    The person's own go first, the oldest before the others; then the newest of other people.

    Reproduced at commit 3d47401: three links drove out the login that waited.
    """
    logins = [_waiting(f"auth0|{person}", number) for number, person in enumerate(waiting)]
    forgotten = _forgotten(_browser(*logins), _waiting(f"auth0|{new}", 9), f"auth0|{new}")

    assert forgotten.keys() == {f"__Host-login-{logins[deleted].login_id}"}


@pytest.mark.parametrize("value", ["", ".", "a.b.c.d", "x" * 5_000, "\u00e4.b.c.d"])
def test_a_cookie_that_holds_no_token_counts_as_another_persons(value: str) -> None:
    """It makes room like every other one."""
    logins = [_waiting("auth0|joe", number) for number in range(2)]
    browser = _browser(*logins) | {"__Host-login-odd": value}

    assert _forgotten(browser, _waiting("auth0|ann", 9), "auth0|ann").keys() == {"__Host-login-odd"}


def test_a_reload_deletes_no_cookie() -> None:
    """The reloaded login already has one."""
    logins = [_waiting("auth0|joe", number) for number in range(3)]

    for login in logins:
        assert _forgotten(_browser(*logins), login) == {}


def test_only_the_form_of_this_login_is_accepted() -> None:
    """The page of another login cannot have signed it."""
    COOKIES.require_form(JOE, COOKIES.sign_form(JOE))

    for signature in (COOKIES.sign_form(SUE), "", "x", "ä", COOKIES.sign_form(JOE) + "x"):
        with pytest.raises(CrossSiteForm):
            COOKIES.require_form(JOE, signature)


def test_the_form_is_signed_with_its_own_key_from_the_newest_secret() -> None:
    """HMAC-SHA-256 with a derived key, so a token's signature does not fit a form."""
    key = hashlib.sha256(b"org-selector/form" + b"signer" + NEW.encode()).digest()
    signature = hmac.digest(key, JOE.value.encode(), "sha256")

    assert COOKIES.sign_form(JOE) == urlsafe_b64encode(signature).rstrip(b"=").decode()


def test_a_form_from_before_a_rotation_is_accepted() -> None:
    """One that was signed with a removed secret is refused."""
    before = LoginCookies([OLD], secure=True)

    COOKIES.require_form(JOE, before.sign_form(JOE))
    with pytest.raises(CrossSiteForm):
        before.require_form(JOE, COOKIES.sign_form(JOE))


@pytest.mark.parametrize("state", ["!", "~", "s" * 1024])
def test_a_state_of_printable_ascii_is_kept_unchanged(state: str) -> None:
    """It is Auth0's; we do not read it."""
    assert parse_login(TOKEN, state) == UnverifiedLogin(TOKEN, state)


@pytest.mark.parametrize("state", ["", " ", "\x7f", "a b", "ä", "a\n", "s" * 1025])
def test_any_other_state_is_refused(state: str) -> None:
    """Auth0 makes no such state."""
    with pytest.raises(InvalidSessionToken):
        parse_login(TOKEN, state)
