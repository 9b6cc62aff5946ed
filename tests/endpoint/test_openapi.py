"""The OpenAPI document and the page made of it say what the API does: no more and no less."""

import copy
import itertools
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from html import unescape
from typing import Annotated, Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Blueprint, Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from playwright.sync_api import Browser, Page, Request, Route, expect
from pydantic import BaseModel, Field, TypeAdapter
from werkzeug.test import TestResponse

import api.errors
import endpoint.errors
import org_guard.errors
from api import projects
from api.app import create_app
from endpoint.errors import MAX_BODY_BYTES, EndpointError
from endpoint.idempotency import IDEMPOTENCY_KEY, IdempotencyKey
from endpoint.openapi import build_document, list_refusals
from endpoint.operation import operation
from local_stack import access_tokens
from local_stack.node import node
from org_guard import GuardByClaimAlone, GuardError, Principal
from org_guard.flask import ROLES
from tests.kit.running_api import make_settings, serve_keys

NO_DATABASE = "postgresql://org_api@127.0.0.1:1/none"
ORIGIN = "https://api.example.com"
PUBLIC = {"/healthz", "/readyz", "/openapi.json", "/docs"}
Json = dict[str, Any]


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """The API, with the tenant's keys and without a database."""
    with serve_keys() as keys_url:
        app = create_app(make_settings(NO_DATABASE, keys_url))
        yield app
        app.extensions["database"].close()


@pytest.fixture(scope="module")
def document(app: Flask) -> Json:
    """What everybody gets."""
    answer = app.test_client().get("/openapi.json")

    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    found: Json = json.loads(answer.data)
    return found


@pytest.fixture(scope="module")
def html(app: Flask) -> str:
    """The page as everybody gets it."""
    answer = app.test_client().get("/docs")

    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    return answer.text


def operations_of(document: Json) -> list[tuple[str, str, Json]]:
    """Every (method, path, operation)."""
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def guarded_routes(app: Flask) -> dict[tuple[str, str], Any]:
    """Every guarded view by method and path, as OpenAPI writes them."""
    return {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if hasattr(app.view_functions[rule.endpoint], "required_role")
    }


def send(app: Flask, method: str, path: str, operation: Json, **options: Any) -> TestResponse:
    """Send what the document gives as the example of an operation; *options* change it."""
    headers = {"Authorization": f"Bearer {access_tokens.sign()}"}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
        elif parameter["in"] == "header":
            headers[parameter["name"]] = parameter["example"]
    headers = {k: v for k, v in (headers | options.pop("headers", {})).items() if v is not None}
    if "requestBody" in operation and "data" not in options:
        [(content_type, content)] = operation["requestBody"]["content"].items()
        options = {"data": json.dumps(content["example"]), "content_type": content_type} | options
    return app.test_client().open(path, method=method, headers=headers, **options)


def expect_refusal(answer: TestResponse, operation: Json, code: str) -> None:
    """The answer is, to the letter, what the document says it would be."""
    described = operation["responses"][str(answer.status_code)]
    content = described["content"]["application/problem+json"]
    headers = described.get("headers", {})
    challenges = headers.get("WWW-Authenticate", {}).get("examples", {})
    retry_after = headers.get("Retry-After", {}).get("example")

    assert answer.content_type == "application/problem+json"
    assert answer.json == content["examples"][code]["value"]
    assert answer.headers.get("WWW-Authenticate") == challenges.get(code, {}).get("value")
    assert answer.headers.get("Retry-After", type=int) == retry_after


def schema_errors(document: Json, schema: Json, value: object) -> list[str]:
    """Hold *value* against *schema*, which may refer to components."""
    validator = OAS31Validator(schema | {"components": document["components"]})
    return [error.message for error in validator.iter_errors(value)]


# The document


def test_the_document_is_valid_openapi(document: Json) -> None:
    """Programs of others read it; a mistake in it would be found here."""
    assert document["openapi"] == "3.1.1"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []

    for path in (("info", "title"), ("paths", "/projects", "post", "responses", "201")):
        broken = copy.deepcopy(document)
        part = broken
        for name in path[:-1]:
            part = part[name]
        part[path[-1]] = 17
        assert list(OpenAPIV31SpecValidator(broken).iter_errors()) != []


