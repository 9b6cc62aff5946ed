"""Wrong requests to the resource API are refused with a code, and change nothing."""

import base64
import gzip
import json
import re
import unicodedata
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from werkzeug.datastructures import Headers
from werkzeug.test import TestResponse

from endpoint.errors import MAX_BODY_BYTES
from endpoint.names import find_fault
from endpoint.operation import MAX_ERRORS
from local_stack import seed
from local_stack.stack import Stack
from tests.kit.routes import ROWS, TIME, add_invitation, add_project, code, snapshot
from tests.kit.running_api import RunningApi, run_api

LISTS = ("/projects", "/members", "/invitations", "/audit-events")
ID = "2f6c4a9e-5b37-4f0e-8b1d-7d1f3c529a60"


@pytest.fixture(scope="module")
def api(stack: Stack, keys_url: str) -> Iterator[RunningApi]:
    """One API for all of these tests: a request either is refused or adds a project."""
    with run_api(stack.postgres, keys_url) as running:
        yield running


def post(
    api: RunningApi, body: bytes, content_type: str | None = "application/json"
) -> TestResponse:
    """Send these bytes as the body of a new project."""
    return api.request("POST", "/projects", data=body, content_type=content_type)


def problems(response: TestResponse) -> list[str]:
    """Return where the mistakes are: JSON pointers, or names of parameters."""
    assert (response.status_code, code(response)) == (422, "invalid_input")
    errors = response.get_json()["errors"]
    for one in errors:
        assert one["detail"]
        assert len(one) == 2
    return [one.get("pointer", one.get("parameter")) for one in errors]


NO_JSON_OBJECT = {
    "nothing": b"",
    "blank": b" \n",
    "null": b"null",
    "number": b"7",
    "string": b'"name"',
    "true": b"true",
    "array": b"[]",
    "array of one": b'[{"name":"x"}]',
    "text": b"name=x",
    "cut off": b'{"name":"x"',
    "two": b'{"name":"x"}{"name":"y"}',
    "more behind": b'{"name":"x"} 1',
    "comma at the end": b'{"name":"x",}',
    "single quotes": b"{'name':'x'}",
    "no quotes": b'{name:"x"}',
    "comment": b'{"name":"x"/**/}',
    "name twice": b'{"name":"x","name":"y"}',
    "name twice, one escaped": b'{"name":"x","n\\u0061me":"y"}',
    "name twice below": b'{"name":"x","z":{"a":1,"a":2}}',
    "NaN": b'{"name":NaN}',
    "Infinity": b'{"name":Infinity}',
    "minus Infinity": b'{"name":-Infinity}',
    "beyond any float": b'{"name":1e999}',
    "21 digits": b'{"name":123456789012345678901}',
    "escaped NUL": b'{"name":"a\\u0000b"}',
    "escaped NUL in a name": b'{"na\\u0000me":"x"}',
    "bare NUL": b'{"name":"a\0b"}',
    "NUL before it": b'\0{"name":"x"}',
    "bare line feed": b'{"name":"a\nb"}',
    "lone high surrogate": b'{"name":"\\ud800"}',
    "lone low surrogate": b'{"name":"\\udc00"}',
    "surrogates the wrong way round": b'{"name":"\\udc00\\ud800"}',
    "lone surrogate in a name": b'{"\\udfff":"x"}',
    "surrogate in UTF-8": b'{"name":"\xed\xa0\x80"}',
    "Latin-1": '{"name":"é"}'.encode("latin-1"),
    "overlong UTF-8": b'{"name":"\xc0\xaf"}',
    "beyond Unicode": b'{"name":"\xf4\x90\x80\x80"}',
    "cut UTF-8": b'{"name":"\xe2\x82"}',
    "BOM": b'\xef\xbb\xbf{"name":"x"}',
    "UTF-16": '{"name":"x"}'.encode("utf-16"),
    "UTF-16 without BOM": '{"name":"x"}'.encode("utf-16-le"),
    "UTF-32": '{"name":"x"}'.encode("utf-32"),
    "UTF-7": b'+AHsAIg-name":"x"}',
    "gzip": gzip.compress(b'{"name":"x"}', mtime=0),
    "33 deep": b'{"name":' * 33 + b"1" + b"}" * 33,
    "arrays 60,000 deep": b"[" * 60_000,
    "objects 12,000 deep": b'{"":' * 12_000,
    "60,000 quotation marks": b'{"' * 30_000,
}


