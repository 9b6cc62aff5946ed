"""The local tenant, over real HTTP and with real Node: documented behaviour, and assumptions."""

import base64
import hmac
import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest

from local_tenant.assumptions import Assumptions
from local_tenant.configuration import Action, Api, TenantConfig
from tests.kit.tenant import (
    ANN,
    AUDIENCE,
    CALLBACK,
    CHALLENGE,
    JOE,
    OTHER,
    PICKER,
    SECRET,
    SPA,
    WEB,
    Running,
    Start,
    action,
    answered,
    redirected,
)

RIGHT = {"email": JOE.email, "password": JOE.password}


def selection(state: str, port: int, secret: str = SECRET, /, **changes: Any) -> str:
    now = int(time.time())
    claims = {
        "iss": f"localhost:{port}",
        "sub": JOE.user_id,
        "iat": now,
        "exp": now + 120,
        "state": state,
        "org_id": "abc",
    }
    return jwt.encode(claims | changes, secret, algorithm="HS256")


def probe(body: str) -> str:
    """Return an Action that runs `body` and puts what it returns into the access token."""
    return action(
        f"const seen = await (async () => {{ {body} }})();"
        "api.accessToken.setCustomClaim('https://example.com/seen', seen ?? null);"
    )


def seen(running: Running, answer: httpx2.Response) -> Any:
    token = running.exchange(answer).json()["access_token"]
    return running.verify(token, AUDIENCE)["https://example.com/seen"]


def user_info(running: Running, token: str, method: str = "GET") -> httpx2.Response:
    bearer = {"Authorization": f"Bearer {token}"}
    return WEB.request(method, f"{running.url}/userinfo", headers=bearer)


def suspended(running: Running, browser: httpx2.Client, **changes: Any) -> dict[str, str]:
    return redirected(running.log_in(browser, **changes))


def suspend(running: Running) -> tuple[httpx2.Client, str]:
    """Log in as far as the picker; return the browser and the state of its login."""
    browser = running.browser()
    return browser, suspended(running, browser)["state"]


def resume(browser: httpx2.Client, at: str, token: str, /, **form: str) -> httpx2.Response:
    """Come back from the picker with a return token."""
    form = {"selection_token": token, **form}
    return browser.post("/continue", params={"state": at}, data=form)


def cookies_of(browser: httpx2.Client) -> dict[str, str]:
    """The browser's cookies as a header, for requests that are sent at once."""
    return {"Cookie": "; ".join(f"{c.name}={c.value}" for c in browser.cookies.jar)}


# A login without a redirect


def test_login_gives_tokens_of_the_documented_form(start: Start) -> None:
    running = start()
    answer = running.log_in(running.browser())

    assert answered(answer)["state"] == "app-state"
    tokens = running.exchange(answer).json()
    access = running.verify(tokens["access_token"], AUDIENCE)
    assert jwt.get_unverified_header(tokens["access_token"])["typ"] == "JWT"
    assert (access["sub"], access["azp"]) == ("auth0|joe", "spa")
    assert access["exp"] - access["iat"] == tokens["expires_in"] == 600
    assert access["scope"] == tokens["scope"] == "openid profile email offline_access"
    identity = running.verify(tokens["id_token"], "spa")
    assert (identity["nonce"], identity["email"], identity["name"]) == (
        "app-nonce",
        "joe@example.com",
        "Joe",
    )
    profile = user_info(running, tokens["access_token"]).json()
    assert (profile["sub"], profile["email"]) == ("auth0|joe", "joe@example.com")


def test_an_api_in_the_dialect_of_rfc_9068_gets_such_tokens(start: Start) -> None:
    running = start(apis=(Api(AUDIENCE, 600, dialect="rfc9068_profile"),))
    token = running.tokens()["access_token"]

    claims = running.verify(token, AUDIENCE)
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert claims["client_id"] == "spa"
    assert "jti" in claims
    assert "azp" not in claims


# RBAC

MEMBER = replace(JOE, permissions={AUDIENCE: ("org:abc-inc", "org:xyz-travel", "read:projects")})


@pytest.mark.parametrize("profile", ["access_token", "rfc9068_profile"])
@pytest.mark.parametrize("authz", ["", "_authz"])
@pytest.mark.parametrize("enforced", [True, False])
def test_permissions_are_in_a_token_only_with_rbac_and_a_dialect_for_them(
    start: Start, profile: str, authz: str, enforced: bool
) -> None:
    api = Api(AUDIENCE, 600, dialect=f"{profile}{authz}", enforce_policies=enforced)  # type: ignore[arg-type]
    running = start(apis=(api,), users=(MEMBER,))
    scope = "openid read:projects delete:projects org:abc-inc"
    tokens = running.tokens(scope=scope)
    claims = running.verify(tokens["access_token"], AUDIENCE)

    assert claims["scope"] == tokens["scope"]
    assert claims["scope"] == ("openid read:projects org:abc-inc" if enforced else scope)
    if authz and enforced:
        assert claims["permissions"] == ["org:abc-inc", "org:xyz-travel", "read:projects"]
    else:
        assert "permissions" not in claims
    rfc = profile == "rfc9068_profile"
    assert jwt.get_unverified_header(tokens["access_token"])["typ"] == ("at+jwt" if rfc else "JWT")
    names = {"iss", "sub", "aud", "iat", "exp", "scope"} | (
        {"client_id", "jti"} if rfc else {"azp"}
    )
    assert set(claims) - {"permissions"} == names
    assert claims["aud"] == [AUDIENCE, f"{running.url}/userinfo"]


def test_scopes_the_api_does_not_have_are_left_out(start: Start) -> None:
    running = start(apis=(Api(AUDIENCE, 600, scopes=("read:projects",)),))
    answer = running.log_in(running.browser(), scope="openid read:projects delete:projects")

    assert running.exchange(answer).json()["scope"] == "openid read:projects"


def test_permissions_are_those_of_the_person_and_the_api(start: Start) -> None:
    api = Api(AUDIENCE, 600, dialect="access_token_authz", enforce_policies=True)
    other = replace(api, identifier="https://other")
    running = start(apis=(api, other), users=(MEMBER, ANN))
    for user, audience, expected in (
        (MEMBER, AUDIENCE, list(MEMBER.permissions[AUDIENCE])),
        (MEMBER, "https://other", []),
        (ANN, AUDIENCE, []),
    ):
        answer = running.log_in(running.browser(), user, audience=audience, scope="read:projects")
        tokens = running.exchange(answer).json()
        claims = running.verify(tokens["access_token"], audience)
        assert claims["permissions"] == expected
        assert claims.get("scope") == ("read:projects" if expected else None)
        assert claims["aud"] == audience


