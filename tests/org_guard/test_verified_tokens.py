"""What is remembered of a verified token, for how long, and what is never remembered."""

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from joserfc.jwk import RSAKey

from local_stack import access_tokens
from local_stack.access_tokens import AUDIENCE, ISSUER, KID, NAMESPACE, segment, sign
from org_guard import (
    AccessTokenVerifier,
    InvalidToken,
    KeysUnavailable,
    Principal,
    verified_tokens,
)
from org_guard.verified_tokens import MOST, VerifiedTokens
from tests.kit.forged_access_tokens import ATTACKER


@dataclass
class Clock:
    """Stands in for `time`; both clocks start somewhere else."""

    passed: float = 0.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return 1_900_000_000.0 + self.passed

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment."""
        return 5_000.0 + self.passed


@dataclass
class Keys:
    """The keys, as far as the memory looks at them."""

    version: int = 1


@dataclass(frozen=True, eq=False)
class Verified:
    """What a verification returns in these tests."""

    token: str
    expires_at: float
    version: int  # of the keys, when it was verified


@dataclass
class Verifier:
    """Takes every token but those that begin with "bad", and notes each."""

    clock: Clock
    keys: Keys
    lifetime: float = 600.0  # seconds
    seen: list[str] = field(default_factory=list)
    alive: weakref.WeakSet[Verified] = field(default_factory=weakref.WeakSet)

    def verify(self, unverified_token: str) -> Verified:
        """Note the token and verify it."""
        self.seen.append(unverified_token)
        if unverified_token.startswith("bad"):
            raise InvalidToken("bad")
        verified = Verified(unverified_token, self.clock.time() + self.lifetime, self.keys.version)
        self.alive.add(verified)
        return verified


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that the memory reads."""
    clock = Clock()
    monkeypatch.setattr(verified_tokens, "time", clock)
    return clock


@pytest.fixture
def verifier(clock: Clock) -> Verifier:
    """The verifier behind the memory."""
    return Verifier(clock, Keys())


class Calling:
    """A verifier that calls a function of a test."""

    def __init__(self, verify: Callable[[str], Verified]) -> None:
        self.verify = verify


@pytest.fixture
def tokens(verifier: Verifier) -> VerifiedTokens[Verified]:
    """An empty memory."""
    return VerifiedTokens(verifier, verifier.keys)


Remembering = VerifiedTokens[Verified]


def test_a_token_is_verified_only_the_first_time(verifier: Verifier, tokens: Remembering) -> None:
    """The same value is returned, and another token has its own."""
    first = tokens.verify("a")

    assert tokens.verify("a") is first
    assert tokens.verify("b").token == "b"
    assert tokens.verify("a") is first
    assert verifier.seen == ["a", "b"]


def test_a_remembered_token_is_refused_once_it_has_expired(
    clock: Clock, verifier: Verifier, tokens: Remembering
) -> None:
    """With the verifier's leeway of 30 s, and without another verification."""
    verifier.lifetime = 20.0
    verified = tokens.verify("a")

    for passed in (19.9, 20.0, 49.9):
        clock.passed = passed
        assert tokens.verify("a") is verified
    for passed in (50.0, 50.1, 59.9):
        clock.passed = passed
        with pytest.raises(InvalidToken):
            tokens.verify("a")
    assert verifier.seen == ["a"]


def test_a_token_is_verified_again_a_minute_after_its_verification(
    clock: Clock, verifier: Verifier, tokens: Remembering
) -> None:
    """However often it was used meanwhile."""
    tokens.verify("a")
    for passed in (30.0, 59.9):
        clock.passed = passed
        tokens.verify("a")
    assert verifier.seen == ["a"]

    clock.passed = 60.0
    tokens.verify("a")
    assert verifier.seen == ["a", "a"]
    clock.passed = 119.9
    tokens.verify("a")
    assert verifier.seen == ["a", "a"]
    clock.passed = 120.0
    tokens.verify("a")
    assert verifier.seen == ["a", "a", "a"]


def test_every_token_is_verified_again_when_the_keys_change(
    verifier: Verifier, tokens: Remembering
) -> None:
    """So a token of a withdrawn key is refused."""
    for token in ("a", "b", "a", "b"):
        tokens.verify(token)
    assert verifier.seen == ["a", "b"]

    verifier.keys.version = 2
    for token in ("a", "b", "a", "b"):
        assert tokens.verify(token).version == 2
    assert verifier.seen == ["a", "b", "a", "b"]
    verifier.keys.version = 1
    assert tokens.verify("a").version == 1


def test_a_token_is_not_remembered_if_the_keys_change_during_its_verification(
    verifier: Verifier,
) -> None:
    def verify(unverified_token: str) -> Verified:
        verified = verifier.verify(unverified_token)
        if len(verifier.seen) == 1:
            verifier.keys.version += 1
        return verified

    tokens = VerifiedTokens(Calling(verify), verifier.keys)

    assert tokens.verify("a").version == 1
    assert tokens.verify("a").version == 2
    tokens.verify("a")
    assert verifier.seen == ["a", "a"]


