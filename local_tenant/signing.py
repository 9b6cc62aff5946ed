"""
The tenant's RSA keys and the tokens signed with them (RS256).

Access tokens come in Auth0's own dialect (`access_token`) or in that of RFC 9068
(`rfc9068_profile`).
"""

import base64
import secrets
import threading
from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

KEY_BITS = 2048


class SigningKeys:
    """
    The current key first, then the previous one, which stays published until the next rotation.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys = [_new_key()]

    def rotate(self) -> None:
        """
        Sign with a new key from now on; the key before the previous one disappears from the key
        set.
        """
        fresh = _new_key()
        with self._lock:
            self._keys = [fresh, *self._keys[:1]]

    def key_set(self) -> dict[str, Any]:
        """
        The public halves as a JSON Web Key Set (RFC 7517).
        """
        return {"keys": [_public_jwk(kid, key) for kid, key in self._keys]}

    def sign(self, claims: Mapping[str, Any], typ: str = "JWT") -> str:
        kid, key = self._keys[0]
        return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": kid, "typ": typ})

    def verify(
        self, unverified_token: str, *, issuer: str, audience: str | None, expired: bool = False
    ) -> dict[str, Any]:
        """
        Check a token of our own: key, RS256, issuer, audience (None: not checked) and expiry.

        Raises:
            jwt.InvalidTokenError: any of these is wrong. `expired=True` accepts a token past its
            `exp`.
        """
        kid = jwt.get_unverified_header(unverified_token).get("kid")
        for known, key in self._keys:
            if known == kid:
                return jwt.decode(
                    unverified_token,
                    key.public_key(),
                    algorithms=["RS256"],
                    issuer=issuer,
                    audience=audience,
                    options={"verify_exp": not expired, "verify_aud": audience is not None},
                )
        raise jwt.InvalidTokenError("unknown key")


def _new_key() -> tuple[str, rsa.RSAPrivateKey]:
    return secrets.token_urlsafe(16), rsa.generate_private_key(
        public_exponent=65537, key_size=KEY_BITS
    )


def _public_jwk(kid: str, key: rsa.RSAPrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()

    def number(value: int) -> str:
        octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
        return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": number(numbers.n),
        "e": number(numbers.e),
    }
