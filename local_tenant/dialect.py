"""
The dialects of access tokens (Auth0's page "Access token profiles").

`access_token` names the client `azp` and may say the grant in `gty`; `rfc9068_profile` has typ
at+jwt, `client_id` and `jti`, and no `gty`. Their forms with `_authz` add `permissions`, and do so
only where the API also enforces policies (RBAC).
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
    """Add what the API's dialect says about client, grant and permissions, and sign."""
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
