"""
Design C: an access token that names all organizations of a person.

The organizations are permissions of Auth0's role-based access control: `org:abc-inc` stands for
the slug abc-inc.

Checked: 1 to 8 of `access_token`; and that the token has no claim of the designs with one
organization, whose verifier refuses these tokens in turn.
Not checked: membership (`row_security`), and which organization the request is for
(`organization_header`). These tokens carry no role.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from org_guard.access_token import AccessTokenVerifier, Keys
from org_guard.errors import InvalidToken
from org_guard.token_claims import list_organizations

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class OrganizationsToken:
    """What a verified token of this kind says."""

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
        """
        Return the person and the organizations that the token names.

        Raises:
            InvalidToken: a check failed; `detail` says which one.
            KeysUnavailable: the tenant's keys could not be fetched.
        """
        claims = self._verifier.verify_claims(unverified_token)
        if "org_id" in claims or any(name.startswith(f"{self._namespace}org_") for name in claims):
            raise InvalidToken("a token of one organization")
        return OrganizationsToken(
            auth0_user_id=claims["sub"],
            org_slugs=frozenset(filter(SLUG.fullmatch, list_organizations(claims))),
            scopes=frozenset(claims.get("scope", "").split()),
            client_id=claims.get("azp") or claims["client_id"],
            expires_at=claims["exp"],
        )