def test_permissions_stay_at_a_refresh_and_actions_change_scopes_only(start: Start) -> None:
    source = action("""
        api.accessToken.addScope('delete:projects');
        api.accessToken.removeScope('read:projects');
        api.accessToken.setCustomClaim('permissions', ['org:evil']);
    """)
    api = Api(AUDIENCE, 600, dialect="rfc9068_profile_authz", enforce_policies=True)
    running = start(source, apis=(api,), users=(MEMBER,))
    scope = "offline_access read:projects org:abc-inc"
    tokens = running.tokens(scope=scope)
    renewed = running.refresh(tokens["refresh_token"]).json()
    for answer in (tokens, renewed):
        claims = running.verify(answer["access_token"], AUDIENCE)
        assert claims["permissions"] == list(MEMBER.permissions[AUDIENCE])
        assert claims["scope"] == "offline_access org:abc-inc delete:projects"
        assert "gty" not in claims


# /userinfo

WITH_CLAIMS = action("""
    api.idToken.setCustomClaim('https://example.com/org', 'abc');
    api.idToken.setCustomClaim('name', 'Another Name');
    if (event.request.body.less || event.request.query.less) api.accessToken.removeScope('email');
""")


@pytest.mark.parametrize("dialect", ["access_token", "rfc9068_profile", None])
def test_userinfo_shows_the_profile_and_what_actions_added(
    start: Start, dialect: str | None
) -> None:
    apis = () if dialect is None else (Api(AUDIENCE, 600, dialect=dialect),)  # type: ignore[arg-type]
    running = start(WITH_CLAIMS, apis=apis)
    audience = AUDIENCE if dialect else None

    def token(scope: str, less: str | None = None) -> str:
        answer = running.log_in(running.browser(), scope=scope, audience=audience, less=less)
        return str(running.exchange(answer).json()["access_token"])

    full = token("openid profile email")
    for method in ("GET", "POST"):
        response = user_info(running, full, method)
        assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
        assert response.json() == {
            "sub": "auth0|joe",
            "https://example.com/org": "abc",
            "name": "Joe",
            "nickname": "joe",
            "picture": "https://example.com/joe.png",
            "updated_at": running.tenant.started_at,
            "email": "joe@example.com",
            "email_verified": True,
        }
    only = user_info(running, token("openid")).json()
    assert {"sub", "https://example.com/org"} <= set(only)
    assert "email" not in only
    assert "email" not in user_info(running, token("openid email", less="1")).json()


@pytest.mark.parametrize("row", ["empty", "refused"])
def test_userinfo_shows_nothing_without_the_scope_openid(start: Start, row: str) -> None:
    running = start(assumptions=Assumptions(userinfo_without_openid=row))  # type: ignore[arg-type]
    browser = running.browser()
    jwt_token = running.exchange(running.log_in(browser, scope="email")).json()["access_token"]
    answer = running.authorize(browser, scope="email", audience=None)
    opaque = user_info(running, running.exchange(answer).json()["access_token"])

    assert user_info(running, jwt_token).status_code == 401
    if row == "empty":
        assert (opaque.status_code, opaque.json()) == (200, {})
    else:
        assert (opaque.status_code, opaque.json()["error"]) == (403, "insufficient_scope")


def test_userinfo_refuses_other_tokens_with_a_challenge(start: Start) -> None:
    running = start()
    tokens = running.tokens()

    assert user_info(running, tokens["access_token"]).status_code == 200
    others = (tokens["id_token"], tokens["refresh_token"], tokens["access_token"][:-2], "x")
    for other in others:
        response = user_info(running, other)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
    # The issuer follows the host.
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    url = f"http://127.0.0.1:{running.port}/userinfo"
    assert WEB.get(url, headers=bearer).status_code == 401
    silent = WEB.get(f"{running.url}/userinfo")
    assert silent.status_code == 401
    assert silent.headers["www-authenticate"] == 'Bearer realm="userinfo"'


def test_without_audience_the_access_token_is_opaque(start: Start) -> None:
    running = start()
    tokens = running.tokens(audience=None)

    assert "." not in tokens["access_token"]
    assert user_info(running, tokens["access_token"]).status_code == 200
    assert user_info(running, "other").status_code == 401


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({}, None, ""),
        ({"audience": "https://nobody"}, "access_denied", "Service not found: https://nobody"),
        ({"response_type": "token"}, "unsupported_response_type", ""),
        ({"code_challenge": None}, "invalid_request", ""),
        ({"code_challenge_method": "plain"}, "invalid_request", ""),
        ({"response_mode": "smoke"}, "invalid_request", ""),
        ({"prompt": "none login"}, "invalid_request", ""),
        ({"scope": ["openid", "email"]}, "invalid_request", ""),
        ({"max_age": "soon"}, "invalid_request", ""),
    ],
)
def test_wrong_parameters_are_reported_to_the_callback(
    start: Start, changes: dict[str, Any], error: str | None, description: str
) -> None:
    running = start()
    response = running.authorize(running.browser(), **changes)

    if error is None:
        assert urlsplit(response.headers["location"]).path == "/u/login"
        return
    found = answered(response)
    assert (found["error"], found["state"]) == (error, "app-state")
    assert description in found["error_description"]


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": ["spa", "spa"]},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": CALLBACK + "?x=1"},
    ],
)
def test_unknown_client_or_callback_ends_on_a_page(start: Start, changes: dict[str, Any]) -> None:
    running = start()
    page = running.authorize(running.browser(), **changes)

    assert page.status_code == 400
    assert "location" not in page.headers
    assert "evil" not in page.text


def test_wrong_password_keeps_the_login_and_the_address(start: Start) -> None:
    running = start()
    browser = running.browser()
    where = running.authorize(browser, login_hint="joe@example.com").headers["location"]
    assert 'value="joe@example.com"' in browser.get(where).text

    page = browser.post(where, data={"email": "JOE@example.com", "password": "wrong"})
    assert page.status_code == 401
    assert 'value="JOE@example.com"' in page.text
    assert "<script" not in page.text
    again = browser.post(where, data={"email": "JOE@example.com", "password": JOE.password})
    assert "code" in answered(again)


def test_one_click_buttons_are_shown_only_where_configured(start: Start) -> None:
    for one_click in (True, False):
        running = start(one_click=one_click)
        browser = running.browser()
        where = running.authorize(browser).headers["location"]
        assert ("Log in as <bdi>Joe</bdi>" in browser.get(where).text) is one_click
        response = browser.post(where, data={"user_id": JOE.user_id})
        assert response.status_code == (302 if one_click else 401)


