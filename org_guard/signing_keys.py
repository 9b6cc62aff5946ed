"""
The tenant's public RS256 keys, which keep serving while their endpoint is slow, broken or hostile.

Guaranteed:
- a known key is returned at once, without a lock and without the network; the exception is the
  first request after 10 min without any, which waits for a refresh and gets the old key if that
  fails;
- there is one fetch at a time, and the next begins 10 s after the last ended, however it ended: so
  unknown key ids and outages cause no storm, and a new key is found within 10 s;
- a fetch ends 2 s after it began, and a request waits for one 2.2 s at most; only a DNS look-up
  that hangs may occupy the background thread for longer, and no request waits for that;
- keys older than 5 min keep serving while one refresh runs in the background. So while the endpoint
  answers, a withdrawn key works for 10 min at most, under constant traffic for 5; keys older than
  24 h serve no request before a refresh succeeds;
- an answer counts only if it passes the checks of `key_endpoint`, is one strict JSON object and has
  a usable key; any other answer changes nothing;
- a key is usable if kty is RSA, use is sig, alg is RS256, kid has 1 to 255 characters, the
  modulus is odd, canonical base64url and of 2048 to 8192 bits, and the exponent is 65537 (the one
  Auth0 uses). Every other key is skipped, and one that shows private parts, and all keys that share
  a kid and differ. `x5c`, `x5u` and the like are not looked at.

Sources: RFC 7517 sections 4 and 5; RFC 7518 section 6.3; RFC 8725 section 3.10; Auth0
"JSON Web Key Sets", "Rotate Signing Keys".
"""

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.util import base64_to_int, int_to_base64

from org_guard.compact_token import MalformedInput, parse_json_object
from org_guard.errors import InvalidToken, KeysUnavailable
from org_guard.key_endpoint import fetch_key_set, require_safe_url

