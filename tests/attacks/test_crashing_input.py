"""
Attacker: a member who sends requests that no app would send.
Wants: to crash or block the server, or to get an error page that shows its internals.
Stopped by: `endpoint/operation.py` `operation`, `org_guard/compact_token.py` `parse_json_object`

Size, type and nesting of a body are limited before it is used; a request beyond a limit gets a 4xx.
"""

import base64

from werkzeug.test import TestResponse

from tests.kit.target import Target

UNKNOWN = "5c2f8e71-6b0d-4a39-b4e8-d3a1f7960c24"
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"name=x",
    "not UTF-8": b'{"name":"\xff"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "two objects": b'{"name":"x"}{}',
    "deep": b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "deep objects": b'{"name":' * 3000 + b"1" + b"}" * 3000,
    "NUL": b'{"name":"a\\u0000b"}',
    "a raw NUL": b'{"name":"a\x00b"}',
    "a lone surrogate": b'{"name":"\\ud800"}',
    "NaN": b'{"name":NaN}',
    "a huge number": b'{"name":1' + b"0" * 5000 + b"}",
    "a huge exponent": b'{"name":1e999999}',
    "a name twice": b'{"name":"x","name":"y"}',
    "an open string": b'{"name":"' + b'\\"' * 20_000,
    "too large": b'{"name":"' + b"x" * 1_000_000 + b'"}',
    "a wrong type": b'{"name":{"$gt":""}}',
    "a long name": b'{"name":"' + b"x" * 201 + b'"}',
    "blank": '{"name":" \u2003"}'.encode(),
    "control characters": b'{"name":"a\\u001b[31mb"}',
    "a prototype": b'{"__proto__":{"role":"owner"},"name":"x"}',
    "many unknown fields": b"{%b}" % b",".join(b'"f%d":1' % n for n in range(5000)),
}
PATHS = (
    f"/projects/{UNKNOWN}%00",
    "/projects/%ff%fe",
    "/projects/..%2f..%2fetc%2fpasswd",
    "/projects/' or 1=1--",
    f"/projects/{'9' * 5000}",
    "/projects?limit=0",
    "/projects?limit=101",
    "/projects?limit=-1",
    "/projects?limit=1e3",
    "/projects?limit=\u0661",
    f"/projects?limit={'9' * 5000}",
    "/projects?limit=1&limit=2",
    "/projects?after=",
    "/projects?after=%00",
    "/projects?after=x",
    f"/projects?after={'A' * 4000}",
    "/projects?after[]=x",
    "/projects?%ff=%fe",
    "/members?after=' or 1=1--",
    "/" + "a" * 5000,
    "/projects" + "/a" * 1000,
)
TIMES = ("infinity", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59", "x", "")


def test_a_malformed_body_is_refused_and_changes_nothing(target: Target) -> None:
    """At every operation that takes a body; a good body passes at each of them afterwards."""
    objects = target.objects("abc-inc")
    before = target.snapshot("abc-inc")
    operations = [one for one in target.operations() if one.body is not None]
    token = target.token()
    for operation in operations:
        for name, body in BODIES.items():
            headers = {"Content-Type": "application/json"}
            answer = target.request(
                operation.method, operation.path(**objects), token=token, headers=headers, data=body
            )
            assert_refused(answer, f"{operation}: {name}")
    assert target.snapshot("abc-inc") == before
    for operation in operations:
        answer = target.request(operation.method, operation.path(**objects), operation.body)
        assert answer.status_code in (200, 201)


def test_a_malformed_path_or_query_is_refused(target: Target) -> None:
    """404 or 422, however the router or the database would read it."""
    token = target.token()
    cursors = [base64.urlsafe_b64encode(f"{at} {UNKNOWN}".encode()).decode() for at in TIMES]
    assert target.get("/projects?limit=1", token=token).status_code == 200
    for path in (*PATHS, *(f"/projects?after={cursor}" for cursor in cursors)):
        assert_refused(target.get(path, token=token), path)
    assert target.get("/projects?limit=100", token=token).status_code == 200


def test_names_that_look_like_code_are_stored_as_they_are(target: Target) -> None:
    """Quotes, markup, other scripts and percent signs."""
    for name in (
        "'; drop table org.project; --",
        "%s %(name)s {0} ${jndi:ldap://x}",
        "<script>alert(1)</script>",
        "\u202edesrever",
        "\U0001f680" * 200,
        "\\u0000",
        "=cmd|' /C calc'!A0",
    ):
        made = target.request("POST", "/projects", {"name": name, "description": name})
        assert made.status_code == 201
        assert target.get(made.headers["Location"]).get_json()["name"] == name
    assert target.get("/projects").status_code == 200


def test_a_wrong_content_type_or_method_is_refused(target: Target) -> None:
    """Types that do not fit the body, and methods that do not exist."""
    token = target.token()
    for headers in (
        {"Content-Type": "application/json; charset=utf-7"},
        {"Content-Type": "application/json, text/plain"},
        {"Content-Type": "application/problem+json"},
        {"Content-Type": ""},
        {"Content-Encoding": "gzip", "Content-Type": "application/json"},
    ):
        answer = target.request("POST", "/projects", token=token, headers=headers, data=b"\x1f\x8b")
        assert_refused(answer, str(headers))
    for method in ("TRACE", "CONNECT", "PROPFIND", "PUT", "X" * 100):
        answer = target.request(method, "/projects", token=token)
        assert answer.status_code in (404, 405), method
    assert target.get("/me", token=token).status_code == 200


def assert_refused(answer: TestResponse, what: str) -> None:
    """Require a 4xx in the form of RFC 9457, without a word about internals."""
    assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code}"
    assert answer.content_type == "application/problem+json", what
    assert answer.get_json()["status"] == answer.status_code
    for word in ("Traceback", ".py", "psycopg", "select ", "pydantic"):
        assert word not in answer.text, what
