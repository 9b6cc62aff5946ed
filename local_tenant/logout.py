"""
Logout: /v2/logout as auth0-spa-js calls it, and OpenID Connect RP-Initiated Logout at /oidc/logout.
"""

import jwt
from flask import Blueprint, make_response, redirect, request
from werkzeug import Response

from local_tenant.answer import PageError, add_parameters
from local_tenant.cookies import find_session, forget_session
from local_tenant.tenant import Tenant, current_tenant, issuer

routes = Blueprint("logout", __name__)


@routes.get("/v2/logout")
def log_out() -> Response:
    """
    End the session and go to `returnTo`, which must be a logout URL of the application `client_id`.

    Without `returnTo` the first logout URL of the application is used, or else the answer is "OK".
    """
    return _log_out(request.args.get("client_id", ""), request.args.get("returnTo", ""))


@routes.route("/oidc/logout", methods=["GET", "POST"])
def log_out_by_oidc() -> Response:
    """
    Do the same with the standard's parameters.

    The client may be named by an ID token of this tenant instead, even an expired one.
    """
    values = request.values
    client_id = values.get("client_id", "")
    if hint := values.get("id_token_hint", ""):
        try:
            claims = current_tenant().keys.verify(
                hint, issuer=issuer(), audience=None, expired=True
            )
        except jwt.InvalidTokenError:
            raise _refusal(
                current_tenant(), "The id_token_hint is not an ID token of this tenant."
            ) from None
        if client_id and claims.get("aud") != client_id:
            raise _refusal(current_tenant(), "The id_token_hint belongs to another application.")
        client_id = str(claims.get("aud", ""))
    return _log_out(client_id, values.get("post_logout_redirect_uri", ""), values.get("state", ""))


def _log_out(client_id: str, return_to: str, state: str = "") -> Response:
    tenant = current_tenant()
    client = tenant.clients.get(client_id)
    allowed = client.logout_urls if client is not None else ()
    return_to = return_to or (allowed[0] if allowed else "")
    # Auth0 compares without the query string (page "Redirect users after logout").
    trusted = not return_to or return_to.partition("?")[0] in allowed
    if not trusted and not tenant.config.assumptions.bad_return_still_logs_out:
        raise _refusal(tenant, "The address to return to is not registered.")
    if (session := find_session()) is not None:
        tenant.records.drop_session(session.id)
    if not trusted:
        raise _refusal(
            tenant, "You are logged out, but the address to return to is not registered."
        )
    if state:
        return_to = add_parameters(return_to, {"state": state})
    response = redirect(return_to) if return_to else make_response("OK")
    forget_session(response)
    return response


def _refusal(tenant: Tenant, why: str) -> PageError:
    return PageError(
        tenant.config.assumptions.error_page_status,
        "invalid_request",
        why,
        "Add the address to the application's allowed logout URLs, character by character.",
    )