@pytest.mark.parametrize("name", NO_JSON_OBJECT)
def test_a_body_that_is_not_a_strict_json_object_is_refused(api: RunningApi, name: str) -> None:
    """With one code for all of them."""
    before = snapshot(api)
    answer = post(api, NO_JSON_OBJECT[name])

    assert (answer.status_code, code(answer)) == (400, "invalid_json")
    assert snapshot(api) == before


NOT_A_PROJECT: dict[str, tuple[object, list[str]]] = {
    "nothing": ({}, ["/name"]),
    "description alone": ({"description": "x"}, ["/name"]),
    "no name": ({"name": None}, ["/name"]),
    "number": ({"name": 7}, ["/name"]),
    "boolean": ({"name": True}, ["/name"]),
    "array": ({"name": ["x"]}, ["/name"]),
    "object": ({"name": {"$ne": ""}}, ["/name"]),
    "empty": ({"name": ""}, ["/name"]),
    "spaces": ({"name": "   "}, ["/name"]),
    "no-break spaces": ({"name": "\u00a0\u2003"}, ["/name"]),
    "two lines": ({"name": "a\nb"}, ["/name"]),
    "line feed at the end": ({"name": "a\n"}, ["/name"]),
    "tab": ({"name": "a\tb"}, ["/name"]),
    "bell": ({"name": "a\x07"}, ["/name"]),
    "escape": ({"name": "\x1b[31mred"}, ["/name"]),
    "delete": ({"name": "a\x7f"}, ["/name"]),
    "next line": ({"name": "a\x85b"}, ["/name"]),
    "201 characters": ({"name": "x" * 201}, ["/name"]),
    "201 astral characters": ({"name": "🚀" * 201}, ["/name"]),
    "60,000 characters": ({"name": "x" * 60_000}, ["/name"]),
    "description: null": ({"name": "x", "description": None}, ["/description"]),
    "description: number": ({"name": "x", "description": 0}, ["/description"]),
    "description: 2,001": ({"name": "x", "description": "x" * 2001}, ["/description"]),
    "description: control": ({"name": "x", "description": "\x01"}, ["/description"]),
    "id": ({"name": "x", "id": ID}, ["/id"]),
    "another organization": ({"name": "x", "org_id": ID}, ["/org_id"]),
    "times": (
        {"name": "x", "created_at": "2026-01-01T00:00:00Z", "updated_at": None},
        ["/created_at", "/updated_at"],
    ),
    "capitals": ({"Name": "x"}, ["/name", "/Name"]),
    "prototype": ({"name": "x", "__proto__": {}, "constructor": 1}, ["/__proto__", "/constructor"]),
    "names to escape": ({"name": "x", "a/b~c": 1, "": 2}, ["/a~1b~0c", "/"]),
    "all at once": (
        {"name": 7, "description": [], "colour": "red"},
        ["/name", "/description", "/colour"],
    ),
}


@pytest.mark.parametrize("name", NOT_A_PROJECT)
def test_a_wrong_project_is_refused_with_the_place_of_every_mistake(
    api: RunningApi, name: str
) -> None:
    """For a new project and for a change, in which each field may be left out."""
    body, pointers = NOT_A_PROJECT[name]
    project = add_project(api)
    before = snapshot(api)

    assert problems(api.request("POST", "/projects", body)) == pointers
    if "/name" not in pointers or "name" in body:  # type: ignore[operator]
        assert problems(api.request("PATCH", f"/projects/{project}", body)) == pointers
    assert snapshot(api) == before


