"""
Option C: a token that names all of a person's organizations, and a header that picks one.

The organizations are permissions of Auth0's role-based access control (`org:abc-inc`), the
current one is the slug in the header `X-Organization`. Compared with one organization per token
it costs: whoever steals a token acts in all organizations; it grows with every organization
(Auth0 puts the permissions into the token: 8 kB end at about 250 for one person, and an API has
at most 1,000 in all); and memberships are maintained twice. See docs/choosing-a-design.md.

Checked: the token as in `access_token` 1 to 7, that it has no claim of the one-organization
design (and that design's verifier refuses these tokens in turn), that the header names one of
the token's organizations; and at the entry that the membership still exists (`row_security`).
Not checked: roles in the token, there are none.

Give this API an audience of its own: a token then is of one design or the other.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import request

from org_guard.access_token import AccessTokenVerifier, Keys, Principal, list_organizations
from org_guard.errors import InvalidRequest, InvalidToken, NotAMember
from org_guard.flask import RequireAuth
from org_guard.row_security import RowSecurity

HEADER = "X-Organization"
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_MOST = 4096  # slugs remembered


@dataclass(frozen=True, slots=True)
class OrganizationsToken:
    """A verified access token that names any number of organizations."""

    auth0_user_id: str
    org_slugs: frozenset[str]
    scopes: frozenset[str]
    client_id: str
    expires_at: float  # seconds since the epoch


class OrganizationsTokenVerifier:
    """Verify option C's tokens; the arguments are those of `AccessTokenVerifier`."""

    def __init__(
        self, *, issuers: Sequence[str], audience: str, namespace: str, keys: Keys
    ) -> None:
        self._verifier = AccessTokenVerifier(
            issuers=issuers, audience=audience, namespace=namespace, keys=keys
        )
        self._namespace = namespace

    def verify(self, unverified_token: str) -> OrganizationsToken:
        """
        Return whom, and which organizations, *unverified_token* stands for.

        Raises:
            InvalidToken: any check failed.
            KeysUnavailable: the key cannot be had right now.
        """
        claims = self._verifier.verify_claims(unverified_token)
        if "org_id" in claims or any(name.startswith(f"{self._namespace}org_") for name in claims):
            raise InvalidToken("a token of one organization")
        return OrganizationsToken(
            auth0_user_id=claims["sub"],
            org_slugs=frozenset(filter(_SLUG.fullmatch, list_organizations(claims))),
            scopes=frozenset(claims.get("scope", "").split()),
            client_id=claims.get("azp") or claims["client_id"],
            expires_at=claims["exp"],
        )


class OrganizationFromHeader(RequireAuth):
    """
    Guard views by such a token and the header.

    Args:
        verify: `OrganizationsTokenVerifier.verify`, or a `VerifiedTokens` in front of it.
        rows: where the views enter the organization, which checks the membership again.
    """

    def __init__(self, verify: Callable[[str], Any], rows: RowSecurity) -> None:
        super().__init__(verify, rows)
        self._known: dict[str, str] = {}  # slugs are never changed and never reused

    def find_principal(self, token: OrganizationsToken) -> Principal:
        """
        Return the principal for the organization that the header names.

        Raises:
            InvalidRequest: no header, two, or no slug.
            NotAMember: the token does not name that organization, or there is none.
        """
        slug = request.headers.get(HEADER, "")
        if not _SLUG.fullmatch(slug):
            raise InvalidRequest(HEADER)
        if slug not in token.org_slugs:
            raise NotAMember("not among the permissions")
        org_id = self._known.get(slug) or self._rows.find_org_id(slug)
        if org_id is None:
            raise NotAMember("no such organization")
        if len(self._known) < _MOST:
            self._known[slug] = org_id
        return Principal(
            auth0_user_id=token.auth0_user_id,
            org_id=org_id,
            org_role=None,
            scopes=token.scopes,
            client_id=token.client_id,
            expires_at=token.expires_at,
        )
