"""
The two tokens the Action sends to the selector, and the one the selector sends back.

Session token (in the redirect URL) and decision token (at `POST /decisions`) are checked alike:
1. the raw string: size, three canonical segments, strict JSON (`org_guard.compact_token`);
2. the header names nothing but `alg`, `typ` and `kid`, and `typ`, if there, is "JWT";
3. the signature: HS256 under one of the session secrets, never another algorithm or key;
4. `iss` is one of our tenant's domains, `aud` is this kind of token and nothing else;
5. `sub` is a non-empty string of at most 255 characters;
6. `iat` and `exp` are integers, not in the future and not in the past, with 30 s of leeway,
   and no further apart than this kind of token may live.
Then a session token's own claims must each be a string of its bounded length, and a decision
token must name the SHA-256 of exactly the body it came with.

Not checked here: `ip` (people change networks), whether the nonce was used before and whether
the user may choose (the database answers both), and `state`, which Auth0 compares.

Sources: Auth0 "Redirect with Actions"; RFC 7519 section 4.1; RFC 8725 section 3.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from org_guard.compact_token import MalformedInput, parse_compact_token
from org_selector.errors import InvalidDecisionToken, InvalidSessionToken, SelectorError

LEEWAY = 30  # seconds; Auth0's clock and ours
SELECTION_TOKEN_LIFETIME = 120  # seconds; Auth0 wants more than 60
MAX_TOKEN_BYTES = 2048  # so that token and state fit into one request line of 8190 bytes
SESSION_CLAIMS = {  # claim → shortest and longest value in characters; "" means "not given"
    "client_id": (1, 255),
    "client_name": (0, 80),
    "nonce": (16, 64),
    "hint": (0, 255),
    "notice": (0, 64),
    "app_origin": (0, 255),
    "locale": (0, 35),
}


@dataclass(frozen=True, slots=True)
class LoginTransaction:
    """A verified session token: whose login waits, and for which application."""

    issuer: str  # the tenant's bare host, one of the configured domains
    auth0_user_id: str
    client_id: str
    client_name: str
    nonce: str  # one login, one choice
    hint: str
    notice: str
    app_origin: str
    locale: str
    expires_at: int  # seconds since the epoch


class SelectorTokens:
    """Verify what the Action sends and sign what the picker answers; the first secret signs."""

    def __init__(
        self,
        *,
        session_secrets: Sequence[str],
        selection_secrets: Sequence[str],
        domains: Sequence[str],
    ) -> None:
        self._session_secrets = tuple(session_secrets)
        self._selection_secret = selection_secrets[0]
        self._domains = tuple(domains)

    def verify_session_token(self, unverified_token: str) -> LoginTransaction:
        """
        Return the login that *unverified_token* stands for.

        Raises:
            InvalidSessionToken: any check of this module failed.
        """
        claims = self._verify(unverified_token, "org-selector/select", 600, InvalidSessionToken)
        own: dict[str, str] = {}
        for name, (shortest, longest) in SESSION_CLAIMS.items():
            value = claims.get(name)
            if not isinstance(value, str) or not shortest <= len(value) <= longest:
                raise InvalidSessionToken(name)
            own[name] = value
        return LoginTransaction(
            issuer=claims["iss"], auth0_user_id=claims["sub"], expires_at=claims["exp"], **own
        )

    def verify_decision_token(self, unverified_token: str, body: bytes) -> str:
        """
        Return the Auth0 user id for which the Action asks with exactly this *body*.

        Raises:
            InvalidDecisionToken: any check of this module failed.
        """
        claims = self._verify(unverified_token, "org-selector/decisions", 30, InvalidDecisionToken)
        digest = claims.get("body_sha256")
        if not isinstance(digest, str):
            raise InvalidDecisionToken("body_sha256")
        if not hmac.compare_digest(digest.encode(), hashlib.sha256(body).hexdigest().encode()):
            raise InvalidDecisionToken("the body is not the one that was signed")
        auth0_user_id: str = claims["sub"]
        return auth0_user_id

    def sign_selection_token(
        self, transaction: LoginTransaction, state: str, *, org_id: str, remember: bool
    ) -> str:
        """Sign the choice of *org_id* for this login and this Auth0 `state`; valid 120 s."""
        now = int(time.time())
        claims = {
            "iss": transaction.issuer,
            "sub": transaction.auth0_user_id,
            "aud": "select-organization",
            "iat": now,
            "exp": now + SELECTION_TOKEN_LIFETIME,
            "jti": secrets.token_urlsafe(16),
            "state": state,
            "nonce": transaction.nonce,
            "org_id": org_id,
            "remember": remember,
        }
        return jwt.encode(claims, self._selection_secret, algorithm="HS256")

    def _verify(
        self, unverified_token: str, audience: str, lifetime: int, refusal: type[SelectorError]
    ) -> dict[str, Any]:
        try:
            header = parse_compact_token(unverified_token, max_bytes=MAX_TOKEN_BYTES).header
            claims = self._decode(unverified_token, audience)
        except (MalformedInput, jwt.PyJWTError) as error:
            raise refusal(f"{type(error).__name__}: {error}") from error
        if header.keys() - {"alg", "typ", "kid"} or header.get("typ", "JWT") != "JWT":
            raise refusal("header")
        if not 0 < len(claims["sub"]) <= 255:
            raise refusal("sub")
        # PyJWT takes "1", True and 1.0 for a time; type() because bool is an int.
        if type(claims["iat"]) is not int or type(claims["exp"]) is not int:
            raise refusal("a time is not an integer")
        if not 0 < claims["exp"] - claims["iat"] <= lifetime:
            raise refusal("lifetime")
        return claims

    def _decode(self, unverified_token: str, audience: str) -> dict[str, Any]:
        for secret in self._session_secrets:
            try:
                return jwt.decode(
                    unverified_token,
                    secret,
                    algorithms=["HS256"],
                    issuer=self._domains,
                    audience=audience,
                    leeway=LEEWAY,
                    options={
                        "require": ["iss", "sub", "aud", "iat", "exp"],
                        "strict_aud": True,
                        "enforce_minimum_key_length": True,
                    },
                )
            except jwt.InvalidSignatureError:
                continue  # perhaps signed before the rotation, with the next secret
        raise jwt.InvalidSignatureError("no secret of ours signed it")