def test_every_guarded_route_is_in_the_document_and_nothing_else(
    app: Flask, document: Json
) -> None:
    """With the scope and the role that its guard asks for."""
    guarded = guarded_routes(app)
    described = {(method, path): one for method, path, one in operations_of(document)}
    others = {rule.rule for rule in app.url_map.iter_rules()} - {
        re.sub(r"{(\w+)}", r"<uuid:\1>", path) for path in document["paths"]
    }

    assert described.keys() == guarded.keys()
    assert others == PUBLIC
    for key, view in guarded.items():
        one = described[key]
        scopes = [view.required_scope] if view.required_scope else []
        assert one["security"] == [{"access_token": scopes}], key
        assert one["x-required-role"] == view.required_role in ROLES, key
        assert one["operationId"] == view.__name__, key
    names = [one["operationId"] for one in described.values()]
    assert len(set(names)) == len(names)


def test_a_new_table_is_documented_as_soon_as_it_is_registered(app: Flask) -> None:
    """Its author writes a view and a model, and no word of OpenAPI."""

    class Invoice(BaseModel):
        number: int
        paid: bool
        tags: list[str]
        customer: Annotated[str | None, Field(examples=["Joe Bloggs"])]

    class Closed(EndpointError):
        """Its year is over."""

        status = 409
        code = "closed"
        description = "The year is closed"

    guard = GuardByClaimAlone(
        domains=[access_tokens.DOMAIN],
        audience=access_tokens.AUDIENCE,
        namespace=access_tokens.NAMESPACE,
    )
    grown = Flask("grown", static_folder=None)
    routes = Blueprint("invoices", __name__)

    @routes.get("/invoices/<int:number>")
    @guard.require_auth("read:invoices", role="owner")
    @operation("One invoice", answer=Invoice, errors=[Closed])
    def find_invoice(
        principal: Principal, number: Annotated[int, Field(examples=[2026])]
    ) -> Invoice:
        raise AssertionError("nobody calls")

    grown.register_blueprint(routes)
    document = build_document(grown, title="Grown", description="Of two tables.")
    described = document["paths"]["/invoices/{number}"]["get"]

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert described["tags"] == ["invoices"]
    assert described["security"] == [{"access_token": ["read:invoices"]}]
    assert described["x-required-role"] == "owner"
    assert document["info"]["title"] == "Grown"
    assert described["parameters"][0]["schema"]["type"] == "integer"
    assert described["parameters"][0]["example"] == 2026
    answer = described["responses"]["200"]["content"]["application/json"]
    assert answer["example"] == {
        "number": 1,
        "paid": True,
        "tags": ["text"],
        "customer": "Joe Bloggs",
    }
    assert "closed" in document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert Closed in list_refusals(grown) and Closed not in list_refusals(app)


def test_the_codes_are_those_of_the_error_classes(app: Flask, document: Json) -> None:
    """All of them, and each where its class says."""
    classes = {
        found
        for module in (api.errors, endpoint.errors, org_guard.errors)
        for found in vars(module).values()
        if isinstance(found, type)
        and issubclass(found, EndpointError | GuardError)
        and found is not GuardError
    }
    by_code = {found.code: found for found in classes}
    named = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]

    assert len(by_code) == len(classes)
    assert set(named) == set(by_code)
    assert set(list_refusals(app)) == classes
    for _method, path, one in operations_of(document):
        for status, response in one["responses"].items():
            content = response.get("content", {}).get("application/problem+json")
            if content is None:
                assert int(status) < 300
                continue
            codes = content["schema"]["properties"]["code"]["enum"]
            assert list(content["examples"]) == codes
            for code in codes:
                assert by_code[code].status == int(status), path
                assert f"`{code}`: {by_code[code].description}." in response["description"]


