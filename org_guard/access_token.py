"""
Verify an access token: the string after "Bearer" becomes a `Principal`, or is refused.

The checks, in this order; no claim is read before the signature is verified:
1. `_parse`: at most 8,192 bytes, three canonical base64url segments, strict JSON.
2. `_require_header`: `alg` is RS256, `typ` is "JWT" or "at+jwt" (Auth0's two dialects), `kid` is a
   string, and there is nothing else: no `crit`, `b64`, `zip`, `jwk`, `jku`, `x5c`, `x5u`, `cty`.
3. `_require_signature`: the tenant's key with that `kid` made it; the token brings no key itself.
4. `require_issuer_and_audience`: `iss` is exactly one of the tenant's issuers; `aud` names our API.
5. `require_times`: `iat` and `exp` are finite numbers; `exp` is later, by at most 30 days (the most
   that Auth0 allows); now is at most 30 s before `iat`, less than 30 s after `exp`; no `nbf`.
6. `require_client`: it is not an ID token. The client id is in `azp` (typ "JWT") or `client_id`
   (typ "at+jwt"), never in both, and is not in `aud`; no claim is there that only ID tokens have.
7. `require_person`: `sub` has 1 to 255 characters and is not the application itself.
8. `require_plain_bearer`: it is not bound to a key (`cnf`), not delegated (`act`), not an agent's.
9. `require_scopes`: `scope` is a string, divided by spaces, or absent.
10. `require_organization`: our claim (`<namespace>org_id`) is one lower-case UUID; there is neither
   Auth0's own `org_id` nor an `org:…` permission (design C in docs/choosing-a-design.md).

Not checked: membership (`row_security` asks the database at every request), whether the scopes
cover the request (`org_guard.flask`), revoked sessions (a token does not show them). Other claims
are ignored (RFC 7519 section 4).

Sources: RFC 7515 5.2; RFC 7519 4.1; RFC 8725; RFC 9068 2.1, 2.2, 4; Auth0 "Access Token Profiles".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from org_guard.compact_token import MalformedInput, UnverifiedToken, parse_compact_token
from org_guard.errors import InvalidToken
from org_guard.principal import Principal
from org_guard.token_claims import (
    require_client,
    require_issuer_and_audience,
    require_organization,
    require_person,
    require_plain_bearer,
    require_scopes,
    require_times,
)

MAX_TOKEN_BYTES = 8192
_RS256 = JWSRegistry.algorithms["RS256"]  # fixed: the token does not say how it is verified
_HEADERS = ({"alg": "RS256", "typ": "JWT"}, {"alg": "RS256", "typ": "at+jwt"})  # beside `kid`
_ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})


class Keys(Protocol):
    """Where the tenant's public keys come from, such as `SigningKeys`."""

    def find(self, kid: str) -> RSAKey:
        """Return the key with that id, or raise InvalidToken or KeysUnavailable."""


class AccessTokenVerifier:
    """
    Verify the access tokens of one tenant for one API.

    Args:
        issuers: every value that `iss` may have, one for each domain of the tenant.
        audience: the API's identifier.
        namespace: the prefix of our claims, a URL that ends in "/".
        keys: the tenant's keys; all its domains share them.
    """

    def __init__(
        self, *, issuers: Sequence[str], audience: str, namespace: str, keys: Keys
    ) -> None:
        if not issuers or not audience or not namespace.endswith("/"):
            raise ValueError("issuers, audience and a namespace that ends in / are needed")
        self._issuers = tuple(issuers)  # not a set: `in` would hash `iss`, which may be a list
        self._audience, self._keys = audience, keys
        self._org_id, self._org_role = f"{namespace}org_id", f"{namespace}org_role"
        self._id_token_claims = _ID_TOKEN_CLAIMS | {f"{namespace}org_slug", f"{namespace}org_name"}

    def verify(self, unverified_token: str) -> Principal:
        """
        Make all checks; return the person and the organization that the token names.

        Raises:
            InvalidToken: a check failed; `detail` says which one.
            KeysUnavailable: the tenant's keys could not be fetched.
        """
        claims = self.verify_claims(unverified_token)
        org_role = claims.get(self._org_role)
        return Principal(
            auth0_user_id=claims["sub"],
            org_id=require_organization(claims, self._org_id),  # 10
            org_role=org_role if isinstance(org_role, str) else None,  # for `GuardByClaimAlone`
            scopes=require_scopes(claims),  # 9
            client_id=claims.get("azp") or claims["client_id"],  # 6: exactly one of them is there
            expires_at=claims["exp"],
        )

    def verify_claims(self, unverified_token: str) -> dict[str, Any]:
        """Make checks 1 to 8, for `verify` and `OrganizationsTokenVerifier` only."""
        token = _parse(unverified_token)  # 1
        kid = _require_header(token.header)  # 2
        _require_signature(token, self._keys.find(kid))  # 3
        claims = token.claims  # from here on, we know that the tenant wrote them
        require_issuer_and_audience(claims, self._issuers, self._audience)  # 4
        require_times(claims)  # 5
        client_id = require_client(claims, token.header["typ"], self._id_token_claims)  # 6
        require_person(claims, client_id)  # 7
        require_plain_bearer(claims)  # 8
        return claims


def _parse(unverified_token: str) -> UnverifiedToken:
    try:
        return parse_compact_token(unverified_token, max_bytes=MAX_TOKEN_BYTES)
    except MalformedInput as error:
        raise InvalidToken(str(error)) from error


def _require_header(header: Mapping[str, object]) -> str:
    others = dict(header)
    kid = others.pop("kid", None)
    if others not in _HEADERS or not isinstance(kid, str):
        raise InvalidToken("header")
    return kid


def _require_signature(token: UnverifiedToken, key: RSAKey) -> None:
    if not _RS256.verify(token.signed, token.signature, key):
        raise InvalidToken("signature")