def test_login_page_of_another_browser_is_refused(start: Start) -> None:
    running = start()
    browser = running.browser()
    where = running.authorize(browser).headers["location"]
    stranger = running.browser().post(where, data=RIGHT)
    assert stranger.status_code == 400
    assert "another browser" in stranger.text
    assert "code" in answered(browser.post(where, data=RIGHT))
    assert "already finished" in browser.post(where, data=RIGHT).text


def test_two_fresh_tabs_log_in_at_once(start: Start) -> None:
    """Each login has its own cookie, so neither tab ends the other's."""
    running = start()
    browser = running.browser()
    first = running.authorize(browser, state="one").headers["location"]
    second = running.authorize(browser, state="two").headers["location"]

    assert answered(browser.post(second, data=RIGHT))["state"] == "two"
    assert answered(browser.post(first, data=RIGHT))["state"] == "one"


def test_cookies_are_sent_across_sites_and_hidden_from_scripts(start: Start) -> None:
    running = start()
    cookies = running.log_in(running.browser()).headers.get_list("set-cookie")

    session = next(cookie for cookie in cookies if cookie.startswith("auth0="))
    for attribute in ("HttpOnly", "Secure", "SameSite=None", "Path=/"):
        assert attribute in session


# Single sign-on, prompt, response modes


def test_a_session_logs_in_until_prompt_max_age_or_its_end_forbid_it(start: Start) -> None:
    running = start()
    browser = running.browser()
    assert answered(running.authorize(browser, prompt="none"))["error"] == "login_required"
    running.log_in(browser)

    assert "code" in answered(running.authorize(browser))
    assert "code" in answered(running.authorize(browser, prompt="none"))
    assert "/u/login" in running.authorize(browser, prompt="login").headers["location"]
    assert "code" in answered(running.authorize(browser, max_age="60"))
    (session,) = running.tenant.records.sessions.values()
    session.authenticated_at -= 61
    found = answered(running.authorize(browser, max_age="60", prompt="none"))
    assert found["error_description"] == "Login required"
    running.tenant.drop_session(session.id)
    assert answered(running.authorize(browser, prompt="none"))["error"] == "login_required"


def test_session_belongs_to_its_host(start: Start) -> None:
    running = start()
    browser = running.browser()
    running.log_in(browser)
    (session,) = running.tenant.records.sessions.values()

    cookie = {"Cookie": f"auth0={session.cookie}"}
    for host, found in (("localhost", "code"), ("127.0.0.1", "error")):
        response = WEB.get(
            f"http://{host}:{running.port}/authorize",
            params=dict(browser_parameters(), prompt="none"),
            headers=cookie,
        )
        assert found in answered(response)


def browser_parameters() -> dict[str, str]:
    return {
        "client_id": "spa",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }


def test_each_response_mode_returns_code_and_state_safely(start: Start) -> None:
    running = start()
    browser = running.browser()
    running.log_in(browser)

    fragment = running.authorize(browser, response_mode="fragment").headers["location"]
    assert parse_qs(urlsplit(fragment).fragment)["state"] == ["app-state"]
    kept = running.authorize(browser, redirect_uri=SPA.callbacks[1]).headers["location"]
    assert kept.startswith("http://localhost:3000/other?kept=1&code=")
    form = running.authorize(browser, response_mode="form_post", state='"><script>').text
    assert f'action="{CALLBACK}"' in form
    assert 'name="code"' in form
    assert '"><script>' not in form
    message = running.authorize(browser, response_mode="web_message", state="</script><b>")
    assert "authorization_response" in message.text
    assert '"http://localhost:3000"' in message.text
    assert "</script><b>" not in message.text
    assert "frame-ancestors" not in message.headers["content-security-policy"]
    foreign = running.authorize(
        browser, client_id="other", redirect_uri=None, response_mode="web_message"
    )
    assert foreign.status_code == 400
    assert "postMessage" not in foreign.text


def test_web_message_carries_errors_too(start: Start) -> None:
    running = start()
    page = running.authorize(running.browser(), prompt="none", response_mode="web_message")

    assert '"error": "login_required"' in page.text
    assert '"state": "app-state"' in page.text


# The Action's event


def test_the_event_of_an_action_is_complete(start: Start) -> None:
    running = start(probe("return event;"))
    browser = running.browser()
    event = seen(
        running,
        running.log_in(
            browser,
            ext_dash_org=["a", "b"],
            login_hint="joe@example.com",
            ui_locales="de fr",
            client_secret="hidden",
        ),
    )

    assert event["request"]["query"]["ext-org"] == ["a", "b"]
    assert "client_secret" not in event["request"]["query"]
    assert event["request"]["hostname"] == f"localhost:{running.port}"
    assert event["request"]["method"] == "GET"
    transaction = event["transaction"]
    assert transaction["protocol"] == "oidc-basic-profile"
    assert transaction["requested_scopes"] == ["openid", "profile", "email", "offline_access"]
    assert transaction["response_type"] == ["code"]
    assert (transaction["state"], transaction["response_mode"]) == ("app-state", "query")
    assert (transaction["login_hint"], transaction["locale"]) == ("joe@example.com", "de")
    assert transaction["redirect_uri"] == CALLBACK
    assert (transaction["prompt"], transaction["metadata"]) == ([], {})
    assert event["client"] == {
        "client_id": "spa",
        "name": "Example App",
        "metadata": {"organization": "abc"},
    }
    assert event["resource_server"] == {"identifier": AUDIENCE}
    assert event["secrets"] == {"WORD": "secret 0"}
    assert event["stats"]["logins_count"] == 1
    assert event["user"]["email_verified"] is True
    assert list(event["session"]) == ["id"]
    assert event["authentication"]["methods"][0]["name"] == "pwd"
    assert "refresh_token" not in event
    assert "organization" not in event


def test_event_without_audience_has_no_resource_server(start: Start) -> None:
    running = start(action("api.access.deny(String('resource_server' in event))"))

    assert answered(running.log_in(running.browser()))["error_description"] == "true"
    found = answered(running.log_in(running.browser(), audience=None))
    assert found["error_description"] == "false"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("dropped", ["ext-good"]), ("passed", ["ext-bad", "ext-good"]), ("refused", None)],
)
def test_ext_parameters_outside_the_documented_form_are_treated_as_assumed(
    start: Start, mode: Any, expected: list[str] | None
) -> None:
    running = start(
        probe("return Object.keys(event.request.query).filter((n) => n.startsWith('ext')).sort();"),
        assumptions=Assumptions(invalid_ext_parameters=mode),
    )
    browser = running.browser()
    if expected is None:
        refused = running.authorize(browser, ext_dash_bad="<b>")
        assert answered(refused)["error"] == "invalid_request"
        return

    answer = running.log_in(browser, ext_dash_good="abc", ext_dash_bad="<b>")
    assert seen(running, answer) == expected


