"""
The two tokens the Action sends to the selector, and the one the selector sends back.

Session token (in the redirect URL) and decision token (at `POST /decisions`) are checked alike:
1. the raw string: size, three canonical segments, strict JSON (`org_guard.compact_token`);
2. the header: `alg` is HS256, `typ` is "JWT" or absent, and besides a `kid` nothing else;
3. the signature: HMAC-SHA256 under one of the session secrets, compared in constant time;
4. `iss` is one of our tenant's domains, `aud` is this kind of token and nothing else;
5. `sub` is a string of 1 to 255 characters, and there is no `nbf`;
6. `iat` and `exp` are integers, not in the future and not in the past, with 30 s of leeway,
   and no further apart than this kind of token may live.
Then each of a session token's own claims must match `SESSION_CLAIMS`, and a decision token must
name the SHA-256 of exactly the body it came with. No claim is read before the signature is known.

Not checked here: `ip` (people change networks), whether the nonce was used before and whether
the user may choose (the database answers both), and `state`, which Auth0 compares.

Sources: Auth0 "Redirect with Actions"; RFC 7515 section 5.2; RFC 7519 section 4.1; RFC 8725.
"""

import hashlib
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.algorithms import HMACAlgorithm

from org_guard.compact_token import MalformedInput, parse_compact_token
from org_selector.errors import InvalidDecisionToken, InvalidSessionToken, SelectorError

LEEWAY = 30  # seconds; Auth0's clock and ours
SELECTION_TOKEN_LIFETIME = 120  # seconds; Auth0 wants more than 60
MAX_TOKEN_BYTES = 2048  # so that token and state fit into one request line of 8190 bytes
MIN_SECRET_BYTES = 32
_HS256 = HMACAlgorithm(HMACAlgorithm.SHA256)
SESSION_CLAIMS = {  # claim → the whole of its value; where it may be empty, "" means "not given"
    "client_id": r".{1,255}",
    "client_name": r".{0,80}",
    "nonce": r"[\w-]{16,64}",
    "hint": r".{0,255}",
    "notice": r"[a-z_]{0,64}",
    # Leads people back and stands in a policy: an http(s) origin, or an app's own scheme.
    "app_origin": r"(?!(?:javascript|data|vbscript|blob|file|https?):\Z)"
    r"(https?://[\w.:\[\]-]{1,247}|[a-z][\w+.-]{0,253}:)?",
    "locale": r".{0,35}",
}


@dataclass(frozen=True, slots=True)
class LoginTransaction:
    """A verified session token: whose login waits, and for which application."""

    issuer: str  # the tenant's bare host, one of the configured domains
    auth0_user_id: str
    expires_at: int  # seconds since the epoch
    client_id: str
    client_name: str
    nonce: str  # one login, one choice
    hint: str
    notice: str
    app_origin: str
    locale: str


class SelectorTokens:
    """Verify what the Action sends, under any session secret; sign the answer with the first."""

    def __init__(
        self,
        *,
        session_secrets: Sequence[str],
        selection_secrets: Sequence[str],
        domains: Sequence[str],
    ) -> None:
        for secret in (*session_secrets, *selection_secrets):
            if len(secret.encode()) < MIN_SECRET_BYTES:
                raise ValueError(f"a secret is shorter than {MIN_SECRET_BYTES} bytes")
        self._session_keys = [_HS256.prepare_key(secret) for secret in session_secrets]
        self._selection_secret = selection_secrets[0]
        self._domains = tuple(domains)

    def verify_session_token(self, unverified_token: str) -> LoginTransaction:
        """
        Return the login that *unverified_token* stands for.

        Raises:
            InvalidSessionToken: any check of this module failed.
        """
        claims = self._verify(unverified_token, "org-selector/select", 600, InvalidSessionToken)
        own: dict[str, Any] = {name: claims.get(name) for name in SESSION_CLAIMS}
        for name, pattern in SESSION_CLAIMS.items():
            if not isinstance(own[name], str) or not re.fullmatch(pattern, own[name], re.A | re.S):
                raise InvalidSessionToken(name)
        return LoginTransaction(claims["iss"], claims["sub"], claims["exp"], **own)

    def verify_decision_token(self, unverified_token: str, body: bytes) -> str:
        """
        Return the Auth0 user id that is asked about with exactly this *body*.

        Raises:
            InvalidDecisionToken: any check of this module failed.
        """
        claims = self._verify(unverified_token, "org-selector/decisions", 30, InvalidDecisionToken)
        if claims.get("body_sha256") != hashlib.sha256(body).hexdigest():
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
            token = parse_compact_token(unverified_token, max_bytes=MAX_TOKEN_BYTES)
        except MalformedInput as error:
            raise refusal(str(error)) from error
        header, claims = token.header, token.claims
        if header.get("alg") != "HS256" or header.get("typ", "JWT") != "JWT":
            raise refusal("alg or typ")
        if header.keys() - {"alg", "typ", "kid"} or not isinstance(header.get("kid", ""), str):
            raise refusal("header")
        if not any(_HS256.verify(token.signed, key, token.signature) for key in self._session_keys):
            raise refusal("signature")
        if claims.get("iss") not in self._domains or claims.get("aud") != audience:
            raise refusal("iss or aud")
        sub, iat, exp = claims.get("sub"), claims.get("iat"), claims.get("exp")
        if not isinstance(sub, str) or not 0 < len(sub) <= 255 or "nbf" in claims:
            raise refusal("sub or nbf")
        # type(), because True is an int to isinstance.
        if type(iat) is not int or type(exp) is not int or not 0 < exp - iat <= lifetime:
            raise refusal("lifetime")
        if not iat - LEEWAY <= time.time() < exp + LEEWAY:
            raise refusal("time")
        return claims
