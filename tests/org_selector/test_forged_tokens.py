"""Forged tokens sent to the selector: the same answer for all, however they were forged."""

import re
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from local_stack import seed
from local_stack.person import Person, claims_of
from org_selector.errors import InvalidDecisionToken
from org_selector.picker.cookie import LoginCookies, UnverifiedLogin
from tests.kit.action_tokens import (
    ABSENT,
    HEADER,
    SELECTION_SECRET,
    SESSION_SECRET,
    STATE,
    sign,
    valid_decision_claims,
    valid_session_claims,
)
from tests.kit.forged_action_tokens import (
    FORGED_DECISIONS,
    FORGED_SESSIONS,
    FORGERIES,
    SESSION,
    Kind,
)
from tests.kit.running_selector import Selector, ask
from tests.kit.visit import OWN_ORIGIN, heading

BODY = ask("joe", hint="xyz-travel").model_dump_json().encode()
DECISION = Kind(
    lambda **changes: valid_decision_claims(BODY, **changes),
    lambda token: None,
    InvalidDecisionToken,
    30,
)


def _enter(selector: Selector, token: str) -> TestResponse:
    query = urlencode({"session_token": token.encode("utf-8", "surrogatepass"), "state": STATE})
    return selector.app.test_client().get(f"/select?{query}", base_url=OWN_ORIGIN)


def _decide(
    selector: Selector, authorization: str | None, body: bytes = BODY, path: str = "/decisions"
) -> TestResponse:
    headers = {} if authorization is None else {"Authorization": authorization}
    # In the environment: in a URL, the client would read the beginning of //decisions as a host.
    return selector.app.test_client().post(
        data=body, headers=headers, environ_overrides={"PATH_INFO": path}
    )


def _without_reference(answer: TestResponse) -> str:
    return re.sub(r"<code>[0-9a-f]{16}</code>", "", answer.text)


def test_every_forged_session_token_gets_the_same_page(selector: Selector) -> None:
    """The same bytes, without a reason, a part of the token or a cookie; a valid one passes."""
    forged = {name: row(SESSION) for name, row in (FORGERIES | FORGED_SESSIONS).items()}
    pages = set()
    assert len(forged) >= 60
    for name, token in forged.items():
        assert _enter(selector, SESSION.token()).status_code == 303
        answer = _enter(selector, token)
        assert answer.status_code == 400, name
        assert "Set-Cookie" not in answer.headers, name
        pages.add(_without_reference(answer))

    assert len(pages) == 1
    assert heading(answer) == "This sign-in link is not valid any more"


def test_every_forged_session_token_in_a_cookie_gets_the_same_page(selector: Selector) -> None:
    """The token in the cookie is verified at every request, POST included."""
    assert _statuses_with_cookie(selector, SESSION.token(sub="auth0|joe")) == (200, 200)
    for name, row in (FORGERIES | FORGED_SESSIONS).items():
        token = row(SESSION)
        if not re.fullmatch(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+", token):
            continue  # no browser can send this as a cookie (RFC 6265, 4.1.1)
        assert _statuses_with_cookie(selector, token) == (400, 400), name


def _statuses_with_cookie(selector: Selector, token: str) -> tuple[int, int]:
    """Show the page and choose, with a cookie and a form that fit each other and hold *token*."""
    login = UnverifiedLogin(token, STATE)
    client = selector.app.test_client(use_cookies=False)  # sends just the header given here
    address = f"/select/{login.login_id}"
    headers = {"Cookie": f"__Host-login-{login.login_id}={login.value}"}
    form = LoginCookies([SESSION_SECRET], secure=True).sign_form(login)
    data = {"form": form, "org_id": str(seed.organization("abc-inc").id)}
    page = client.get(address, base_url=OWN_ORIGIN, headers=headers)
    choice = client.post(address, base_url=OWN_ORIGIN, headers=headers, data=data)
    for answer in (page, choice):
        refused = heading(answer) == "This sign-in link is not valid any more"
        assert refused == (answer.status_code == 400)
    return page.status_code, choice.status_code


def test_every_forged_decision_token_gets_the_same_401(selector: Selector) -> None:
    """The same bytes of `application/problem+json`; the unchanged token gets its decision."""
    forged = {name: row(DECISION) for name, row in (FORGERIES | FORGED_DECISIONS).items()}
    bodies = set()
    assert len(forged) >= 60
    for name, token in forged.items():
        if not re.fullmatch(r"[\x20-\x7e]*", token):
            continue  # no HTTP client can send this in a header
        granted = _decide(selector, f"Bearer {DECISION.token()}")
        assert granted.get_json()["organization"]["slug"] == "xyz-travel"
        answer = _decide(selector, f"Bearer {token}")
        assert answer.status_code == 401, name
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        bodies.add(answer.data)

    assert len(bodies) == 1


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic am9lOmpvZQ==", "Bearer a.b.c", "bearer", "Token x"],
)
def test_a_question_without_a_bearer_token_gets_a_401(
    selector: Selector, authorization: str | None
) -> None:
    assert _decide(selector, authorization).status_code == 401
    assert _decide(selector, f"bearer {DECISION.token()}").status_code == 200


