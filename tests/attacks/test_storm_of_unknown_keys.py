"""
Attacker: an attacker from the internet, or one on the network between the API and the tenant.
Wants: to make the API fetch keys without end, wait, crash, or trust the attacker's keys.
Stopped by: `org_guard/signing_keys.py` `_begin_if_due` `_wait_for` `_read_keys`

The API runs one fetch at a time, ten seconds apart, however many key ids are made up; a request
with a known key does not wait for it. An answer that is not a key set changes nothing.
"""

import gzip
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import pytest

from local_stack import access_tokens
from local_stack.access_tokens import jwk, sign, valid_header
from local_stack.stack import Stack
from org_guard import SigningKeys
from tests.kit.key_endpoint import Answer, Clock, Endpoint, hang, jwks, reply
from tests.kit.running_api import run_api
from tests.kit.target import GUARDS, Target

STORM = 500
AT_ONCE = 1.0  # seconds
LONGEST = 3.0  # seconds
COOL_DOWN, CEILING = 10.0, 86_400.0
STRANGER = "the-attackers-key"
THEIRS = jwk(STRANGER) | {"kid": access_tokens.KID}
HOSTILE: dict[str, Answer] = {
    "a page": reply(b"<html>It works!</html>"),
    "an empty object": reply(b"{}"),
    "no keys": reply(b'{"keys":[]}'),
    "no list": reply(b'{"keys":{}}'),
    "brackets": reply(b"[" * 20_000),
    "too much": reply(b"x" * 200_000),
    "an error": reply(b"", status="500 Internal Server Error"),
    "a redirect": reply(b"", "Location: http://127.0.0.1:9/", status="302 Found"),
    "encoded": reply(
        gzip.compress(json.dumps({"keys": [jwk()]}).encode()), "Content-Encoding: gzip"
    ),
    "another algorithm": jwks(THEIRS | {"alg": "HS256"}),
    "another use": jwks(THEIRS | {"use": "enc"}),
    "a secret": jwks({"kty": "oct", "kid": access_tokens.KID, "k": "c2VjcmV0", "alg": "RS256"}),
    "a private key": jwks(THEIRS | {"d": "AQAB"}),
    "two of one name": jwks(jwk(), THEIRS),
    "nothing": lambda conn: conn.close(),
}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The tenant's key endpoint; the test sets its answer."""
    running = Endpoint(good())
    yield running
    running.close()


@pytest.fixture
def clock() -> Clock:
    """The clock by which the API tells the age of its keys."""
    return Clock()


def good() -> Answer:
    """Return the answer of a healthy tenant."""
    return jwks(jwk())


@contextmanager
def run_on(stack: Stack, endpoint: Endpoint, clock: Clock, design: str = "D") -> Iterator[Target]:
    """Run an API that fetches its keys from *endpoint*."""

    make_guard = partial(GUARDS[design], keys=SigningKeys(endpoint.url, clock=clock))
    with run_api(stack.postgres, endpoint.url, make_guard) as api:
        yield Target(api, design)


def made_up(target: Target, number: int) -> str:
    """Return a token whose key id does not exist; its signature is of another token or made up."""
    header = access_tokens.segment(valid_header(kid=f"made-up-{number}"))
    return (
        ".".join([header, *target.token().split(".")[1:]])
        if number % 50 == 0
        else (f"{header}.{access_tokens.segment(target.claims())}.{'A' * 342}")
    )


@pytest.mark.parametrize("design", ["C", "D"])
def test_five_hundred_unknown_key_ids_cause_at_most_one_fetch(
    stack: Stack, endpoint: Endpoint, clock: Clock, design: str
) -> None:
    """They come from eight threads, at the moment when the next fetch is allowed."""
    with run_on(stack, endpoint, clock, design) as target:
        assert target.get("/me").status_code == 200
        clock.now += COOL_DOWN
        before, tokens = len(endpoint.requests), [made_up(target, n) for n in range(STORM)]
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda one: target.get("/me", token=one), tokens))
        assert {answer.status_code for answer in answers} == {401}
        assert len({answer.data for answer in answers}) == 1
        assert len(endpoint.requests) - before <= 1
        assert target.get("/me").status_code == 200


def test_a_hundred_bad_signatures_cause_no_fetch(
    stack: Stack, endpoint: Endpoint, clock: Clock
) -> None:
    """Their key id is known."""
    with run_on(stack, endpoint, clock) as target:
        assert target.get("/me").status_code == 200
        clock.now += COOL_DOWN
        valid = target.token()
        for number in range(100):
            forged = f"{valid.rpartition('.')[0]}.{number:0>342}"
            assert target.get("/me", token=forged).status_code == 401
        assert len(endpoint.requests) == 1


