"""
The tenant's public RS256 keys, which go on serving while their endpoint is slow, broken or hostile.

Guaranteed:
- whoever asks for a known key waits for nobody: no lock, no fetch; only after 10 min in which
  nobody asked do they wait for a refresh, and are served without it if it fails;
- at most one fetch at a time; the next begins 10 s after the last has ended, however it ended, so
  neither unknown key ids nor an outage make a storm, and a new key is found within 10 s;
- a fetch is over 2 s after it began, and nobody waits longer than 2.2 s for one; only an address
  look-up that hangs may occupy the background thread (nobody waits for it) for longer;
- keys older than 5 min serve on while one refresh runs behind them, so while the endpoint answers
  a withdrawn key is good for 10 min at most, and for 5 where somebody asks all the time; keys
  older than 24 h serve nobody before a refresh succeeds;
- an answer counts only if it is status 200, unencoded, at most 64 kB, one strict JSON object and
  has a usable key; no other answer changes anything, and redirects are not followed;
- a key is usable if kty is RSA, use is sig, alg is RS256, kid has 1 to 255 characters, the
  modulus is odd, canonical base64url and of 2048 to 8192 bits, and the exponent is 65537 (the one
  Auth0 uses). Skipped are: every other key, one whose private part is published, and all of one
  kid that differ. `x5c`, `x5u` and the like are not looked at.

Not checked: the endpoint's identity beyond TLS, and Content-Type.

Sources: RFC 7517 sections 4 and 5; RFC 7518 section 6.3; RFC 8725 section 3.10; Auth0
"JSON Web Key Sets", "Rotate Signing Keys".
"""

import asyncio
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