def test_an_action_sees_a_posted_parameter_in_query_and_body(start: Start) -> None:
    running = start(probe("return event.request;"))
    browser = running.browser()
    running.log_in(browser)
    form = browser_parameters() | {"audience": AUDIENCE, "ext-org": "abc"}
    request = seen(running, browser.post("/authorize", data=form))

    assert request["query"]["ext-org"] == request["body"]["ext-org"] == "abc"
    assert request["method"] == "POST"


# Deny, errors, claims


@pytest.mark.parametrize(
    ("source", "description"),
    [
        (action("api.access.deny('no_way')"), "no_way"),
        (action("throw new Error('broken')"), "broken"),
        (action("api.access.deny('no'); api.redirect.sendUserTo('http://127.0.0.1:9/')"), "no"),
        (
            "exports.onExecutePostLogin = (event, api) => {};",
            'Invalid function signature for the "onExecutePostLogin" handler. Use'
            ' "exports.onExecutePostLogin = async function(event, api) { }" as the signature.',
        ),
        ("module.exports = null;", "The Action must export an object."),
        (
            action("api.accessToken.sing()"),
            "api.accessToken.sing is not available in the local tenant",
        ),
        (
            action("api.samlResponse.setAttribute('a')"),
            "api.samlResponse.setAttribute is not available in the local tenant",
        ),
        (action("api.redirect.sendUserTo('/x')"), "Invalid URL"),
        (action("api.idToken.setCustomClaim('scope')"), 'The "scope" claim cannot be set.'),
    ],
)
def test_denied_and_failed_actions_end_at_the_callback(
    start: Start, source: str, description: str
) -> None:
    running = start(source, action("api.user.setAppMetadata('after', 1)"))
    browser = running.browser()
    found = answered(running.log_in(browser))

    assert (found["error"], found["error_description"]) == ("access_denied", description)
    assert found["state"] == "app-state"
    # The session exists, and the Actions after the failed one did not run.
    assert len(running.tenant.records.sessions) == 1
    silent = answered(running.authorize(browser, prompt="none"))
    assert silent["error_description"] == description
    assert running.tenant.records.people[JOE.user_id].app_metadata == {}


def test_an_error_at_the_top_level_is_repeated_and_a_modules_state_is_kept(start: Start) -> None:
    broken = start("throw new Error('top ' + (globalThis.count = (globalThis.count ?? 0) + 1));")
    counting = start("let n = 0;" + probe("return ++n;"))
    for attempt in (1, 2):
        found = answered(broken.log_in(broken.browser()))
        assert found["error_description"] == "top 1"
        assert seen(counting, counting.log_in(counting.browser())) == attempt


def test_restricted_claims_are_dropped_silently(start: Start) -> None:
    names = [
        "org_id",
        "roles",
        "sub",
        "https://x.auth0.com/a",
        "urn:auth0:a",
        "https://ok.example/a",
    ]
    both = "api.accessToken.setCustomClaim(n, 'x'); api.idToken.setCustomClaim(n, 'x');"
    running = start(action(f"for (const n of {json.dumps(names)}) {{ {both} }}"))
    tokens = running.tokens()

    for token, audience in ((tokens["access_token"], AUDIENCE), (tokens["id_token"], "spa")):
        claims = running.verify(token, audience)
        assert [name for name in names if claims.get(name) == "x"] == ["https://ok.example/a"]


def test_an_action_adds_and_removes_scopes(start: Start) -> None:
    running = start(
        action("api.accessToken.addScope('more'); api.accessToken.removeScope('email')")
    )
    tokens = running.tokens()

    assert tokens["scope"] == "openid profile offline_access more"
    assert running.verify(tokens["access_token"], AUDIENCE)["scope"] == tokens["scope"]


def test_metadata_of_users_is_written_even_by_a_denied_login(start: Start) -> None:
    running = start(action("api.user.setAppMetadata('a', 1)"), action("api.access.deny('no')"))
    running.log_in(running.browser())

    assert running.tenant.records.people[JOE.user_id].app_metadata == {"a": 1}


def test_console_is_kept_short_and_to_itself(start: Start) -> None:
    noise = "process.stdout.write('{\"id\": 1}\\n'); console.log('x'.repeat(1000));"
    running = start(action(noise))
    assert "code" in answered(running.log_in(running.browser()))

    assert running.tenant.records.executions[0]["console"] == "x" * 256


# Redirect and /continue


def test_redirect_carries_token_and_state(start: Start) -> None:
    running = start(PICKER)
    found = suspended(running, running.browser())

    assert found["kept"] == "1"
    assert re.fullmatch(r"[A-Za-z0-9_-]{120,200}", found["state"])
    claims = jwt.decode(
        found["session_token"], SECRET, algorithms=["HS256"], audience="picker", leeway=0
    )
    assert claims["iss"] == f"localhost:{running.port}"
    assert claims["sub"] == JOE.user_id
    assert claims["ip"] == "127.0.0.1"
    assert claims["exp"] - claims["iat"] == 600


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_continuation_sets_the_claims_once(start: Start, method: str) -> None:
    running = start(PICKER)
    browser, state = suspend(running)
    token = {"selection_token": selection(state, running.port)}
    sent: dict[str, Any] = {"params": {"state": state}, "data": token}
    if method == "GET":
        sent = {"params": {"state": state, **token}}
    answer, replay = (browser.request(method, "/continue", **sent) for _ in range(2))

    tokens = running.exchange(answer).json()
    assert answered(answer)["state"] == "app-state"
    assert running.verify(tokens["access_token"], AUDIENCE)["https://example.com/org"] == "abc"
    assert running.verify(tokens["id_token"], "spa")["https://example.com/org"] == "abc"
    assert replay.status_code == 400
    assert "invalid_request" in replay.text