def test_a_body_with_thousands_of_mistakes_gets_a_short_answer(api: RunningApi) -> None:
    """It names twenty mistakes, and shortens the names of fields."""
    many = json.dumps({f"{n:x}": 0 for n in range(6_000)}, separators=(",", ":")).encode()
    assert len(many) < MAX_BODY_BYTES
    answer = post(api, many)
    assert len(problems(answer)) == MAX_ERRORS
    assert len(answer.data) < 4_000

    answer = post(api, json.dumps({"x" * 60_000: 0}).encode())
    assert len(problems(answer)) == 2
    assert len(answer.data) < 1_000


def test_a_refusal_never_repeats_a_value_of_the_request(api: RunningApi) -> None:
    """It names fields and parameters only."""
    answer = api.request(
        "POST", "/projects", {"name": ["<script>"], "description": {"x": "secret"}}
    )
    assert problems(answer) == ["/name", "/description"]
    assert "<script>" not in answer.text
    assert "secret" not in answer.text
    for path in ("/projects?limit=<script>", "/projects?after=<script>", "/<script>"):
        assert "<script>" not in api.get(path).text


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/role"]),
        ({"role": None}, ["/role"]),
        ({"role": "Owner"}, ["/role"]),
        ({"role": "owner "}, ["/role"]),
        ({"role": "superuser"}, ["/role"]),
        ({"role": 1}, ["/role"]),
        ({"role": ["owner"]}, ["/role"]),
        ({"role": "owner", "user_id": ID, "org_id": ID}, ["/user_id", "/org_id"]),
        ({"role": "admin", "email": "x@example.com"}, ["/email"]),
    ],
)
def test_a_change_of_a_member_takes_one_of_three_roles_and_nothing_else(
    api: RunningApi, body: object, pointers: list[str]
) -> None:
    before = snapshot(api)
    answer = api.request("PATCH", f"/members/{api.user_id('sue')}", body)

    assert problems(answer) == pointers
    assert snapshot(api) == before


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/name"]),
        ({"name": None}, ["/name"]),
        ({"name": " "}, ["/name"]),
        ({"name": "x" * 201}, ["/name"]),
        ({"name": "x", "slug": "xyz-travel"}, ["/slug"]),
        ({"name": "x", "id": ID, "suspended_at": None}, ["/id", "/suspended_at"]),
    ],
)
def test_a_change_of_an_organization_takes_its_name_and_nothing_else(
    api: RunningApi, body: object, pointers: list[str]
) -> None:
    """Only an administrator can change its slug or suspend it."""
    before = snapshot(api)

    assert problems(api.request("PATCH", "/organization", body)) == pointers
    assert snapshot(api) == before


@pytest.mark.parametrize("name", ["ABC\u200bInc", "ABC \u202ecnI", "e" + "\u0323" * 150])
def test_an_organization_gets_no_name_that_hides_something(api: RunningApi, name: str) -> None:
    """The answer says what is wrong with the field; the same name without that is stored in NFC."""
    before = snapshot(api)
    answer = api.request("PATCH", "/organization", {"name": name})

    assert problems(answer) == ["/name"]
    assert answer.get_json()["errors"][0]["detail"] == find_fault(
        unicodedata.normalize("NFC", name)
    )
    assert snapshot(api) == before
    answer = api.request("PATCH", "/organization", {"name": "Cafe\u0301 Zoe\u0308"})
    assert (answer.status_code, answer.get_json()["name"]) == (200, "Caf\xe9 Zo\xeb")


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("x", ""),
        ("x" * 200, "y" * 2000),
        ("🚀" * 200, "🌙" * 2000),
        ("'; drop table org.project; --", "%s %(name)s {} \\ \" '"),
        ("<script>alert('x')</script>", "line\nline\r\n\ttab"),
        ("شركة النور \u202e(desrever)", "\u2028\u200b\ufeff"),
        ("e\u0301 is not \u00e9", " spaces "),
        ("\ud83d\ude80", "null"),
        (" x ", "\U0010ffff\ufffe"),
    ],
)
def test_every_allowed_text_is_returned_as_it_was_sent(
    api: RunningApi, name: str, description: str
) -> None:
    """Neither normalized nor escaped, after POST and PATCH, alone and in the list."""
    name = name.encode("utf-16", "surrogatepass").decode("utf-16")
    sent = {"name": name, "description": description}
    made = api.request("POST", "/projects", sent)
    assert made.status_code == 201
    changed = api.request("PATCH", f"/projects/{add_project(api)}", sent)

    for answer in (made, changed, api.get(made.headers["Location"])):
        assert {key: answer.get_json()[key] for key in sent} == sent
    assert made.get_json() in api.get("/projects?limit=100").get_json()["items"]