def test_a_question_with_two_authorization_headers_is_refused(selector: Selector) -> None:
    """Only one of the two would be checked."""
    header = ("Authorization", f"Bearer {DECISION.token()}")
    client = selector.app.test_client()

    assert client.post("/decisions", data=BODY, headers=[header]).status_code == 200
    assert client.post("/decisions", data=BODY, headers=[header, header]).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        BODY + b" ",
        BODY.replace(b"xyz-travel", b"abc-inc"),
        BODY.replace(b"auth0|joe", b"auth0|ann"),
        b"",
        b"{}",
    ],
)
def test_a_question_with_a_body_that_was_not_signed_gets_a_401(
    selector: Selector, body: bytes
) -> None:
    """So a captured token cannot ask another question."""
    token = DECISION.token()

    assert _decide(selector, f"Bearer {token}").status_code == 200
    assert _decide(selector, f"Bearer {token}", body).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"not json",
        b"{}",
        b"\xff" + BODY,
        b'{"user":1,' + BODY[1:],
        BODY[:-1] + b',"hint":null}',
        BODY.replace(b"false", b"0"),
        BODY.replace(b'"page"', b'"window"'),
        BODY.replace(b'"page"', b"NaN"),
        BODY.replace(b"xyz-travel", b"\\ud800"),
        BODY.replace(b"xyz-travel", b"\\u0000"),
        BODY.replace(b"xyz-travel", b"x" * 3000),
        BODY.replace(b'"choice":null', b'"choice":{"org_id":"x","nonce":"n","remember":1}'),
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_a_signed_but_malformed_question_gets_a_400(selector: Selector, body: bytes) -> None:
    """As from an Action of another version: never a 500, never a decision."""
    token = sign(HEADER, valid_decision_claims(body), SESSION_SECRET)
    answer = _decide(selector, f"Bearer {token}", body)

    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.get_json()["code"] == "invalid_decision_request"


def test_a_name_with_brackets_is_stored_as_it_is(selector: Selector) -> None:
    body = BODY.replace(b'"Joe Doe"', b'"' + b"[{" * 60 + b'"')
    token = sign(HEADER, valid_decision_claims(body), SESSION_SECRET)

    assert _decide(selector, f"Bearer {token}", body).status_code == 200


def test_a_question_about_another_user_than_the_tokens_gets_a_401(selector: Selector) -> None:
    claims = valid_decision_claims(BODY, sub="auth0|ann")

    assert _decide(selector, f"Bearer {DECISION.token()}").status_code == 200
    assert _decide(selector, f"Bearer {sign(HEADER, claims, SESSION_SECRET)}").status_code == 401


def test_a_question_that_is_too_long_gets_a_413(selector: Selector) -> None:
    """It is not read."""
    body = BODY[:-1] + b" " * 20_000 + b"}"
    token = sign(HEADER, valid_decision_claims(body), SESSION_SECRET)

    assert _decide(selector, f"Bearer {token}", body).status_code == 413