@pytest.mark.parametrize(
    ("changes", "secret", "reason"),
    [
        ({}, SECRET, None),
        ({"state": "x"}, SECRET, "State in the token does not match the /continue state."),
        ({}, "another secret of thirty-two bytes", "Failed signature validation"),
        ({"iat": None}, SECRET, "Missing or invalid standard claims"),
        ({"iss": "elsewhere"}, SECRET, "Missing or invalid standard claims"),
        ({"sub": "auth0|ann"}, SECRET, "The sub claim does not match the user_id."),
        ({"exp": 1}, SECRET, "Token has expired."),
    ],
)
def test_return_token_is_validated(
    start: Start, changes: dict[str, Any], secret: str, reason: str | None
) -> None:
    running = start(PICKER)
    browser, state = suspend(running)
    token = selection(state, running.port, secret, **changes)
    found = answered(resume(browser, state, token))

    if reason is None:
        assert "code" in found
    else:
        assert found["error_description"] == f"The session token is invalid: {reason}"


@pytest.mark.parametrize("algorithm", ["HS256", "none", "HS512"])
def test_return_token_must_name_its_algorithm(start: Start, algorithm: str) -> None:
    """The signature is right in each row; only the header differs."""
    running = start(PICKER)
    browser, state = suspend(running)
    payload = selection(state, running.port).split(".")[1]
    header = base64.urlsafe_b64encode(json.dumps({"alg": algorithm}).encode()).rstrip(b"=")
    signed = f"{header.decode()}.{payload}"
    mac = hmac.digest(SECRET.encode(), signed.encode(), "sha256")
    token = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    found = answered(resume(browser, state, token))

    assert ("code" in found) is (algorithm == "HS256")
    assert "Failed signature" in found.get("error_description", "Failed signature")


def test_a_return_without_a_token_is_refused(start: Start) -> None:
    running = start(PICKER)
    browser, state = suspend(running)
    found = answered(browser.get("/continue", params={"state": state}))

    assert found["error_description"] == (
        "There is no parameter called 'selection_token' available in either the POST body or"
        " query string."
    )


@pytest.mark.parametrize("overrides", [True, False])
def test_a_state_in_the_body_overrides_the_query_only_as_assumed(
    start: Start, overrides: bool
) -> None:
    """Then a return token of another state passes."""
    running = start(PICKER, assumptions=Assumptions(body_state_overrides=overrides))
    browser, state = suspend(running)
    answer = resume(browser, state, selection("other", running.port), state="other")

    assert ("code" in answered(answer)) is overrides


def test_a_return_token_of_another_issuer_passes_only_as_assumed(start: Start) -> None:
    running = start(PICKER, assumptions=Assumptions(return_token_iss_enforced=False))
    browser, state = suspend(running)
    token = selection(state, running.port, iss="elsewhere")

    assert "code" in answered(resume(browser, state, token))


@pytest.mark.parametrize("initiate", ["", "http://localhost:3000/start"])
def test_dead_logins_start_again_or_say_why(start: Start, initiate: str) -> None:
    running = start(PICKER, clients=(replace(SPA, initiate_login_uri=initiate), OTHER))

    def ends(response: httpx2.Response, why: str) -> None:
        if initiate:
            assert (response.status_code, response.headers["location"]) == (302, initiate)
        else:
            assert response.status_code == 400
            assert why in response.text

    browser, state = suspend(running)
    ends(running.browser().get("/continue", params={"state": state}), "another browser")
    running.tenant.expire_login_transactions()
    ends(browser.get("/continue", params={"state": state}), "more than an hour")
    suspended(running, browser, prompt="login")
    ends(browser.get("/continue", params={"state": state}), "more than an hour")
    tampered = state[:20] + ("A" if state[20] != "A" else "B") + state[21:]
    ends(browser.get("/continue", params={"state": tampered}), "no unfinished login")
    assert browser.get("/continue").status_code == 400
    state = suspended(running, browser, prompt="login")["state"]
    browser.get("/v2/logout", params={"client_id": "spa"})
    ends(browser.get("/continue", params={"state": state}), "logged out")


def test_of_forty_simultaneous_continuations_one_wins(start: Start) -> None:
    running = start(PICKER)
    browser, state = suspend(running)
    cookies = cookies_of(browser)
    form = {"selection_token": selection(state, running.port)}
    barrier = threading.Barrier(40)

    def post(_: int) -> int:
        barrier.wait(10)
        url = f"{running.url}/continue?state={state}"
        return WEB.post(url, data=form, headers=cookies, timeout=20).status_code

    with ThreadPoolExecutor(40) as pool:
        statuses = sorted(pool.map(post, range(40)))

    assert statuses == [302] + [400] * 39


def test_pipeline_resumes_in_the_action_that_redirected(start: Start) -> None:
    count = "(event.transaction.metadata.before ?? 0) + 1"
    before = action(f"api.transaction.setMetadata('before', {count})")
    after = probe("return event.transaction.metadata;")
    running = start(before, PICKER, after)
    browser, state = suspend(running)
    answer = resume(browser, state, selection(state, running.port))

    assert seen(running, answer) == {"before": 1, "nonce": "n-1"}
    handlers = [entry["handler"] for entry in running.tenant.records.executions]
    assert handlers == ["onExecutePostLogin"] * 2 + ["onContinuePostLogin", "onExecutePostLogin"]


@pytest.mark.parametrize("allowed", [True, False])
def test_a_second_redirect_is_allowed_only_as_assumed(start: Start, allowed: bool) -> None:
    running = start(
        PICKER.split("exports.onContinuePostLogin")[0]
        + "exports.onContinuePostLogin = async (event, api) => event.request.query.done"
        " ? undefined : api.redirect.sendUserTo('http://127.0.0.1:9/select?state=mine');",
        assumptions=Assumptions(second_redirect=allowed),
    )
    browser, state = suspend(running)
    again = browser.get("/continue", params={"state": state})
    if not allowed:
        assert answered(again)["error"] == "access_denied"
        return

    second = redirected(again)["state"]
    assert second not in (state, "mine")
    assert again.headers["location"].count("state=") == 1
    assert "code" in answered(browser.get("/continue", params={"state": second, "done": "1"}))


def test_an_action_without_a_continuation_fails_the_return(start: Start) -> None:
    running = start(PICKER.split("exports.onContinuePostLogin")[0])
    browser, state = suspend(running)
    found = answered(browser.get("/continue", params={"state": state}))

    assert found["error"] == "access_denied"
    assert 'Invalid function signature for the "onContinuePostLogin"' in found["error_description"]