def test_every_example_is_what_its_schema_says(document: Json) -> None:
    """Bodies, answers, refusals and parameters; and each schema refuses something."""
    for _method, path, one in operations_of(document):
        for parameter in one.get("parameters", []):
            assert schema_errors(document, parameter["schema"], parameter["example"]) == []
            assert schema_errors(document, parameter["schema"], []) != []
        for described in [one.get("requestBody", {}), *one["responses"].values()]:
            for content in described.get("content", {}).values():
                examples = [value["value"] for value in content.get("examples", {}).values()]
                for example in examples or [content["example"]]:
                    assert schema_errors(document, content["schema"], example) == [], path
                assert schema_errors(document, content["schema"], "text") != [], path


def test_components_have_the_names_that_people_expect(document: Json) -> None:
    """They become the names of types in generated clients."""
    schemas = document["components"]["schemas"]

    assert {"Project", "ProjectPage", "Member", "MemberPage", "NewProject", "Problem"} <= set(
        schemas
    )
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", name) for name in schemas)
    assert "title" not in schemas["Project"]["properties"]["name"]
    for name in ("NewProject", "ProjectChange", "MemberChange", "OrganizationChange"):
        assert schemas[name]["additionalProperties"] is False


def test_patterns_mean_the_same_in_javascript(document: Json) -> None:
    """JSON Schema's patterns are JavaScript's, read with the flag u."""
    samples = ["Website", "", " ", "a\nb", "a\tb", "a\x00b", "a\x7fb", "a\x85b", "🚀", "é", "a b"]
    names = document["components"]["schemas"]["NewProject"]["properties"]
    [key] = [
        one["schema"]
        for one in document["paths"]["/projects"]["post"]["parameters"]
        if one["name"] == IDEMPOTENCY_KEY
    ]
    patterns = [names["name"]["pattern"], names["description"]["pattern"], key["pattern"]]
    script = (
        "const [patterns, samples] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(patterns.map((one) =>"
        " samples.map((text) => new RegExp(one, 'u').test(text)))));"
    )
    done = subprocess.run(
        [str(node()), "--eval", script],
        input=json.dumps([patterns, samples]),
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    in_names, in_descriptions, in_keys = json.loads(done.stdout)

    def is_key(text: str) -> bool:
        try:
            TypeAdapter(IdempotencyKey).validate_python(text)
        except ValueError:
            return False
        return True

    def accepted(**fields: str) -> bool:
        try:
            projects.NewProject.model_validate({"name": "a"} | fields)
        except ValueError:
            return False
        return True

    assert in_names == [accepted(name=one) for one in samples]
    assert in_descriptions == [accepted(description=one) for one in samples]
    assert in_keys == [is_key(one) for one in samples]
    for length in (0, 1, key["maxLength"], key["maxLength"] + 1):
        fits = key["minLength"] <= length <= key["maxLength"]
        assert is_key("k" * length) == fits


def test_the_document_is_the_same_for_everybody_and_made_once(app: Flask) -> None:
    """Whatever host they say they mean, and in every process."""
    client = app.test_client()
    first = client.get("/openapi.json")
    other = create_app(make_settings(NO_DATABASE, "http://127.0.0.1:1/.well-known/jwks.json"))

    assert client.get("/openapi.json", headers={"Host": "evil.example.com"}).data == first.data
    assert other.test_client().get("/openapi.json").data == first.data
    assert b"servers" not in first.data
    page = client.get("/docs")
    assert client.get("/docs", headers={"Host": "evil.example.com"}).data == page.data
    assert b"evil" not in page.data


# What it says about refusals is what happens


def test_whoever_sends_no_good_token_is_refused_as_documented(app: Flask, document: Json) -> None:
    """At every operation, whatever else is sent."""
    for method, path, one in operations_of(document):
        for authorization, code in (
            (None, "missing_token"),
            ("Bearer garbage", "invalid_token"),
            ("Bearer one, Bearer two", "invalid_request"),
        ):
            answer = send(app, method, path, one, headers={"Authorization": authorization})
            expect_refusal(answer, one, code)


def test_a_token_without_the_scope_is_refused_as_documented(app: Flask, document: Json) -> None:
    """Where the document names none, there is no such refusal."""
    token = access_tokens.sign(claims=access_tokens.valid_claims(scope="openid"))
    for method, path, one in operations_of(document):
        codes = one["responses"]["403"]["content"]["application/problem+json"]["examples"]
        assert ("insufficient_scope" in codes) == bool(one["security"][0]["access_token"])
        if "insufficient_scope" in codes:
            answer = send(app, method, path, one, headers={"Authorization": f"Bearer {token}"})
            expect_refusal(answer, one, "insufficient_scope")


def test_wrong_input_is_refused_as_documented(app: Flask, document: Json) -> None:
    """An unknown parameter everywhere; an odd body wherever there is one."""
    for method, path, one in operations_of(document):
        if "requestBody" not in one:
            answer = send(app, method, path, one, query_string="colour=red")
            expect_refusal(answer, one, "invalid_input")
            assert not {"413", "415"} & one["responses"].keys()
            continue
        example = one["requestBody"]["content"]["application/json"]["example"]
        for data, content_type, code in (
            (json.dumps(example | {"colour": "red"}), "application/json", "invalid_input"),
            ("[]", "application/json", "invalid_json"),
            (json.dumps(example), "text/plain", "unsupported_media_type"),
            (" " * (MAX_BODY_BYTES + 1), "application/json", "request_entity_too_large"),
        ):
            answer = send(app, method, path, one, data=data, content_type=content_type)
            expect_refusal(answer, one, code)


def test_an_outage_is_answered_as_documented(app: Flask, document: Json) -> None:
    """The example of each operation is good up to the database, which is not there."""
    for method, path, one in operations_of(document):
        answer = send(app, method, path, one)
        expect_refusal(answer, one, "temporarily_unavailable")


# The page


def test_the_page_names_every_operation_and_every_code(document: Json, html: str) -> None:
    """Nothing that programs are told is kept from people."""
    text = re.sub(r"<[^>]*>", "", html)
    for method, path, one in operations_of(document):
        assert f'id="{one["operationId"]}"' in html
        assert f"{method} {path}" in text
        assert one["summary"] in text
        for scope in one["security"][0]["access_token"]:
            assert scope in text
    for name in document["components"]["schemas"]:
        assert f'id="{name}"' in html
    for code in document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]:
        assert code in text
    assert "undefined" not in text.lower()


