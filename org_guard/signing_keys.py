"""
The tenant's public RS256 keys. They keep serving while their endpoint is slow, broken or hostile.

- A known key is returned at once, without a lock and without the network. Only if no request came
  for so long that the keys are older than 10 min, the next one waits for a refresh; if that fails,
  it gets the old key.
- There is one fetch at a time, and the next begins 10 s after the last ended, successful or not. So
  unknown key ids and outages cause no storm of fetches, and a new key is found within 10 s.
- A fetch ends after 2 s, and a request waits for it for 2.2 s at most. Only a DNS look-up that
  hangs keeps the background thread longer; no request waits for that.
- Keys older than 5 min serve while one refresh runs in the background; keys older than 24 h do not
  serve. So, while the endpoint answers, a withdrawn key works for 5 min under constant traffic and
  for 10 min at most.
- An answer replaces the keys only if it passes the checks of `key_endpoint`, is one strict JSON
  object and has a usable key: kty RSA, use sig, alg RS256, a kid of 1 to 255 characters, an odd
  modulus of 2048 to 8192 bits in canonical base64url, the exponent 65537 (Auth0's), no private
  part, and no other key with the same kid. Other keys, and `x5c`, `x5u` and the like, are ignored.

Sources: RFC 7517 sections 4 and 5; RFC 7518 section 6.3; RFC 8725 section 3.10; Auth0
"JSON Web Key Sets", "Rotate Signing Keys".
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.util import base64_to_int, int_to_base64

from org_guard.compact_token import MalformedInput, parse_json_object
from org_guard.errors import InvalidToken, KeysUnavailable
from org_guard.key_endpoint import fetch_key_set, require_safe_url

_BITS = range(2048, 8193)  # of a modulus
_LONGEST_WAIT = 2.2  # seconds from the beginning of a fetch; a fetch itself ends after 2
_SHORTER_WAIT = 0.5  # seconds; _wait_for says when
_USABLE = {"kty": "RSA", "use": "sig", "alg": "RS256", "e": "AQAB"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_log = logging.getLogger("org_guard")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    keys: dict[str, RSAKey]  # by kid
    version: int
    fetched_at: float


class _Attempt:
    """One fetch: under way in its thread, ended, or lost because the process was forked."""

    def __init__(self, run: Callable[["_Attempt"], None]) -> None:
        self.thread = threading.Thread(target=run, args=(self,), name="signing-keys", daemon=True)
        self.began_at = time.monotonic()  # not `clock`: requests wait in real time, in tests too
        self.ended = threading.Event()
        self.ended_at = -math.inf
        self.good = False

    def is_running(self) -> bool:
        return self.thread.is_alive() and not self.ended.is_set()


class SigningKeys:
    """
    Find the tenant's keys. One object per process, safe for threads. It starts no thread and
    fetches nothing before the first `find`, so it may be created before a fork.

    Args:
        url: the tenant's `/.well-known/jwks.json`; https, or http on localhost. For https, the
            proxies named in the environment are used.
        max_age: seconds. Older keys are refreshed in the background; when they are twice as old,
            the request waits for the refresh.
        cool_down: seconds between the end of a fetch and the beginning of the next.
        stale_ceiling: seconds. Older keys are not used.
        clock: returns seconds that never go back.

    Raises:
        ValueError: the URL is not safe, or the limits are out of order.
    """

    def __init__(
        self,
        url: str,
        *,
        max_age: float = 300.0,
        cool_down: float = 10.0,
        stale_ceiling: float = 86_400.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not (0 < max_age <= stale_ceiling and cool_down >= 0):
            raise ValueError("0 < max_age <= stale_ceiling and 0 <= cool_down are needed")
        self._url = require_safe_url(url)
        self._max_age, self._cool_down, self._stale_ceiling = max_age, cool_down, stale_ceiling
        self._clock = clock
        self._snapshot = _Snapshot({}, 0, -math.inf)
        self._attempt: _Attempt | None = None
        self._failing = False  # whether the attempt that ended last has failed
        self._beginning = threading.Lock()  # held while a thread starts, never during a fetch

    @property
    def version(self) -> int:
        """A number that grows whenever the set of keys changes; 0 before the first answer."""
        return self._snapshot.version

    def find(self, kid: str) -> RSAKey:
        """
        Return the public key with the id *kid*.

        Raises:
            InvalidToken: the endpoint has answered, and has no such key.
            KeysUnavailable: the endpoint gave no acceptable answer in time.
        """
        snapshot = self._snapshot
        key = snapshot.keys.get(kid)
        age = self._clock() - snapshot.fetched_at
        if key is None or age >= self._stale_ceiling:
            return self._wait_for(kid)
        if self._is_overdue(age):
            try:
                return self._wait_for(kid)
            except KeysUnavailable:
                return key
        # If the lock is taken, another thread is already starting the refresh.
        if age >= self._max_age and self._beginning.acquire(blocking=False):
            try:
                self._begin_if_due()
            finally:
                self._beginning.release()
        return key

    def require(self) -> None:
        """
        Require keys that can be used, for a readiness probe; fetch only if there are none.

        Raises:
            KeysUnavailable: there are none, or they are too old.
        """
        if self._clock() - self._snapshot.fetched_at >= self._stale_ceiling:
            with suppress(InvalidToken):  # no key has the id "", but now there are keys
                self._wait_for("")

    def _is_overdue(self, age: float) -> bool:
        # The first request after an idle night must not be served by a key withdrawn in that night.
        # While fetches fail, requests do not wait: the refresh runs in the background.
        return age >= 2 * self._max_age and not self._failing

    def _wait_for(self, kid: str) -> RSAKey:
        age = self._clock() - self._snapshot.fetched_at
        none_usable = age >= self._stale_ceiling or self._is_overdue(age)
        with self._beginning:
            earlier = self._attempt
            attempt = self._begin_if_due()
        # If no key can be used, every request waits. Otherwise made-up key ids must not occupy all
        # threads of a server while the endpoint hangs: the request that began the fetch waits as
        # long as a fetch may take, the others as long as a healthy one takes. So every request
        # succeeds at a rotation, and an attack costs the others half a second of every twelve.
        waits_longest = attempt is not earlier or none_usable
        until = attempt.began_at + (_LONGEST_WAIT if waits_longest else _SHORTER_WAIT)
        if not attempt.ended.wait(max(0.0, until - time.monotonic())):
            raise KeysUnavailable("a refresh is under way")
        snapshot = self._snapshot
        if self._clock() - snapshot.fetched_at < self._stale_ceiling:
            key = snapshot.keys.get(kid)
            if key is not None:
                return key
            if attempt.good:
                raise InvalidToken("unknown kid")
        raise KeysUnavailable("the last refresh failed")

    def _begin_if_due(self) -> _Attempt:
        last = self._attempt
        if last and (last.is_running() or self._clock() - last.ended_at < self._cool_down):
            return last
        self._attempt = attempt = _Attempt(self._refresh)
        try:
            attempt.thread.start()
        except RuntimeError as error:  # the process may not start more threads
            self._end(attempt, error)
        return attempt

    def _refresh(self, attempt: _Attempt) -> None:
        failure: Exception | None = None
        try:
            keys, old = _read_keys(asyncio.run(fetch_key_set(self._url))), self._snapshot
            version = old.version + (keys != old.keys)
            self._snapshot = _Snapshot(keys, version, self._clock())
            attempt.good = True
        except (httpx2.HTTPError, OSError, ValueError) as error:
            failure = error
        finally:
            self._end(attempt, failure)

    def _end(self, attempt: _Attempt, failure: Exception | None) -> None:
        # `ended` is set before the log is written, so that a slow log handler delays no request.
        attempt.ended_at = self._clock()
        self._failing = not attempt.good
        attempt.ended.set()
        if not attempt.good:
            # The text of a protocol error quotes what the endpoint sent, so only its class is
            # logged. An error that _refresh does not catch goes on after this.
            quotes = isinstance(failure, httpx2.ProtocolError)
            cause = type(failure).__name__ if quotes else repr(failure or "unforeseen")
            _log.warning("no signing keys from %s: %s", self._url, cause)


def _read_keys(unverified_answer: bytes) -> dict[str, RSAKey]:
    entries = parse_json_object(unverified_answer).get("keys")
    if not isinstance(entries, list):
        raise MalformedInput("no list of keys")
    found: dict[str, list[RSAKey]] = {}
    for entry in entries:
        if isinstance(entry, dict) and (key := _import_key(entry)):
            found.setdefault(entry["kid"], []).append(key)
    # If different keys share a kid, a token with that kid does not say which one it means.
    keys = {
        kid: first for kid, (first, *others) in found.items() if others.count(first) == len(others)
    }
    if not keys:
        raise MalformedInput("no usable key")
    return keys


def _import_key(entry: dict[str, object]) -> RSAKey | None:
    if any(entry.get(name) != value for name, value in _USABLE.items()) or entry.keys() & _PRIVATE:
        return None
    kid, n = entry.get("kid"), entry.get("n")
    if not isinstance(kid, str) or not 0 < len(kid) <= 255 or not isinstance(n, str):
        return None
    try:
        modulus = base64_to_int(n)
        if int_to_base64(modulus) != n or modulus % 2 == 0 or modulus.bit_length() not in _BITS:
            return None
        # Only members that were checked above reach the library.
        return RSAKey.import_key({"kty": "RSA", "n": n, "e": _USABLE["e"]})
    except (ValueError, JoseError):
        return None
