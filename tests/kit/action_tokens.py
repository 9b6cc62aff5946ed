"""
Tokens between Action and selector, signed by hand, so that a test can forge any header and claims.

Without changes a token is valid now. A change to `ABSENT` leaves out that claim. Every call makes a
new value.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Final

from local_stack.access_tokens import ABSENT, AUTH0_USER_ID, CUSTOM_DOMAIN, DOMAIN, ORG_ID, segment

__all__ = ["ABSENT", "AUTH0_USER_ID", "CUSTOM_DOMAIN", "DOMAIN", "ORG_ID", "segment"]

SESSION_SECRET: Final = "session-secret-for-tests-1234567"
SELECTION_SECRET: Final = "selection-secret-for-tests-12345"
STATE: Final = "hKFo2SBTdGF0ZQ"
HEADER: Final[Mapping[str, object]] = {"alg": "HS256", "typ": "JWT"}

_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def sign(
    header: bytes | Mapping[str, object],
    claims: bytes | Mapping[str, object],
    secret: str | bytes,
    *,
    algorithm: str = "HS256",
) -> str:
    """Make a compact JWT with a correct HMAC, even if its header names another algorithm."""
    signed = f"{segment(header)}.{segment(claims)}"
    return f"{signed}.{segment(signature(signed, secret, algorithm=algorithm))}"


def signature(signed: str, secret: str | bytes, *, algorithm: str = "HS256") -> bytes:
    """Return the HMAC of *signed*, the first two segments."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, signed.encode(), _HASHES[algorithm]).digest()


def valid_session_claims(**changes: object) -> dict[str, Any]:
    """Return the claims that the Action puts into a session token."""
    now = int(time.time())
    return _change(
        {
            "iat": now,
            "iss": DOMAIN,
            "sub": AUTH0_USER_ID,
            "exp": now + 300,
            "ip": "192.0.2.1",
            "aud": "org-selector/select",
            "client_id": "spa",
            "client_name": "Example App",
            "nonce": "n" * 22,
            "version": 1,
            "hint": "",
            "invitation": "",
            "bound": "",
            "notice": "",
            "app_origin": "https://app.acme.example",
            "locale": "en",
        },
        changes,
    )


def valid_decision_claims(body: bytes = b"{}", **changes: object) -> dict[str, Any]:
    """Return the claims that the Action puts into the decision token of a request with *body*."""
    now = int(time.time())
    return _change(
        {
            "iss": DOMAIN,
            "sub": AUTH0_USER_ID,
            "aud": "org-selector/decisions",
            "iat": now,
            "exp": now + 30,
            "body_sha256": hashlib.sha256(body).hexdigest(),
        },
        changes,
    )


def valid_selection_claims(**changes: object) -> dict[str, Any]:
    """Return the claims that the picker puts into a selection token."""
    now = int(time.time())
    return _change(
        {
            "iss": DOMAIN,
            "sub": AUTH0_USER_ID,
            "aud": "select-organization",
            "iat": now,
            "exp": now + 300,
            "jti": "j" * 22,
            "state": STATE,
            "nonce": "n" * 22,
            "org_id": ORG_ID,
            "remember": False,
            "forget": False,
        },
        changes,
    )


def _change(claims: dict[str, Any], changes: dict[str, object]) -> dict[str, Any]:
    return {name: value for name, value in (claims | changes).items() if value is not ABSENT}