def test_a_body_of_more_than_65536_bytes_is_refused(api: RunningApi) -> None:
    """With and without a Content-Length."""
    fits = b'{"name":"x"}'.ljust(MAX_BODY_BYTES)
    assert post(api, fits).status_code == 201
    before = snapshot(api)
    fields = json.dumps({f"field {n}": 0 for n in range(10_000)}).encode()
    for body in (fits + b" ", b'{"name":"%s"}' % (b"x" * 1_000_000), fields, b"[" * 1_000_000):
        answer = post(api, body)
        assert (answer.status_code, code(answer)) == (413, "request_entity_too_large")
        chunked = api.request(
            "POST",
            "/projects",
            input_stream=BytesIO(body),
            content_type="application/json",
            environ_overrides={"wsgi.input_terminated": True},
        )
        assert (chunked.status_code, code(chunked)) == (413, "request_entity_too_large")
    assert snapshot(api) == before


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "٣", "99999999999999999999", "", "3"])
def test_a_request_with_a_wrong_content_length_is_refused(api: RunningApi, length: str) -> None:
    """A server in front of the API refuses most of them. None becomes a 5xx or a project."""
    before = snapshot(api)
    answer = api.request(
        "POST",
        "/projects",
        data=b'{"name":"x"}',
        content_type="application/json",
        environ_overrides={"CONTENT_LENGTH": length},
    )

    assert answer.status_code in (400, 413)
    assert code(answer) in ("invalid_json", "request_entity_too_large")
    assert snapshot(api) == before


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "APPLICATION/JSON",
        " application/json ",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        # RFC 8259 has no such parameter, so the API ignores it and reads UTF-8.
        "application/json; charset=utf-16",
        "application/json; charset=nonsense; version=1",
    ],
)
def test_json_is_read_as_utf_8_with_any_charset_parameter(
    api: RunningApi, content_type: str
) -> None:
    answer = post(api, '{"name":"é"}'.encode(), content_type)

    assert answer.status_code == 201
    assert answer.get_json()["name"] == "é"


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "json",
        "text/plain",
        "text/json",
        "text/html",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/octet-stream",
        "application/problem+json",
        "application/merge-patch+json",
        "application/json-patch+json",
        "application/jsonp",
        "application/json, text/plain",
        "text/plain; application/json",
        "*/*",
        "application/*",
    ],
)
def test_a_body_that_is_not_declared_as_json_is_refused(
    api: RunningApi, content_type: str | None
) -> None:
    """So a page of another site cannot send one as a form, which needs no preflight."""
    project = add_project(api)
    before = snapshot(api)
    for method, path in (("POST", "/projects"), ("PATCH", f"/projects/{project}")):
        options: dict[str, Any] = {} if content_type is None else {"content_type": content_type}
        answer = api.request(method, path, data=b'{"name":"x"}', **options)
        assert (answer.status_code, code(answer)) == (415, "unsupported_media_type")
    assert snapshot(api) == before


def test_an_operation_without_a_body_ignores_one(api: RunningApi) -> None:
    project = add_project(api)
    for method, path in (("GET", "/me"), ("GET", f"/projects/{project}")):
        assert api.request(method, path, data=b"\xff", content_type="image/png").status_code == 200
    answer = api.request("DELETE", f"/projects/{project}", {"id": ID})
    assert answer.status_code == 204


