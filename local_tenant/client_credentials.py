"""
The client credentials grant (RFC 6749 section 4.4): a machine asks for a token of its own.

There is no user, no ID token and no refresh token, and the post-login Actions do not run. Auth0
does not document all error texts; the others are as its users report them.
"""

import time
from typing import Any

from flask import Response, jsonify

from local_tenant.configuration import MANAGEMENT_API, Api, Client
from local_tenant.dialect import sign_in_dialect
from local_tenant.parameters import Parameters, text
from local_tenant.tenant import current_tenant, issuer, management_audience
from local_tenant.token_error import TokenError


def exchange_client_credentials(body: Parameters, client: Client) -> Response:
    """
    Answer with an access token for the API that `audience` names.

    Its scopes are those in `scope`; without that parameter all scopes of the client grant.

    Raises:
        TokenError: access_denied, because the audience is missing or unknown, the client has no
            grant for it, or the grant lacks a requested scope.
    """
    tenant = current_tenant()
    api = _find_api(text(body, "audience"))
    granted = _granted(client, api)
    scopes = tuple(dict.fromkeys(text(body, "scope").split())) or granted
    if missing := [scope for scope in scopes if scope not in granted]:
        raise _refusal(f"Client has not been granted scopes: {', '.join(missing)}")
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer(),
        "sub": f"{client.client_id}@clients",
        "aud": api.identifier,
        "iat": now,
        "exp": now + api.access_token_lifetime,
    }
    answer: dict[str, object] = {}
    if scopes:
        claims["scope"] = answer["scope"] = " ".join(scopes)
    answer["access_token"] = sign_in_dialect(
        tenant,
        api,
        claims,
        client_id=client.client_id,
        gty="client-credentials",
        permissions=scopes if tenant.config.assumptions.machine_permissions else (),
    )
    answer |= {"token_type": "Bearer", "expires_in": api.access_token_lifetime}
    return jsonify(answer)


def _find_api(audience: str) -> Api:
    if not audience:
        raise _refusal("Non-global clients are not allowed access to APIv1")
    if audience == management_audience():
        return Api(audience)
    api = current_tenant().apis.get(audience)
    if api is None:
        raise _refusal(f"Service not enabled within domain: {audience}")
    return api


def _granted(client: Client, api: Api) -> tuple[str, ...]:
    names = {api.identifier}
    if api.identifier == management_audience():
        names.add(MANAGEMENT_API)
    for grant in client.client_grants:
        if grant.audience in names:
            return tuple(dict.fromkeys(grant.scope))
    raise _refusal(
        f'Client is not authorized to access "{api.identifier}". '
        'You need to create a "client-grant" associated to this API. '
        "See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants"
    )


def _refusal(description: str) -> TokenError:
    status = current_tenant().config.assumptions.refused_grant_status
    return TokenError(status, "access_denied", description)
