"""
`/openapi.json` and `/docs`: what this API can do, for programs and for people.

Both are public and say nothing but what stands in the code. The page is made of the document; its
examples run as they are once `API` and `TOKEN` are set. It has no script and loads nothing.
"""

import base64
import functools
import hashlib
import inspect
import json
import shlex
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from endpoint.errors import MAX_BODY_BYTES, EndpointError
from endpoint.openapi import SECURITY_SCHEME, build_document, list_refusals
from endpoint.schemas import Json, component_name, resolve
from org_guard.flask import ROLES

_TITLE = "Resource API"
_DESCRIPTION = "Everything here happens inside the one organization that the access token names."
_POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; "
    "img-src data:; style-src '{style}'"
)


def create_blueprint() -> Blueprint:
    """Make both routes; what they answer is made at the first request and kept."""
    routes = Blueprint("documentation", __name__)

    @functools.cache
    def document() -> Json:
        return build_document(current_app, title=_TITLE, description=_DESCRIPTION)

    @functools.cache
    def document_json() -> bytes:
        return json.dumps(document(), ensure_ascii=False, indent=1).encode()

    @functools.cache
    def page() -> tuple[bytes, str]:
        html = render_page(document(), list_refusals(current_app))
        style = html.partition("<style>")[2].partition("</style>")[0]
        sha256 = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        return html.encode(), _POLICY.format(style=f"sha256-{sha256}")

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(document_json(), content_type="application/json")

    @routes.get("/docs")
    def docs() -> Response:
        html, policy = page()
        response = Response(html, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = policy
        return response

    return routes


def render_page(document: Json, refusals: Any) -> str:
    """Write the page about *document*; *refusals* are the error classes that it names."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    operations = _list_operations(document)
    page = environment.get_template("documentation.html").render(
        document=document,
        operations=operations,
        nouns=[tag["name"] for tag in document["tags"]],
        scopes=sorted({scope for one in operations for scope in one["scopes"]}),
        refusals=[_describe_refusal(error) for error in refusals],
        problem=_find_problem(operations),
        roles=ROLES,
        max_body_bytes=MAX_BODY_BYTES,
        resolve=functools.partial(resolve, document["components"]["schemas"]),
        component_name=component_name,
        limits=_list_limits,
        pretty=_pretty,
    )
    return page.lstrip()  # of the lines that the macros stood on


def _list_operations(document: Json) -> list[Json]:
    return [
        operation
        | {
            "method": method.upper(),
            "path": path,
            "scopes": operation["security"][0][SECURITY_SCHEME],
            "role": operation["x-required-role"],
            "parameters": operation.get("parameters", []),
            "body": operation.get("requestBody", {}).get("content", {}).get("application/json"),
            "answer": _find_answer(operation),
            "refusals": _list_refusals(operation),
            "curl": _write_curl(method.upper(), path, operation),
            "fetch": _write_fetch(method.upper(), path, operation),
        }
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def _find_answer(operation: Json) -> Json:
    status, response = next(iter(operation["responses"].items()))
    return {
        "status": status,
        "phrase": response["description"],
        "headers": response.get("headers", {}),
        "content": response.get("content", {}).get("application/json"),
    }


def _list_refusals(operation: Json) -> list[Json]:
    found = []
    for status, response in operation["responses"].items():
        examples = response.get("content", {}).get("application/problem+json", {})
        for code, example in examples.get("examples", {}).items():
            headers = [
                f"{name}: {header['examples'][code]['value']}"
                if "examples" in header
                else f"{name}: {header['example']}"
                for name, header in response.get("headers", {}).items()
                if code in header.get("examples", [code])
            ]
            found.append(
                {"status": status, "code": code, "headers": headers, "problem": example["value"]}
            )
    return found


def _describe_refusal(error: Any) -> Json:
    about = "" if error is EndpointError else inspect.cleandoc(error.__doc__ or "")
    return {
        "status": error.status,
        "code": error.code,
        "detail": error.description,
        "about": about,
    }


def _find_problem(operations: list[Json]) -> Json:
    """Return an answer that names a mistake in a body."""
    problems: list[Json] = [
        refusal["problem"]
        for operation in operations
        for refusal in operation["refusals"]
        if "pointer" in refusal["problem"].get("errors", [{}])[0]
    ]
    return problems[0]


def _list_limits(schema: Json) -> list[str]:
    """Say in words what a value of *schema* is held to, its pattern aside."""
    found = []
    least, most = schema.get("minLength"), schema.get("maxLength")
    if least is not None or most is not None:
        found.append(f"{_range(least, most)} characters")
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None or most is not None:
        found.append(_range(least, most))
    if "default" in schema:
        found.append(f"default {json.dumps(schema['default'])}")
    return found


def _range(least: int | None, most: int | None) -> str:
    if least is None:
        return f"at most {most}"
    return f"at least {least}" if most is None else f"{least} to {most}"


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _write_request(path: str, operation: Json) -> tuple[str, dict[str, str], object]:
    """Return path and query, headers and body of an example."""
    query, headers = [], {}
    for parameter in operation.get("parameters", []):
        value = str(parameter["example"])
        match parameter["in"]:
            case "path":
                path = path.replace(f"{{{parameter['name']}}}", value)
            case "header":
                headers[parameter["name"]] = value
            case "query" if "default" in parameter["schema"]:  # no cursor for the first page
                query.append(f"{parameter['name']}={value}")
    body = None
    if "requestBody" in operation:
        headers["Content-Type"] = "application/json"
        body = operation["requestBody"]["content"]["application/json"]["example"]
    return f"{path}?{'&'.join(query)}" if query else path, headers, body


def _write_curl(method: str, path: str, operation: Json) -> str:
    target, headers, body = _write_request(path, operation)
    lines = [f'curl "$API{target}"', '-H "Authorization: Bearer $TOKEN"']
    if method != "GET":
        lines.insert(1, f"-X {method}")
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"-d {shlex.quote(_pretty(body))}")
    return " \\\n  ".join(lines)


def _write_fetch(method: str, path: str, operation: Json) -> str:
    target, headers, body = _write_request(path, operation)
    lines = [f"const response = await fetch(`${{API}}{target}`, {{"]
    if method != "GET":
        lines.append(f"  method: {json.dumps(method)},")
    if headers:
        lines += ["  headers: {", "    Authorization: `Bearer ${TOKEN}`,"]
        lines += [
            f"    {json.dumps(name)}: {json.dumps(value)}," for name, value in headers.items()
        ]
        lines.append("  },")
    else:
        lines.append("  headers: { Authorization: `Bearer ${TOKEN}` },")
    if body is not None:
        lines.append(f"  body: JSON.stringify({_pretty(body)}),".replace("\n", "\n  "))
    lines += ["});", "if (!response.ok) throw new Error((await response.json()).code);"]
    if _find_answer(operation)["content"]:
        lines.append("const answer = await response.json();")
    return "\n".join(lines)
