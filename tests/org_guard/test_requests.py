"""
A request at each guard: where the token must be, what is refused and how, what the view gets.

A stand-in for Postgres lets every person enter; `test_row_security` uses the real one.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from local_stack.access_tokens import (
    ABSENT,
    AUDIENCE,
    AUTH0_USER_ID,
    CLIENT_ID,
    DOMAIN,
    NAMESPACE,
    ORG_CLAIM,
    ORG_ID,
    jwk,
    sign,
    valid_claims,
)
from org_guard import (
    Guard,
    GuardByHeader,
    Principal,
    SigningKeys,
    answer_refusals,
    organization_header,
)

OTHER_ID = "1c8e2a3f-4d5b-4c6d-9e7f-8091a2b3c4d5"
PERMISSIONS = ["org:abc-inc", "org:xyz-travel", "org:gone"]


@dataclass
class StandIn:
    """Stands in for a connection: every person may enter, and these slugs exist."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    org_ids: Mapping[str, str] = field(
        default_factory=lambda: {"abc-inc": ORG_ID, "xyz-travel": OTHER_ID, "solo-works": OTHER_ID}
    )

    def fetch(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Note with what a statement comes; answer with the id of a slug, or with a row."""
        self.asked.append(tuple(parameters))
        if "find_organization_id" in statement:
            return [(self.org_ids.get(parameters[0]),)]
        return [("a row",)]


class Keys:
    """The tenant's key, without an endpoint."""

    version = 1

    def find(self, _kid: str) -> RSAKey:
        """Return the one key."""
        return RSAKey.import_key({**jwk()})


@dataclass
class GuardedApp:
    """An app with one design's guard, and what an app of that design sends."""

    client: FlaskClient
    token: str
    headers: dict[str, str]
    database: StandIn
    entered: list[tuple[Principal, int]]  # what the view was called with

    def get(self, authorization: str | None, path: str = "/rows/7", **headers: str) -> TestResponse:
        """Send a request; leave out a header that is empty."""
        sent = self.headers | headers | {"Authorization": authorization or ""}
        return self.client.get(path, headers={name: one for name, one in sent.items() if one})


def run_app(kind: type[Guard | GuardByHeader]) -> GuardedApp:
    """Guard one view that enters and one that does not."""
    database, entered = StandIn(), list[tuple[Principal, int]]()
    guard = kind(
        domains=[DOMAIN],
        audience=AUDIENCE,
        namespace=NAMESPACE,
        connections=lambda: pytest.fail("no view here begins a transaction"),
        fetch=database.fetch,
        keys=cast("SigningKeys", Keys()),
    )
    app = Flask(__name__)
    answer_refusals(app)

    @app.get("/rows/<int:number>")
    @guard.require_auth()
    def show_rows(principal: Principal, number: int) -> str:
        guard.rows.select(principal, "select name from org.project")
        entered.append((principal, number))
        return "rows"

    @app.get("/forgot")
    @guard.require_auth()
    def forget_to_enter(_principal: Principal) -> str:
        return "rows of all organizations"

    by_header = {ORG_CLAIM: ABSENT, f"{NAMESPACE}org_role": ABSENT, "permissions": PERMISSIONS}
    claims = valid_claims(**(by_header if kind is GuardByHeader else {}))
    headers = {"X-Organization": "abc-inc"} if kind is GuardByHeader else {}
    return GuardedApp(app.test_client(), sign(claims=claims), headers, database, entered)


@pytest.fixture(params=[Guard, GuardByHeader])
def app(request: pytest.FixtureRequest) -> GuardedApp:
    """An app of each design in turn."""
    return run_app(request.param)


@pytest.fixture
def by_header() -> GuardedApp:
    """An app of design C, whose tokens name all organizations of a person."""
    return run_app(GuardByHeader)


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        (None, 401, "missing_token"),
        ("Bearer", 401, "missing_token"),
        ("Bearer ", 401, "missing_token"),
        ("{0}", 401, "missing_token"),
        ("Token {0}", 401, "missing_token"),
        ("Basic {0}", 401, "missing_token"),
        ("Bearer {0} {0}", 400, "invalid_request"),
        ("Bearer {0},{0}", 400, "invalid_request"),
        ("Bearer {0}, Bearer {0}", 400, "invalid_request"),
    ],
)
def test_a_request_without_exactly_one_bearer_token_is_refused(
    app: GuardedApp, form: str | None, status: int, code: str
) -> None:
    """RFC 6750 section 2.1. Two headers reach an app as one, joined by a comma."""
    assert app.get(f"Bearer {app.token}").text == "rows"

    refused = app.get(form and form.format(app.token))
    assert (refused.status_code, refused.get_json()["code"]) == (status, code)
    assert len(app.entered) == 1