# Changes of one valid selection token; each reaches the real Action through the real /continue.
FORGED_SELECTIONS: dict[str, dict[str, object]] = {
    "for another user": {"sub": "auth0|ann"},
    "for no user": {"sub": ABSENT},
    "of another issuer": {"iss": "elsewhere.example.com"},
    "of no issuer": {"iss": ABSENT},
    "of another kind": {"aud": "org-selector/select"},
    "of two kinds": {"aud": ["select-organization"]},
    "of no kind": {"aud": ABSENT},
    "of another login": {"nonce": "n" * 22},
    "of no login": {"nonce": ABSENT},
    "of another state": {"state": "another"},
    "of no state": {"state": ABSENT},
    "expired": {"exp": 1},
    "that never expires": {"exp": ABSENT},
    "that lives an hour": {"exp": 4_000_000_000},
    "never issued": {"iat": ABSENT},
    "with no organization": {"org_id": ABSENT},
    "with a foreign organization": {"org_id": str(seed.organization("solo-works").id)},
    "with an organization by name": {"org_id": "xyz-travel"},
    "with two organizations": {"org_id": [str(seed.organization("xyz-travel").id)] * 2},
    "with two choices": {"invitation_id": str(seed.organization("abc-inc").id)},
    "with another choice": {"new_organization": "Evil Inc"},
    "with no word on remembering": {"remember": ABSENT},
    "with an odd word on remembering": {"remember": "yes"},
}


@pytest.mark.parametrize("name", FORGED_SELECTIONS)
def test_a_forged_selection_token_ends_the_login(person: Person, name: str) -> None:
    """Even with a right signature: the Action compares every claim with this login."""
    answer = _continue(person, FORGED_SELECTIONS[name])

    assert answer["error"] == "access_denied"
    assert answer["error_description"] == "selection_failed"
    assert set(answer) == {"error", "error_description", "state"}


def test_the_unchanged_selection_token_completes_the_login(person: Person) -> None:
    """So the refusals around this test are due to the changes."""
    assert "code" in _continue(person, {})


@pytest.mark.parametrize("secret", ["session", "other", "empty"])
def test_a_selection_token_signed_with_another_secret_ends_the_login(
    person: Person, secret: str
) -> None:
    """One secret per direction: what the Action signs cannot be sent back as the answer."""
    secrets = {"session": person.stack.session_secret, "other": SELECTION_SECRET, "empty": ""}
    answer = _continue(person, {}, secret=secrets[secret])

    assert answer["error_description"] == "selection_failed"


def test_a_session_token_sent_back_as_the_answer_ends_the_login(person: Person) -> None:
    person.open_app(ext_org_prompt="select").log_in("joe@example.com")
    cookie = next(one for one in person.http.cookies.jar if one.name.startswith("login-"))
    assert cookie.value is not None
    token, _, _ = cookie.value.rpartition(".")
    form = person.press("XYZ Travel").form("selection_token")
    person.submit(form, selection_token=token)

    assert person.callback is not None
    assert person.callback["error_description"] == "selection_failed"


def test_a_second_state_in_the_body_ends_the_login(person: Person) -> None:
    """Auth0 reads the body first, but finds the login by the address."""
    person.open_app(ext_org_prompt="select").log_in("joe@example.com")
    form = person.press("XYZ Travel").form("selection_token")
    person.submit(form, state="another")

    assert person.callback is not None
    assert person.callback["error_description"] == "selection_failed"


def _continue(
    person: Person, changes: dict[str, object], *, secret: str | None = None
) -> dict[str, str]:
    """Choose, and then send a changed token in place of the page's."""
    person.open_app(ext_org_prompt="select").log_in("joe@example.com")
    form = person.press("XYZ Travel").form("selection_token")
    claims = claims_of(form.fields["selection_token"]) | changes
    claims = {name: value for name, value in claims.items() if value is not ABSENT}
    key = person.stack.selection_secret if secret is None else secret
    person.submit(form, selection_token=sign(HEADER, claims, key))
    assert person.callback is not None, person.text
    return person.callback


def test_the_valid_claims_of_these_tests_are_those_of_the_real_action(person: Person) -> None:
    """The forged tokens above are changes of a token like this one."""
    person.open_app(ext_org_prompt="select").log_in("joe@example.com")
    cookie = next(one for one in person.http.cookies.jar if one.name.startswith("login-"))
    assert cookie.value is not None

    assert set(claims_of(cookie.value)) == set(valid_session_claims())


@pytest.mark.parametrize("path", ["//decisions", "///decisions"])
def test_another_spelling_of_a_path_is_not_found(selector: Selector, path: str) -> None:
    """A proxy's rule for /decisions would not apply to //decisions."""
    bearer = f"Bearer {DECISION.token()}"

    assert _decide(selector, bearer).status_code == 200
    assert _decide(selector, bearer, path=path).status_code == 404
