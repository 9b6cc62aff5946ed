"""
Design C: a token names all organizations of a person, and a header chooses one at every request.

The header `X-Organization` holds the slug. A stolen token opens all organizations of that person;
docs/choosing-a-design.md has the other costs. Give such an API an audience of its own, so that each
of its tokens is of this design.

Checked: the token (`organizations_token`); its scopes; the header names one of the token's
organizations; and when the view enters it, the membership still exists (`row_security`).
"""

import functools

from flask import request

from org_guard.errors import InvalidRequest, NotAMember
from org_guard.flask import Guard, read_bearer_token, require_scopes
from org_guard.organizations_token import SLUG, OrganizationsToken, OrganizationsTokenVerifier
from org_guard.principal import Principal

HEADER = "X-Organization"
_MOST = 4096  # slugs remembered


class GuardByHeader(Guard):
    """Guard an API by tokens of all organizations and the header; arguments as in `Guard`."""

    _verifier_class = OrganizationsTokenVerifier

    def _load_principal(self, scope: str | None) -> Principal:
        """
        Return the principal for the organization that the header names.

        Raises:
            InvalidRequest: there is no header, there are two, or it is not a slug.
            NotAMember: the token does not name that organization, or it does not exist.
        """
        token: OrganizationsToken = self._tokens.verify(read_bearer_token())
        require_scopes(scope, token.scopes)
        slug = request.headers.get(HEADER, "")
        if not SLUG.fullmatch(slug):
            raise InvalidRequest(HEADER)
        if slug not in token.org_slugs:
            raise NotAMember("not among the permissions")
        org_id = self._org_ids.get(slug) or self.rows.find_org_id(slug)
        if org_id is None:
            raise NotAMember("no such organization")
        if len(self._org_ids) < _MOST:
            self._org_ids[slug] = org_id
        return Principal(
            auth0_user_id=token.auth0_user_id,
            org_id=org_id,
            org_role=None,
            scopes=token.scopes,
            client_id=token.client_id,
            expires_at=token.expires_at,
        )

    @functools.cached_property
    def _org_ids(self) -> dict[str, str]:
        return {}  # by slug; may be remembered, since a slug is never changed and never reused
