"""
The tokens between Auth0's Action and the selector.

A *session token* comes in the redirect URL, a *decision token* with `POST /decisions`; the selector
sends back a *selection token*, the signed choice. Checks of the first two:
1. the raw string: size, three canonical segments, strict JSON (`org_guard.compact_token`);
2. the header: `alg` is HS256, `typ` is "JWT" or absent, and nothing else but a `kid`;
3. the signature: HMAC-SHA256 under one of the session secrets, compared in constant time;
4. `iss` is one of our tenant's domains, and `aud` is the one string for this kind of token;
5. `sub` is a string of 1 to 255 characters, and there is no `nbf`;
6. `iat` and `exp` are integers, now lies between them (30 s of leeway), and they are no further
   apart than this kind of token may live;
7. session token only: the Action's own claims have the form given in `login_transaction.py`;
8. decision token only: `body_sha256` is the SHA-256 of the body, which is read only now.

Not checked here: `ip`, since people change networks during a login; whether this login has
already a choice, and whether the user may choose (the database knows both); `state` (Auth0 does).
Sources: Auth0 "Redirect with Actions"; RFC 7515 section 5.2; RFC 7519 section 4.1; RFC 8725.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence

from jwt.algorithms import HMACAlgorithm
from jwt.utils import base64url_encode

from org_guard.compact_token import MalformedInput, UnverifiedToken, parse_compact_token
from org_selector.errors import InvalidDecisionToken, InvalidSessionToken, SelectorError
from org_selector.login_transaction import LoginTransaction, read_login_transaction

LEEWAY = 30  # seconds that Auth0's clock and ours may differ
SELECTION_TOKEN_LIFETIME = 300  # seconds; for the way back to Auth0
MAX_TOKEN_BYTES = 2048  # token and state must fit into one request line of 8190 bytes
MIN_SECRET_BYTES = 32
_HS256 = HMACAlgorithm(HMACAlgorithm.SHA256)
_HEADER = base64url_encode(b'{"alg":"HS256","typ":"JWT"}')  # jwt.encode costs four times as much
_Secrets = Sequence[str]  # of several, the first one signs
_Refusal = type[SelectorError]  # what a failed check raises: one class for each kind of token


class ActionTokens:
    """Verify with every session secret; sign with the first selection secret."""

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
        """Return the login that the token describes, or raise InvalidSessionToken."""
        claims = self._verify(unverified_token, "org-selector/select", 300, InvalidSessionToken)
        return read_login_transaction(claims)  # 7

    def verify_decision_token(
        self, unverified_token: str, read_body: Callable[[], bytes]
    ) -> tuple[str, bytes]:
        """Return the `sub` of a token and the body it is for, or raise InvalidDecisionToken."""
        claims = self._verify(unverified_token, "org-selector/decisions", 30, InvalidDecisionToken)
        body = read_body()  # not for a stranger
        if claims.get("body_sha256") != hashlib.sha256(body).hexdigest():  # 8
            raise InvalidDecisionToken("body_sha256")
        return str(claims["sub"]), body

    def sign_selection_token(
        self, login: LoginTransaction, state: str, choice: Mapping[str, str | bool]
    ) -> str:
        """Sign the *choice* for one login and `state`; its fields are those of `AskedChoice`."""
        now = int(time.time())
        token = {"aud": "select-organization", "iat": now, "exp": now + SELECTION_TOKEN_LIFETIME}
        person = {"iss": login.issuer, "sub": login.auth0_user_id, "nonce": login.nonce}
        once = {"state": state, "jti": secrets.token_urlsafe(16)}
        claims = {**choice, **token, **person, **once}
        signed = _HEADER + b"." + base64url_encode(json.dumps(claims).encode())
        return (signed + b"." + base64url_encode(_HS256.sign(signed, self._selection_key))).decode()

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
    if not isinstance(sub := claims.get("sub"), str) or not 0 < len(sub) <= 255 or "nbf" in claims:
        raise refusal("sub or nbf")


def _require_times(claims: Mapping[str, object], lifetime: int, refusal: _Refusal) -> None:
    iat, exp = claims.get("iat"), claims.get("exp")
    # Not isinstance: True would pass as an int.
    if type(iat) is not int or type(exp) is not int or not 0 < exp - iat <= lifetime:
        raise refusal("lifetime")
    if not iat - LEEWAY <= time.time() < exp + LEEWAY:
        raise refusal("time")
