"""Pages of the configured origins can read every answer, and pages of other origins none."""

import pytest
from flask import Flask, Response, request
from werkzeug.test import TestResponse

from endpoint.errors import REFUSALS, InvalidInput
from org_guard.errors import MissingToken
from service.app import create_app
from service.cors import Cors
from service.pool import Database, Unavailable

APP = "https://app.example.com"
METHODS = ("GET", "POST", "PATCH", "DELETE")
REQUEST_HEADERS = ("Authorization", "Content-Type")
EXPOSED_HEADERS = ("Location", "Retry-After", "WWW-Authenticate", "X-Request-Id")
PREFLIGHT = {
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,content-type",
}
BODY_ERROR = {"pointer": "/name", "detail": "is missing"}
STRANGERS = [
    "https://evil.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.net",
    "https://app.example.co",
    "https://evil-app.example.com",
    "https://app.example.com/",
    "HTTPS://APP.EXAMPLE.COM",
    "https://app.example.com, https://evil.example.com",
    "null",
    "*",
    "",
]


@pytest.fixture
def app() -> Flask:
    """An API where every view requires a token."""
    app = create_app(
        __name__,
        # Never opened: the views below do not use the database.
        database=Database("dbname=none", size=1, configure=lambda conn: None),
        require_ready=lambda: None,
        refusals=REFUSALS,
        max_body_bytes=1000,
        cors=Cors(
            (APP, "http://localhost:3000"),
            methods=METHODS,
            request_headers=REQUEST_HEADERS,
            exposed_headers=EXPOSED_HEADERS,
        ),
    )

    @app.before_request
    def authenticate() -> None:
        if request.headers.get("Authorization") != "Bearer good":
            raise MissingToken

    @app.route("/projects", methods=["GET", "POST"])
    def projects() -> Response:
        if request.method == "POST":
            raise InvalidInput([BODY_ERROR])
        return Response("[]", content_type="application/json", headers={"Vary": "Accept-Language"})

    @app.get("/outage")
    def outage() -> Response:
        raise Unavailable("for the log")

    @app.get("/crash")
    def crash() -> Response:
        raise ZeroDivisionError

    return app


def _cors_headers(answer: TestResponse) -> dict[str, str]:
    return {
        name.lower(): value
        for name, value in answer.headers
        if name.lower().startswith("access-control-")
    }


def _varies(answer: TestResponse) -> bool:
    return "origin" in answer.vary


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000"])
@pytest.mark.parametrize("path", ["/projects", "/nowhere", "/projects/"])
def test_a_preflight_is_answered_without_a_token(app: Flask, origin: str, path: str) -> None:
    """Browsers send no token with it. The answer is the same for a path that does not exist."""
    answer = app.test_client().options(path, headers={"Origin": origin, **PREFLIGHT})

    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers
    assert _cors_headers(answer) == {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, POST, PATCH, DELETE",
        "access-control-allow-headers": "Authorization, Content-Type",
        "access-control-max-age": "600",
    }
    assert _varies(answer)
    assert answer.headers["X-Request-Id"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", "/projects", "good", 200),
        ("POST", "/projects", "good", 422),
        ("GET", "/projects", "bad", 401),
        ("GET", "/nowhere", "good", 404),
        ("DELETE", "/projects", "good", 405),
        ("GET", "/outage", "good", 503),
        ("GET", "/crash", "good", 500),
        ("GET", "/healthz", "good", 200),
    ],
)
def test_a_page_of_a_configured_origin_can_read_every_answer(
    app: Flask, method: str, path: str, token: str, status: int
) -> None:
    """Without these headers, the app would see a refusal as "network error"."""
    headers = {"Origin": APP, "Authorization": f"Bearer {token}"}
    answer = app.test_client().open(path, method=method, headers=headers)

    assert answer.status_code == status
    assert _cors_headers(answer) == {
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "Location, Retry-After, WWW-Authenticate, X-Request-Id",
    }
    assert _varies(answer)
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Cache-Control"] == "no-store, no-transform"


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_a_page_of_another_origin_can_read_no_answer(app: Flask, method: str, origin: str) -> None:
    """Even if the origin resembles a configured one. Only the headers of the answer differ."""
    for tried, expected in ((APP, True), (origin, False), (APP, True)):
        headers = {"Origin": tried, "Authorization": "Bearer good"}
        headers |= PREFLIGHT if method == "OPTIONS" else {}
        answer = app.test_client().open("/projects", method=method, headers=headers)

        assert answer.status_code == (204 if method == "OPTIONS" else 200)
        assert bool(_cors_headers(answer)) is expected
        assert _varies(answer)


def test_a_request_without_an_origin_gets_no_cors_header(app: Flask) -> None:
    """As from a server. `Vary` keeps its answer apart from the answers to pages, in a cache."""
    answer = app.test_client().get("/projects", headers={"Authorization": "Bearer good"})

    assert answer.status_code == 200
    assert not _cors_headers(answer)
    assert set(answer.vary) == {"Accept-Language", "Origin"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": APP}, {"Access-Control-Request-Method": "PATCH"}],
    ids=["neither", "origin only", "method only"],
)
def test_an_options_request_that_is_not_a_preflight_needs_a_token(
    app: Flask, headers: dict[str, str]
) -> None:
    """Flask answers it with the methods of the path."""
    client = app.test_client()
    answer = client.options("/projects", headers={"Authorization": "Bearer good", **headers})

    assert answer.status_code == 200
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}
    assert "Access-Control-Allow-Methods" not in answer.headers
    assert client.options("/projects", headers=headers).status_code == 401


def test_a_get_request_with_the_headers_of_a_preflight_still_needs_a_token(app: Flask) -> None:
    client = app.test_client()
    headers = {"Origin": APP, **PREFLIGHT}

    assert client.options("/projects", headers=headers).status_code == 204
    assert client.get("/projects", headers=headers).status_code == 401


def test_a_page_is_never_allowed_to_send_cookies(app: Flask) -> None:
    """Browsers refuse the answer to a page that sends them."""
    client = app.test_client()
    for headers in ({"Origin": APP}, {"Origin": APP, **PREFLIGHT}):
        answer = client.options("/projects", headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_refusal_of_wrong_fields_names_them_after_the_usual_members(app: Flask) -> None:
    """The five usual members stay the same and come first."""
    client = app.test_client()
    refused = client.post("/projects", headers={"Authorization": "Bearer good"})
    plain = client.get("/projects")

    assert refused.data == (
        b'{"type": "about:blank", "title": "Unprocessable Entity", "status": 422, '
        b'"code": "invalid_input", '
        b'"detail": "Some of what was sent is not what this operation takes", '
        b'"errors": [{"pointer": "/name", "detail": "is missing"}]}'
    )
    assert plain.data == (
        b'{"type": "about:blank", "title": "Unauthorized", "status": 401, '
        b'"code": "missing_token", "detail": "An access token is needed"}'
    )
    assert plain.headers["WWW-Authenticate"] == "Bearer"
