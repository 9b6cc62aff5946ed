"""
The dialects of access tokens (Auth0's page "Access token profiles").

In `access_token` the client is in `azp`, and the grant may be in `gty`. In `rfc9068_profile` the
header's `typ` is at+jwt, the client is in `client_id`, and there is a `jti` and no `gty`. The two
`_authz` dialects add `permissions` if the API enforces RBAC.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from local_tenant.configuration import Api
from local_tenant.tenant import Tenant


def sign_in_dialect(
    tenant: Tenant,
    api: Api,
    claims: Mapping[str, Any],
    *,
    client_id: str,
    gty: str | None,
    permissions: Sequence[str],
) -> str:
    """
    Sign an access token, with client, grant and permissions as the API's dialect writes them.

    Args:
        claims: all others.
        gty: the grant type, or None where Auth0 names none.
        permissions: left out unless the dialect has them and the API enforces RBAC.
    """
    all_claims = dict(claims)
    if api.enforce_policies and api.dialect.endswith("_authz"):
        all_claims["permissions"] = list(permissions)
    if api.dialect.startswith("rfc9068_profile"):
        all_claims |= {"client_id": client_id, "jti": secrets.token_urlsafe(16)}
        return tenant.keys.sign(all_claims, typ="at+jwt")
    all_claims["azp"] = client_id
    if gty is not None:
        all_claims["gty"] = gty
    return tenant.keys.sign(all_claims)