def test_a_full_memory_forgets_its_older_half(verifier: Verifier, tokens: Remembering) -> None:
    for number in range(MOST):
        tokens.verify(f"{number}")
    assert len(verifier.alive) == MOST
    tokens.verify("one more")
    assert len(verifier.alive) == MOST // 2 + 1
    verifier.seen.clear()
    for token in ("one more", f"{MOST - 1}", f"{MOST // 2}"):
        tokens.verify(token)
    assert verifier.seen == []
    tokens.verify(f"{MOST // 2 - 1}")
    tokens.verify("0")
    assert verifier.seen == [f"{MOST // 2 - 1}", "0"]

    for number in range(3 * MOST):
        tokens.verify(f"more {number}")
        assert len(verifier.alive) <= MOST


def test_a_refused_token_is_never_remembered(verifier: Verifier, tokens: Remembering) -> None:
    """A refusal does not replace a good token, and a good one passes right after it."""
    for _ in range(3):
        with pytest.raises(InvalidToken):
            tokens.verify("bad")
    assert verifier.seen == ["bad"] * 3
    answers: list[type[Exception] | None] = [KeysUnavailable, InvalidToken, None]

    def verify(unverified_token: str) -> Verified:
        if failure := answers.pop(0):
            raise failure("not now")
        return verifier.verify(unverified_token)

    recovering = VerifiedTokens(Calling(verify), verifier.keys)
    with pytest.raises(KeysUnavailable):
        recovering.verify("a")
    with pytest.raises(InvalidToken):
        recovering.verify("a")
    assert recovering.verify("a") is recovering.verify("a")


@pytest.mark.parametrize(
    "other",
    [
        "a.b.d",
        "a.b.c.",
        ".a.b.c",
        "a.b.",
        "A.b.c",
        "a.b.c ",
        "a.b.c\n",
        "a.b.c\0",
        "",
        "a.b.\u0441",
    ],
)
def test_a_string_that_differs_in_one_place_is_verified_itself(
    verifier: Verifier, tokens: Remembering, other: str
) -> None:
    """The signature is part of what is looked up."""
    tokens.verify("a.b.c")

    assert tokens.verify(other).token == other
    assert verifier.seen == ["a.b.c", other]


def test_strings_with_lone_surrogates_are_told_apart(
    verifier: Verifier, tokens: Remembering
) -> None:
    """A lone surrogate is not read as a question mark."""
    strings = ["a?", "a\ud800", "a\udfff", "a\ufffd"]

    assert [tokens.verify(one).token for one in strings] == strings
    assert verifier.seen == strings


@pytest.fixture
def real() -> VerifiedTokens[Principal]:
    """A memory in front of the real verifier."""
    key = RSAKey.import_key({**access_tokens.jwk()})

    class OneKey:
        version = 1

        def find(self, kid: str) -> RSAKey:
            if kid != KID:
                raise InvalidToken("unknown kid")
            return key

    verifier = AccessTokenVerifier(
        issuers=[ISSUER], audience=AUDIENCE, namespace=NAMESPACE, keys=OneKey()
    )
    return VerifiedTokens(verifier, OneKey())


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda text, made: f"{text}.{segment(b'x' * 256)}", id="another"),
        pytest.param(lambda text, made: f"{text}.{segment(made[:-1])}", id="cut"),
        pytest.param(lambda text, made: f"{text}.{segment(made)}=", id="padded"),
        pytest.param(lambda text, made: f"{text}.", id="none"),
        pytest.param(
            lambda text, made: f"{text}.{segment(access_tokens.signature(text, ATTACKER))}",
            id="the attacker's",
        ),
    ],
)
def test_remembered_claims_under_another_signature_are_refused(
    real: VerifiedTokens[Principal], forge: Callable[[str, bytes], str]
) -> None:
    """Header and claims of a token that was verified a moment ago prove nothing."""
    token = sign()
    text = token.rpartition(".")[0]
    verified = real.verify(token)
    forged = forge(text, access_tokens.signature(text))

    for _ in range(2):
        with pytest.raises(InvalidToken):
            real.verify(forged)
    assert real.verify(token) is verified


def test_20_threads_each_get_their_own_token(verifier: Verifier, tokens: Remembering) -> None:
    """While the keys change and the memory is full: no error, no old key, no other's token."""
    threads, rounds = 20, 400
    start = threading.Barrier(threads)

    def ask(thread: int) -> None:
        start.wait()
        for number in range(rounds):
            token = f"bad {number}" if number % 50 == 7 else f"{(thread * number) % 900}"
            if thread == 0 and number % 20 == 0:
                verifier.keys.version += 1
            version = verifier.keys.version
            try:
                verified = tokens.verify(token)
            except InvalidToken:
                assert token.startswith("bad")
                continue
            assert verified.token == token
            assert verified.version >= version

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(ask, thread) for thread in range(threads)]:
            done.result()
    assert len(verifier.seen) < threads * rounds  # some were remembered


def test_20_threads_cannot_exceed_the_bound_of_the_memory(
    monkeypatch: pytest.MonkeyPatch, verifier: Verifier, tokens: Remembering
) -> None:
    """At worst by one entry per thread, and each thread holds one more."""
    monkeypatch.setattr(verified_tokens, "MOST", 64)
    threads = 20
    start = threading.Barrier(threads)

    def flood(thread: int) -> None:
        start.wait()
        for number in range(300):
            assert tokens.verify(f"{thread} {number}").token == f"{thread} {number}"
            assert len(verifier.alive) <= 64 + 2 * threads

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(flood, thread) for thread in range(threads)]:
            done.result()
