"""The tokens at the end of a login: their scopes, claims and lifetimes."""

import time
from typing import Any

from local_tenant.configuration import Api, User
from local_tenant.dialect import sign_in_dialect
from local_tenant.logins import Login
from local_tenant.tenant import Tenant, current_tenant

ID_TOKEN_LIFETIME = 36_000  # seconds; Auth0's default
OPAQUE_TOKEN_LIFETIME = 86_400  # seconds; Auth0's default
GRANT_OF_PROTOCOL = {"oauth2-password": "password", "oauth2-refresh-token": "refresh_token"}
IDENTITY_SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")


def granted_scopes(login: Login) -> list[str]:
    """
    List the requested scopes that are allowed, minus those that Actions removed, plus those added.

    As at Auth0, Actions come last and override RBAC.
    """
    tenant = current_tenant()
    api = tenant.apis.get(login.audience or "")
    user = tenant.records.people[login.user_id].user
    granted = [
        scope
        for scope in login.scopes
        if scope in IDENTITY_SCOPES or (api is not None and _may_have(user, api, scope))
    ]
    granted = [scope for scope in granted if scope not in login.effects.remove_scopes]
    return list(dict.fromkeys([*granted, *login.effects.add_scopes]))


def _may_have(user: User, api: Api, scope: str) -> bool:
    if api.scopes is not None and scope not in api.scopes:
        return False
    return not api.enforce_policies or scope in user.permissions.get(api.identifier, ())


def sign_access_token(tenant: Tenant, login: Login, issuer: str) -> tuple[str, int]:
    """
    Sign an access token in its API's dialect, or make an opaque one if there is no API.

    Returns:
        The token and its lifetime in seconds.
    """
    now = int(time.time())
    api = tenant.apis.get(login.audience or "")
    scopes = granted_scopes(login)
    custom_claims = login.effects.id_token_claims if "openid" in scopes else {}
    if api is None:
        token = tenant.records.add_opaque_token(login, now + OPAQUE_TOKEN_LIFETIME)
        tenant.records.remember_custom_claims(token, custom_claims)
        return token, OPAQUE_TOKEN_LIFETIME
    userinfo = f"{issuer}userinfo"
    claims: dict[str, Any] = login.effects.access_token_claims | {
        "iss": issuer,
        "sub": login.user_id,
        "aud": [api.identifier, userinfo] if "openid" in scopes else api.identifier,
        "iat": now,
        "exp": now + api.access_token_lifetime,
    }
    if scopes:
        claims["scope"] = " ".join(scopes)
    user = tenant.records.people[login.user_id].user
    token = sign_in_dialect(
        tenant,
        api,
        claims,
        client_id=login.client_id,
        gty=GRANT_OF_PROTOCOL.get(login.protocol),
        permissions=user.permissions.get(api.identifier, ()),
    )
    tenant.records.remember_custom_claims(token, custom_claims)
    return token, api.access_token_lifetime


def sign_id_token(tenant: Tenant, login: Login, issuer: str) -> str:
    """
    Sign the ID token (OpenID Connect Core section 2).

    Claims that Actions set replace those of the profile, but not those of the protocol, such as
    `sub`, `aud` and `nonce`.
    """
    now = int(time.time())
    user = tenant.records.people[login.user_id].user
    claims = profile_claims(tenant, user, login.scopes) | login.effects.id_token_claims
    claims |= {
        "iss": issuer,
        "sub": login.user_id,
        "aud": login.client_id,
        "iat": now,
        "exp": now + ID_TOKEN_LIFETIME,
    }
    if login.session_id:
        claims["sid"] = login.session_id
    if login.nonce is not None:
        claims["nonce"] = login.nonce
    if login.max_age is not None:
        claims["auth_time"] = int(login.authenticated_at)
    return tenant.keys.sign(claims)


def profile_claims(tenant: Tenant, user: User, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Return the claims of `profile` and `email` that have a value (OIDC Core section 5.4)."""
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims |= {
            "name": user.name or user.email,
            "nickname": user.email.partition("@")[0],
            "picture": user.picture,
            "updated_at": tenant.started_at,
        }
    if "email" in scopes and user.email:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    return {name: value for name, value in claims.items() if value != ""}