def test_silent_login_never_redirects_and_hints_need_no_page(start: Start) -> None:
    running = start(PICKER)
    browser = running.browser()
    suspended(running, browser)

    silent = answered(running.authorize(browser, prompt="none"))
    assert silent["error"] == "interaction_required"
    assert silent["error_description"] == "External interaction required"
    answer = running.authorize(browser, prompt="none", ext_dash_org="xyz")
    token = running.exchange(answer).json()["access_token"]
    assert running.verify(token, AUDIENCE)["https://example.com/org"] == "xyz"


@pytest.mark.parametrize("survive", [True, False])
def test_claims_set_before_a_redirect_are_kept_only_as_assumed(start: Start, survive: bool) -> None:
    running = start(
        probe("return 'kept';"), PICKER, assumptions=Assumptions(claims_survive_redirect=survive)
    )
    browser, state = suspend(running)
    answer = resume(browser, state, selection(state, running.port))
    claims = running.verify(running.exchange(answer).json()["access_token"], AUDIENCE)

    assert ("https://example.com/seen" in claims) is survive
    assert claims["https://example.com/org"] == "abc"


# /oauth/token


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"code": "other"},
        {"code_verifier": "w" * 43},
        {"redirect_uri": SPA.callbacks[1]},
        {"client_id": "other"},
    ],
)
def test_code_is_bound_to_client_callback_and_verifier(
    start: Start, changes: dict[str, Any]
) -> None:
    running = start()
    response = running.exchange(running.log_in(running.browser()), **changes)

    assert response.status_code == (403 if changes else 200)
    if changes:
        assert response.json()["error"] == "invalid_grant"
        assert response.headers["cache-control"] == "no-store"


def test_second_use_of_a_code_revokes_what_the_first_gave(start: Start) -> None:
    running = start()
    answer = running.log_in(running.browser())
    tokens = running.exchange(answer).json()

    assert running.exchange(answer).json()["error"] == "invalid_grant"
    assert running.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_an_expired_code_is_refused(start: Start) -> None:
    running = start()
    answer = running.log_in(running.browser())
    for code in running.tenant.records.codes.values():
        code.expires_at = time.time() - 1

    assert running.exchange(answer).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "magic"}, 403, "unsupported_grant_type"),
        ({"client_id": 7}, 400, "invalid_request"),
        ({"refresh_token": "v1.unknown"}, 403, "invalid_grant"),
    ],
)
def test_the_token_endpoint_names_each_error(
    start: Start, changes: dict[str, Any], status: int, error: str
) -> None:
    running = start()
    response = running.refresh("v1.x", **changes)

    assert (response.status_code, response.json()["error"]) == (status, error)
    assert "error_description" in response.json()
    broken = WEB.post(
        f"{running.url}/oauth/token", content="{", headers={"Content-Type": "application/json"}
    )
    assert (broken.status_code, broken.json()["error"]) == (400, "invalid_request")


def test_a_refresh_token_is_given_only_with_offline_access(start: Start) -> None:
    running = start()
    answer = running.log_in(running.browser(), scope="openid")

    assert "refresh_token" not in running.exchange(answer).json()


def test_refresh_runs_the_action_and_rotates(start: Start) -> None:
    running = start(PICKER, probe("return event;"))
    answer = running.log_in(running.browser(), ext_dash_org="abc")
    first = running.exchange(answer).json()["refresh_token"]
    tokens = running.refresh(first, **{"ext-org": "xyz", "scope": "openid offline_access"}).json()

    claims = running.verify(tokens["access_token"], AUDIENCE)
    event = claims["https://example.com/seen"]
    assert claims["https://example.com/org"] == "xyz"
    assert (claims["gty"], claims["scope"]) == ("refresh_token", "openid offline_access")
    assert event["transaction"]["protocol"] == "oauth2-refresh-token"
    assert "id" not in event["transaction"]
    assert event["request"]["query"] == {}
    assert event["request"]["body"]["grant_type"] == "refresh_token"
    assert "refresh_token" not in event["request"]["body"]
    assert event["session"] == {}
    assert "metadata" not in event["refresh_token"]
    assert tokens["refresh_token"] != first
    # The first token again is a sign of theft: the whole family of tokens is revoked.
    assert running.refresh(first, **{"ext-org": "xyz"}).json()["error"] == "invalid_grant"
    reused = running.refresh(tokens["refresh_token"], **{"ext-org": "xyz"})
    assert (reused.status_code, reused.json()["error"]) == (403, "invalid_grant")


@pytest.mark.parametrize("spends", [False, True])
def test_a_refused_refresh_uses_up_its_token_only_as_assumed(start: Start, spends: bool) -> None:
    running = start(PICKER, assumptions=Assumptions(failed_refresh_spends_token=spends))
    answer = running.log_in(running.browser(), ext_dash_org="abc")
    token = running.exchange(answer).json()["refresh_token"]
    denied = running.refresh(token, **{"ext-org": "evil"})

    assert denied.status_code == 403
    assert denied.json() == {"error": "access_denied", "error_description": "not a member"}
    after = running.refresh(token, **{"ext-org": "abc"})
    assert after.status_code == (403 if spends else 200)


def test_refresh_cannot_redirect(start: Start) -> None:
    running = start(PICKER)
    answer = running.log_in(running.browser(), ext_dash_org="abc")
    response = running.refresh(running.exchange(answer).json()["refresh_token"])

    assert (response.status_code, response.json()["error"]) == (403, "interaction_required")


def test_of_simultaneous_refreshes_at_most_one_wins(start: Start) -> None:
    running = start()
    token = running.tokens()["refresh_token"]
    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(lambda _: running.refresh(token).status_code, range(10)))

    assert statuses.count(200) == 1
    assert running.tenant.records.refresh_tokens == {}


def test_a_client_uses_and_revokes_only_its_own_refresh_tokens(start: Start) -> None:
    running = start()
    token = running.tokens()["refresh_token"]

    assert running.refresh(token, client_id="other").json()["error"] == "invalid_grant"
    url = f"{running.url}/oauth/revoke"
    foreign = {"token": token, "client_id": "other"}
    assert WEB.post(url, data=foreign).status_code == 200
    token = running.refresh(token).json()["refresh_token"]
    own = {"token": token, "client_id": "spa"}
    assert WEB.post(url, json=own).status_code == 200
    assert running.refresh(token).json()["error"] == "invalid_grant"


def test_password_grant_has_no_browser(start: Start) -> None:
    running = start(PICKER, probe("return event;"))
    body = {
        "grant_type": "password",
        "client_id": "spa",
        "username": JOE.email,
        "password": JOE.password,
        "audience": AUDIENCE,
        "scope": "openid",
        "ext-org": "abc",
    }

    def post(**changes: str) -> httpx2.Response:
        return WEB.post(f"{running.url}/oauth/token", data=body | changes)

    claims = running.verify(post().json()["access_token"], AUDIENCE)
    event = claims["https://example.com/seen"]
    assert event["transaction"]["protocol"] == "oauth2-password"
    assert "password" not in event["request"]["body"]
    assert post(password="wrong").json()["error"] == "invalid_grant"
    assert post(**{"ext-org": ""}).json()["error"] == "interaction_required"


