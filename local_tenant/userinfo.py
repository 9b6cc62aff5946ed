"""
/userinfo: who an access token was given for (OpenID Connect Core 5.3).
"""

import time

import jwt
from flask import Blueprint, Response, jsonify, request

from local_tenant.issuance import profile_claims
from local_tenant.tenant import current_tenant, issuer

routes = Blueprint("userinfo", __name__)


@routes.route("/userinfo", methods=["GET", "POST"])
def userinfo() -> Response:
    """
    The profile claims of the scopes an access token was given (OpenID Connect Core 5.3).
    """
    scheme, _, unverified_token = request.headers.get("Authorization", "").partition(" ")
    found = _find_bearer(unverified_token) if scheme.lower() == "bearer" else None
    if found is None:
        response = jsonify(error="invalid_token", error_description="Unauthorized")
        response.status_code = 401
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
        return response
    user_id, scopes = found
    user = current_tenant().records.people[user_id].user
    return jsonify({"sub": user_id} | profile_claims(user, scopes))


def _find_bearer(unverified_token: str) -> tuple[str, tuple[str, ...]] | None:
    tenant = current_tenant()
    if found := tenant.records.opaque_tokens.get(unverified_token):
        login, expires_at = found
        alive = expires_at > time.time() and login.host == request.host
        return (login.user_id, login.scopes) if alive else None
    audience = f"{issuer()}userinfo"
    try:
        claims = tenant.keys.verify(unverified_token, issuer=issuer(), audience=audience)
    except jwt.InvalidTokenError:
        return None
    if claims["sub"] not in tenant.records.people:
        return None
    return claims["sub"], tuple(claims.get("scope", "").split())
