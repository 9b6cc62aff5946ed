"""
Logout: /v2/logout, which auth0-spa-js uses, and OIDC RP-Initiated Logout at /oidc/logout.
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
    End the session and redirect to `returnTo`, a logout URL of the application `client_id`.

    Without `returnTo` this redirects to the application's first logout URL; if there is none, the
    answer is "OK".

    Raises:
        PageError: `returnTo` is not a logout URL of the application.
    """
    return _log_out(request.args.get("client_id", ""), request.args.get("returnTo", ""))


@routes.route("/oidc/logout", methods=["GET", "POST"])
def log_out_by_oidc() -> Response:
    """
    End the session as `log_out` does, with the parameters of the standard.

    `id_token_hint`, an ID token of this tenant, can name the application instead of `client_id`,
    even if it has expired.

    Raises:
        PageError: the return URL is not a logout URL of the application, or the ID token is invalid
            or belongs to another application.
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
    # Auth0 ignores the query string here (page "Redirect users after logout").
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
