"""
The tenant's keys while their endpoint is well, slow, broken, hostile or gone.

The endpoints are real, on loopback. The clock moves only when a test moves it, so ten minutes or a
day take no time. Beside every refusal there is a case that passes.
"""

import base64
import functools
import gzip
import json
import logging
import re
import secrets
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from org_guard.errors import InvalidToken, KeysUnavailable
from org_guard.key_endpoint import MAX_ANSWER_BYTES
from org_guard.signing_keys import SigningKeys
from tests.kit.key_endpoint import (
    AT_ONCE,
    Answer,
    Clock,
    Endpoint,
    T,
    after,
    drip,
    eventually,
    hang,
    jwks,
    reply,
)

MAX_AGE, COOL_DOWN, CEILING = 300.0, 10.0, 86_400.0
LONGEST = 2.5  # seconds that a request may wait
BODY_MARK = "only-in-a-body"
RS256 = JWSRegistry.algorithms["RS256"]


Serve = Callable[..., Endpoint]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start endpoints; the test ends them and waits for all refreshes."""
    running: list[Endpoint] = []

    def start(answer: Answer, tls: ssl.SSLContext | None = None) -> Endpoint:
        running.append(Endpoint(answer, tls))
        return running[-1]

    yield start
    for endpoint in running:
        endpoint.close()
    # Wait for the last refresh, so that it logs in this test and not in the next.
    eventually(lambda: "signing-keys" not in {thread.name for thread in threading.enumerate()})


@pytest.fixture(autouse=True)
def _warnings_only(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "org_guard")


@functools.cache
def private_key() -> RSAKey:
    """A real key, for the tests that verify with it."""
    return RSAKey.generate_key(2048)


def modulus(bits: int = 2048) -> str:
    """Something that looks like a modulus."""
    number = secrets.randbits(bits) | 1 << bits - 1 | 1
    return encoded(number.to_bytes((bits + 7) // 8, "big"))


def encoded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def entry(kid: object, n: object = None, **changes: object) -> dict[str, object]:
    """A usable entry as Auth0 publishes it, with some members changed; None leaves one out."""
    members = {
        "kty": "RSA",
        "use": "sig",
        "n": n or modulus(),
        "e": "AQAB",
        "kid": kid,
        "x5t": "x5t",
        "x5c": ["MIID"],
        "alg": "RS256",
    }
    return present(members | changes)


def present(members: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def make(endpoint: Endpoint, clock: Clock | None = None, **limits: float) -> SigningKeys:
    return SigningKeys(endpoint.url, clock=clock or Clock(), **limits)


def outcome(keys: SigningKeys, kid: str) -> type[Any]:
    """Return the class of what `find` returns or raises."""
    try:
        return type(keys.find(kid))
    except (InvalidToken, KeysUnavailable) as error:
        return type(error)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


def together(count: int, work: Callable[[], T]) -> list[tuple[T, float]]:
    """Run *work* in that many threads at the same moment; return results and seconds."""
    barrier = threading.Barrier(count, timeout=10)

    def one(_: int) -> tuple[T, float]:
        barrier.wait()
        return timed(work)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the guard has logged; a fetch ends before it is logged."""
    return [record.getMessage() for record in caplog.records if record.name == "org_guard"]


def await_warnings(caplog: pytest.LogCaptureFixture, count: int) -> None:
    eventually(lambda: len(warned(caplog)) >= count)
    assert len(warned(caplog)) == count


# Reading known keys


