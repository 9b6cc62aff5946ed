"""
Attacker: an attacker with the tenant's public keys and real tokens of every kind.
Wants: to pass as another person, or as a member of another organization.
Stopped by: `org_guard/access_token.py` `_require_header` `_require_signature`,
`org_guard/token_claims.py` `require_issuer_and_audience` `require_times` `require_client`
`require_person` `require_plain_bearer` `require_scopes` `require_organization`

Every row of `tests/kit/forged_access_tokens/` is sent over HTTP, against both designs. The answer
is always the same bytes, so the attacker does not learn which check failed. Neither the answer nor
a log repeats any part of the token.
"""

import json

import pytest
import structlog
from werkzeug.test import TestResponse

from local_stack import seed
from tests.kit.forged_access_tokens import PERMISSIONS, Kind, Row, rows_for, valid_rows_for
from tests.kit.target import Target

ABC = seed.organization("abc-inc")
# No client can send these tokens in a header: they hold control characters or characters that are
# not ASCII, or begin or end with white space, which belongs to the header and not to the token.
CANNOT_TRAVEL = frozenset(
    {
        *("a space before", "a space after", "a tab after", "a form feed after"),
        *("a line feed before", "a line feed after", "a line feed inside"),
        *("a carriage return and a line feed after", "a header of its own after"),
        *("NUL after", "NUL inside", "DEL inside", "a byte order mark before"),
        *("a no-break space after", "a line separator after", "a space of no width inside"),
        *("a letter that looks alike", "a full-width letter", "a full-width dot"),
        *("a letter of Latin-1", "a lone surrogate"),
    }
)
# These are not exactly one bearer token; RFC 6750 section 3.1 has other error codes for that.
NOT_ONE_TOKEN = {
    "the empty string": (401, "missing_token"),
    "a space inside": (400, "invalid_request"),
    "the scheme before": (400, "invalid_request"),
    "two tokens with a comma between": (400, "invalid_request"),
    "the flattened JSON serialization": (400, "invalid_request"),
    "the general JSON serialization": (400, "invalid_request"),
}


def _kind(target: Target) -> Kind:
    """Return the tokens that this design takes, in one of Auth0's two dialects."""
    return Kind(target.design == "D", "JWT" if target.design == "D" else "at+jwt", str(ABC.id))


def _send(target: Target, token: str) -> TestResponse:
    return target.get("/me", headers={"Authorization": f"Bearer {token}"})


def _require_passing(target: Target, token: str) -> None:
    answer = _send(target, token)
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["organization"]["slug"] == ABC.slug


def test_every_forged_token_gets_the_same_answer(
    target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    """A 401 of the same bytes for all; a valid token passes before each of them."""
    kind = _kind(target)
    tokens: dict[str, str] = {}
    answers = set()
    assert len(rows_for(kind)) >= 600
    with structlog.testing.capture_logs() as events:
        for name, forge in rows_for(kind).items():
            if name in CANNOT_TRAVEL or name in NOT_ONE_TOKEN:
                continue
            _require_passing(target, kind.token())
            tokens[name] = forge(kind)
            answer = _send(target, tokens[name])
            assert answer.status_code == 401, name
            assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"', name
            assert answer.content_type == "application/problem+json", name
            assert "Retry-After" not in answer.headers, name
            answers.add(answer.data)
        _require_passing(target, kind.token())

    [body] = answers
    assert json.loads(body)["code"] == "invalid_token"
    refused = [event for event in events if event.get("error") == "invalid_token"]
    assert len(refused) == len(tokens)
    said = f"{body.decode()}{events}{caplog.text}"
    for name, token in tokens.items():
        assert not [part for part in token.split(".") if len(part) > 8 and part in said], name
    for word in (kind.claims()["sub"], str(ABC.id), "attacker"):
        assert word not in said


def test_a_header_without_exactly_one_bearer_token_gets_its_own_error_code(target: Target) -> None:
    """The token is not looked at; a valid one passes before each of them."""
    kind = _kind(target)
    rows = rows_for(kind)
    for name, (status, code) in NOT_ONE_TOKEN.items():
        _require_passing(target, kind.token())
        answer = _send(target, rows[name](kind))
        assert (answer.status_code, answer.get_json()["code"]) == (status, code), name


def test_only_tokens_that_no_client_could_send_are_left_out() -> None:
    """CANNOT_TRAVEL names exactly the rows that a header cannot hold."""

    def can_travel(forge: Row) -> bool:
        token = forge(kind)
        return token.isascii() and token.isprintable() and token == token.strip()

    kind = Kind(True, "JWT")
    rows = rows_for(kind)

    assert {name for name, row in rows.items() if not can_travel(row)} == CANNOT_TRAVEL
    assert rows.keys() >= NOT_ONE_TOKEN.keys()


def test_every_token_with_a_harmless_difference_passes(target: Target) -> None:
    """Tokens of different tenants and Actions differ in these ways, so the guard must take them."""
    kind = _kind(target)
    assert f"org:{ABC.slug}" in PERMISSIONS
    for name, (row, differences) in valid_rows_for(kind).items():
        answer = _send(target, row(kind))
        another_person = differences.keys() & {"auth0_user_id", "org_slugs"}
        assert answer.status_code == (403 if another_person else 200), name


def test_a_token_for_the_nil_or_the_last_uuid_is_refused_as_not_a_member(target_d: Target) -> None:
    """Both are canonical UUIDs, so the guard takes the token and the database refuses."""
    for org_id in (f"{'0' * 8}-0000-0000-0000-{'0' * 12}", f"{'f' * 8}-ffff-ffff-ffff-{'f' * 12}"):
        _require_passing(target_d, Kind(True, "JWT", str(ABC.id)).token())
        answer = _send(target_d, Kind(True, "JWT", org_id).token())
        assert answer.status_code == 403
        assert answer.get_json()["code"] == "not_a_member"
