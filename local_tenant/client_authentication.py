"""Which client calls the token endpoint: a public one by its id, a machine by its secret."""

import hmac
from urllib.parse import unquote_plus

from flask import request

from local_tenant.configuration import Client
from local_tenant.parameters import Parameters, text
from local_tenant.tenant import current_tenant
from local_tenant.token_error import TokenError

AUTHENTICATION_METHODS = ("none", "client_secret_post", "client_secret_basic")


def authenticate_client(body: Parameters) -> Client:
    """
    Find the client of this request, by form or by HTTP Basic (RFC 6749 2.3.1).

    A client that has a secret must send it; a secret that a public client sends is ignored.

    Raises:
        TokenError: no such client, or a wrong or missing secret.
        ValueError: a parameter is repeated, or two methods are used at once (RFC 6749 2.3).
    """
    tenant = current_tenant()
    assumptions = tenant.config.assumptions
    client_id, secret = text(body, "client_id"), text(body, "client_secret")
    basic = request.authorization if assumptions.secret_by_basic else None
    if basic is not None and basic.type == "basic":
        name = unquote_plus(basic.username or "")
        if secret or client_id not in ("", name):
            raise ValueError("The client must authenticate in one way only.")
        client_id, secret = name, unquote_plus(basic.password or "")
    client = tenant.clients.get(client_id)
    if client is None:
        raise TokenError(assumptions.invalid_client_status, "invalid_client", "Unauthorized")
    if client.client_secret and not _same(client.client_secret, secret):
        error = assumptions.wrong_secret_error
        raise TokenError(assumptions.invalid_client_status, error, "Unauthorized")
    return client


def _same(secret: str, presented: str) -> bool:
    # JSON can carry lone surrogates, which plain UTF-8 cannot.
    octets = presented.encode(errors="surrogatepass")
    return hmac.compare_digest(secret.encode(), octets)
