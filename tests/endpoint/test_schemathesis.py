"""The API and its document agree on every request: both allow it, or both refuse it."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import StopReason, from_schema
from schemathesis.engine.events import (
    EngineEvent,
    EngineFinished,
    FatalError,
    NonFatalError,
    ScenarioFinished,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from endpoint.names import clean_name
from local_stack import seed
from tests.kit.routes import add_invitation
from tests.kit.running_api import RunningApi

pytestmark = pytest.mark.long

ABC = seed.organization("abc-inc")
# Statuses that each operation must have given: otherwise it was never called with right input.
SUCCESSES = {
    "GET /me": 200,
    "GET /organization": 200,
    "PATCH /organization": 200,
    "GET /members": 200,
    "PATCH /members/{user_id}": 200,
    "DELETE /members/{user_id}": 204,
    "GET /invitations": 200,
    "POST /invitations": 201,
    "POST /invitations/{invitation_id}/resend": 200,
    "DELETE /invitations/{invitation_id}": 204,
    "GET /audit-events": 200,
    "GET /projects": 200,
    "POST /projects": 201,
    "GET /projects/{project_id}": 200,
    "PATCH /projects/{project_id}": 200,
    "DELETE /projects/{project_id}": 204,
}


class _SilentHandler(WSGIRequestHandler):
    def log(self, *_args: object) -> None:
        pass


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve it over HTTP, as clients use it."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_SilentHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()


@contextmanager
def plausible_requests(api: RunningApi) -> Iterator[None]:
    """
    Where a request is meant to be right, put in values that no schema can describe: a member who
    exists, a cursor of ours, an unused key, an organization's name that hides nothing, an address
    that no member has. Leave requests that are meant to be wrong unchanged.
    """
    joe = str(api.user_id("joe"))
    page = api.get("/projects?limit=1").get_json()

    def before_call(_context: object, case: schemathesis.Case[Any], _kwargs: object) -> None:
        api.set_role("joe", "abc-inc", "owner")  # whom an earlier request may have demoted

        def is_meant(place: ParameterLocation) -> bool:
            return case.meta is None or not case.meta.is_negative_at(place)

        user_id = case.path_parameters.get("user_id")
        if user_id == joe or (user_id and is_meant(ParameterLocation.PATH) and next(turns) % 2):
            case.path_parameters["user_id"] = _add_member(api)
        if "invitation_id" in case.path_parameters and is_meant(ParameterLocation.PATH):
            case.path_parameters["invitation_id"] = add_invitation(api)
        if "after" in (case.query or {}) and is_meant(ParameterLocation.QUERY):
            case.query["after"] = page["next"]
        if "Idempotency-Key" in (case.headers or {}) and is_meant(ParameterLocation.HEADER):
            case.headers["Idempotency-Key"] = str(uuid4())
        if case.operation.label == "PATCH /organization" and is_meant(ParameterLocation.BODY):
            assert isinstance(case.body, dict)
            case.body["name"] = clean_name(str(case.body["name"]), 200) or "ABC Inc"
        if case.operation.label == "POST /invitations" and is_meant(ParameterLocation.BODY):
            assert isinstance(case.body, dict)
            case.body["email"] = f"{uuid4()}@example.com"

    turns = iter(range(1_000_000))
    schemathesis.hook(before_call)
    try:
        yield
    finally:
        schemathesis.hooks.unregister(before_call)


def _add_member(api: RunningApi) -> str:
    row = api.superuser.execute(
        "with person as (insert into org.app_user (auth0_user_id) values (%s) returning id) "
        "insert into org.membership (user_id, org_id, role) select id, %s, 'member' from person "
        "returning user_id::text",
        (f"auth0|{uuid4()}", ABC.id),
    ).fetchone()
    assert row is not None
    return str(row[0])


def run(api: RunningApi, url: str) -> Iterator[EngineEvent]:
    """Try every operation: the examples, each edge of each schema, random values, sequences."""
    settings: dict[str, Any] = {
        "seed": 3,
        "headers": {"Authorization": f"Bearer {api.token()}"},
        "generation": {"deterministic": True, "max-examples": 20},
        "continue-on-failure": True,
    }
    config = SchemathesisConfig.from_dict(settings)
    with plausible_requests(api):
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)
        yield from from_schema(schema).execute()


def _failures(event: EngineEvent) -> Iterator[str]:
    match event:
        case NonFatalError():
            yield f"{event.label}: {event.value!r}"
        case FatalError():
            yield repr(event.exception)
        case EngineFinished() if event.stop_reason is not StopReason.COMPLETED:
            yield str(event.stop_reason)
        case ScenarioFinished():
            for case_id, checks in event.recorder.checks.items():
                case = event.recorder.cases[case_id].value
                for check in checks:
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        request = f"{case.method} {case.formatted_path} {case.query} {case.body!r}"
                        yield f"{check.name}: {failure.message}\n  {request:.500}"


def _answers(event: EngineEvent) -> Iterator[tuple[str, int]]:
    """Return each operation that was called by its own method, and its statuses."""
    if not isinstance(event, ScenarioFinished):
        return
    for case_id, interaction in event.recorder.interactions.items():
        case = event.recorder.cases[case_id].value
        if interaction.response and case.method == case.operation.method.upper():
            yield case.operation.label, interaction.response.status_code


# Schemathesis prints what it tried.
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
def test_every_operation_answers_as_the_document_says(api: RunningApi) -> None:
    """
    No 5xx; no status, type, header or body outside the document; no wrong input accepted, no right
    input refused; no operation without a token.
    """
    seen: Counter[tuple[str, int]] = Counter()
    failures: list[str] = []
    with served(api.app) as url:
        for event in run(api, url):
            failures += _failures(event)
            seen.update(_answers(event))

    assert not failures, "\n".join(failures)
    assert {operation for operation, _ in seen} == SUCCESSES.keys()
    assert SUCCESSES.items() <= seen.keys()
    assert {status for _, status in seen} <= {200, 201, 204, 400, 401, 404, 409, 415, 422}
    assert seen.total() > 500
