"""
The two tokens the Action sends to the selector, and the one the selector sends back.

A session token (in the redirect URL) and a decision token (at `POST /decisions`) pass the same
checks, in this order; 1 to 6 are one function each:
1. the raw string: size, three canonical segments, strict JSON (`org_guard.compact_token`);
2. the header: `alg` is HS256, `typ` is "JWT" or absent, and besides a `kid` nothing else;
3. the signature: HMAC-SHA256 under one of the session secrets, compared in constant time;
4. `iss` is one of our tenant's domains, `aud` is this kind of token and nothing else;
5. `sub` is a string of 1 to 255 characters, and there is no `nbf`;
6. `iat` and `exp` are integers, not in the future and not in the past, with 30 s of leeway,
   and no further apart than this kind of token may live.
7. of a session token only: its own claims have the form that `login_transaction.py` names;
8. of a decision token only: it names the SHA-256 of exactly the body it came with.

Not checked here: `ip` (people change networks), whether the nonce was used before and whether
the user may choose (the database answers both), and `state`, which Auth0 compares.

Sources: Auth0 "Redirect with Actions"; RFC 7515 section 5.2; RFC 7519 section 4.1; RFC 8725.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence

from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_encode

from org_guard.compact_token import MalformedInput, UnverifiedToken, parse_compact_token
from org_selector.errors import InvalidDecisionToken, InvalidSessionToken, SelectorError
from org_selector.login_transaction import LoginTransaction, read_login_transaction

LEEWAY = 30  # seconds; Auth0's clock and ours
SELECTION_TOKEN_LIFETIME = 120  # seconds; Auth0 wants more than 60
MAX_TOKEN_BYTES = 2048  # so that token and state fit into one request line of 8190 bytes
MIN_SECRET_BYTES = 32
_HS256 = HMACAlgorithm(HMACAlgorithm.SHA256)
_HEADER = base64url_encode(b'{"alg":"HS256","typ":"JWT"}')
_Secrets = Sequence[str]  # newest first
_Refusal = type[SelectorError]  # what a failed check raises; each kind of token has its own


class ActionTokens:
    """Verify what the Action sends, under any session secret; sign the answer with the first."""

    def __init__(
        self, *, session_secrets: _Secrets, selection_secrets: _Secrets, domains: Sequence[str]
    ) -> None:
        for secret in (*session_secrets, *selection_secrets):
            if len(secret.encode()) < MIN_SECRET_BYTES:
                raise ValueError(f"a secret is shorter than {MIN_SECRET_BYTES} bytes")
        self._session_keys = [_HS256.prepare_key(secret) for secret in session_secrets]
        self._selection_key = _HS256.prepare_key(selection_secrets[0])
        self._domains = tuple(domains)

    def verify_session_token(self, unverified_token: str) -> LoginTransaction:
        """Return the login that waits, or raise InvalidSessionToken."""
        claims = self._verify(unverified_token, "org-selector/select", 600, InvalidSessionToken)
        return read_login_transaction(claims)  # 7

    def verify_decision_token(self, unverified_token: str, body: bytes) -> str:
        """Return whom the request with *body* is about, or raise InvalidDecisionToken."""
        claims = self._verify(unverified_token, "org-selector/decisions", 30, InvalidDecisionToken)
        if claims.get("body_sha256") != hashlib.sha256(body).hexdigest():  # 8
            raise InvalidDecisionToken("the body is not the one that was signed")
        return str(claims["sub"])

    def sign_selection_token(
        self, transaction: LoginTransaction, state: str, *, org_id: str, remember: bool
    ) -> str:
        """Sign the choice of *org_id* for this login and this Auth0 `state`; valid 120 s."""
        now = int(time.time())
        token = {"aud": "select-organization", "iat": now, "exp": now + SELECTION_TOKEN_LIFETIME}
        person = {"iss": transaction.issuer, "sub": transaction.auth0_user_id}
        login = {"state": state, "nonce": transaction.nonce, "jti": secrets.token_urlsafe(16)}
        claims = token | person | login | {"org_id": org_id, "remember": remember}
        # Not jwt.encode: it examines the key each time, which costs three times as much.
        signed = _HEADER + b"." + base64url_encode(json.dumps(claims).encode())
        signature = _HS256.sign(signed, self._selection_key)
        return f"{signed.decode()}.{base64url_encode(signature).decode()}"

    def _verify(
        self, unverified_token: str, audience: str, lifetime: int, refusal: _Refusal
    ) -> dict[str, object]:
        token = _parse(unverified_token, refusal)  # 1
        _require_header(token.header, refusal)  # 2
        _require_signature(token, self._session_keys, refusal)  # 3: the claims are the Action's
        _require_issuer_and_audience(token.claims, self._domains, audience, refusal)  # 4
        _require_subject(token.claims, refusal)  # 5
        _require_times(token.claims, lifetime, refusal)  # 6
        return token.claims


def _parse(unverified_token: str, refusal: _Refusal) -> UnverifiedToken:
    try:
        return parse_compact_token(unverified_token, max_bytes=MAX_TOKEN_BYTES)
    except MalformedInput as error:
        raise refusal(str(error)) from error


def _require_header(header: Mapping[str, object], refusal: _Refusal) -> None:
    if header.get("alg") != "HS256" or header.get("typ", "JWT") != "JWT":
        raise refusal("alg or typ")
    if header.keys() - {"alg", "typ", "kid"} or not isinstance(header.get("kid", ""), str):
        raise refusal("header")


def _require_signature(token: UnverifiedToken, keys: Sequence[bytes], refusal: _Refusal) -> None:
    if not any(_HS256.verify(token.signed, key, token.signature) for key in keys):
        raise refusal("signature")


def _require_issuer_and_audience(
    claims: Mapping[str, object], domains: Sequence[str], audience: str, refusal: _Refusal
) -> None:
    if claims.get("iss") not in domains or claims.get("aud") != audience:
        raise refusal("iss or aud")


def _require_subject(claims: Mapping[str, object], refusal: _Refusal) -> None:
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= 255 or "nbf" in claims:
        raise refusal("sub or nbf")


def _require_times(claims: Mapping[str, object], lifetime: int, refusal: _Refusal) -> None:
    iat, exp = claims.get("iat"), claims.get("exp")
    # type(), because True is an int to isinstance.
    if type(iat) is not int or type(exp) is not int or not 0 < exp - iat <= lifetime:
        raise refusal("lifetime")
    if not iat - LEEWAY <= time.time() < exp + LEEWAY:
        raise refusal("time")