def test_every_link_of_the_page_leads_somewhere(app: Flask, html: str) -> None:
    """To a place on the page, or to the document."""
    ids = re.findall(r'\bid="([^"]*)"', html)
    links = re.findall(r'<a\b[^>]*\bhref="([^"]*)"', html)

    assert len(set(ids)) == len(ids)
    assert {link.removeprefix("#") for link in links if link.startswith("#")} <= set(ids)
    assert {link for link in links if not link.startswith("#")} == {"openapi.json"}
    assert app.test_client().get("/openapi.json").status_code == 200


def test_headings_and_tables_have_their_order(html: str) -> None:
    """Whoever hears the page moves by them."""
    levels = [int(level) for level in re.findall(r"<h([1-6])\b", html)]

    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert re.findall(r"<th(?! scope=\"(?:row|col)\">)[\s>][^>]*>?", html) == []
    assert html.count("<pre") == html.count('<pre tabindex="0" dir="ltr">') > 0


def test_the_curl_examples_send_the_documents_examples(document: Json, html: str) -> None:
    """Each is one command that a shell reads as it was meant."""
    commands = {one[:2]: one for one in map(_read_curl, _examples(html, "curl"))}
    operations = operations_of(document)

    assert len(_examples(html, "curl")) == len(operations)
    for method, path, one in operations:
        target = _fill(path, one)
        _method, _target, headers, body = commands[method, target]
        assert headers.pop("Authorization") == "Bearer $TOKEN"
        _expect_request(one, headers, body)