def test_a_blocked_user_gets_no_token_until_unblocked(start: Start) -> None:
    running = start()
    browser = running.browser()
    token = running.exchange(running.log_in(browser)).json()["refresh_token"]
    running.tenant.set_blocked(JOE.user_id, True)

    assert running.refresh(token).json()["error_description"] == "user is blocked"
    silent = answered(running.authorize(browser, prompt="none"))
    assert (silent["error"], silent["error_description"]) == ("unauthorized", "user is blocked")
    assert answered(running.log_in(running.browser()))["error"] == "unauthorized"
    assert "code" in answered(running.log_in(running.browser(), ANN))
    running.tenant.set_blocked(JOE.user_id, False)
    assert running.refresh(token).status_code == 200


# Metadata


REMEMBER = probe("""
  const org = event.request.body['ext-org'] ?? event.request.query['ext-org'];
  if (org) api.refreshToken.setMetadata('org', org);
  return event.refresh_token?.metadata ?? 'none';
""")


@pytest.mark.parametrize("plan", [True, False])
def test_metadata_of_refresh_tokens_is_kept_only_on_a_plan_that_has_it(
    start: Start, plan: bool
) -> None:
    running = start(REMEMBER, refresh_token_metadata=plan)
    answer = running.log_in(running.browser(), ext_dash_org="abc")
    tokens = running.exchange(answer).json()
    found = []
    for change in ({}, {"ext-org": "xyz"}, {}):
        tokens = running.refresh(tokens["refresh_token"], **change).json()
        claims = running.verify(tokens["access_token"], AUDIENCE)
        found.append(claims["https://example.com/seen"])

    expected = [{"org": "abc"}, {"org": "abc"}, {"org": "xyz"}]
    assert found == (expected if plan else ["none"] * 3)


def test_metadata_without_plan_can_throw(start: Start) -> None:
    running = start(REMEMBER, assumptions=Assumptions(metadata_write_without_plan="throws"))
    found = answered(running.log_in(running.browser(), ext_dash_org="abc"))

    assert found["error_description"].startswith("Failed to set refresh token metadata")


def test_metadata_of_sessions_is_seen_at_the_next_login(start: Start) -> None:
    running = start(
        probe("api.session.setMetadata('org', 'abc'); return event.session.metadata;"),
        session_metadata=True,
    )
    browser = running.browser()

    assert seen(running, running.log_in(browser)) == {}
    assert seen(running, running.authorize(browser, prompt="none")) == {"org": "abc"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("api.refreshToken.setMetadata('a', 'b')", None),
        ("api.refreshToken.setMetadata('a', 1)", "Metadata value must be a string"),
        ("api.refreshToken.setMetadata('a b', 'x')", "may only include letters"),
        ("api.session.setMetadata('a'.repeat(256), 'x')", "at most 255 characters"),
        (
            "for (let i = 0; i < 26; i++) api.session.setMetadata('k' + i, 'x')",
            "must not contain more than 25 entries",
        ),
        ("api.transaction.setMetadata('a'.repeat(65), 'x')", "1 to 64 characters"),
        ("api.transaction.setMetadata('a', {})", "safe integer"),
        ("api.transaction.setMetadata('a', 2 ** 60)", "safe integer"),
        ("api.transaction.setMetadata('a', 'x'.repeat(8193))", "8 KB"),
        ("for (const k of 'abc') api.transaction.setMetadata(k, 'x'.repeat(8000))", "16 KB"),
        ("api.accessToken.addScope('a b')", "white space"),
    ],
)
def test_an_action_beyond_the_limits_of_the_api_fails(
    start: Start, call: str, message: str | None
) -> None:
    running = start(action(call), refresh_token_metadata=True, session_metadata=True)
    found = answered(running.log_in(running.browser()))

    if message is None:
        assert "code" in found
    else:
        assert message in found["error_description"]


def test_can_redirect_is_false_in_a_silent_login_and_calls_can_be_chained(start: Start) -> None:
    running = start(
        probe("return [api.redirect.canRedirect(), api.idToken.setCustomClaim('a', 1) === api];")
    )
    browser = running.browser()

    assert seen(running, running.log_in(browser)) == [True, True]
    assert seen(running, running.authorize(browser, prompt="none")) == [False, True]


def test_a_payload_replaces_the_standard_claims_of_a_token(start: Start) -> None:
    running = start(
        probe(
            "return api.redirect.encodeToken({ secret: 'x'.repeat(32),"
            " payload: { sub: 'mine', extra: 1 }, expiresInSeconds: 0 });"
        )
    )
    token = seen(running, running.log_in(running.browser()))
    claims = jwt.decode(token, options={"verify_signature": False})

    assert (claims["sub"], claims["extra"]) == ("mine", 1)
    assert claims["exp"] == claims["iat"]


# The runner


def test_slow_actions_fail_alone(start: Start) -> None:
    source = action("""
        if (event.request.query['ext-how'] === 'wait') await new Promise(() => {});
        if (event.request.query['ext-how'] === 'loop') for (;;) {}
    """)
    running = start(source, action_time_limit=1.0)
    browsers = [running.browser() for _ in range(4)]
    for browser in browsers:
        running.log_in(browser)
    started = time.monotonic()
    ways = ["loop", "fine", "fine", "wait"]
    with ThreadPoolExecutor(4) as pool:
        futures = []
        for browser, way in zip(browsers, ways, strict=True):
            futures.append(pool.submit(running.authorize, browser, ext_dash_how=way))
            time.sleep(0.1)
        found = [answered(future.result()) for future in futures]

    assert time.monotonic() - started < 8
    assert "within 1 seconds" in found[0]["error_description"]
    assert "code" in found[1]
    assert "code" in found[2]
    assert found[3]["error"] == "access_denied"
    assert "code" in answered(running.authorize(browsers[0], ext_dash_how="fine"))


def test_killed_runner_is_replaced(start: Start) -> None:
    running = start(probe("await new Promise((r) => setTimeout(r, 300)); return 1;"))
    browser = running.browser()
    running.log_in(browser)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(running.authorize, browser)
        time.sleep(0.15)
        running.tenant.kill_runner()
        assert "code" in answered(waiting.result())
    running.tenant.kill_runner()
    assert "code" in answered(running.authorize(browser))


