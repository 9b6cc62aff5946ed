"""
Attacker: a web page of another origin that a member has open in the same browser.
Wants: to call the API as that member, or to read its answers to the member's app.
Stopped by: `service/cors.py` `Cors`, `org_guard/flask.py` `read_bearer_token`

The API uses no cookie that a browser would add, so a page without a token gets a 401. Browsers show
the API's answers to pages of the configured origins only.
"""

from tests.kit.running_api import APP_ORIGIN
from tests.kit.target import Target

STRANGERS = (
    "https://evil.example.com",
    "http://app.example.com",
    "https://app.example.com.evil.net",
    "https://app.example.com:8443",
    "https://evil-app.example.com",
    f"{APP_ORIGIN}/",
    APP_ORIGIN.upper(),
    f"{APP_ORIGIN}, https://evil.example.com",
    "null",
    "*",
)
ALLOWED = "Access-Control-Allow-Origin"


def test_a_preflight_of_another_origin_gets_no_permission(target: Target) -> None:
    """At every operation; the configured origin gets it at each of them."""
    client = target.api.app.test_client()
    for operation in target.operations():
        if operation.method == "HEAD":
            continue
        asked = {
            "Access-Control-Request-Method": operation.method,
            "Access-Control-Request-Headers": "authorization,content-type,x-organization",
        }
        own = client.options(operation.path(), headers={"Origin": APP_ORIGIN} | asked)
        assert own.headers[ALLOWED] == APP_ORIGIN
        assert operation.method in own.headers["Access-Control-Allow-Methods"]
        assert "X-Organization" in own.headers["Access-Control-Allow-Headers"]
        for origin in STRANGERS:
            answer = client.options(operation.path(), headers={"Origin": origin} | asked)
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_a_page_of_another_origin_cannot_read_any_answer(target: Target) -> None:
    """Neither data nor refusals; `Vary` keeps the answers apart in caches."""
    for path, status in (("/me", 200), ("/projects/x", 404), ("/members?limit=0", 422)):
        own = target.get(path, headers={"Origin": APP_ORIGIN})
        assert (own.status_code, own.headers[ALLOWED]) == (status, APP_ORIGIN)
        assert "Access-Control-Allow-Credentials" not in own.headers
        for origin in STRANGERS:
            answer = target.get(path, headers={"Origin": origin})
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
            assert "Origin" in answer.headers["Vary"]


def test_a_request_with_cookies_and_a_form_but_no_token_gets_a_401(target: Target) -> None:
    """A browser adds cookies by itself and sends forms for any page; neither is a token."""
    client = target.api.app.test_client()
    token = target.token()
    assert target.get("/me").headers.get("Set-Cookie") is None
    for operation in target.operations():
        answer = client.open(
            operation.path(),
            method=operation.method,
            headers={"Origin": "null", "Cookie": f"token={token}; Authorization=Bearer {token}"},
            data="name=x&role=owner",
            content_type="application/x-www-form-urlencoded",
        )
        assert answer.status_code == 401, operation


def test_a_body_of_a_type_that_forms_can_send_is_refused(target: Target) -> None:
    """Pages may send these three types without a preflight. A valid token does not help."""
    token, client = target.token(), target.api.app.test_client()
    before = target.snapshot("abc-inc")
    headers = {"Authorization": f"Bearer {token}", "X-Organization": "abc-inc"}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = client.post("/projects", data='{"name":"x"}', content_type=kind, headers=headers)
        assert answer.status_code == 415
    assert target.snapshot("abc-inc") == before
    answer = client.post(
        "/projects", data='{"name":"x"}', content_type="application/json", headers=headers
    )
    assert answer.status_code == 201


def test_an_answer_cannot_be_framed_run_as_a_script_or_stored(target: Target) -> None:
    """Its type is JSON, browsers must not guess another, and caches must not keep it."""
    target.request("POST", "/projects", {"name": "<script>alert(1)</script>"})
    for answer in (target.get("/projects"), target.get("/nowhere")):
        assert answer.content_type in ("application/json", "application/problem+json")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store, no-transform"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
