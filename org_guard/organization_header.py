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

from collections.abc import Callable
from typing import Any

from flask import request

from org_guard.errors import InvalidRequest, NotAMember
from org_guard.flask import RequireAuth
from org_guard.organizations_token import SLUG, OrganizationsToken
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity

HEADER = "X-Organization"
_MOST = 4096  # slugs remembered


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
        if not SLUG.fullmatch(slug):
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
