"""
Design C: a token names all organizations of a person, and a header chooses one at every request.

The organizations are permissions of Auth0's role-based access control (`org:abc-inc`); the header
`X-Organization` holds the slug. The price, compared with one organization per token: a stolen
token opens all organizations of that person; the token grows with every organization (Auth0 puts
the permissions into it: 8 kB hold about 250, and an API has at most 1,000); and memberships are
maintained twice. See docs/choosing-a-design.md.

Checked: the token (`organizations_token`); its scopes; that the header names one of the token's
organizations; and when the view enters it, that the membership still exists (`row_security`).

Give this API an audience of its own: a token is then of one design or of the other.
"""

from collections.abc import Sequence
from typing import Any

from flask import request

from org_guard.base_url import keys_url, list_issuers
from org_guard.errors import InvalidRequest, NotAMember
from org_guard.flask import (
    Decorator,
    View,
    mark_guarded,
    read_bearer_token,
    require_role_name,
    require_scopes,
)
from org_guard.organizations_token import SLUG, OrganizationsToken, OrganizationsTokenVerifier
from org_guard.principal import Principal
from org_guard.row_security import Connections, Fetch, RowSecurity
from org_guard.signing_keys import SigningKeys
from org_guard.verified_tokens import VerifiedTokens

HEADER = "X-Organization"
_MOST = 4096  # slugs remembered


class GuardByHeader:
    """Guard an API by tokens of all organizations and the header; arguments as in `Guard`."""

    def __init__(
        self,
        *,
        domains: Sequence[str],
        audience: str,
        namespace: str,
        connections: Connections,
        fetch: Fetch | None = None,
        keys: SigningKeys | None = None,
    ) -> None:
        issuers = list_issuers(domains)
        self.rows = RowSecurity(connections, fetch)
        self.keys = keys or SigningKeys(keys_url(domains))
        verifier = OrganizationsTokenVerifier(
            issuers=issuers, audience=audience, namespace=namespace, keys=self.keys
        )
        self._tokens = VerifiedTokens(verifier, self.keys)
        self._org_ids: dict[str, str] = {}  # by slug; slugs are never changed and never reused

    def require_auth(self, scope: str | None = None, *, role: str = "member") -> Decorator:
        """Guard a view as `Guard.require_auth` does."""
        require_role_name(role)

        def decorate(view: View) -> View:
            def guarded(*args: Any, **kwargs: Any) -> Any:
                token = self._tokens.verify(read_bearer_token())
                require_scopes(scope, token.scopes)
                principal = self._load_principal(token)
                with self.rows.visit(role) as visit:
                    answer = view(principal, *args, **kwargs)
                visit.require_entered(principal, view.__name__)
                return answer

            return mark_guarded(guarded, view, scope, role)

        return decorate

    def _load_principal(self, token: OrganizationsToken) -> Principal:
        """
        Return the principal for the organization that the header names.

        Raises:
            InvalidRequest: no header, two, or one that is not a slug.
            NotAMember: the token does not name that organization, or it does not exist.
        """
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
