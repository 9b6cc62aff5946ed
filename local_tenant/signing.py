"""
The tenant's signing keys and the tokens signed with them (RS256).

As Auth0 documents, the key set also holds the next key, so that a cached copy of the set has it
before the first token is signed with it, and the previous key until that is revoked.
"""

import threading
from collections.abc import Mapping
from typing import Any

import jwt

from local_tenant.signing_key import SigningKey


class SigningKeys:
    """The current key, the next one, and the previous ones; many threads may use them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Current, next, previous (latest first). The tuple is only replaced, so reading needs no
        # lock.
        self._keys: tuple[SigningKey, ...] = (SigningKey.new(), SigningKey.new())

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self._keys[0]

    @property
    def next(self) -> SigningKey:
        """The key that will sign after the next rotation."""
        return self._keys[1]

    @property
    def previous(self) -> tuple[SigningKey, ...]:
        """The keys that signed before and are not revoked, latest first."""
        return self._keys[2:]

    def rotate(self, *, keep_older: bool = False) -> tuple[SigningKey, SigningKey]:
        """
        Sign with the next key from now on; return it and the new next key.

        The key used so far stays in the key set; earlier ones are removed unless `keep_older`.
        """
        fresh = SigningKey.new()
        with self._lock:
            current, following, *older = self._keys
            self._keys = (following, fresh, current, *(older if keep_older else ()))
        return following, fresh

    def revoke(self, kid: str) -> SigningKey:
        """
        Remove a previous key from the key set; tokens that it signed are refused from now on.

        Raises:
            KeyError: there is no key with this id.
            ValueError: it is the current or the next key, which cannot be revoked.
        """
        with self._lock:
            found = next((key for key in self._keys if key.kid == kid), None)
            if found is None:
                raise KeyError(kid)
            if found in self._keys[:2]:
                raise ValueError("Only a previously used signing key can be revoked.")
            current, following, *older = self._keys
            self._keys = (current, following, *(key for key in older if key.kid != kid))
        return found

    def key_set(self) -> dict[str, Any]:
        """Return the public keys as a JSON Web Key Set (RFC 7517)."""
        return {"keys": [key.public_jwk() for key in self._keys]}

    def sign(self, claims: Mapping[str, Any], typ: str = "JWT") -> str:
        """Sign these claims with the current key."""
        key = self.current
        headers = {"kid": key.kid, "typ": typ}
        return jwt.encode(dict(claims), key.private, algorithm="RS256", headers=headers)

    def verify(
        self, unverified_token: str, *, issuer: str, audience: str | None, expired: bool = False
    ) -> dict[str, Any]:
        """
        Check a token of this tenant and return its claims: key, RS256, issuer, audience, expiry.

        Args:
            audience: None to accept any.
            expired: accept an expired token as well.

        Raises:
            jwt.InvalidTokenError: one of the checks failed.
        """
        kid = jwt.get_unverified_header(unverified_token).get("kid")
        for key in self._keys:
            if key.kid == kid:
                return jwt.decode(
                    unverified_token,
                    key.private.public_key(),
                    algorithms=["RS256"],
                    issuer=issuer,
                    audience=audience,
                    options={"verify_exp": not expired, "verify_aud": audience is not None},
                )
        raise jwt.InvalidTokenError("unknown key")