# Queries.


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "limit",
    [
        *("0", "101", "100000000000000000000", "-1", "+1", "1.5", "1e1", "0x10", "٣", "１", "01"),
        *("", " ", "1 ", "1\n", "\0", "null", "true", "all", "1,2", "1'--", "x" * 10_000),
    ],
)
def test_a_limit_that_is_not_a_number_from_1_to_100_is_refused(
    api: RunningApi, path: str, limit: str
) -> None:
    """Only plain decimal digits are read; 1 and 100 are allowed."""
    assert problems(api.get(f"{path}?limit={quote(limit)}")) == ["limit"]
    for fine in ("1", "99", "100"):
        assert api.get(f"{path}?limit={fine}").status_code == 200


def _cursor(text: str | bytes) -> str:
    return quote(base64.urlsafe_b64encode(text.encode() if isinstance(text, str) else text))


NO_CURSOR = {
    "empty": "",
    "a word": "next",
    "no base64": "%%%",
    "an id": ID,
    "a time": quote("2026-01-01T00:00:00+00:00"),
    "a number": "20",
    "not ASCII": quote("é٣"),
    "NUL": "%00",
    "half a character": "%ff",
    "garbage": _cursor(b"\xff\xfe\x00garbage"),
    "words": _cursor("once upon a time"),
    "nothing": _cursor(" "),
    "no id": _cursor("2026-01-01T00:00:00+00:00"),
    "no time": _cursor(f" {ID}"),
    "half an id": _cursor(f"2026-01-01T00:00:00+00:00 {ID[:-1]}"),
    "infinity": _cursor(f"infinity {ID}"),
    "minus infinity": _cursor(f"-infinity {ID}"),
    "now": _cursor(f"now {ID}"),
    "year 0": _cursor(f"0000-01-01T00:00:00+00:00 {ID}"),
    "before year 1": _cursor(f"0001-01-01T00:00:00+14:00 {ID}"),
    "after year 9999": _cursor(f"9999-12-31T23:59:59-14:00 {ID}"),
    "year 294277": _cursor(f"294277-01-01T00:00:00+00:00 {ID}"),
    "before Christ": _cursor(f"4713-01-01 00:00:00 BC {ID}"),
    "30 February": _cursor(f"2026-02-30T00:00:00+00:00 {ID}"),
    "an offset of 25 hours": _cursor(f"2026-01-01T00:00:00+25:00 {ID}"),
    "SQL": _cursor(f"2026-01-01T00:00:00+00:00' or true -- {ID}"),
    "JSON": _cursor(json.dumps({"at": "2026-01-01T00:00:00+00:00", "id": ID})),
    "10 kB": _cursor("x" * 10_000),
    "10 kB behind it": _cursor(f"2026-01-01T00:00:00+00:00 {ID}" + " " * 10_000),
    "padding": _cursor(f"2026-01-01T00:00:00+00:00 {ID}") + "====",
}


@pytest.mark.parametrize("name", NO_CURSOR)
def test_a_malformed_cursor_is_refused_before_it_reaches_postgres(
    api: RunningApi, name: str
) -> None:
    """At every list."""
    for path in LISTS:
        assert problems(api.get(f"{path}?after={NO_CURSOR[name]}")) == ["after"]


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59.999999+00:00",
        "2026-01-01T00:00:00+05:30",
        "2026-01-01T00:00:00.123456-12:00",
        "2026-01-01T00:00:00Z",
    ],
)
def test_a_cursor_made_by_hand_shows_rows_of_the_callers_list_only(
    api: RunningApi, time: str
) -> None:
    """It says where the page begins, and nothing else."""
    for path in LISTS:
        everything = api.get(f"{path}?limit=100").get_json()["items"]
        found = api.get(f"{path}?limit=100&after={_cursor(f'{time} {ID}')}")
        assert found.status_code == 200
        assert all(one in everything for one in found.get_json()["items"])