def test_the_javascript_examples_send_the_documents_examples(document: Json, html: str) -> None:
    """Each is run with a `fetch` that only writes down what it is asked for."""
    operations = operations_of(document)
    examples = _examples(html, "JavaScript")
    script = (
        "const API = '', TOKEN = '$TOKEN', asked = [];"
        "const fetch = async (url, options) => (asked.push([url, options]),"
        " { ok: true, json: async () => null });"
        + "".join(f"{{\n{one}\n}}\n" for one in examples)
        + "console.log(JSON.stringify(asked));"
    )
    done = subprocess.run(
        [str(node()), "--input-type=module", "--eval", script],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    asked = {
        (options.get("method", "GET"), url): options for url, options in json.loads(done.stdout)
    }

    assert len(examples) == len(operations)
    for method, path, one in operations:
        options = asked[method, _fill(path, one)]
        headers = options["headers"]
        assert headers.pop("Authorization") == "Bearer $TOKEN"
        _expect_request(one, headers, options.get("body"))


def test_the_page_loads_nothing_and_needs_no_script(
    chromium: Browser, app: Flask, document: Json
) -> None:
    """Its own policy lets its style through, and nothing else is asked for, from anywhere."""
    context = chromium.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        requests: list[Request] = []
        errors: list[str] = []
        page.on("request", lambda request: requests.append(request))
        page.on("console", lambda message: errors.append(message.text))
        policy = _open(page, app)

        assert [urlsplit(one.url).path for one in requests] == ["/docs"]
        assert errors == []
        assert "default-src 'none'" in policy
        assert "script-src" not in policy and "unsafe" not in policy
        expect(page.locator("main")).to_have_css("display", "grid")
        for _method, _path, one in operations_of(document):
            expect(page.locator(f"h3#{one['operationId']}")).to_be_visible()
        page.get_by_role("link", name="openapi.json").wait_for()
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing_and_nothing_sticks_out(
    chromium: Browser, app: Flask, width: int, scheme: Any
) -> None:
    """In a usual width and in a small one, from left to right and from right to left."""
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True
    )
    try:
        page = context.new_page()
        _open(page, app)
        sticks_out = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        found = Axe().run(page)

        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate(sticks_out) == 0
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.evaluate(sticks_out) == 0
    finally:
        context.close()


def test_the_keyboard_reaches_the_text_and_every_example(chromium: Browser, app: Flask) -> None:
    """The first Tab offers to skip the contents."""
    context = chromium.new_context(viewport={"width": 320, "height": 800})
    try:
        page = context.new_page()
        _open(page, app)
        page.keyboard.press("Tab")
        expect(page.locator("a.skip")).to_be_focused()
        expect(page.locator("a.skip")).to_be_in_viewport()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.locator("main pre").first).to_be_focused()
    finally:
        context.close()


def _open(page: Page, app: Flask) -> str:
    """Open the page at an origin that only this browser knows; return its policy."""
    client = app.test_client()

    def answer(route: Route) -> None:
        given = client.get(urlsplit(route.request.url).path)
        route.fulfill(status=given.status_code, headers=dict(given.headers), body=given.data)

    page.route(f"{ORIGIN}/**", answer)
    response = page.goto(f"{ORIGIN}/docs")
    assert response is not None and response.status == 200
    return response.headers["content-security-policy"]


def _examples(html: str, name: str) -> list[str]:
    found = re.findall(
        rf"<figcaption>{name}</figcaption>\s*<pre[^>]*><code>(.*?)</code></pre>", html, re.DOTALL
    )
    return [unescape(one) for one in found]


def _read_curl(command: str) -> tuple[str, str, dict[str, str], str | None]:
    program, url, *options = shlex.split(command.replace("\\\n", ""))
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
    assert program == "curl" and url.startswith("$API/")
    return method, url.removeprefix("$API"), headers, body


def _fill(path: str, operation: Json) -> str:
    query = ""
    for parameter in operation.get("parameters", []):
        path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
        if parameter["name"] == "limit":
            query = f"?limit={parameter['example']}"
    return path + query


def _expect_request(operation: Json, headers: dict[str, str], body: str | None) -> None:
    wanted = {
        one["name"]: one["example"]
        for one in operation.get("parameters", [])
        if one["in"] == "header"
    }
    if "requestBody" in operation:
        wanted["Content-Type"] = "application/json"
        example = operation["requestBody"]["content"]["application/json"]["example"]
        assert body is not None and json.loads(body) == example
    else:
        assert body is None
    assert headers == wanted
