"""
Attacker: an outsider who collects error answers, or a person who may read the logs.
Wants: tokens, addresses, names, other people's ids, SQL or paths of files, in answers or logs.
Stopped by: `service/problem.py` `problem`, `service/logs.py` `RequestLog` `redact`

A refusal holds constants only. The log names the route, never the path, query, body or person.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from local_stack import seed
from local_stack.person import Person
from local_stack.stack import Stack
from tests.kit.leaks import find_leaks, secrets_of
from tests.kit.login import sign_in

PEOPLE = [word for one in seed.PEOPLE for word in (one.name, one.email, one.auth0_user_id)]
PROJECTS = [name for names in seed.PROJECTS.values() for name in names]
SQL = ["select ", "insert ", "enter_organization", "ORG01", "app.org_id", "Traceback"]
INSIDE = [*SQL, "psycopg", "site-packages", ".py", "org_api", "postgres", "werkzeug", "joserfc"]
UNKNOWN = "5c2f8e71-6b0d-4a39-b4e8-d3a1f7960c24"
SECRET_NAME = "Project Nightingale"


@pytest.fixture
def web() -> Iterator[httpx2.Client]:
    """A client of the running API."""
    # A body that was refused unread may take its connection with it, so each request has its own.
    alone = {"Connection": "close"}
    with httpx2.Client(trust_env=False, timeout=10, headers=alone) as client:
        yield client


def test_no_refusal_and_no_log_line_shows_a_token_a_name_or_internals(
    stack: Stack, person: Person, web: httpx2.Client
) -> None:
    """Every status from 400 on that a client can cause, at the running API and in its log."""
    tokens = sign_in(person, "D", ext_org="xyz-travel")
    token, refresh = tokens.access_token, tokens.refresh_token
    bearer = {"Authorization": f"Bearer {token}"}
    forged = f"{token[:-8]}AAAAAAAA"
    json_ = {"Content-Type": "application/json"} | bearer
    log = stack.logs / "api.log"
    begins = len(log.read_text())
    body = f'{{"name":"{SECRET_NAME}'
    requests: list[tuple[int, str, str, dict[str, str], str]] = [
        (401, "GET", "/me", {}, ""),
        (401, "GET", "/me", {"Authorization": f"Bearer {forged}"}, ""),
        (401, "GET", "/me", {"Authorization": f"Bearer {tokens.id_token}"}, ""),
        (401, "GET", "/me", {"Authorization": f"Bearer {refresh}"}, ""),
        (401, "GET", f"/me?access_token={token}", {}, ""),
        (401, "GET", "/me", {"Authorization": "Basic am9lQGV4YW1wbGUuY29tOmRlbW8="}, ""),
        (400, "GET", "/me", {"Authorization": f"Bearer {token},{token}"}, ""),
        (404, "GET", f"/projects/{UNKNOWN}", bearer, ""),
        (404, "GET", f"/projects/{token}", bearer, ""),
        (404, "GET", "/joe@example.com?email=joe@example.com", bearer, ""),
        (404, "GET", f"/members/{PROJECTS[0]}", bearer, ""),
        (405, "PUT", "/me", json_, f'{body}"}}'),
        (403, "PATCH", "/organization", json_, f'{body}"}}'),
        (403, "GET", "/audit-events", bearer, ""),
        (422, "GET", "/projects?limit=joe@example.com", bearer, ""),
        (422, "GET", f"/projects?after={refresh}", bearer, ""),
        (400, "POST", "/projects", json_, body),
        (400, "POST", "/projects", json_, f'{body}\\u0000"}}'),
        (415, "POST", "/projects", bearer | {"Content-Type": "text/plain"}, body),
        (413, "POST", "/projects", json_, f'{body}{"x" * 70_000}"}}'),
        (422, "POST", "/projects", json_, f'{body}","description":{{"email":"joe@example.com"}}}}'),
        (422, "POST", "/projects", json_ | {"Idempotency-Key": "joe doe"}, f'{body}"}}'),
        (422, "POST", "/projects", json_, f'{{"name":["{SECRET_NAME}"]}}'),
    ]
    for status, method, path, headers, content in requests:
        sent = content.encode()
        answer = web.request(method, f"{stack.api_url}{path}", headers=headers, content=sent)
        assert answer.status_code == status, (method, path, answer.text)
        text = f"{answer.text} {answer.headers}"
        for word in (*PEOPLE, *PROJECTS, *INSIDE, SECRET_NAME, token, forged, refresh, UNKNOWN):
            assert word not in text, (method, path, word)
        assert not re.search(r"eyJ[\w-]{8,}", text)
    assert web.get(f"{stack.api_url}/me", headers=bearer).status_code == 200

    written = _log_after(log, begins, len(requests) + 1)
    assert written.count('"status": 401') >= 6
    words = [*PEOPLE, *PROJECTS, *SQL, SECRET_NAME, refresh, UNKNOWN, *secrets_of(stack)]
    found = [line for line in written.splitlines() if any(word in line for word in words)]
    assert not found
    assert not find_leaks([log], [*PEOPLE, refresh])


def test_a_successful_request_is_logged_without_person_object_or_name(
    stack: Stack, person: Person, web: httpx2.Client
) -> None:
    token = sign_in(person, "D", ext_org="xyz-travel").access_token
    bearer = {"Authorization": f"Bearer {token}"}
    log = stack.logs / "api.log"
    begins = len(log.read_text())
    made = web.post(f"{stack.api_url}/projects", headers=bearer, json={"name": SECRET_NAME})
    project = made.headers["Location"]
    assert made.status_code == 201
    assert web.get(f"{stack.api_url}{project}", headers=bearer).status_code == 200
    assert web.get(f"{stack.api_url}/members?limit=1", headers=bearer).status_code == 200

    written = _log_after(log, begins, 3)
    assert "/projects/<uuid:project_id>" in written
    for word in (*PEOPLE, SECRET_NAME, project.rpartition("/")[2], "limit=", "Nightingale"):
        assert word not in written


def test_every_bad_token_gets_the_same_answer(
    stack: Stack, person: Person, web: httpx2.Client
) -> None:
    """So an attacker does not learn which check failed."""
    token = sign_in(person, "D", ext_org="xyz-travel").access_token
    header, claims, signature = token.split(".")
    bad = [
        "a.b.c",
        "x",
        f"{header}.{claims}.",
        f"{header}.e30.{signature}",
        f"{token}A",
        "x" * 9000,
    ]
    bodies = set()
    for forged in bad:
        headers = {"Authorization": f"Bearer {forged}"}
        answer = web.get(f"{stack.api_url}/me", headers=headers)
        bodies.add((answer.status_code, answer.content, answer.headers["WWW-Authenticate"]))
    assert len(bodies) == 1


def _log_after(log: Path, begins: int, lines: int) -> str:
    """Return the log from *begins* on, once it has that many requests."""
    deadline = time.monotonic() + 10
    while (written := log.read_text()[begins:]).count('"event": "request"') < lines:
        assert time.monotonic() < deadline, written
        time.sleep(0.02)
    return written
