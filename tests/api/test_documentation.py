"""`/docs` shows the reference and loads nothing from other origins; the guide is right."""

import json
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, Request, Route, expect

from endpoint.errors import MAX_BODY_BYTES
from endpoint.openapi import list_refusals
from local_stack.node import PROJECT
from org_guard.flask import ROLES
from tests.kit.documented import Json, operations_of, run_without_database
from tests.kit.marked_block import read_block, read_table
from tests.kit.running_api import RunningApi

ORIGIN = "https://api.example.com"
GUIDE = (PROJECT / "docs" / "api.md").read_text()
# How Redoc 2.5.2 is built; what it looks like is ours to choose, and stays checked.
REDOC_FAILS = ("aria-required-parent", "heading-order", "list")
BLOCK = re.compile(r"^```(shell|json)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """The API, with the tenant's keys and without a database."""
    with run_without_database() as app:
        yield app


@pytest.fixture(scope="module")
def document(app: Flask) -> Json:
    """The OpenAPI document, as a program gets it."""
    found: Json = app.test_client().get("/openapi.json").get_json()
    return found


class Visit:
    """One window with the page open, at an origin that only this browser knows."""

    def __init__(self, page: Page, app: Flask, policy: str | None = None) -> None:
        self.page, self.client, self.policy = page, app.test_client(), policy
        self.requests: list[Request] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request))
        page.on("console", lambda message: self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route("**/*", self._answer)
        page.goto(f"{ORIGIN}/docs")

    def _answer(self, route: Route) -> None:
        if not route.request.url.startswith(f"{ORIGIN}/"):
            return route.abort()
        given = self.client.get(urlsplit(route.request.url).path)
        headers = dict(given.headers)
        if self.policy is not None and given.mimetype == "text/html":
            headers["Content-Security-Policy"] = self.policy
        return route.fulfill(status=given.status_code, headers=headers, body=given.data)

    def wait(self) -> Page:
        """Wait until Redoc has drawn the last operation."""
        expect(self.page.locator("[id='tag/projects/operation/remove_project']")).to_be_attached()
        return self.page


def policy_of(app: Flask) -> str:
    """The policy of the page."""
    return app.test_client().get("/docs").headers["Content-Security-Policy"]


# The files


def test_a_request_without_a_token_gets_the_page_the_script_and_the_guide(app: Flask) -> None:
    """Each has its own type, is the same for every host, and takes no other method."""
    client = app.test_client()
    for path, content_type in (
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/redoc.js", "text/javascript; charset=utf-8"),
        ("/api.md", "text/plain; charset=utf-8"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.content_type) == (200, content_type)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        other = client.get(path, headers={"Host": "evil.example.com"})
        assert other.data == answer.data and b"evil" not in answer.data
        assert client.post(path).status_code == 405
    assert client.get("/api.md").text == GUIDE


def test_the_script_is_the_installed_one_without_its_logo(app: Flask) -> None:
    """The logo would be loaded from another origin."""
    package = distribution("flask-openapi3-redoc")
    [file] = [one for one in package.files or () if one.name == "redoc.standalone.js"]
    installed = Path(str(package.locate_file(file))).read_bytes()
    served = app.test_client().get("/docs/redoc.js").data

    assert installed.count(b"https://cdn.redoc.ly/") == 1
    assert served == installed.replace(b"https://cdn.redoc.ly/redoc/logo-mini.svg", b"data:,")


def test_a_browser_that_has_the_script_does_not_get_it_again(app: Flask) -> None:
    """It sends the ETag it has; a request with another ETag gets the script."""
    client = app.test_client()
    first = client.get("/docs/redoc.js")
    again = client.get("/docs/redoc.js", headers={"If-None-Match": first.headers["ETag"]})
    other = client.get("/docs/redoc.js", headers={"If-None-Match": '"other"'})

    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status_code, again.data) == (304, b"")
    assert (other.status_code, other.data) == (200, first.data)


# The page in a browser


def test_the_page_loads_from_its_own_origin_only_and_breaks_no_rule_of_its_policy(
    chromium: Browser, app: Flask
) -> None:
    """No inline script, unknown style, font, worker or image of another origin."""
    policy = policy_of(app)
    context = chromium.new_context()
    try:
        visit = Visit(context.new_page(), app)
        page = visit.wait()
        page.wait_for_load_state("networkidle")

        assert [one.url for one in visit.requests if not one.url.startswith("data:")] == [
            f"{ORIGIN}/{path}" for path in ("docs", "docs/redoc.js", "openapi.json")
        ]
        assert visit.errors == []
        assert "default-src 'none'" in policy and "script-src 'self';" in policy
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy
        expect(page.locator("header")).to_have_css("background-color", "rgb(250, 250, 250)")
        expect(page.locator(".menu-content")).to_have_css("position", "sticky")
    finally:
        context.close()


def test_every_part_of_the_policy_is_needed(chromium: Browser, app: Flask) -> None:
    """Without any one source the browser reports what it blocked."""
    policy = policy_of(app)
    parts = ["script-src 'self'; ", "connect-src 'self'; ", "img-src data:; "]
    parts += re.findall(r" 'sha256-[^']+'", policy)
    context = chromium.new_context()
    try:
        assert len(parts) == 6
        for part in parts:
            assert policy.count(part) == 1
            page = context.new_page()
            with page.expect_console_message(lambda one: "Content Security Policy" in one.text):
                Visit(page, app, policy.replace(part, ""))
            page.close()
    finally:
        context.close()


def test_the_reference_names_every_operation_and_every_code(
    chromium: Browser, app: Flask, document: Json
) -> None:
    """With the membership role it needs, and with the scopes after a click."""
    context = chromium.new_context()
    try:
        page = Visit(context.new_page(), app).wait()
        for method, path, one in operations_of(document):
            tag = one["tags"][0].replace(" ", "-")
            part = page.locator(f"[id='tag/{tag}/operation/{one['operationId']}']")
            part.get_by_text("Authorizations:").click()
            text = part.inner_text()
            assert one["summary"] in text
            assert re.search(rf"^{method}\n\s*{re.escape(path)}$", text, re.M | re.I), path
            assert f"required-role: {one['x-required-role']}" in text
            for scope in one["security"][0]["access_token"]:
                assert f"({scope})" in text
            for status, response in one["responses"].items():
                assert status in text
                for code in re.findall(r"`(\w+)`:", response["description"]):
                    assert code in text
        assert "undefined" not in page.inner_text("body").lower()
    finally:
        context.close()


def test_every_link_of_the_page_has_a_target(chromium: Browser, app: Flask) -> None:
    """A place on the page, a page of ours, or the site of Redoc."""
    context = chromium.new_context()
    try:
        page = Visit(context.new_page(), app).wait()
        links = page.evaluate("[...document.querySelectorAll('a[href]')].map((one) => one.href)")
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
        here = {link for link in links if link.startswith(f"{ORIGIN}/docs#")}
        others = set(links) - here

        assert len(set(ids)) == len(ids)
        assert len(here) > 5 and {urlsplit(link).fragment for link in here} <= set(ids)
        assert others == {
            f"{ORIGIN}/api.md",
            f"{ORIGIN}/openapi.json",
            "https://redocly.com/redoc/",
        }
        assert page.locator("h1").count() == 1
    finally:
        context.close()


def test_a_person_without_javascript_is_led_to_the_guide_and_the_document(
    chromium: Browser, app: Flask
) -> None:
    """With JavaScript this sentence is not on the page."""
    for enabled in (False, True):
        context = chromium.new_context(java_script_enabled=enabled)
        try:
            visit = Visit(context.new_page(), app)
            expect(visit.page.get_by_role("link", name="How to call this API")).to_be_visible()
            link = visit.page.locator("noscript").locator("a")
            if enabled:
                expect(link).not_to_be_attached()
            else:
                expect(link).to_be_visible()
                expect(link).to_have_attribute("href", "openapi.json")
                assert visit.errors == []
        finally:
            context.close()


@pytest.mark.long
@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (320, "light")])
def test_axe_finds_no_fault_and_no_element_is_wider_than_the_screen(
    chromium: Browser, app: Flask, width: int, scheme: Any
) -> None:
    """
    On a usual and on a small screen; rules that Redoc breaks are left out. The page is always
    light.
    """
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    try:
        page = Visit(context.new_page(), app).wait()
        sticks_out = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        rules = {rule: {"enabled": False} for rule in REDOC_FAILS}
        found = Axe().run(page, options={"rules": rules})

        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate(sticks_out) == 0
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate(sticks_out) == 0
    finally:
        context.close()


