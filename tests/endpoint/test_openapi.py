"""The OpenAPI document says what the API does: no more and no less."""

import copy
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from flask import Blueprint, Flask
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
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
from tests.kit.documented import NO_DATABASE, Json, operations_of, run_without_database
from tests.kit.running_api import make_settings
from tests.kit.target import PUBLIC


@pytest.fixture(scope="module")
def app() -> Iterator[Flask]:
    """The API, with the tenant's keys and without a database."""
    with run_without_database() as app:
        yield app


@pytest.fixture(scope="module")
def document(app: Flask) -> Json:
    """The document, as every caller gets it."""
    answer = app.test_client().get("/openapi.json")

    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    found: Json = json.loads(answer.data)
    return found


def guarded_routes(app: Flask) -> dict[tuple[str, str], Any]:
    """Return every guarded view by method and path, as OpenAPI writes them."""
    return {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)): app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if hasattr(app.view_functions[rule.endpoint], "required_role")
    }


def send(app: Flask, method: str, path: str, operation: Json, **options: Any) -> TestResponse:
    """Send the request that the document gives as an example; *options* change it."""
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
    """Require exactly the answer that the document gives for this refusal."""
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
    """Return the faults of *value* under *schema*, which may refer to components."""
    validator = OAS31Validator(schema | {"components": document["components"]})
    return [error.message for error in validator.iter_errors(value)]


# The document


def test_the_document_is_valid_openapi(document: Json) -> None:
    """So programs of other people can read it."""
    assert document["openapi"] == "3.1.1"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []

    for path in (("info", "title"), ("paths", "/projects", "post", "responses", "201")):
        broken = copy.deepcopy(document)
        part = broken
        for name in path[:-1]:
            part = part[name]
        part[path[-1]] = 17
        assert list(OpenAPIV31SpecValidator(broken).iter_errors()) != []


def test_the_document_has_exactly_the_guarded_routes(app: Flask, document: Json) -> None:
    """With the scope and the membership role that each guard requires."""
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


def test_a_view_for_a_new_table_is_documented_once_it_is_registered(app: Flask) -> None:
    """Its developer writes a view and a model, and nothing for OpenAPI."""

    class Invoice(BaseModel):
        number: int
        paid: bool
        tags: list[str]
        customer: Annotated[str | None, Field(examples=["Joe Bloggs"])]

    class Closed(EndpointError):
        """An error of a developer's own: the year is closed."""

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
        raise AssertionError("never called")

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


def test_the_document_has_every_code_of_the_error_classes(app: Flask, document: Json) -> None:
    """Each with the status of its class."""
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


def test_every_example_fits_its_schema(document: Json) -> None:
    """Of bodies, answers, refusals and parameters; and each schema refuses some value."""
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


def test_components_have_the_names_that_generated_clients_will_use(document: Json) -> None:
    schemas = document["components"]["schemas"]

    assert {"Project", "ProjectPage", "Member", "MemberPage", "NewProject", "Problem"} <= set(
        schemas
    )
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", name) for name in schemas)
    assert "title" not in schemas["Project"]["properties"]["name"]
    for name in ("NewProject", "ProjectChange", "MemberChange", "OrganizationChange"):
        assert schemas[name]["additionalProperties"] is False


def test_patterns_mean_the_same_in_javascript(document: Json) -> None:
    """JSON Schema takes JavaScript's regular expressions, with the flag u."""
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


def test_the_document_is_the_same_for_every_host_and_made_once(app: Flask) -> None:
    """It is the same in every process, too."""
    client = app.test_client()
    first = client.get("/openapi.json")
    other = create_app(make_settings(NO_DATABASE, "http://127.0.0.1:1/.well-known/jwks.json"))

    assert client.get("/openapi.json", headers={"Host": "evil.example.com"}).data == first.data
    assert other.test_client().get("/openapi.json").data == first.data
    assert b"servers" not in first.data


# What it says about refusals is what happens


def test_a_request_without_a_valid_token_is_refused_as_documented(
    app: Flask, document: Json
) -> None:
    """At every operation, whether the rest of the request is right or wrong."""
    for method, path, one in operations_of(document):
        for authorization, code in (
            (None, "missing_token"),
            ("Bearer garbage", "invalid_token"),
            ("Bearer one, Bearer two", "invalid_request"),
        ):
            answer = send(app, method, path, one, headers={"Authorization": authorization})
            expect_refusal(answer, one, code)


def test_a_token_without_the_scope_is_refused_as_documented(app: Flask, document: Json) -> None:
    """An operation without a scope in the document does not refuse such a token."""
    token = access_tokens.sign(claims=access_tokens.valid_claims(scope="openid"))
    for method, path, one in operations_of(document):
        codes = one["responses"]["403"]["content"]["application/problem+json"]["examples"]
        assert ("insufficient_scope" in codes) == bool(one["security"][0]["access_token"])
        if "insufficient_scope" in codes:
            answer = send(app, method, path, one, headers={"Authorization": f"Bearer {token}"})
            expect_refusal(answer, one, "insufficient_scope")


def test_wrong_input_is_refused_as_documented(app: Flask, document: Json) -> None:
    """An unknown parameter at every operation, and a wrong body where there is one."""
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
    """The example of each operation passes every check before the database, which is not there."""
    for method, path, one in operations_of(document):
        answer = send(app, method, path, one)
        expect_refusal(answer, one, "temporarily_unavailable")