def test_a_cursor_of_another_organization_shows_none_of_its_rows(api: RunningApi) -> None:
    """A cursor names a time and an id, not an organization."""
    add_project(api, "xyz-travel", "Foreign 1")
    add_project(api, "xyz-travel", "Foreign 2")
    foreign = api.get("/projects?limit=1", slug="xyz-travel").get_json()
    answer = api.get(f"/projects?limit=100&after={quote(foreign['next'])}")

    assert answer.status_code == 200
    own = api.get("/projects?limit=100").get_json()["items"]
    assert all(one in own for one in answer.get_json()["items"])
    assert "Foreign" not in answer.text
    known = base64.urlsafe_b64decode(foreign["next"]).decode().split()
    assert known == [
        foreign["items"][0]["created_at"].replace("Z", "+00:00"),
        foreign["items"][0]["id"],
    ]
    assert TIME.fullmatch(foreign["items"][0]["created_at"])


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("limit=1&limit=2", ["limit"]),
        ("limit=1&limit=1", ["limit"]),
        (f"after={_cursor(f'2026-01-01T00:00:00Z {ID}')}&after=x", ["after"]),
        ("limit=0&after=x", ["limit", "after"]),
        ("after=x&limit=101&page=2&page=3&offset=1", ["after", "limit", "page", "offset"]),
        ("Limit=5", ["Limit"]),
        ("limit[]=5", ["limit[]"]),
        ("org_id=" + ID, ["org_id"]),
        ("=1", [""]),
        ("a/b=1", ["a/b"]),
        ("%00=%00", ["\0"]),
        ("limit=1;after=x", ["limit"]),
        ("x" * 10_000 + "=1", ["x" * 64]),
        ("&".join(f"p{n}" for n in range(1000)), [f"p{n}" for n in range(MAX_ERRORS)]),
    ],
)
def test_every_wrong_parameter_is_named_in_one_refusal(
    api: RunningApi, query: str, parameters: list[str]
) -> None:
    """A parameter sent twice is wrong: one reader would take the first, another the last."""
    for path in LISTS:
        assert problems(api.get(f"{path}?{query}")) == parameters
    assert api.get("/projects?&").status_code == 200


def test_an_operation_without_parameters_refuses_every_parameter(api: RunningApi) -> None:
    """Before it changes anything."""
    project, sue, invitation = add_project(api), api.user_id("sue"), add_invitation(api)
    before = snapshot(api)
    for row in ROWS:
        if row.path in LISTS and row.method == "GET":
            continue
        path = row.path.format(project=project, member=sue, invitation=invitation)
        answer = api.request(row.method, f"{path}?limit=5&org_id={ID}", row.body)
        assert problems(answer) == ["limit", "org_id"], row
    assert snapshot(api) == before


# Headers.


def _get_me(api: RunningApi, *values: str, path: str = "/me", **options: Any) -> TestResponse:
    headers = Headers([("Authorization", value) for value in values])
    return api.app.test_client().get(path, headers=headers, **options)


def test_a_request_without_exactly_one_bearer_token_is_refused(api: RunningApi) -> None:
    """RFC 6750 section 2.1: two tokens are malformed, another scheme counts as no token."""
    token, other = api.token(), api.token("sue")
    for good in (f"Bearer {token}", f"bearer {token}", f"BEARER  {token}"):
        assert _get_me(api, good).get_json()["name"] == "Joe Doe"
    for two in (
        [f"Bearer {token}", f"Bearer {token}"],
        [f"Bearer {token}", f"Bearer {other}"],
        [f"Bearer {token}", "Basic eDp5"],
        [f"Bearer {token},{other}"],
        [f"Bearer {token} {other}"],
        [f"Bearer Bearer {token}"],
        [f"Bearer realm=x, {token}"],
    ):
        answer = _get_me(api, *two)
        assert (answer.status_code, code(answer)) == (400, "invalid_request"), two[-1][:20]
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_request"'
    for none in ("", "Bearer", "Bearer ", "Basic eDp5", f"Basic {token}", f"Token {token}"):
        answer = _get_me(api, none)
        assert (answer.status_code, code(answer)) == (401, "missing_token"), none[:20]
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    for none in (token, f"JWT {token}", f"DPoP {token}", f"Bearer:{token}", f"Bearer{token}", "é"):
        answer = _get_me(api, none)
        assert (answer.status_code, code(answer)) == (401, "missing_token"), none[:20]
    for bad in ("é", "null", "undefined", "x" * 10_000, f"{token}.", f'"{token}"', token[:-2]):
        answer = _get_me(api, f"Bearer {bad}")
        assert (answer.status_code, code(answer)) == (401, "invalid_token"), bad[:20]
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_outside_the_authorization_header_is_ignored(api: RunningApi) -> None:
    """Query strings are logged, and browsers send cookies and forms for other sites."""
    token, project = api.token(), add_project(api)
    client = api.app.test_client()
    client.set_cookie("access_token", token)
    client.set_cookie("Authorization", f"Bearer {token}")
    before = snapshot(api)
    answers = [
        client.get("/me"),
        client.get(f"/me?access_token={token}"),
        client.post("/projects", data={"access_token": token, "name": "x"}),
        client.post("/projects", json={"access_token": token, "name": "x"}),
        client.get(
            "/me", headers={"X-Access-Token": token, "Proxy-Authorization": f"Bearer {token}"}
        ),
        client.get("/me", headers={"X-Forwarded-Access-Token": token, "X-Authorization": token}),
        client.get("/me", auth=("joe", token)),
        client.delete(f"/projects/{project}", query_string={"access_token": token}),
    ]
    for answer in answers:
        assert (answer.status_code, code(answer)) == (401, "missing_token")
    assert snapshot(api) == before

    # Beside a token in the header, the cookies change nothing.
    sue = f"Bearer {api.token('sue')}"
    assert client.get("/me", headers={"Authorization": sue}).get_json()["name"] == "Sue Frost"