def test_the_keyboard_reaches_the_guide_and_every_group_of_operations(
    chromium: Browser, app: Flask, document: Json
) -> None:
    """The first Tab is at the guide, the next ones go through the menu."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    try:
        page = Visit(context.new_page(), app).wait()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="How to call this API")).to_be_focused()
        for tag in document["tags"]:
            page.keyboard.press("Tab")
            item = f"tag/{tag['name'].replace(' ', '-')}"
            expect(page.locator(f"li[data-item-id='{item}']")).to_be_focused()
    finally:
        context.close()


# The guide


def test_the_guide_names_the_scope_and_the_role_of_every_operation(document: Json) -> None:
    """In the order of the document; the lowest role, `member`, is not written."""
    wanted: dict[str, list[str]] = {}
    for method, path, one in operations_of(document):
        scope = "".join(f"`{name}`" for name in one["security"][0]["access_token"]) or "none"
        role = "" if one["x-required-role"] == ROLES[0] else f" ({one['x-required-role']})"
        wanted.setdefault(scope, []).append(f"`{method} {path}`{role}")

    rows = read_table("docs/api.md", "scope and role of each operation")
    assert {scope: cell.split(", ") for scope, cell in rows} == wanted
    roles = read_block("docs/api.md", "roles, the least first")
    assert re.findall(r"`([^`]+)`", roles) == list(ROLES)


def test_the_guide_names_every_code_with_its_status(app: Flask) -> None:
    """It also names the greatest size of a body."""
    codes = [(f"`{error.code}`", str(error.status)) for error in list_refusals(app)]

    rows = read_table("docs/api.md", "codes of a refusal")
    assert [(code, status) for code, status, _help in rows] == codes
    limit = read_block("docs/api.md", "most bytes of a body")
    assert re.findall(r"([\d,]+) bytes", limit) == [f"{MAX_BODY_BYTES:,}"]


def test_the_curl_examples_of_the_guide_are_answered_as_it_shows(api: RunningApi) -> None:
    """One after the other, as an owner; the block after an example is its answer."""
    known = {"API": "", "TOKEN": api.token()}
    answer: Any = None
    sent = []
    for kind, block in BLOCK.findall(GUIDE):
        if kind == "json":
            shown = json.loads(block)
            assert shape(shown) == shape(answer)
            if "code" in answer:  # the title is a word of this Python's
                assert shown | {"title": answer["title"]} == answer
            known["NEXT"] = answer.get("next")
            continue
        for line in block.replace("\\\n", "").splitlines():
            program, *words = shlex.split(line)
            if program == "curl":
                answer, request = send(api, [Template(word).substitute(known) for word in words])
                sent.append(request)

    assert sent == [
        ("GET", "/me", 200),
        ("GET", "/projects", 200),
        ("GET", "/projects", 200),
        ("POST", "/projects", 201),
        ("POST", "/invitations", 201),
        ("PATCH", "/organization", 422),
    ]


def test_the_guide_uses_only_variables_that_it_has_set_before() -> None:
    known: set[str] = set()
    for kind, block in BLOCK.findall(GUIDE):
        for line in block.splitlines() if kind == "shell" else ():
            assert set(re.findall(r"\$(\w+)", line)) <= known
            known |= set(re.findall(r"^export (\w+)=", line))

    assert known == {"API", "TOKEN", "NEXT"}


def test_a_repeated_example_takes_effect_once(api: RunningApi) -> None:
    """Because of its Idempotency-Key, as the guide says."""
    command = read_block("docs/api.md", "a request that may be repeated")
    assert "Idempotency-Key: " in command
    words = shlex.split(Template(command.replace("\\\n", "")).substitute(API="", TOKEN=api.token()))
    before = len(api.get("/projects").get_json()["items"])
    first, again = send(api, words[1:]), send(api, words[1:])

    assert first == again
    assert len(api.get("/projects").get_json()["items"]) == before + 1


def send(api: RunningApi, words: list[str]) -> tuple[Any, tuple[str, str, int]]:
    """Send the request that curl would; return the answer, and (method, path, status)."""
    url, *options = words
    method, headers, body = "GET", {}, None
    for option, value in zip(options[::2], options[1::2], strict=True):
        match option:
            case "-X":
                method = value
            case "-H":
                name, _, value = value.partition(": ")
                headers[name] = value
            case "-d":
                body = value
            case _:
                raise AssertionError(option)
    answer = api.app.test_client().open(url, method=method, headers=headers, data=body)
    return answer.get_json(), (method, urlsplit(url).path, answer.status_code)


def shape(value: Any) -> Any:
    """The names and types of *value*, without what differs from database to database."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    return type(value)