def test_the_view_gets_the_caller_and_the_arguments_of_its_route(app: GuardedApp) -> None:
    """The route names no role, so the database is asked for the lowest."""
    claims = valid_claims()
    app.get(f"Bearer {app.token}")
    [(principal, number)] = app.entered

    assert number == 7
    assert replace(principal, expires_at=0.0, org_role=None) == Principal(
        auth0_user_id=AUTH0_USER_ID,
        org_id=ORG_ID,
        org_role=None,
        scopes=frozenset(claims["scope"].split()),
        client_id=CLIENT_ID,
        expires_at=0.0,
    )
    assert abs(principal.expires_at - claims["exp"]) <= 5
    assert app.database.asked[-1] == (AUTH0_USER_ID, ORG_ID, "member")


def test_the_answer_of_a_view_that_did_not_enter_is_discarded(
    app: GuardedApp, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has an error."""
    answer = app.get(f"Bearer {app.token}", "/forgot")

    assert (answer.status_code, answer.get_json()["code"]) == (500, "unexpected")
    assert "all organizations" not in answer.text
    [record] = [one for one in caplog.records if one.name == "org_guard"]
    assert record.levelno == logging.ERROR
    assert "forget_to_enter answered without entering the organization" in record.getMessage()


def test_a_refusal_is_problem_json_that_no_cache_may_store(app: GuardedApp) -> None:
    """RFC 9457. The text is the same for every caller."""
    answer = app.get(None)

    assert answer.content_type == "application/problem+json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "Retry-After" not in answer.headers
    assert answer.get_json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "code": "missing_token",
        "detail": "An access token is needed",
    }


@pytest.mark.parametrize("slug", ["", "-", "ABC-INC", "abc_inc", "abc-inc,xyz-travel", "a" * 64])
def test_a_header_that_is_not_one_slug_is_a_malformed_request(
    by_header: GuardedApp, slug: str
) -> None:
    """A missing header is malformed, too, and so are two, which reach an app as one."""
    refused = by_header.get(f"Bearer {by_header.token}", **{"X-Organization": slug})

    assert (refused.status_code, refused.get_json()["code"]) == (400, "invalid_request")
    assert by_header.database.asked == []


@pytest.mark.parametrize("slug", ["solo-works", "gone"])
def test_a_header_that_names_an_organization_outside_the_token_is_refused(
    by_header: GuardedApp, slug: str
) -> None:
    """An organization of the token that does not exist any more is refused, too."""
    refused = by_header.get(f"Bearer {by_header.token}", **{"X-Organization": slug})

    assert (refused.status_code, refused.get_json()["code"]) == (403, "not_a_member")
    assert by_header.entered == []


def test_the_header_chooses_among_the_organizations_of_the_token(by_header: GuardedApp) -> None:
    """At every request, with the same token."""
    for slug in ("abc-inc", "xyz-travel", "abc-inc"):
        by_header.get(f"Bearer {by_header.token}", **{"X-Organization": slug})

    assert [one.org_id for one, _ in by_header.entered] == [ORG_ID, OTHER_ID, ORG_ID]
    assert {one.org_role for one, _ in by_header.entered} == {None}


def test_the_id_of_a_slug_is_looked_up_once(
    by_header: GuardedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never changes. When the memory is full, the database is asked each time."""
    monkeypatch.setattr(organization_header, "_MOST", 1)
    for slug in ("abc-inc", "xyz-travel") * 2:
        answer = by_header.get(f"Bearer {by_header.token}", **{"X-Organization": slug})
        assert answer.status_code == 200

    lookups = [asked for asked in by_header.database.asked if len(asked) == 1]
    assert lookups == [("abc-inc",), ("xyz-travel",), ("xyz-travel",)]


@pytest.mark.parametrize("kind", [Guard, GuardByHeader])
def test_a_guard_fetches_the_tenants_keys_at_the_first_token(
    kind: type[Guard | GuardByHeader],
) -> None:
    """Not when the app starts."""
    guard = kind(
        domains=[DOMAIN],
        audience=AUDIENCE,
        namespace=NAMESPACE,
        connections=lambda: pytest.fail("no view here begins a transaction"),
    )

    assert isinstance(guard.keys, SigningKeys)
