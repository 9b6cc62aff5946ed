"""
The part of Auth0's Management API that rotates signing keys.

A call needs an access token of this tenant for the audience `{issuer}api/v2/` with the scopes of
the endpoint. A machine gets one by client credentials.
"""

from typing import Any

import jwt
from flask import Blueprint, Response, jsonify, request

from local_tenant.signing_key import SigningKey
from local_tenant.tenant import current_tenant, issuer, management_audience

routes = Blueprint("management", __name__, url_prefix="/api/v2")


class ManagementError(Exception):
    """An error, with the body that the Management API answers with."""

    def __init__(self, status: int, error: str, message: str, error_code: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.body = {"statusCode": status, "error": error, "message": message}
        if error_code:
            self.body["errorCode"] = error_code


@routes.app_errorhandler(ManagementError)
def answer_error(problem: ManagementError) -> Response:
    """Answer with the error as JSON."""
    response = jsonify(problem.body)
    response.status_code = problem.status
    return response


@routes.get("/keys/signing")
def list_keys() -> Response:
    """List the keys of the key set, and which of them is current, next or previous."""
    _require(["read:signing_keys"])
    keys = current_tenant().keys
    described = [_describe(keys.current, "current"), _describe(keys.next, "next")]
    return jsonify(described + [_describe(key, "previous") for key in keys.previous])


@routes.post("/keys/signing/rotate")
def rotate() -> Response:
    """Sign with the next key from now on; the key used so far stays valid until it is revoked."""
    tenant = current_tenant()
    assumptions = tenant.config.assumptions
    scopes = ["create:signing_keys", "update:signing_keys"]
    _require(scopes, every=assumptions.rotation_needs_both_scopes)
    current, following = tenant.rotate_signing_key()
    shown = following if assumptions.rotation_answers == "next" else current
    response = jsonify(cert=shown.pem, kid=shown.kid)
    response.status_code = 201
    return response


@routes.put("/keys/signing/<kid>/revoke")
def revoke(kid: str) -> Response:
    """Remove a previous key; tokens that it signed are refused from now on."""
    tenant = current_tenant()
    _require(["update:signing_keys"])
    try:
        key = tenant.keys.revoke(kid)
    except KeyError:
        status = tenant.config.assumptions.unknown_key_status
        raise ManagementError(status, "Not Found", "The signing key does not exist.") from None
    except ValueError as problem:
        status = tenant.config.assumptions.unrevocable_key_status
        raise ManagementError(status, "Bad Request", str(problem)) from None
    return jsonify(cert=key.pem, kid=key.kid)


def _require(scopes: list[str], *, every: bool = False) -> None:
    """
    Require a token for the Management API with one of these scopes, or with *every* one.

    Raises:
        ManagementError: 401, the token is missing or invalid; 403, it lacks the scopes.
    """
    scheme, _, unverified_token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise ManagementError(401, "Unauthorized", "Missing authentication")
    try:
        claims = current_tenant().keys.verify(
            unverified_token, issuer=issuer(), audience=management_audience()
        )
    except jwt.InvalidTokenError:
        raise ManagementError(401, "Unauthorized", "Invalid token") from None
    has = [scope in claims.get("scope", "").split() for scope in scopes]
    if not (all(has) if every else any(has)):
        message = f"Insufficient scope, expected any of: {','.join(scopes)}"
        raise ManagementError(403, "Forbidden", message, "insufficient_scope")


def _describe(key: SigningKey, position: str) -> dict[str, Any]:
    pairs = (key.thumbprint[n : n + 2] for n in range(0, len(key.thumbprint), 2))
    return {
        "kid": key.kid,
        "cert": key.pem,
        "fingerprint": ":".join(pairs),
        "thumbprint": key.thumbprint,
        position: True,
    }