FOREIGN = seed.organization("xyz-travel")
WITHOUT_INFLUENCE: dict[str, str] = {
    "X-Organization": "xyz-travel",
    "X-Organization-Id": str(FOREIGN.id),
    "X-Org-Id": str(FOREIGN.id),
    "X_Organization": "xyz-travel",
    "X-Tenant": "xyz-travel",
    "X-User-Id": "auth0|sue",
    "X-Role": "owner",
    "X-Scope": "read:audit-events",
    "Host": "xyz-travel.evil.example.com",
    "Forwarded": "for=1.2.3.4;host=evil.example.com;proto=https",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-For": "127.0.0.1, ::1",
    "X-Forwarded-Uri": "/healthz",
    "X-Real-IP": "127.0.0.1",
    "X-Original-URL": "/healthz",
    "X-Rewrite-URL": "/healthz",
    "X-HTTP-Method-Override": "DELETE",
    "X-HTTP-Method": "DELETE",
    "X-Method-Override": "DELETE",
    "X-Request-Id": "chosen by the caller",
    "Accept": "text/html",
    "Accept-Language": "xx",
    "Range": "bytes=0-3",
    "If-None-Match": "*",
    "Cookie": f"org_id={FOREIGN.id}; session=x",
    "Origin": "https://evil.example.com",
}


@pytest.mark.parametrize("name", WITHOUT_INFLUENCE)
def test_no_other_header_changes_the_answer(api: RunningApi, name: str) -> None:
    """The organization is the token's, the role is the database's, Location is a path."""
    header = {name: WITHOUT_INFLUENCE[name]}
    project = add_project(api)
    for path in ("/me", f"/projects/{project}", "/members"):
        plain, dressed = api.get(path), api.get(path, headers=header)
        assert (dressed.status_code, dressed.data) == (200, plain.data)
        ours = ("X-Request-Id", "Date")
        assert [one for one in dressed.headers if one[0] not in ours] == [
            one for one in plain.headers if one[0] not in ours
        ]
        assert dressed.headers["X-Request-Id"] != WITHOUT_INFLUENCE["X-Request-Id"]
    made = api.request("POST", "/projects", {"name": "x"}, headers=header)
    assert made.status_code == 201
    assert made.headers["Location"] == f"/projects/{made.get_json()['id']}"
    assert code(api.get("/audit-events", login="sue", headers=header)) == "insufficient_role"


# Methods and paths.


