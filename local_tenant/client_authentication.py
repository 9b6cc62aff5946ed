"""How the token endpoint identifies a client: public ones by id, machines by id and secret."""

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
    Return the client of this request, authenticated by form or HTTP Basic (RFC 6749 section 2.3.1).

    A client that has a secret must send it. The secret is ignored if a public client sends one.

    Raises:
        TokenError: the client is unknown, or its secret is wrong or missing.
        ValueError: a parameter is repeated, or both methods are used (RFC 6749 section 2.3).
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
    # A JSON body can hold lone surrogates, on which strict UTF-8 encoding would raise.
    octets = presented.encode(errors="surrogatepass")
    return hmac.compare_digest(secret.encode(), octets)
