"""
Remember access tokens that were verified a moment ago, so as not to verify them again.

Why that is safe:
- A token is found by the SHA-256 of its whole string, signature included.
- Only good tokens are remembered, and only what they say, as frozen values. Membership, role and
  suspension are not in them: the database is asked at every request.
- `exp` is compared every time, with the same leeway as in the verification.
- A token is forgotten after 60 s, or when the tenant's keys change. So a withdrawn key works only
  until `SigningKeys` has noticed.
- When the memory is full, the older half is forgotten.

Do not use it for tokens that may be used only once.
"""

import hashlib
import time
from typing import Generic, Protocol, TypeVar

from org_guard.errors import InvalidToken
from org_guard.token_claims import LEEWAY

KEPT = 60.0  # seconds
MOST = 4096  # tokens, of about 2 kB each


class Expiring(Protocol):
    """A verified token."""

    @property
    def expires_at(self) -> float:
        """Seconds since the epoch."""


class Versioned(Protocol):
    """The tenant's keys, such as `SigningKeys`."""

    @property
    def version(self) -> int:
        """A number that changes whenever the keys change."""


T = TypeVar("T", bound=Expiring)
T_co = TypeVar("T_co", bound=Expiring, covariant=True)


class Verifier(Protocol[T_co]):
    """`AccessTokenVerifier`, or `OrganizationsTokenVerifier` of design C."""

    def verify(self, unverified_token: str) -> T_co:
        """Return a frozen value, or raise InvalidToken or KeysUnavailable."""


class VerifiedTokens(Generic[T]):
    """Remember what *verifier* returns, while its *keys* stay the same. Safe for threads."""

    def __init__(self, verifier: Verifier[T], keys: Versioned) -> None:
        self._verifier = verifier
        self._keys = keys
        self._known: dict[bytes, tuple[T, float]] = {}  # no lock: each step is one operation on it
        self._version = keys.version

    def verify(self, unverified_token: str) -> T:
        """
        Return what the verifier returns for this token.

        Raises:
            InvalidToken: the token has expired while it was remembered.
            GuardError: the verifier refused the token.
        """
        version = self._keys.version
        if version != self._version:
            # A new dict, so that what a slower thread adds to the old one is forgotten with it.
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