def test_an_unknown_method_is_refused_and_the_answer_lists_the_known_ones(api: RunningApi) -> None:
    """At every route. Not even TRACE repeats the token."""
    paths: dict[str, set[str]] = {}
    for rule in api.app.url_map.iter_rules():
        path = re.sub("<uuid:.*>", ID, rule.rule)
        paths.setdefault(path, set()).update(rule.methods or ())
    assert len(paths) == 16
    token = api.token()
    for path, known in paths.items():
        for method in (
            "GET",
            "POST",
            "PUT",
            "PATCH",
            "DELETE",
            "TRACE",
            "CONNECT",
            "PROPFIND",
            "X",
        ):
            if method in known:
                continue
            answer = api.request(method, path, {"name": "x"}, token=token)
            assert (answer.status_code, code(answer)) == (405, "method_not_allowed"), (method, path)
            assert set(answer.headers["Allow"].split(", ")) == known
            assert token not in answer.text
            assert token not in str(answer.headers)
            # Without a token, too: the methods are documented in public.
            assert api.app.test_client().open(path, method=method).status_code == 405


def test_head_answers_like_get_without_the_body(api: RunningApi) -> None:
    """With the same status and length, and behind the same guard."""
    for path in ("/me", "/organization", *LISTS, f"/projects/{add_project(api)}"):
        get, head = api.get(path), api.request("HEAD", path)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["Content-Length"] == str(len(get.data))
        assert api.app.test_client().head(path).status_code == 401
        assert api.request("HEAD", path, login="nina").status_code == 403


def test_options_lists_the_methods_and_shows_no_row(api: RunningApi) -> None:
    """With and without a token; an unknown path is a 404."""
    for path in ("/me", "/projects", f"/projects/{add_project(api)}", f"/members/{uuid4()}"):
        answer = api.app.test_client().options(path)
        assert (answer.status_code, answer.data) == (200, b"")
        assert "OPTIONS" in answer.headers["Allow"]
    assert code(api.request("OPTIONS", "/nothing")) == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "//me",
        "///me",
        "//evil.example.com/me",
        "/me/",
        "/me//",
        "/ME",
        "/Me",
        "/me;x",
        "/me;.json",
        "/me.json",
        "/me%00",
        "/me\x00",
        "/\x00me",
        "/me\n",
        "/me\r\nX-Injected: 1",
        "/me ",
        " /me",
        "",
        "/",
        "*",
        "/me/.",
        "/./me",
        "/x/../me",
        "/../me",
        "/..;/me",
        "/me\\",
        "\\me",
        "/%6de",
        "/%2fme",
        "/m\xc3\xa9",
        "/m\xff",
        "/\uff4d\uff45".encode().decode("latin-1"),
        "/api/me",
        "/v1/me",
        "/healthz/../me",
        "/healthz;/../me",
        "/healthz/me",
        "/openapi.json/../projects",
        "/static/../api/projects.py",
        "/static/app.py",
        "/.env",
        "/.git/config",
        "/wp-login.php",
        "/projects/",
        "//projects",
        "/projects//",
        "/members/me",
        "/organization/" + str(FOREIGN.id),
        "/" + "a" * 100_000,
        "/" * 10_000,
        "http://evil.example.com/me",
        "/projects/{project}/",
        "//projects/{project}",
        "/projects//{project}",
        "/projects/{project}\n",
        "/projects/{project}\x00",
        "/projects/{project};x",
        "/projects/./{project}",
        "/PROJECTS/{project}",
    ],
)
def test_another_spelling_of_a_path_is_not_found(api: RunningApi, path: str) -> None:
    """It is not redirected either, in case a proxy in front reads it differently."""
    raw = path.format(project=add_project(api))
    for token in (api.token(), None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # As the server passes it on: already unquoted once, bytes as Latin-1.
        answer = api.app.test_client().get(
            "/", headers=headers, environ_overrides={"PATH_INFO": raw, "REQUEST_URI": raw}
        )
        assert (answer.status_code, code(answer)) == (404, "not_found")
        assert "Location" not in answer.headers
        assert "X-Injected" not in answer.headers
        assert b"Joe" not in answer.data


def test_an_id_may_be_in_capitals(api: RunningApi) -> None:
    """RFC 9562 section 4: readers take both; answers are in lower case."""
    project = add_project(api)

    assert api.get(f"/projects/{project.upper()}").get_json()["id"] == project
