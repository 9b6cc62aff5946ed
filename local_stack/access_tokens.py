"""
Access tokens signed by hand, so that a test can make tokens that no library would make.

Without changes a token is valid now. A change to `ABSENT` leaves out that claim or header
parameter. Every call makes a new value.
"""

import base64
import json
import threading
import time
from collections.abc import Mapping
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

DOMAIN: Final = "acme.eu.auth0.com"
CUSTOM_DOMAIN: Final = "login.acme.example"
AUTH0_USER_ID: Final = "auth0|joe"
ORG_ID: Final = "0b7d1f2e-3c4a-4b5c-8d6e-7f8091a2b3c4"
ABSENT: Final = object()
ISSUER: Final = f"https://{DOMAIN}/"
AUDIENCE: Final = "https://api.example.com/"
NAMESPACE: Final = "https://example.com/claims/"
ORG_CLAIM: Final = f"{NAMESPACE}org_id"
CLIENT_ID: Final = "spa"
KID: Final = "the-tenants-key"


_keys: dict[tuple[str, int], rsa.RSAPrivateKey] = {}
_making = threading.Lock()


def segment(value: bytes | Mapping[str, object]) -> str:
    """Encode one segment of a compact JWT; a mapping is written as JSON, where NaN is allowed."""
    text = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def private_key(name: str = KID, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return the key of this name and size: the tenant's by default, else an attacker's."""
    with _making:
        if (name, bits) not in _keys:
            _keys[name, bits] = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        return _keys[name, bits]


def jwk(name: str = KID) -> dict[str, str]:
    """Return the public key of this name, as Auth0 publishes it."""
    numbers = private_key(name).public_key().public_numbers()

    def number(value: int) -> str:
        return segment(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": name,
        "n": number(numbers.n),
        "e": number(numbers.e),
    }


def key_set() -> dict[str, list[dict[str, str]]]:
    """Return the tenant's key set, as in `/.well-known/jwks.json`."""
    return {"keys": [jwk()]}


def valid_header(**changes: object) -> dict[str, object]:
    """Return the header of an access token in Auth0's `access_token` dialect."""
    return _change({"alg": "RS256", "typ": "JWT", "kid": KID}, changes)


def valid_claims(**changes: object) -> dict[str, Any]:
    """Return the claims that Auth0 and the Action set, in Auth0's `access_token` dialect."""
    now = int(time.time())
    claims = {
        ORG_CLAIM: ORG_ID,
        f"{NAMESPACE}org_role": "member",
        "iss": ISSUER,
        "sub": AUTH0_USER_ID,
        "aud": [AUDIENCE, f"{ISSUER}userinfo"],
        "iat": now,
        "exp": now + 600,
        "scope": "openid profile email offline_access read:organization write:organization "
        "read:members write:members read:invitations write:invitations read:audit-events "
        "read:projects write:projects",
        "azp": CLIENT_ID,
    }
    return _change(claims, changes)


def rfc9068_claims(**changes: object) -> dict[str, Any]:
    """Return the claims in Auth0's `rfc9068_profile` dialect, whose header has `typ` at+jwt."""
    return valid_claims(**{"azp": ABSENT, "client_id": CLIENT_ID, "jti": "j" * 22} | changes)


def sign(
    header: bytes | Mapping[str, object] | None = None,
    claims: bytes | Mapping[str, object] | None = None,
    *,
    key: str = KID,
) -> str:
    """
    Make a compact JWT with a correct RS256 signature, even if its header names another algorithm.

    Args:
        header, claims: valid ones if None; bytes are signed as they are.
        key: the name of the key, see `private_key`.
    """
    header = valid_header() if header is None else header
    claims = valid_claims() if claims is None else claims
    signed = f"{segment(header)}.{segment(claims)}"
    return f"{signed}.{segment(signature(signed, key))}"


def signature(signed: str, key: str = KID) -> bytes:
    """Sign the first two segments with RSASSA-PKCS1-v1_5 and SHA-256."""
    return private_key(key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())


def _change(given: dict[str, Any], changes: dict[str, object]) -> dict[str, Any]:
    return {name: value for name, value in (given | changes).items() if value is not ABSENT}
