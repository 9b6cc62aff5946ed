"""
The tenant as a WSGI app: all routes, discovery, key set, CORS and response headers.

The log never contains anything from a request: no query, token, code, URL or exception text.
"""

import logging
import traceback

from flask import Blueprint, Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from local_tenant import authorize, logout, management, second_factor, token, userinfo
from local_tenant import login_page as login
from local_tenant.answer import RESPONSE_MODES, PageError
from local_tenant.client_authentication import AUTHENTICATION_METHODS
from local_tenant.issuance import IDENTITY_SCOPES
from local_tenant.pages import error_page
from local_tenant.tenant import Tenant, current_tenant
from org_guard.base_url import base_url

__all__ = ["Tenant", "create_app"]

routes = Blueprint("discovery", __name__)
log = logging.getLogger("local_tenant")
LARGEST_BODY = 256 * 1024  # bytes
CORS_PATHS = ("/oauth/", "/userinfo", "/.well-known/")


def create_app(tenant: Tenant) -> Flask:
    """Make the WSGI app of a tenant; many threads may serve it."""
    app = Flask("local_tenant", static_folder=None)
    app.extensions["local_tenant"] = tenant
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for module in (authorize, login, logout, management, second_factor, token, userinfo):
        app.register_blueprint(module.routes)
    app.register_blueprint(routes)
    return app


@routes.get("/.well-known/openid-configuration")
def discover() -> Response:
    """Answer OpenID Connect Discovery 1.0, with URLs on the host that the request came to."""
    base = base_url(request.host)
    return jsonify(
        {
            "issuer": f"{base}/",
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/oauth/token",
            "userinfo_endpoint": f"{base}/userinfo",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "revocation_endpoint": f"{base}/oauth/revoke",
            "end_session_endpoint": f"{base}/oidc/logout",
            "scopes_supported": list(IDENTITY_SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": list(RESPONSE_MODES),
            "grant_types_supported": list(token.GRANTS),
            "code_challenge_methods_supported": ["S256"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": list(AUTHENTICATION_METHODS),
        }
    )


@routes.get("/.well-known/jwks.json")
def show_keys() -> Response:
    """List the public signing keys: current, next, and previous until revoked."""
    return jsonify(current_tenant().keys.key_set())


@routes.app_errorhandler(PageError)
def show_error(problem: PageError) -> Response:
    """Show the error on a page of the tenant."""
    return error_page(problem.status, problem.error, problem.why, problem.next_step)


@routes.app_errorhandler(Exception)
def show_surprise(problem: Exception) -> Response | HTTPException:
    """Log type and place of an unexpected error, but not its text, which may quote the request."""
    if isinstance(problem, HTTPException):
        return problem
    place = traceback.extract_tb(problem.__traceback__)[-1]
    log.error("%s at %s:%s", type(problem).__name__, place.filename, place.lineno)
    return error_page(500, "server_error", "The local tenant failed.", "Its log says where.")


@routes.before_app_request
def answer_preflight() -> Response | None:
    """Answer the CORS preflight of a browser."""
    asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
    return Response(status=204) if asks and request.path.startswith(CORS_PATHS) else None


@routes.after_app_request
def finish(response: Response) -> Response:
    """
    Add the headers of every response.

    CORS lets the web origins of the clients read it. No response is cached or sniffed, and other
    sites get only the tenant's origin as Referer, because its URLs hold states and codes.
    """
    if request.path.startswith(CORS_PATHS):
        response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin", "")
        if origin in current_tenant().web_origins:
            response.headers["Access-Control-Allow-Origin"] = origin
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "GET, POST"
                # Auth0's SDKs send Auth0-Client.
                response.headers["Access-Control-Allow-Headers"] = (
                    "Authorization, Auth0-Client, Content-Type"
                )
                response.headers["Access-Control-Max-Age"] = "600"
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "strict-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