_BITS = range(2048, 8193)  # of a modulus
_PATIENCE = 2.2  # seconds after a fetch began, until which requests wait for it
_PATIENCE_OF_FOLLOWERS = 0.5  # seconds; see _wait_for
_USABLE = {"kty": "RSA", "use": "sig", "alg": "RS256", "e": "AQAB"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_log = logging.getLogger("org_guard")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    keys: dict[str, RSAKey]  # by kid
    version: int
    fresh_until: float
    overdue_at: float
    usable_until: float


class _Attempt:
    """One fetch: under way in its thread, ended, or lost because the process was forked."""

    def __init__(self, run: Callable[["_Attempt"], None]) -> None:
        self.thread = threading.Thread(target=run, args=(self,), name="signing-keys", daemon=True)
        self.began_at = time.monotonic()  # not the clock of a test: requests wait in real time
        self.ended = threading.Event()
        self.ended_at = -math.inf
        self.good = False

    def is_running(self) -> bool:
        return self.thread.is_alive() and not self.ended.is_set()


class SigningKeys:
    """
    Find the tenant's keys. One object per process, safe for threads; it starts no thread and
    fetches nothing before the first `find`, so it may be created before a fork.

    Args:
        url: the tenant's `/.well-known/jwks.json`; https, or http on localhost. Proxies of the
            environment are used, except for http.
        max_age: seconds after which a known key starts a refresh in the background; after twice as
            long the request waits for the refresh.
        cool_down: seconds between the end of a fetch and the beginning of the next.
        stale_ceiling: seconds after which keys that could not be refreshed are not used any more.
        clock: seconds that never go back.

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
        self._snapshot = _Snapshot({}, 0, -math.inf, -math.inf, -math.inf)
        self._attempt: _Attempt | None = None
        self._failing = False  # whether the last attempt that ended has failed
        self._beginning = threading.Lock()  # held while a thread starts, never during a fetch

    @property
    def version(self) -> int:
        """Grows when the set of keys changes, and only then; 0 before the first answer."""
        return self._snapshot.version

    def find(self, kid: str) -> RSAKey:
        """
        Return the public key of that id.

        Raises:
            InvalidToken: the endpoint has answered, and has no such key.
            KeysUnavailable: the endpoint has not answered yet, or its answer does not count.
        """
        snapshot = self._snapshot
        key = snapshot.keys.get(kid)
        now = self._clock()
        if key is None or now >= snapshot.usable_until:
            return self._wait_for(kid, now)
        if self._is_overdue(snapshot, now):
            try:
                return self._wait_for(kid, now)
            except KeysUnavailable:
                return key
        # If the lock is taken, another thread is already starting the refresh.
        if now >= snapshot.fresh_until and self._beginning.acquire(blocking=False):
            try:
                self._begin_if_due(now)
            finally:
                self._beginning.release()
        return key

    def require(self) -> None:
        """
        Require that there are keys; for a readiness probe. It fetches only if there are none.

        Raises:
            KeysUnavailable: there are none, or they are too old.
        """
        if self._clock() >= self._snapshot.usable_until:
            try:
                self._wait_for("", self._clock())
            except InvalidToken:  # no key has that id, and by now there are keys
                return

    def _is_overdue(self, snapshot: _Snapshot, now: float) -> bool:
        # A key that was withdrawn during an idle night must not be used once more in the morning.
        # While fetches fail, requests do not wait: the refresh runs in the background.
        return now >= snapshot.overdue_at and not self._failing

    def _wait_for(self, kid: str, now: float) -> RSAKey:
        snapshot = self._snapshot
        none_usable = now >= snapshot.usable_until or self._is_overdue(snapshot, now)
        with self._beginning:
            earlier = self._attempt
            attempt = self._begin_if_due(now)
        # If no key can be used, every request waits. Otherwise made-up key ids must not hold all
        # threads of a server while the endpoint hangs: the request that began the fetch waits as
        # long as one may take, the others as long as a healthy one takes. So at a rotation all
        # requests of a page succeed, and an attack costs the others half a second of every twelve.
        leads = attempt is not earlier or none_usable
        until = attempt.began_at + (_PATIENCE if leads else _PATIENCE_OF_FOLLOWERS)
        if not attempt.ended.wait(max(0.0, until - time.monotonic())):
            raise KeysUnavailable("a refresh is under way")
        snapshot = self._snapshot
        if self._clock() < snapshot.usable_until:
            key = snapshot.keys.get(kid)
            if key is not None:
                return key
            if attempt.good:
                raise InvalidToken("unknown kid")
        raise KeysUnavailable("the last refresh failed")

    def _begin_if_due(self, now: float) -> _Attempt:
        last = self._attempt
        if last and (last.is_running() or now - last.ended_at < self._cool_down):
            return last
        self._attempt = attempt = _Attempt(self._refresh)
        try:
            attempt.thread.start()
        except RuntimeError as error:  # this process may have no more threads
            self._end(attempt, error)
        return attempt

    def _refresh(self, attempt: _Attempt) -> None:
        failure: Exception | None = None
        try:
            keys, old = _read_keys(fetch_key_set(self._url)), self._snapshot
            now, version = self._clock(), old.version + (keys != old.keys)
            fresh_until, usable_until = now + self._max_age, now + self._stale_ceiling
            overdue_at = now + 2 * self._max_age
            self._snapshot = _Snapshot(keys, version, fresh_until, overdue_at, usable_until)
            attempt.good = True
        except (httpx2.HTTPError, OSError, ValueError) as error:
            failure = error
        finally:
            self._end(attempt, failure)

    def _end(self, attempt: _Attempt, failure: Exception | None) -> None:
        # `ended` is set before the log is written: a slow log handler holds up no request.
        attempt.ended_at = self._clock()
        self._failing = not attempt.good
        attempt.ended.set()
        if not attempt.good:
            # The text of a protocol error quotes the endpoint, so only its class is logged; an
            # error that _refresh does not catch is raised on.
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
    # Two different keys with one kid: a token does not say which of them it means.
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
        # Only these members, which were checked above, reach the library.
        return RSAKey.import_key({"kty": "RSA", "n": n, "e": _USABLE["e"]})
    except (ValueError, JoseError):
        return None
