"""
From the string after "Bearer" to a frozen `Principal`, or a refusal.

The checks, in this order; no claim is read before the signature is known to be good:
1. the raw string: at most 8 kB, three canonical segments, strict JSON (`compact_token`);
2. the header: `alg` RS256, `typ` "JWT" or "at+jwt" (Auth0's two dialects), `kid` a string, and
   nothing else (no `crit`, `b64`, `zip`, `jwk`, `jku`, `x5c`, `x5u`, `cty`);
3. the signature, under the tenant's key of that `kid`; the token chooses neither key nor algorithm;
4. `iss` is exactly one of the tenant's issuers, and `aud` contains our API;
5. `iat` and `exp` are finite numbers, `exp` is later by at most 30 days (the most that Auth0
   allows), `iat` is at most 30 s ahead, `exp` passed less than 30 s ago; there is no `nbf`;
6. it is not an ID token: the client id is in `azp` (typ "JWT") or in `client_id` (typ "at+jwt"),
   never in both, and is not an audience; there is no claim that only ID tokens have;
7. `sub` is a person: 1 to 255 characters, and not the application itself (client credentials);
8. `scope` is a text, or absent;
9. exactly one organization: our claim is a canonical lower-case UUID, and neither Auth0's own
   `org_id` nor an organization among the `permissions` (design C, `organizations_token`) is there.

Not checked: membership (`row_security` asks the database at every request), whether the scopes
cover the request (`flask`), revoked sessions (a token does not show them). Other claims are
ignored (RFC 7519 section 4).

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
    require_scope_text,
    require_times,
)

MAX_TOKEN_BYTES = 8192
_RS256 = JWSRegistry.algorithms["RS256"]
_HEADERS = ({"alg": "RS256", "typ": "JWT"}, {"alg": "RS256", "typ": "at+jwt"})  # without kid
_ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})


class Keys(Protocol):
    """Where the tenant's public keys come from: `signing_keys.SigningKeys`."""

    def find(self, kid: str) -> RSAKey:
        """Return the key, or raise InvalidToken or KeysUnavailable."""


class AccessTokenVerifier:
    """
    Verify the access tokens of one tenant for one API.

    Args:
        issuers: every issuer of the tenant: canonical and custom domains, as in `iss`.
        audience: the API's identifier.
        namespace: the prefix of our claims, a URL ending in "/".
        keys: the tenant's keys; one set for all its domains.
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
        Do all checks; return the person and the organization that the token names.

        Raises:
            InvalidToken: a check failed; `detail` says which one.
            KeysUnavailable: the tenant's keys could not be fetched.
        """
        claims = self.verify_claims(unverified_token)
        org_role = claims.get(self._org_role)
        return Principal(
            auth0_user_id=claims["sub"],
            org_id=require_organization(claims, self._org_id),  # 9
            org_role=org_role if isinstance(org_role, str) else None,
            scopes=frozenset(claims.get("scope", "").split()),
            client_id=claims.get("azp") or claims["client_id"],
            expires_at=claims["exp"],
        )

    def verify_claims(self, unverified_token: str) -> dict[str, Any]:
        """Do checks 1 to 8; only `verify` and `OrganizationsTokenVerifier` may call this."""
        token = _parse(unverified_token)  # 1
        kid = _require_header(token.header)  # 2
        _require_signature(token, self._keys.find(kid))  # 3
        claims = token.claims  # from here on these are the tenant's words
        require_issuer_and_audience(claims, self._issuers, self._audience)  # 4
        require_times(claims)  # 5
        client_id = require_client(claims, token.header["typ"], self._id_token_claims)  # 6
        require_person(claims, client_id)  # 7
        require_scope_text(claims)  # 8
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