FETCH_LIMIT = 2.0  # seconds for all of it: address, connection, headers, body
MAX_ANSWER_BYTES = 65_536
_BITS = range(2048, 8193)  # of a modulus
_PATIENCE = 2.2  # seconds after a fetch began until nobody waits for it any more
_PATIENCE_OF_FOLLOWERS = 0.5  # seconds; see _wait_for
_USABLE = {"kty": "RSA", "use": "sig", "alg": "RS256", "e": "AQAB"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
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
        self.began_at = time.monotonic()  # people wait in real time, whatever the clock says
        self.ended = threading.Event()
        self.ended_at = -math.inf
        self.good = False

    def is_running(self) -> bool:
        return self.thread.is_alive() and not self.ended.is_set()


class SigningKeys:
    """
    Find the tenant's keys. One object per process, safe for threads; it fetches and starts
    nothing before the first `find`, so it may be made before a fork.

    Args:
        url: the tenant's `/.well-known/jwks.json`; https, or http on localhost. Proxies of the
            environment are used, except for http.
        max_age: seconds after which a known key is served once more and a refresh begins; after
            twice as long the refresh comes first.
        cool_down: seconds between the end of a fetch and the beginning of the next.
        stale_ceiling: seconds after which keys that could not be refreshed serve nobody.
        clock: seconds that never go back.

    Raises:
        ValueError: another URL, or limits out of order.
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
        self._url = _require_safe(url)
        self._max_age, self._cool_down, self._stale_ceiling = max_age, cool_down, stale_ceiling
        self._clock = clock
        self._snapshot = _Snapshot({}, 0, -math.inf, -math.inf, -math.inf)
        self._attempt: _Attempt | None = None
        self._failing = False  # whether the last attempt to end was in vain
        self._beginning = threading.Lock()  # held while a thread starts, never during a fetch

    @property
    def version(self) -> int:
        """Grows when the set of keys changes, and only then; 0 before the first answer."""
        return self._snapshot.version

    def find(self, kid: str) -> RSAKey:
        """
        Return the public key of that id.

        Raises:
            InvalidToken: the endpoint answers well, and has no such key.
            KeysUnavailable: it does not answer well, or not yet.
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
        # Whoever finds the lock taken knows that somebody else sees to it.
        if now >= snapshot.fresh_until and self._beginning.acquire(blocking=False):
            try:
                self._begin_if_due(now)
            finally:
                self._beginning.release()
        return key

    def require(self) -> None:
        """
        Make sure that there are keys; for a probe, which causes no fetch while there are some.

        Raises:
            KeysUnavailable: there are none, or they are too old.
        """
        if self._clock() >= self._snapshot.usable_until:
            try:
                self._wait_for("", self._clock())
            except InvalidToken:  # no key has that id, and by now there are keys
                return

    def _is_overdue(self, snapshot: _Snapshot, now: float) -> bool:
        # A key that was withdrawn in a quiet night must not open the door once in the morning.
        # During an outage nobody waits: the refresh that fails runs behind.
        return now >= snapshot.overdue_at and not self._failing

    def _wait_for(self, kid: str, now: float) -> RSAKey:
        snapshot = self._snapshot
        nobody_served = now >= snapshot.usable_until or self._is_overdue(snapshot, now)
        with self._beginning:
            earlier = self._attempt
            attempt = self._begin_if_due(now)
        # Where nobody can be served, everybody waits. Otherwise made-up key ids must not
        # hold all threads of a server while the endpoint hangs: one waits as long as a fetch takes,
        # the others as long as a healthy one does. So at a rotation all of a page's requests
        # succeed, and during an attack others lose at most half a second of every twelve.
        leads = attempt is not earlier or nobody_served
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
            keys, old = _read_keys(asyncio.run(_fetch(self._url))), self._snapshot
            now, version = self._clock(), old.version + (keys != old.keys)
            self._snapshot = _Snapshot(
                keys,
                version,
                now + self._max_age,
                now + 2 * self._max_age,
                now + self._stale_ceiling,
            )
            attempt.good = True
        except (httpx2.HTTPError, OSError, ValueError) as error:
            failure = error
        finally:
            self._end(attempt, failure)

    def _end(self, attempt: _Attempt, failure: Exception | None) -> None:
        # Ended first: nobody waits for a log, and whatever a handler does to us comes too late.
        attempt.ended_at = self._clock()
        self._failing = not attempt.good
        attempt.ended.set()
        if not attempt.good:
            # A protocol error quotes what the endpoint sent; an unforeseen one is raised on.
            quotes = isinstance(failure, httpx2.ProtocolError)
            cause = type(failure).__name__ if quotes else repr(failure or "unforeseen")
            _log.warning("no signing keys from %s: %s", self._url, cause)


def _require_safe(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"no URL: {error}") from error
    if parsed.userinfo or not parsed.host:
        raise ValueError("the URL must have a host, and no password")
    if parsed.scheme != "https" and (
        parsed.scheme != "http" or parsed.host not in ("localhost", "127.0.0.1")
    ):
        raise ValueError("the URL must begin with https://, or with http:// on localhost")
    return parsed


async def _fetch(url: httpx2.URL) -> bytes:
    # asyncio, because its limit holds for everything together; a socket's time-out begins anew
    # with every byte that drips in.
    async with (
        asyncio.timeout(FETCH_LIMIT),
        httpx2.AsyncClient(trust_env=url.scheme == "https", follow_redirects=False) as client,
        client.stream("GET", url, headers=_HEADERS) as response,
    ):
        if response.status_code != 200:
            raise MalformedInput(f"status {response.status_code}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise MalformedInput("encoded, though nothing was offered")
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                raise MalformedInput(f"more than {MAX_ANSWER_BYTES} bytes")
        return bytes(body)


def _read_keys(unverified_answer: bytes) -> dict[str, RSAKey]:
    entries = parse_json_object(unverified_answer).get("keys")
    if not isinstance(entries, list):
        raise MalformedInput("no list of keys")
    found: dict[str, list[RSAKey]] = {}
    for entry in entries:
        if isinstance(entry, dict) and (key := _import_key(entry)):
            found.setdefault(entry["kid"], []).append(key)
    # With two keys of one name nobody knows which one is meant.
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
        # Nothing else of an entry reaches the library.
        return RSAKey.import_key({"kty": "RSA", "n": n, "e": _USABLE["e"]})
    except (ValueError, JoseError):
        return None
