"""
Design C: verify an access token that names all organizations of a person.

They are permissions of Auth0's role-based access control; `org:abc-inc` stands for a slug.

Checked: 1 to 9 of `access_token`; and no claim names one organization, as in designs A, B and D,
whose verifier in turn refuses these tokens.
Not checked: membership (`row_security`), and which organization the request is for
(`organization_header`). These tokens carry no membership role.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from org_guard.access_token import AccessTokenVerifier, Keys
from org_guard.errors import InvalidToken
from org_guard.token_claims import list_organizations, require_scopes

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")  # as in migration 0001


@dataclass(frozen=True, slots=True)
class OrganizationsToken:
    """What a verified token of design C says."""

    auth0_user_id: str
    org_slugs: frozenset[str]
    scopes: frozenset[str]
    client_id: str
    expires_at: float  # seconds since the epoch


class OrganizationsTokenVerifier:
    """Verify the tokens of design C; the arguments are those of `AccessTokenVerifier`."""

    def __init__(
        self, *, issuers: Sequence[str], audience: str, namespace: str, keys: Keys
    ) -> None:
        self._verifier = AccessTokenVerifier(
            issuers=issuers, audience=audience, namespace=namespace, keys=keys
        )
        self._namespace = namespace

    def verify(self, unverified_token: str) -> OrganizationsToken:
        """Make all checks; raise the errors of `AccessTokenVerifier.verify`."""
        claims = self._verifier.verify_claims(unverified_token)
        if "org_id" in claims or any(name.startswith(f"{self._namespace}org_") for name in claims):
            raise InvalidToken("a token of one organization")
        return OrganizationsToken(
            auth0_user_id=claims["sub"],
            org_slugs=frozenset(filter(SLUG.fullmatch, list_organizations(claims))),
            scopes=require_scopes(claims),
            client_id=claims.get("azp") or claims["client_id"],
            expires_at=claims["exp"],
        )
