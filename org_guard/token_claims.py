"""
Checks 4 to 10 of `access_token`: what the claims of an access token must say.

Each function takes claims whose signature is verified, changes nothing, and raises InvalidToken if
a claim is wrong. It returns the claim that it has checked, or nothing.

Sources: RFC 7519 section 4.1; RFC 9068 sections 2.2 and 4; RFC 9449 section 6 and RFC 8705 section
3 (`cnf`); RFC 8693 section 4.1 (`act`); Auth0 "Access Token Profiles".
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from org_guard.errors import InvalidToken

LEEWAY = 30  # seconds by which Auth0's clock and ours may differ
MAX_LIFETIME = 2_592_000  # seconds: 30 days, the most that Auth0 allows for an API
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def require_issuer_and_audience(
    claims: Mapping[str, Any], issuers: Sequence[str], audience: str
) -> None:
    """4: the tenant issued the token, for our API; `aud` is one audience or a list of them."""
    if claims.get("iss") not in issuers:
        raise InvalidToken("iss")
    if audience not in _list_audiences(claims):
        raise InvalidToken("aud")


def require_times(claims: Mapping[str, Any]) -> None:
    """5: the token is valid now, and for no longer than Auth0 allows."""
    iat: Any = claims.get("iat")
    exp: Any = claims.get("exp")
    # type(), because isinstance(True, int) holds. Check 1 has refused NaN and Infinity. Auth0 sends
    # no `nbf`, so a token with one is refused.
    if type(iat) not in (int, float) or type(exp) not in (int, float) or "nbf" in claims:
        raise InvalidToken("iat, exp or nbf")
    if not 0 < exp - iat <= MAX_LIFETIME or not iat - LEEWAY <= time.time() < exp + LEEWAY:
        raise InvalidToken("time")


def require_client(claims: Mapping[str, Any], typ: object, id_token_claims: frozenset[str]) -> str:
    """6: the token is not an ID token; return the client id of the app that asked for it."""
    present, absent = ("azp", "client_id") if typ == "JWT" else ("client_id", "azp")
    client_id = claims.get(present)
    # The audience of an ID token is the client; the audience of an access token is an API.
    audiences = _list_audiences(claims)
    if not isinstance(client_id, str) or client_id in ("", *audiences) or absent in claims:
        raise InvalidToken("an ID token")
    if claims.keys() & id_token_claims:
        raise InvalidToken("an ID token's claims")
    return client_id


def require_person(claims: Mapping[str, Any], client_id: str) -> None:
    """7: the token is about a person, not about the application itself."""
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= 255:  # 255: as in app_user.auth0_user_id
        raise InvalidToken("sub")
    # A machine gets its token by client credentials; Auth0 makes its `sub` from the client id.
    if claims.get("gty") == "client-credentials" or sub in (client_id, f"{client_id}@clients"):
        raise InvalidToken("client credentials")


def require_plain_bearer(claims: Mapping[str, Any]) -> None:
    """8: the token is bound to no key, and the person themself asked for it, not an agent."""
    if "cnf" in claims or "act" in claims or claims.get("sub_profile", "user") != "user":
        raise InvalidToken("cnf, act or sub_profile")


def require_scopes(claims: Mapping[str, Any]) -> frozenset[str]:
    """9: the scopes are one string, divided by spaces (RFC 6749 section 3.3), or absent."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise InvalidToken("scope")
    return frozenset(filter(None, scope.split(" ")))  # split() would divide at any white space


def require_organization(claims: Mapping[str, Any], org_id_claim: str) -> str:
    """10: our claim names one organization, and no other claim names any; return its id."""
    org_id = claims.get(org_id_claim)
    if not isinstance(org_id, str) or not _UUID.fullmatch(org_id):
        raise InvalidToken("organization")
    if "org_id" in claims or list_organizations(claims):
        raise InvalidToken("a second organization")
    return org_id


def list_organizations(claims: Mapping[str, Any]) -> list[str]:
    """Return the organizations among the permissions (design C): `org:abc-inc` is "abc-inc"."""
    permissions = claims.get("permissions", [])
    if not isinstance(permissions, list):
        raise InvalidToken("permissions")
    strings = (one for one in permissions if isinstance(one, str))
    return [one.removeprefix("org:") for one in strings if one.startswith("org:")]


def _list_audiences(claims: Mapping[str, Any]) -> list[str]:
    aud = claims.get("aud")
    audiences: list[Any] = aud if isinstance(aud, list) else [aud]
    if not all(isinstance(one, str) for one in audiences):
        raise InvalidToken("aud")
    return audiences
