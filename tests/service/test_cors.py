"""Pages of the configured origins may read every answer, and pages of no other may read any."""

import pytest
from flask import Flask, Response, request
from werkzeug.test import TestResponse

from endpoint.answers import REFUSALS
from endpoint.errors import InvalidInput
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
    """An API that wants a token everywhere."""
    app = create_app(
        __name__,
        # Never opened: the views below ask it nothing.
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
def test_a_preflight_is_answered_before_anybody_asks_for_a_token(
    app: Flask, origin: str, path: str
) -> None:
    """Browsers send none with it, and a path that is not there must not look different."""
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
def test_a_page_of_ours_reads_every_answer(
    app: Flask, method: str, path: str, token: str, status: int
) -> None:
    """Else a refusal would reach it as "network error", and nobody could say what to do."""
    headers = {"Origin": APP, "Authorization": f"Bearer {token}"}
    answer = app.test_client().open(path, method=method, headers=headers)

    assert answer.status_code == status
    assert _cors_headers(answer) == {
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "Location, Retry-After, WWW-Authenticate, X-Request-Id",
    }
    assert _varies(answer)
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("origin", STRANGERS)
@pytest.mark.parametrize("method", ["OPTIONS", "GET"])
def test_a_page_of_a_stranger_reads_nothing(app: Flask, method: str, origin: str) -> None:
    """Near misses included; the answer is the same but for the headers."""
    for tried, expected in ((APP, True), (origin, False), (APP, True)):
        headers = {"Origin": tried, "Authorization": "Bearer good"}
        headers |= PREFLIGHT if method == "OPTIONS" else {}
        answer = app.test_client().open("/projects", method=method, headers=headers)

        assert answer.status_code == (204 if method == "OPTIONS" else 200)
        assert bool(_cors_headers(answer)) is expected
        assert _varies(answer)


def test_whoever_is_no_page_gets_no_cors_header(app: Flask) -> None:
    """Servers and command lines; a cache in between still learns that pages get another answer."""
    answer = app.test_client().get("/projects", headers={"Authorization": "Bearer good"})

    assert answer.status_code == 200
    assert not _cors_headers(answer)
    assert set(answer.vary) == {"Accept-Language", "Origin"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": APP}, {"Access-Control-Request-Method": "PATCH"}],
    ids=["neither", "origin only", "method only"],
)
def test_an_options_request_that_is_no_preflight_is_flasks(
    app: Flask, headers: dict[str, str]
) -> None:
    """It needs the token as ever, and says which methods there are."""
    client = app.test_client()
    answer = client.options("/projects", headers={"Authorization": "Bearer good", **headers})

    assert answer.status_code == 200
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST", "OPTIONS"}
    assert "Access-Control-Allow-Methods" not in answer.headers
    assert client.options("/projects", headers=headers).status_code == 401


def test_only_an_options_request_is_a_preflight(app: Flask) -> None:
    """Its headers on another method change nothing."""
    client = app.test_client()
    headers = {"Origin": APP, **PREFLIGHT}

    assert client.options("/projects", headers=headers).status_code == 204
    assert client.get("/projects", headers=headers).status_code == 401


def test_cookies_are_never_allowed(app: Flask) -> None:
    """A page that asks for them with its request is refused by its browser."""
    client = app.test_client()
    for headers in ({"Origin": APP}, {"Origin": APP, **PREFLIGHT}):
        answer = client.options("/projects", headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == APP
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_refusal_can_say_more_than_its_code(app: Flask) -> None:
    """Field errors come after the five members that are always there; nothing else moves."""
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
