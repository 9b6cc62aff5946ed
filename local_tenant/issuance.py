"""
What the tokens of a finished login say.
"""

import secrets
import time
from typing import Any

from local_tenant.logins import Login
from local_tenant.records import User
from local_tenant.tenant import Tenant, current_tenant

ID_TOKEN_LIFETIME = 36_000  # seconds; Auth0's default
OPAQUE_TOKEN_LIFETIME = 86_400  # seconds; Auth0's default
IDENTITY_SCOPES = ("openid", "profile", "email", "address", "phone", "offline_access")


def granted_scopes(login: Login) -> list[str]:
    """
    What was asked and is known, less what Actions removed, plus what they added.
    """
    api = current_tenant().apis.get(login.audience or "")
    allowed = None if api is None else api.scopes
    if api is None:
        granted = [scope for scope in login.scopes if scope in IDENTITY_SCOPES]
    else:
        granted = [
            scope
            for scope in login.scopes
            if allowed is None or scope in allowed or scope in IDENTITY_SCOPES
        ]
    granted = [scope for scope in granted if scope not in login.effects.remove_scopes]
    return list(dict.fromkeys([*granted, *login.effects.add_scopes]))


def sign_access_token(tenant: Tenant, login: Login, issuer: str) -> tuple[str, int]:
    """
    The access token in its API's dialect (Auth0's page "Access token profiles"), and its seconds.
    """
    now = int(time.time())
    api = tenant.apis.get(login.audience or "")
    if api is None:
        token = tenant.records.add_opaque_token(login, now + OPAQUE_TOKEN_LIFETIME)
        return token, OPAQUE_TOKEN_LIFETIME
    scopes = granted_scopes(login)
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
    if api.dialect == "rfc9068_profile":
        claims |= {"client_id": login.client_id, "jti": secrets.token_urlsafe(16)}
        return tenant.keys.sign(claims, typ="at+jwt"), api.access_token_lifetime
    claims["azp"] = login.client_id
    if login.protocol == "oauth2-password":
        claims["gty"] = "password"
    elif login.protocol == "oauth2-refresh-token":
        claims["gty"] = "refresh_token"
    return tenant.keys.sign(claims), api.access_token_lifetime


def sign_id_token(tenant: Tenant, login: Login, issuer: str) -> str:
    """
    The ID token (OpenID Connect Core 2). What Actions set may replace profile claims, no others.
    """
    now = int(time.time())
    user = tenant.records.people[login.user_id].user
    claims = profile_claims(user, login.scopes) | login.effects.id_token_claims
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


def profile_claims(user: User, scopes: tuple[str, ...]) -> dict[str, Any]:
    """
    The claims of the scopes `profile` and `email` (OpenID Connect Core 5.4); empty ones are left
    out.
    """
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims |= {
            "name": user.name or user.email,
            "nickname": user.email.partition("@")[0],
            "picture": user.picture,
        }
    if "email" in scopes and user.email:
        claims |= {"email": user.email, "email_verified": user.email_verified}
    return {name: value for name, value in claims.items() if value != ""}
