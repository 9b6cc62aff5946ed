"""
A bounded memory of access tokens that were verified a moment ago.

Why it is sound to remember them:
- the key is the SHA-256 of the whole token, signature included, so only the very string that was
  verified is found again;
- only successes are kept, as frozen values, and only what the string itself says. Membership, role
  and suspension are not remembered: the database is asked at every request;
- `exp` is compared at every hit, as at every verification (with the same leeway);
- an entry is forgotten after 60 seconds, and all of them when the tenant's keys change, so a
  withdrawn key is used no longer than it takes to notice;
- the memory is bounded: when it is full, the older half is forgotten.

Not for tokens that may be used once only.
"""

import hashlib
import time
from typing import Generic, Protocol, TypeVar

from org_guard.errors import InvalidToken
from org_guard.token_claims import LEEWAY

KEPT = 60.0  # seconds
MOST = 4096  # tokens; about 2 kB each


class Expiring(Protocol):
    """What a verification returns."""

    @property
    def expires_at(self) -> float:
        """Seconds since the epoch."""


class Versioned(Protocol):
    """The keys, as far as this memory needs them."""

    @property
    def version(self) -> int:
        """Another number after every change of the keys."""


T = TypeVar("T", bound=Expiring)
T_co = TypeVar("T_co", bound=Expiring, covariant=True)


class Verifier(Protocol[T_co]):
    """What verifies: `AccessTokenVerifier`, or `OrganizationsTokenVerifier` of design C."""

    def verify(self, unverified_token: str) -> T_co:
        """Return a frozen value, or raise InvalidToken or KeysUnavailable."""


class VerifiedTokens(Generic[T]):
    """
    Ask it instead of the verifier. Safe for threads without a lock: every step is one look-up.

    Args:
        verifier: verifies a token that is not remembered.
        keys: where *verifier* takes its keys from.
    """

    def __init__(self, verifier: Verifier[T], keys: Versioned) -> None:
        self._verifier = verifier
        self._keys = keys
        self._known: dict[bytes, tuple[T, float]] = {}
        self._version = keys.version

    def verify(self, unverified_token: str) -> T:
        """
        Return the verified value of *unverified_token*.

        Raises:
            InvalidToken: the token expired while it was remembered. And what the verifier raises.
        """
        version = self._keys.version
        if version != self._version:
            # A new dict: an entry that another thread still adds to the old one is lost.
            self._known, self._version = {}, version
        known = self._known
        digest = hashlib.sha256(unverified_token.encode("utf-8", "surrogatepass")).digest()
        found = known.get(digest)
        if found is not None and time.monotonic() < found[1]:
            if time.time() >= found[0].expires_at + LEEWAY:
                raise InvalidToken("time")
            return found[0]
        verified = self._verifier.verify(unverified_token)
        if len(known) >= MOST:
            for old in list(known)[: MOST // 2]:
                known.pop(old, None)
        known[digest] = (verified, time.monotonic() + KEPT)
        return verified
