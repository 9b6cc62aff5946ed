"""/userinfo: claims about the user of an access token (OpenID Connect Core section 5.3)."""

import time

import jwt
from flask import Blueprint, Response, jsonify, request

from local_tenant.issuance import granted_scopes, profile_claims
from local_tenant.tenant import current_tenant, issuer

routes = Blueprint("userinfo", __name__)


@routes.route("/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """
    Return the claims that the token's scopes allow, and those that Actions put into the ID token.

    The access token is in the Authorization header (RFC 6750 section 2.1), opaque or a JWT that has
    this endpoint as its second audience, as it has with the scope openid. The standard claims are
    the user's at this moment; Actions cannot replace them here.
    """
    scheme, _, unverified_token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return _refuse(401, None, "Unauthorized")
    found = _find_bearer(unverified_token)
    if found is None:
        return _refuse(401, "invalid_token", "Unauthorized")
    user_id, scopes = found
    tenant = current_tenant()
    if "openid" not in scopes:
        if tenant.config.assumptions.userinfo_without_openid == "empty":
            return jsonify({})
        return _refuse(403, "insufficient_scope", "The token was not given for openid.")
    custom = tenant.records.find_custom_claims(unverified_token)
    profile = profile_claims(tenant, tenant.records.people[user_id].user, scopes)
    return jsonify({"sub": user_id, **custom, **profile})


def _refuse(status: int, error: str | None, description: str) -> Response:
    """Refuse with a challenge, which names an error only if a token was sent (RFC 6750 3.1)."""
    body = {"error": error or "unauthorized", "error_description": description}
    response = jsonify(body)
    response.status_code = status
    reason = f', error="{error}"' if error else ""
    response.headers["WWW-Authenticate"] = f'Bearer realm="userinfo"{reason}'
    return response


def _find_bearer(unverified_token: str) -> tuple[str, tuple[str, ...]] | None:
    tenant = current_tenant()
    if found := tenant.records.opaque_tokens.get(unverified_token):
        login, expires_at = found
        alive = expires_at > time.time() and login.host == request.host
        return (login.user_id, tuple(granted_scopes(login))) if alive else None
    audience = f"{issuer()}userinfo"
    try:
        claims = tenant.keys.verify(unverified_token, issuer=issuer(), audience=audience)
    except jwt.InvalidTokenError:
        return None
    if claims["sub"] not in tenant.records.people:
        return None
    return claims["sub"], tuple(claims.get("scope", "").split())