def test_malformed_tokens_cause_no_fetch(stack: Stack, endpoint: Endpoint, clock: Clock) -> None:
    with run_on(stack, endpoint, clock) as target:
        header = access_tokens.segment(valid_header(kid="made-up"))
        for token in ("a.b.c", "x" * 7500, f"{header}.e30", f"{header}..", f"{header}.e31.AA"):
            assert target.get("/me", token=token).status_code == 401
        assert endpoint.requests == []
        assert target.get("/me").status_code == 200


def test_an_endpoint_that_hangs_delays_unknown_key_ids_only(
    stack: Stack, endpoint: Endpoint, clock: Clock
) -> None:
    """Known keys are answered at once, made-up key ids with a 503 within three seconds."""
    with run_on(stack, endpoint, clock) as target:
        assert target.get("/me").status_code == 200
        endpoint.answer = hang
        clock.now += COOL_DOWN
        with ThreadPoolExecutor(4) as threads:
            strangers = [threads.submit(_timed, target, made_up(target, n)) for n in range(1, 5)]
            for _ in range(20):
                status, seconds = _timed(target, target.token(iat=time.time() - 1))
                assert (status, seconds < AT_ONCE) == (200, True)
            for one in strangers:
                status, seconds = one.result()
                assert (status, seconds < LONGEST) == (503, True)
        endpoint.answer = good()
        clock.now += COOL_DOWN
        assert target.get("/me", token=made_up(target, 1)).status_code == 401


def test_an_endpoint_that_hangs_after_a_quiet_night_delays_only_the_first_requests(
    stack: Stack, endpoint: Endpoint, clock: Clock
) -> None:
    """They wait for a refresh, less than three seconds, and pass with the old keys."""
    with run_on(stack, endpoint, clock) as target:
        tokens = [target.token(iat=int(time.time()) - n) for n in range(12)]
        assert _timed(target, tokens[0])[0] == 200
        endpoint.answer = hang
        clock.now += CEILING / 2
        with ThreadPoolExecutor(3) as threads:
            for status, seconds in threads.map(lambda one: _timed(target, one), tokens[1:4]):
                assert (status, seconds < LONGEST) == (200, True)
        assert len(endpoint.requests) == 2
        for wait in (0.0, COOL_DOWN):
            clock.now += wait
            for token in tokens[4:8] if wait else tokens[8:]:
                status, seconds = _timed(target, token)
                assert (status, seconds < AT_ONCE) == (200, True)


def test_a_hostile_answer_of_the_endpoint_changes_no_key(
    stack: Stack, endpoint: Endpoint, clock: Clock
) -> None:
    """Known keys keep working, forged tokens are refused, and no answer is a 500."""
    with run_on(stack, endpoint, clock) as target:
        assert target.get("/me").status_code == 200
        for name, answer in HOSTILE.items():
            endpoint.answer, before = answer, len(endpoint.requests)
            clock.now += COOL_DOWN
            forged = sign(valid_header(kid=STRANGER), target.claims(), key=STRANGER)
            assert target.get("/me", token=forged).status_code == 503, name
            assert len(endpoint.requests) == before + 1
            for kid in (STRANGER, access_tokens.KID):
                forged = sign(valid_header(kid=kid), target.claims(), key=STRANGER)
                assert target.get("/me", token=forged).status_code in (401, 503), name
            assert target.get("/me").status_code == 200, name
        endpoint.answer = good()
        clock.now += COOL_DOWN
        assert target.get("/me", token=made_up(target, 1)).status_code == 401


def test_an_api_that_never_got_keys_answers_503(
    stack: Stack, endpoint: Endpoint, clock: Clock
) -> None:
    """For valid and forged tokens alike, until a fetch succeeds."""
    endpoint.answer = HOSTILE["a page"]
    with run_on(stack, endpoint, clock) as target:
        for token in (target.token(), made_up(target, 1)):
            answer = target.get("/me", token=token)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert len(endpoint.requests) == 1
        endpoint.answer = good()
        clock.now += COOL_DOWN
        assert target.get("/me").status_code == 200


def test_keys_older_than_a_day_are_not_used(stack: Stack, endpoint: Endpoint, clock: Clock) -> None:
    """So an attacker cannot keep a withdrawn key in use by blocking the endpoint."""
    with run_on(stack, endpoint, clock) as target:
        assert target.get("/me").status_code == 200
        endpoint.answer = HOSTILE["a page"]
        clock.now += CEILING - 1
        assert target.get("/me", token=target.token(iat=int(time.time()) - 2)).status_code == 200
        clock.now += COOL_DOWN
        assert target.get("/me", token=target.token(iat=int(time.time()) - 3)).status_code == 503


def _timed(target: Target, token: str) -> tuple[int, float]:
    began = time.perf_counter()
    status = target.get("/me", token=token).status_code
    return status, time.perf_counter() - began
