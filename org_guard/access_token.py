"""
From the string after "Bearer" to a frozen `Principal`, or a refusal.

Checked, in this order; no claim is read before the signature is known:
1. the raw string: at most 8 kB, three canonical segments, strict JSON (`compact_token`);
2. the header: `alg` RS256, `typ` "JWT" or "at+jwt" (Auth0's two dialects), `kid` a string, and
   nothing else (no `crit`, `b64`, `zip`, `jwk`, `jku`, `x5c`, `x5u`, `cty`);
3. the signature, under the tenant's key of that `kid`: neither key nor algorithm is the token's;
4. `iss` is exactly one of the tenant's issuers, `aud` contains our API;
5. `exp` and `iat` are finite numbers, in order, not in the past or future by more than 30 s, and
   no further apart than Auth0 allows (30 days); there is no `nbf`;
6. it is no ID token: who asked for it stands under its dialect's name for that (`azp` or
   `client_id`) alone and not in `aud`, and it has no claim that only ID tokens have;
7. `sub` is a person's: 1 to 255 characters, not the application's own (client credentials);
8. exactly one organization: our claim, a canonical lower-case UUID; neither Auth0's own `org_id`
   nor organizations among the `permissions` (those are option C's, see `organization_header`).

Not checked here: membership (`row_security` asks the database at every request), scopes (`flask`),
revoked sessions (a token cannot tell). Unknown claims are ignored, as RFC 7519 section 4 wants.

Sources: RFC 7515 5.2; RFC 7519 4.1; RFC 8725; RFC 9068 2.1, 2.2, 4; Auth0 "Access Token Profiles".
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from org_guard.compact_token import MalformedInput, parse_compact_token
from org_guard.errors import InvalidToken

LEEWAY = 30  # seconds; Auth0's clock and ours
MAX_LIFETIME = 2_592_000  # seconds; no API of Auth0 may have more
MAX_TOKEN_BYTES = 8192
_RS256 = JWSRegistry.algorithms["RS256"]
_HEADERS = ({"alg": "RS256", "typ": "JWT"}, {"alg": "RS256", "typ": "at+jwt"})  # less kid
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_ID_TOKEN_CLAIMS = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})


class Keys(Protocol):
    """Where the tenant's public keys come from: `signing_keys.SigningKeys`."""

    def find(self, kid: str) -> RSAKey:
        """Return the key, or raise InvalidToken or KeysUnavailable."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified access token: who calls, for which one organization."""

    auth0_user_id: str
    org_id: str  # canonical lower-case UUID
    org_role: str | None  # as it was at issuance; information, the database knows better
    scopes: frozenset[str]
    client_id: str  # the application that asked for the token
    expires_at: float  # seconds since the epoch
    required_role: str = "member"  # what the route asks for; whoever enters enforces it


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
        self._issuers = tuple(issuers)  # no set: an unverified list could not be looked up in it
        self._audience, self._keys = audience, keys
        self._org_id, self._org_role = f"{namespace}org_id", f"{namespace}org_role"
        self._id_token_claims = _ID_TOKEN_CLAIMS | {f"{namespace}org_slug", f"{namespace}org_name"}

    def verify(self, unverified_token: str) -> Principal:
        """
        Return whom and which organization *unverified_token* stands for.

        Raises:
            InvalidToken: any check of this module failed.
            KeysUnavailable: the key cannot be had right now.
        """
        claims = self.verify_claims(unverified_token)
        org_id, org_role = claims.get(self._org_id), claims.get(self._org_role)
        if not isinstance(org_id, str) or not _UUID.fullmatch(org_id):
            raise InvalidToken("organization")
        if "org_id" in claims or list_organizations(claims):
            raise InvalidToken("a second organization")
        return Principal(
            auth0_user_id=claims["sub"],
            org_id=org_id,
            org_role=org_role if isinstance(org_role, str) else None,
            scopes=frozenset(claims["scope"].split()),
            client_id=claims.get("azp") or claims["client_id"],
            expires_at=claims["exp"],
        )

    def verify_claims(self, unverified_token: str) -> dict[str, Any]:
        """Do all of the above but 8; only `verify` and option C may call this."""
        try:
            token = parse_compact_token(unverified_token, max_bytes=MAX_TOKEN_BYTES)
        except MalformedInput as error:
            raise InvalidToken(str(error)) from error
        header, claims = token.header, token.claims
        kid = header.pop("kid", None)
        if header not in _HEADERS or not isinstance(kid, str):
            raise InvalidToken("header")
        if not _RS256.verify(token.signed, token.signature, self._keys.find(kid)):
            raise InvalidToken("signature")
        if claims.get("iss") not in self._issuers:
            raise InvalidToken("iss")
        aud = claims.get("aud")
        audiences = aud if isinstance(aud, list) else [aud]
        if self._audience not in audiences:
            raise InvalidToken("aud")
        iat: Any = claims.get("iat")
        exp: Any = claims.get("exp")
        # type(), because True is an int to isinstance; NaN and Infinity were refused as JSON.
        if type(iat) not in (int, float) or type(exp) not in (int, float) or "nbf" in claims:
            raise InvalidToken("iat, exp or nbf")
        if not 0 < exp - iat <= MAX_LIFETIME or not iat - LEEWAY <= time.time() < exp + LEEWAY:
            raise InvalidToken("time")
        own, other = ("azp", "client_id") if header["typ"] == "JWT" else ("client_id", "azp")
        sub, client_id = claims.get("sub"), claims.get(own)
        if not isinstance(client_id, str) or client_id in ("", *audiences) or other in claims:
            raise InvalidToken("an ID token")
        if claims.keys() & self._id_token_claims:
            raise InvalidToken("an ID token's claims")
        if not isinstance(sub, str) or not 0 < len(sub) <= 255:
            raise InvalidToken("sub")
        if claims.get("gty") == "client-credentials" or sub in (client_id, f"{client_id}@clients"):
            raise InvalidToken("client credentials")
        if not isinstance(claims.setdefault("scope", ""), str):
            raise InvalidToken("scope")
        return claims


def list_organizations(claims: dict[str, Any]) -> list[str]:
    """Return the organizations among the RBAC permissions: `org:abc-inc` is "abc-inc"."""
    permissions = claims.get("permissions", [])
    if not isinstance(permissions, list):
        raise InvalidToken("permissions")
    names = (one for one in permissions if isinstance(one, str))
    return [name.removeprefix("org:") for name in names if name.startswith("org:")]
