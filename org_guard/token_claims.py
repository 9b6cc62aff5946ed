"""
What the claims of an access token must say: checks 4 to 9 of `access_token`, which calls them.

Each takes claims whose signature is known to be good, changes nothing, and raises InvalidToken.
Where it returns something, that is a claim whose form it has checked.

Sources: RFC 7519 section 4.1; RFC 9068 sections 2.2 and 4; Auth0 "Access Token Profiles".
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from org_guard.errors import InvalidToken

LEEWAY = 30  # seconds between Auth0's clock and ours
MAX_LIFETIME = 2_592_000  # seconds; Auth0 allows no API more
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


def require_issuer_and_audience(
    claims: Mapping[str, Any], issuers: Sequence[str], audience: str
) -> None:
    """4: the tenant issued it, for our API; `aud` is one audience or a list of them."""
    if claims.get("iss") not in issuers:
        raise InvalidToken("iss")
    if audience not in _list_audiences(claims):
        raise InvalidToken("aud")


def require_times(claims: Mapping[str, Any]) -> None:
    """5: it is valid now, and never for longer than Auth0 allows."""
    iat: Any = claims.get("iat")
    exp: Any = claims.get("exp")
    # type(), because isinstance(True, int) holds; NaN and Infinity were refused as JSON.
    if type(iat) not in (int, float) or type(exp) not in (int, float) or "nbf" in claims:
        raise InvalidToken("iat, exp or nbf")
    if not 0 < exp - iat <= MAX_LIFETIME or not iat - LEEWAY <= time.time() < exp + LEEWAY:
        raise InvalidToken("time")


def require_client(claims: Mapping[str, Any], typ: object, id_token_claims: frozenset[str]) -> str:
    """6: it is not an ID token; return the client id of the application that asked for it."""
    # An access token names its client in azp (typ "JWT") or in client_id (typ "at+jwt").
    own, other = ("azp", "client_id") if typ == "JWT" else ("client_id", "azp")
    client_id, audiences = claims.get(own), _list_audiences(claims)
    if not isinstance(client_id, str) or client_id in ("", *audiences) or other in claims:
        raise InvalidToken("an ID token")
    if claims.keys() & id_token_claims:
        raise InvalidToken("an ID token's claims")
    return client_id


def require_person(claims: Mapping[str, Any], client_id: str) -> None:
    """7: it is about a person, not about the application itself."""
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= 255:
        raise InvalidToken("sub")
    if claims.get("gty") == "client-credentials" or sub in (client_id, f"{client_id}@clients"):
        raise InvalidToken("client credentials")


def require_scope_text(claims: Mapping[str, Any]) -> None:
    """8: the scopes are a text, or absent."""
    if "scope" in claims and not isinstance(claims["scope"], str):
        raise InvalidToken("scope")


def require_organization(claims: Mapping[str, Any], org_id_claim: str) -> str:
    """9: our claim names one organization, and nothing else in the token does; return its id."""
    org_id = claims.get(org_id_claim)
    if not isinstance(org_id, str) or not _UUID.fullmatch(org_id):
        raise InvalidToken("organization")
    if "org_id" in claims or list_organizations(claims):
        raise InvalidToken("a second organization")
    return org_id


def list_organizations(claims: Mapping[str, Any]) -> list[str]:
    """
    Return the organizations among the RBAC permissions: `org:abc-inc` is "abc-inc".

    Raises:
        InvalidToken: `permissions` is there and not a list.
    """
    permissions = claims.get("permissions", [])
    if not isinstance(permissions, list):
        raise InvalidToken("permissions")
    names = (one for one in permissions if isinstance(one, str))
    return [name.removeprefix("org:") for name in names if name.startswith("org:")]


def _list_audiences(claims: Mapping[str, Any]) -> list[Any]:
    aud = claims.get("aud")
    return aud if isinstance(aud, list) else [aud]