def test_fifty_threads_use_a_known_key_at_once_while_the_endpoint_hangs(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    public = private_key().as_dict(private=False)
    signature = RS256.sign(b"signed", private_key())
    endpoint, clock, released = serve(jwks(entry("a", public["n"]))), Clock(), threading.Event()
    keys = make(endpoint, clock)

    def until_released(conn: socket.socket) -> None:
        released.wait(5)

    def verify() -> bool:
        return all(RS256.verify(b"signed", signature, keys.find("a")) for _ in range(20))

    assert verify()
    assert len(endpoint.requests) == 1

    clock.now += MAX_AGE
    endpoint.answer = until_released
    served = together(50, verify)
    assert all(good for good, _ in served)
    assert max(seconds for _, seconds in served) < AT_ONCE
    eventually(lambda: len(endpoint.requests) == 2)
    assert timed(verify)[1] < AT_ONCE
    released.set()
    await_warnings(caplog, 1)
    assert verify()
    assert len(endpoint.requests) == 2

    endpoint.answer = jwks(entry("b"))
    clock.now += COOL_DOWN
    assert verify()  # returned once more, and a refresh starts
    eventually(lambda: outcome(keys, "a") is InvalidToken)
    assert outcome(keys, "b") is RSAKey
    assert len(endpoint.requests) == 3


def test_a_known_key_is_returned_while_another_thread_starts_a_refresh(serve: Serve) -> None:
    endpoint, clock = serve(jwks(entry("a"))), Clock()
    keys = make(endpoint, clock)
    keys.find("a")
    clock.now += MAX_AGE
    with ThreadPoolExecutor(1) as threads, keys._beginning:
        assert threads.submit(outcome, keys, "a").result(timeout=5) is RSAKey
    assert len(endpoint.requests) == 1
    assert outcome(keys, "a") is RSAKey
    eventually(lambda: len(endpoint.requests) == 2)


def test_a_fresh_key_is_returned_without_another_fetch(serve: Serve) -> None:
    endpoint, clock = serve(jwks(entry("a"))), Clock()
    keys = make(endpoint, clock)
    first = keys.find("a")
    clock.now += MAX_AGE - 1
    assert all(keys.find("a") is first for _ in range(100))
    time.sleep(0.05)
    assert len(endpoint.requests) == 1


def test_finding_a_known_key_takes_less_than_two_microseconds(serve: Serve) -> None:
    keys = SigningKeys(serve(jwks(entry("a"))).url)
    keys.find("a")

    def many() -> None:
        for _ in range(20_000):
            keys.find("a")

    assert min(timed(many)[1] for _ in range(5)) / 20_000 < 2e-6


# The cold start


def test_an_object_fetches_nothing_and_starts_no_thread_before_the_first_find(serve: Serve) -> None:
    endpoint, before = serve(jwks(entry("a"))), threading.active_count()
    keys = make(endpoint)
    time.sleep(0.05)
    assert endpoint.requests == []
    assert threading.active_count() == before
    assert keys.version == 0
    assert outcome(keys, "a") is RSAKey


def test_fifty_threads_at_a_cold_start_share_one_fetch(serve: Serve) -> None:
    endpoint = serve(after(1.0, jwks(entry("a"))))  # slow, but there are no keys yet, so all wait
    keys = make(endpoint)
    assert {result for result, _ in together(50, lambda: outcome(keys, "a"))} == {RSAKey}
    assert len(endpoint.requests) == 1


def test_a_probe_fetches_only_while_there_are_no_keys(serve: Serve) -> None:
    endpoint, clock = serve(reply(b"", status="500 Oops")), Clock()
    keys = make(endpoint, clock)
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            keys.require()
    assert len(endpoint.requests) == 1
    endpoint.answer = jwks(entry("a"))
    clock.now += COOL_DOWN
    keys.require()
    assert outcome(keys, "a") is RSAKey
    clock.now += CEILING - 1
    for _ in range(10):
        keys.require()
    time.sleep(0.05)
    assert len(endpoint.requests) == 2
    endpoint.answer = reply(b"", status="500 Oops")
    clock.now += 1
    with pytest.raises(KeysUnavailable):
        keys.require()
    assert len(endpoint.requests) == 3


def test_a_fetch_that_hangs_or_drips_is_given_up_in_time(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    slow = {
        "hangs": hang,
        "drips headers": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        "drips a body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"),
        "drips chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"),
        "promises": drip(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 "),
    }
    endpoints = [serve(answer) for answer in slow.values()]
    clock = Clock()
    all_keys = [make(endpoint, clock) for endpoint in endpoints]

    def ask(keys: SigningKeys) -> list[tuple[type[Any], float]]:
        return together(10, lambda: outcome(keys, "a"))

    with ThreadPoolExecutor(len(all_keys)) as threads:
        for answers in threads.map(ask, all_keys):
            assert {result for result, _ in answers} == {KeysUnavailable}
            assert max(seconds for _, seconds in answers) <= LONGEST
    assert [len(endpoint.requests) for endpoint in endpoints] == [1] * len(slow)
    await_warnings(caplog, len(slow))
    assert all("TimeoutError" in line or "ReadTimeout" in line for line in warned(caplog))

    for endpoint, keys in zip(endpoints, all_keys, strict=True):
        endpoint.answer = jwks(entry("a"))
        assert outcome(keys, "a") is KeysUnavailable  # the cool-down
        assert len(endpoint.requests) == 1
    clock.now += COOL_DOWN
    assert {outcome(keys, "a") for keys in all_keys} == {RSAKey}


# Unknown key ids


@pytest.mark.parametrize(
    ("status", "refusal"), [("200 OK", InvalidToken), ("500 Oops", KeysUnavailable)]
)
def test_two_hundred_unknown_key_ids_cause_one_fetch(
    serve: Serve, caplog: pytest.LogCaptureFixture, status: str, refusal: type[Exception]
) -> None:
    body = json.dumps({"keys": [entry("a")]}).encode()
    endpoint, clock = serve(reply(body)), Clock()
    keys = make(endpoint, clock)
    keys.find("a")
    endpoint.answer = reply(body, status=status)
    for fetches in (2, 3):
        clock.now += COOL_DOWN
        asked, seconds = timed(lambda: {outcome(keys, f"{n}") for n in range(200)})
        assert asked == {refusal}
        assert seconds < AT_ONCE
        assert len(endpoint.requests) == fetches
        assert outcome(keys, "a") is RSAKey
    await_warnings(caplog, 0 if refusal is InvalidToken else 2)


def test_two_hundred_threads_with_unknown_key_ids_cause_one_fetch(serve: Serve) -> None:
    endpoint, clock = serve(jwks(entry("a"))), Clock()
    keys = make(endpoint, clock)
    keys.find("a")
    clock.now += COOL_DOWN
    results = {result for result, _ in together(200, lambda: outcome(keys, secrets.token_hex()))}
    assert InvalidToken in results
    assert results <= {InvalidToken, KeysUnavailable}
    assert len(endpoint.requests) == 2
    assert outcome(keys, "a") is RSAKey


def test_unknown_key_ids_cannot_block_a_server_while_the_endpoint_hangs(serve: Serve) -> None:
    endpoint, clock = serve(jwks(entry("a"))), Clock()
    keys = make(endpoint, clock)
    keys.find("a")
    endpoint.answer = hang
    clock.now += COOL_DOWN
    asked = together(20, lambda: outcome(keys, secrets.token_hex()))
    assert {result for result, _ in asked} == {KeysUnavailable}
    first, *others = sorted((seconds for _, seconds in asked), reverse=True)
    assert first <= LONGEST
    assert max(others) < 1.5  # half a second, and more on a busy machine
    assert timed(lambda: outcome(keys, "b"))[1] < AT_ONCE  # later ones do not wait at all
    assert timed(lambda: outcome(keys, "a"))[1] < AT_ONCE
    assert outcome(keys, "a") is RSAKey
    assert len(endpoint.requests) == 2


# Rotation


def test_after_the_cool_down_a_new_key_is_found_and_a_withdrawn_one_refused(
    serve: Serve,
) -> None:
    endpoint, clock = serve(jwks(entry("old"))), Clock()
    keys = make(endpoint, clock)
    assert outcome(keys, "old") is RSAKey
    endpoint.answer = jwks(entry("new"))
    clock.now += COOL_DOWN - 0.1
    assert outcome(keys, "new") is InvalidToken
    assert len(endpoint.requests) == 1
    clock.now += 0.1
    assert outcome(keys, "new") is RSAKey
    assert outcome(keys, "old") is InvalidToken
    assert len(endpoint.requests) == 2


def test_after_a_rotation_eight_requests_at_once_all_find_the_new_key(serve: Serve) -> None:
    endpoint, clock = serve(jwks(entry("old"))), Clock()
    keys = make(endpoint, clock)
    keys.find("old")
    endpoint.answer = after(0.05, jwks(entry("old"), entry("new")))
    clock.now += COOL_DOWN
    assert {result for result, _ in together(8, lambda: outcome(keys, "new"))} == {RSAKey}
    assert len(endpoint.requests) == 2


def test_after_a_rotation_a_request_waits_for_a_slow_endpoint(serve: Serve) -> None:
    endpoint, clock = serve(jwks(entry("old"))), Clock()
    keys = make(endpoint, clock)
    keys.find("old")
    endpoint.answer = after(1.0, jwks(entry("new")))
    clock.now += COOL_DOWN
    assert outcome(keys, "new") is RSAKey
    assert len(endpoint.requests) == 2


def test_the_version_grows_only_when_the_keys_change(serve: Serve) -> None:
    first, second, third = modulus(), modulus(), modulus()
    endpoint, clock = serve(jwks(entry("a", first), entry("b", second))), Clock()
    keys = make(endpoint, clock)

    def version_after(answer: Answer) -> int:
        endpoint.answer = answer
        clock.now += COOL_DOWN
        outcome(keys, "unknown")
        return keys.version

    assert keys.version == 0
    keys.find("a")
    assert keys.version == 1
    for same in (
        jwks(entry("b", second), entry("a", first)),
        jwks(entry("a", first, x5t="other", x5u="https://elsewhere"), entry("b", second)),
        jwks(entry("a", first), entry("b", second), entry("c", modulus(1024))),
        reply(b"", status="500 Oops"),
    ):
        assert version_after(same) == 1
    assert version_after(jwks(entry("a", third), entry("b", second))) == 2
    assert version_after(jwks(entry("b", second))) == 3
    assert version_after(jwks(entry("b", second), entry("c", third))) == 4
    assert version_after(jwks(entry("b", third), entry("c", second))) == 5


# Age


def test_keys_are_used_for_a_day_of_outage_and_again_after_it(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint, clock = serve(jwks(entry("a"))), Clock()
    keys = make(endpoint, clock)
    keys.find("a")
    endpoint.answer = reply(b"", status="503 Down")
    clock.now += CEILING - 2 * COOL_DOWN
    assert outcome(keys, "a") is RSAKey
    await_warnings(caplog, 1)
    clock.now += 2 * COOL_DOWN - 0.1
    assert outcome(keys, "a") is RSAKey
    await_warnings(caplog, 2)
    clock.now += 0.1
    assert outcome(keys, "a") is KeysUnavailable
    assert len(endpoint.requests) == 3
    endpoint.answer = jwks(entry("a"))
    assert outcome(keys, "a") is KeysUnavailable  # the cool-down
    clock.now += COOL_DOWN
    assert outcome(keys, "a") is RSAKey
    assert len(endpoint.requests) == 4


def test_a_process_that_slept_for_days_refreshes_before_its_first_request(serve: Serve) -> None:
    endpoint, clock = serve(jwks(entry("a"))), Clock()
    keys = make(endpoint, clock)
    keys.find("a")
    clock.now += 3 * CEILING
    assert {result for result, _ in together(10, lambda: outcome(keys, "a"))} == {RSAKey}
    assert len(endpoint.requests) == 2


def test_during_an_outage_one_fetch_is_tried_per_cool_down(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint, clock = serve(jwks(entry("a"))), Clock()
    keys = make(endpoint, clock)
    keys.find("a")
    endpoint.answer = reply(b"", status="500 Oops")
    clock.now += MAX_AGE
    for failures in (1, 2, 3):
        assert all(outcome(keys, "a") is RSAKey for _ in range(100))
        await_warnings(caplog, failures)
        assert all(outcome(keys, "a") is RSAKey for _ in range(100))
        assert len(endpoint.requests) == failures + 1
        clock.now += COOL_DOWN


# Answers


GOOD = json.dumps({"keys": [entry("a", marked=BODY_MARK)]}).encode()
BOMB = gzip.compress(GOOD[:-1] + b" " * 100_000_000 + b"}", compresslevel=1)
BAD_ANSWERS = {
    "an HTML page": reply(f"<html>{BODY_MARK}</html>".encode(), "Content-Type: text/html"),
    "nothing": reply(b""),
    "an error": reply(GOOD, status="500 Internal Server Error"),
    "created": reply(GOOD, status="201 Created"),
    "a redirect": reply(GOOD, "Location: /elsewhere", status="302 Found"),
    "a gzip bomb": reply(BOMB, "Content-Encoding: gzip"),
    "a small gzip": reply(gzip.compress(GOOD), "Content-Encoding: gzip"),
    "unknown encoding": reply(GOOD, "Content-Encoding: snappy"),
    "one byte too many": reply(GOOD.ljust(MAX_ANSWER_BYTES + 1)),
    "cut short": reply(GOOD, f"X: {BODY_MARK}\r\nContent-Length: {len(GOOD) + 1}"),
    "half of it": reply(GOOD[:-1]),
    "two members of one name": reply(GOOD[:-1] + b', "keys": []}'),
    "no UTF-8": reply(GOOD.replace(b"MIID", b"\xff")),
    "a list": reply(b"[" + GOOD + b"]"),
    "nested": reply(b"[" * 60_000),
    "no keys member": reply(b"{}"),
    "keys that are no list": reply(json.dumps({"keys": entry("a")}).encode()),
    "no key": jwks(),
    "no usable key": jwks(entry("a", alg="ES256"), None, [], "a", 7),
    "no HTTP": lambda conn: conn.sendall(BODY_MARK.encode() + b"\r\n\r\n"),
    "hung up": lambda conn: None,
}


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS.keys())
def test_a_bad_answer_changes_no_key(
    serve: Serve, caplog: pytest.LogCaptureFixture, bad: Answer
) -> None:
    endpoint, clock = serve(bad), Clock()
    keys = make(endpoint, clock)
    assert [outcome(keys, "a") for _ in range(10)] == [KeysUnavailable] * 10
    await_warnings(caplog, 1)
    assert len(endpoint.requests) == 1
    assert keys.version == 0

    endpoint.answer = reply(GOOD)
    clock.now += COOL_DOWN
    assert outcome(keys, "a") is RSAKey
    assert len(warned(caplog)) == 1

    endpoint.answer = bad
    clock.now += MAX_AGE
    assert outcome(keys, "a") is RSAKey
    await_warnings(caplog, 2)
    assert outcome(keys, "a") is RSAKey
    assert outcome(keys, "b") is KeysUnavailable
    assert keys.version == 1
    assert len(endpoint.requests) == 3
    assert BODY_MARK not in caplog.text


def test_an_answer_of_the_greatest_size_is_read(serve: Serve) -> None:
    assert outcome(make(serve(reply(GOOD.ljust(MAX_ANSWER_BYTES)))), "a") is RSAKey


@pytest.mark.parametrize(
    "head",
    ["Content-Length: 104857600", "Connection: close", "Content-Length: 104857600\r\nX: y"],
)
def test_an_endless_answer_is_cut_off_early(serve: Serve, head: str) -> None:
    sent = []

    def endless(conn: socket.socket) -> None:
        conn.sendall(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode() + GOOD[:-1])
        for _ in range(1600):
            conn.sendall(b" " * 65_536)
            sent.append(65_536)

    endpoint, clock = serve(endless), Clock()
    keys = make(endpoint, clock)
    result, seconds = timed(lambda: outcome(keys, "a"))
    assert result is KeysUnavailable
    assert seconds < 1
    assert sum(sent) < 16_000_000  # what the sockets' buffers hold
    endpoint.answer = reply(GOOD)
    clock.now += COOL_DOWN
    assert outcome(keys, "a") is RSAKey


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_not_followed(serve: Serve, status: str) -> None:
    target = serve(jwks(entry("a")))
    endpoint = serve(reply(b"", f"Location: {target.url}", status=status))
    assert outcome(make(endpoint), "a") is KeysUnavailable
    time.sleep(0.05)
    assert target.requests == []
    assert outcome(make(target), "a") is RSAKey


def test_an_endpoint_that_was_down_is_used_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        host, port = bound.getsockname()
        keys = SigningKeys(f"http://{host}:{port}/", clock=clock)
        assert timed(lambda: outcome(keys, "a"))[1] < 1
        assert outcome(keys, "a") is KeysUnavailable
        await_warnings(caplog, 1)
        assert "ConnectError" in warned(caplog)[0]
        bound.listen()
        bound.settimeout(5)
        clock.now += COOL_DOWN
        with ThreadPoolExecutor(1) as threads:
            found = threads.submit(outcome, keys, "a")
            conn, _ = bound.accept()
            with conn:
                conn.recv(4096)
                reply(GOOD)(conn)
            assert found.result() is RSAKey


def test_the_request_asks_for_plain_json_and_sends_no_secret(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # not used for localhost
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    endpoint = serve(reply(GOOD))
    assert outcome(make(endpoint), "a") is RSAKey
    request = endpoint.requests[0].decode()
    assert request.startswith("GET /.well-known/jwks.json HTTP/1.1\r\n")
    headers = dict(re.findall(r"^([\w-]+): (.*)\r$", request.lower(), re.MULTILINE))
    assert headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "identity"
    assert not headers.keys() & {"authorization", "cookie", "range"}


# Entries


OTHER = encoded(rsa.generate_private_key(65537, 2048).private_numbers().d.to_bytes(256, "big"))
UNUSABLE: dict[str, dict[str, object]] = {
    "an elliptic curve": {"kty": "EC", "crv": "P-256", "x": modulus(256), "y": modulus(256)},
    "a secret": {"kty": "oct", "k": modulus(256)},
    "kty in lower case": {"kty": "rsa"},
    "no kty": {"kty": None},
    "for encryption": {"use": "enc"},
    "no use": {"use": None},
    "uses": {"use": ["sig"]},
    "RS384": {"alg": "RS384"},
    "PS256": {"alg": "PS256"},
    "HS256": {"alg": "HS256"},
    "none": {"alg": "none"},
    "no alg": {"alg": None},
    "algs": {"alg": ["RS256"]},
    "1024 bits": {"n": modulus(1024)},
    "2047 bits": {"n": modulus(2047)},
    "8193 bits": {"n": modulus(8193)},
    "40,000 bits": {"n": modulus(40_000)},
    "an even modulus": {"n": encoded(b"\xff" * 255 + b"\xfe")},
    "a leading zero": {"n": encoded(b"\0" + b"\xff" * 256)},
    "padded": {"n": encoded(b"\xff" * 256) + "=="},
    "unused bits": {"n": encoded(b"\xff" * 256)[:-1] + "x"},
    "base64": {"n": encoded(b"\xff" * 256).replace("_", "/")},
    "a line break": {"n": modulus() + "\n"},
    "a blank": {"n": " " + modulus()},
    "no base64": {"n": "ä" * 342},
    "an empty modulus": {"n": ""},
    "no modulus": {"n": None},
    "a number as modulus": {"n": 2**60 + 1},
    "exponent 1": {"e": "AQ"},
    "exponent 3": {"e": "Aw"},
    "exponent 65536": {"e": "AQAA"},
    "a padded exponent": {"e": "AQAB="},
    "an exponent with a zero": {"e": "AAEAAQ"},
    "a large exponent": {"e": modulus()},
    "no exponent": {"e": None},
    "a private exponent": {"d": OTHER},
    "primes": {"p": modulus(1024), "q": modulus(1024)},
    "all private members": dict.fromkeys(("d", "p", "q", "dp", "dq", "qi"), OTHER),
    "other primes": {"oth": []},
}


def test_unusable_entries_are_skipped_and_the_usable_ones_work(serve: Serve) -> None:
    unusable = [present(entry(name) | changes) for name, changes in UNUSABLE.items()]
    keys = make(serve(jwks(entry("a"), *unusable, entry("z"))))
    assert outcome(keys, "a") is outcome(keys, "z") is RSAKey
    assert [name for name in UNUSABLE if outcome(keys, name) is not InvalidToken] == []
    assert keys.version == 1
    keys = make(serve(jwks(*map(entry, UNUSABLE))))
    assert [name for name in UNUSABLE if outcome(keys, name) is not RSAKey] == []


def test_entries_without_a_valid_key_id_are_skipped(serve: Serve) -> None:
    improper = ["", "k" * 256, None, 7, True, ["b"], {"b": 1}, 1.5]
    keys = make(serve(jwks(*map(entry, improper), entry("a"), entry("k" * 255))))
    assert outcome(keys, "a") is outcome(keys, "k" * 255) is RSAKey
    for kid in improper:
        assert outcome(keys, str(kid)) is InvalidToken


def test_entries_that_are_not_keys_are_skipped(serve: Serve) -> None:
    keys = make(serve(jwks(None, True, 0, 1.5, "a", [], [entry("b")], {}, entry("a"), {"b": 1})))
    assert outcome(keys, "a") is RSAKey
    assert outcome(keys, "b") is InvalidToken


def test_two_keys_with_one_id_are_used_only_if_they_are_equal(serve: Serve) -> None:
    one, two = modulus(), modulus()

    def found(*moduli: str) -> type[Any]:
        keys = make(serve(jwks(entry("a"), *(entry("b", n) for n in moduli))))
        assert outcome(keys, "a") is RSAKey
        return outcome(keys, "b")

    assert found(one) is RSAKey
    assert found(one, one) is RSAKey
    assert found(one, one, one) is RSAKey
    assert found(one, two) is InvalidToken
    assert found(one, two, one) is InvalidToken
    assert found(one, two, two) is InvalidToken
    assert found(one, one, two) is InvalidToken


@pytest.mark.parametrize("bits", [2048, 2049, 3072, 4096, 8192])
def test_a_key_keeps_nothing_but_modulus_and_exponent(serve: Serve, bits: int) -> None:
    n = modulus(bits)
    keys = make(serve(jwks(entry("a", n, x5u="https://elsewhere", key_ops=["sign"]))))
    assert keys.find("a").as_dict() == {"kty": "RSA", "n": n, "e": "AQAB"}
    assert not keys.find("a").is_private


# The URL


@pytest.mark.parametrize(
    "url",
    [
        "http://tenant.eu.auth0.com/.well-known/jwks.json",
        "http://localhost.example/",
        "http://127.0.0.2/",
        "http://localhost@tenant.example/",
        "https://user:password@tenant.example/",
        "ftp://localhost/",
        "file:///etc/passwd",
        "https://",
        "https:///keys",
        "https://tenant.example:port/",
        "tenant.example",
        "",
    ],
)
def test_a_url_that_is_neither_https_nor_localhost_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        SigningKeys(url)
    for good in ("https://tenant.eu.auth0.com/.well-known/jwks.json", "http://localhost:3000/"):
        assert SigningKeys(good).version == 0


@pytest.mark.parametrize(
    "limits",
    [{"max_age": 0.0}, {"max_age": 90_000.0}, {"cool_down": -1.0}, {"stale_ceiling": float("nan")}],
)
def test_limits_out_of_order_are_refused(limits: dict[str, Any]) -> None:
    assert SigningKeys("https://tenant.example", max_age=1, cool_down=0, stale_ceiling=1)
    with pytest.raises(ValueError, match="max_age"):
        SigningKeys("https://tenant.example", **limits)


@pytest.fixture
def certified(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Endpoint, Path]:
    """An endpoint at https://localhost, and the certificate that a client must trust."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, secret)
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "")
    monkeypatch.setenv("https_proxy", "")
    return serve(reply(GOOD), context), chain


def test_a_certificate_that_is_not_trusted_or_has_another_name_is_refused(
    certified: tuple[Endpoint, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint, chain = certified

    def asked(host: str) -> type[Any]:
        return outcome(SigningKeys(f"https://{host}:{endpoint.port}/"), "a")

    assert asked("localhost") is KeysUnavailable
    await_warnings(caplog, 1)
    assert "certificate verify failed" in warned(caplog)[0].lower()
    assert endpoint.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    assert asked("localhost") is RSAKey
    assert asked("127.0.0.1") is KeysUnavailable  # trusted, but for another name


# The unexpected


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_unexpected_error_in_the_background_does_not_end_refreshing(
    certified: tuple[Endpoint, Path],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint, chain = certified
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")  # raises an ImportError
    clock = Clock()
    keys = SigningKeys(f"https://localhost:{endpoint.port}/", clock=clock)
    for failures in (1, 2):
        assert timed(lambda: outcome(keys, "a"))[1] < AT_ONCE
        assert outcome(keys, "a") is KeysUnavailable
        await_warnings(caplog, failures)
        clock.now += COOL_DOWN
    monkeypatch.delenv("ALL_PROXY")
    assert outcome(keys, "a") is RSAKey


def test_a_log_that_raises_does_not_end_refreshing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(record: logging.LogRecord) -> bool:
        raise RuntimeError(record.name)

    endpoint, clock = serve(reply(b"", status="500 Oops")), Clock()
    keys = make(endpoint, clock)
    log = logging.getLogger("org_guard")
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    log.addFilter(surprise)
    try:
        for fetches in (1, 2):
            assert timed(lambda: outcome(keys, "a"))[1] < AT_ONCE
            assert outcome(keys, "a") is KeysUnavailable
            assert len(endpoint.requests) == fetches
            clock.now += COOL_DOWN
    finally:
        log.removeFilter(surprise)
    endpoint.answer = reply(GOOD)
    assert outcome(keys, "a") is RSAKey


def test_an_address_look_up_that_hangs_delays_no_request_and_is_not_repeated(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers, lookups = threading.Event(), []
    look_up = socket.getaddrinfo

    def hanging(*args: Any, **kwargs: Any) -> Any:
        lookups.append(args)
        answers.wait(5)
        return look_up(*args, **kwargs)

    endpoint, clock = serve(reply(GOOD)), Clock()
    keys = SigningKeys(f"http://localhost:{endpoint.port}/", clock=clock)
    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    asked = together(10, lambda: outcome(keys, "a"))
    assert {result for result, _ in asked} == {KeysUnavailable}
    assert max(seconds for _, seconds in asked) <= LONGEST
    clock.now += COOL_DOWN  # the look-up has not ended yet
    assert timed(lambda: outcome(keys, "a"))[1] < AT_ONCE
    assert len(lookups) == 1
    answers.set()
    await_warnings(caplog, 1)
    assert endpoint.requests == []
    clock.now += COOL_DOWN
    assert outcome(keys, "a") is RSAKey


def test_a_process_that_cannot_start_a_thread_uses_the_keys_it_has(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint, clock = serve(reply(GOOD)), Clock()
    cold, warm = make(endpoint, clock), make(endpoint, clock)
    warm.find("a")
    clock.now += MAX_AGE
    usual = threading.stack_size(2**46)  # more than the machine has
    try:
        assert outcome(cold, "a") is KeysUnavailable
        assert outcome(warm, "a") is RSAKey
    finally:
        threading.stack_size(usual)
    assert len(warned(caplog)) == 2
    assert len(endpoint.requests) == 1
    assert outcome(cold, "a") is KeysUnavailable  # the cool-down
    clock.now += COOL_DOWN
    assert outcome(cold, "a") is RSAKey


FORK = """
import os, sys, threading, time
from org_guard.signing_keys import SigningKeys

keys = SigningKeys(sys.argv[1])
if sys.argv[2] == "while a fetch is under way":
    threading.Thread(target=lambda: keys.find("a"), daemon=True).start()
    sys.stdin.readline()
child = os.fork()
if child == 0:
    began = time.monotonic()
    found = keys.find("a").as_dict()["kty"] == "RSA" and time.monotonic() - began < 1.5
    os._exit(0 if found and keys.version == 1 else 1)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("when", ["before anything", "while a fetch is under way"])
def test_an_object_made_before_a_fork_works_in_the_child(serve: Serve, when: str) -> None:
    under_way = when != "before anything"
    endpoint = serve(hang if under_way else reply(GOOD))
    with subprocess.Popen(
        [sys.executable, "-c", FORK, endpoint.url, when], stdin=subprocess.PIPE
    ) as parent:
        if under_way:
            eventually(lambda: endpoint.requests)
            endpoint.answer = reply(GOOD)
        parent.communicate(b"\n", timeout=20)
    assert parent.returncode == 0
    assert len(endpoint.requests) == 1 + under_way


def test_a_process_ends_at_once_while_a_fetch_hangs(serve: Serve) -> None:
    endpoint = serve(hang)
    program = (
        "import sys, threading, time; from org_guard.signing_keys import SigningKeys\n"
        "keys = SigningKeys(sys.argv[1])\n"
        "threading.Thread(target=lambda: keys.find('a'), daemon=True).start()\n"
        "sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, endpoint.url],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        eventually(lambda: endpoint.requests)
        (_, complaints), seconds = timed(lambda: process.communicate(b"\n", timeout=10))
    assert process.returncode == 0
    assert complaints == b""
    assert seconds < 1.5