def test_action_that_ends_the_process_fails_its_login_only(start: Start) -> None:
    running = start(action("if (event.request.query['ext-end']) process.exit(1);"))
    found = answered(running.log_in(running.browser(), ext_dash_end="1"))

    assert found["error"] == "access_denied"
    assert "code" in answered(running.log_in(running.browser()))


def test_actions_that_run_at_once_do_not_see_each_other(start: Start) -> None:
    running = start(
        probe("await new Promise((r) => setTimeout(r, 50)); return event.request.query['ext-n'];")
    )
    browser = running.browser()
    running.log_in(browser)
    cookies = cookies_of(browser)

    def ask(number: int) -> Any:
        parameters = browser_parameters() | {"audience": AUDIENCE, "ext-n": str(number)}
        response = WEB.get(f"{running.url}/authorize", params=parameters, headers=cookies)
        return seen(running, response)

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(ask, range(20))) == [str(number) for number in range(20)]


@pytest.mark.parametrize("member", ["refreshToken", "session"])
def test_an_action_revokes_a_session_or_a_refresh_token(start: Start, member: str) -> None:
    running = start(action(f"if (event.request.body['ext-end']) api.{member}.revoke('over');"))
    browser = running.browser()
    token = running.exchange(running.log_in(browser)).json()["refresh_token"]
    token = running.refresh(token).json()["refresh_token"]
    response = running.refresh(token, **{"ext-end": "1"})

    assert response.status_code == 403
    assert response.json() == {"error": "access_denied", "error_description": "over"}
    assert running.refresh(token).json()["error"] == "invalid_grant"
    assert len(running.tenant.records.sessions) == (0 if member == "session" else 1)


# Discovery, CORS, logout, keys


def test_discovery_follows_the_host(start: Start) -> None:
    running = start()
    for host, base in (
        (f"localhost:{running.port}", running.url),
        (f"127.0.0.1:{running.port}", f"http://127.0.0.1:{running.port}"),
        ("login.example.com", "https://login.example.com"),
    ):
        document = WEB.get(
            f"{running.url}/.well-known/openid-configuration", headers={"Host": host}
        ).json()
        assert document["issuer"] == f"{base}/"
        assert document["jwks_uri"] == f"{base}/.well-known/jwks.json"


def test_tokens_of_the_old_and_of_the_new_signing_key_are_valid(start: Start) -> None:
    running = start()
    old = running.tokens()["access_token"]
    running.tenant.rotate_signing_key()
    new = running.tokens()["access_token"]

    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    assert running.verify(old, AUDIENCE)["sub"] == running.verify(new, AUDIENCE)["sub"]


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://evil.example"])
def test_only_pages_of_the_clients_origins_read_answers(start: Start, origin: str) -> None:
    running = start()
    expected = origin if origin in SPA.web_origins else None
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for method, path in (("OPTIONS", "/oauth/token"), ("GET", "/.well-known/jwks.json")):
        response = WEB.request(method, running.url + path, headers=asked)
        assert response.headers.get("access-control-allow-origin") == expected
        assert response.headers["vary"] == "Origin"
    page = WEB.get(f"{running.url}/authorize", headers=asked)
    assert "access-control-allow-origin" not in page.headers


def test_a_logout_ends_the_session_and_redirects_only_to_allowed_urls(start: Start) -> None:
    running = start()
    browser = running.browser()
    running.log_in(browser)

    to = {"client_id": "spa", "returnTo": "http://localhost:3000/bye?why=1"}
    response = browser.get("/v2/logout", params=to)
    assert response.headers["location"] == to["returnTo"]
    assert running.tenant.records.sessions == {}
    assert answered(running.authorize(browser, prompt="none"))["error"] == "login_required"
    for changes in ({"returnTo": "https://evil.example/"}, {"client_id": "other"}):
        page = browser.get("/v2/logout", params=to | changes)
        assert page.status_code == 400
        assert "location" not in page.headers
        assert "evil" not in page.text


def test_a_logout_by_openid_connect_requires_a_valid_id_token(start: Start) -> None:
    running = start()
    browser = running.browser()
    hint = running.exchange(running.log_in(browser)).json()["id_token"]
    to = {
        "id_token_hint": hint,
        "post_logout_redirect_uri": "http://localhost:3000/bye",
        "state": "s",
    }

    assert browser.get("/oidc/logout", params=to | {"id_token_hint": "x.y.z"}).status_code == 400
    response = browser.get("/oidc/logout", params=to)
    assert response.headers["location"] == "http://localhost:3000/bye?state=s"
    assert running.tenant.records.sessions == {}


def test_an_error_of_the_tenant_itself_is_logged_without_its_text(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running = start()

    def fail(*_: object) -> None:
        raise RuntimeError("joe@example.com")

    monkeypatch.setattr(running.tenant.records, "find_session", fail)
    page = running.authorize(running.browser(), login_hint="joe@example.com")

    assert page.status_code == 500
    assert "joe" not in page.text
    assert "RuntimeError at " in caplog.text
    assert "joe" not in caplog.text


# Configuration


def test_configuration_survives_json(start: Start, tmp_path: Path) -> None:
    config = TenantConfig(
        clients=(SPA, OTHER),
        users=(JOE, ANN),
        apis=(Api(AUDIENCE, 600, scopes=("read",)), Api("b")),
        actions=(Action("a", tmp_path / "code.js", {"A": "b"}),),
        assumptions=Assumptions(second_redirect=False),
        action_time_limit=3,
    )

    assert TenantConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        (("clients", 0, "callback"), "x", "clients[0].callback: Unexpected keyword argument"),
        (("clients", 0, "name"), 7, "clients[0].name: Input should be a valid string"),
        (("assumptions", "second_redirect"), 1, "assumptions.second_redirect: Input should be"),
        (("apis", 0, "dialect"), "klingon", "apis[0].dialect: Input should be"),
        (("action_time_limit",), True, "action_time_limit: Input should be a valid number"),
        (("users",), "joe", "users: Input should be a valid array"),
    ],
)
def test_wrong_configuration_is_refused_by_name(
    path: tuple[Any, ...], value: Any, complaint: str
) -> None:
    config = json.loads(TenantConfig(clients=(SPA,), users=(JOE,), apis=(Api(AUDIENCE),)).to_json())
    target = config
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value

    with pytest.raises(ValueError, match=re.escape(complaint)):
        TenantConfig.from_json(json.dumps(config))
