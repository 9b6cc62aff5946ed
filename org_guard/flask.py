"""
`@guard.require_auth("read:projects", role="admin")` for the views of a Flask app.

Checked before the view runs: the request has exactly one bearer token, in the Authorization header
(RFC 6750 section 2.1); the token is valid (`access_token`) and has the scopes.
Checked by Postgres when the view enters the organization: membership, role and suspension.
Checked after the view: it did enter. If not, its answer is discarded and the caller gets a 500.
Not checked: that every route is guarded. Write a test for it that walks through `app.url_map`: a
guarded view has the attributes `required_scope` and `required_role`.

Sources: RFC 6750 sections 2.1 and 3; RFC 9457.
"""

import functools
import json
import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request

from org_guard.access_token import AccessTokenVerifier
from org_guard.base_url import keys_url, list_issuers
from org_guard.errors import (
    GuardError,
    InsufficientRole,
    InsufficientScope,
    InvalidRequest,
    MissingToken,
)
from org_guard.principal import Principal
from org_guard.row_security import Connections, Fetch, RowSecurity
from org_guard.signing_keys import SigningKeys
from org_guard.verified_tokens import VerifiedTokens

ROLES = ("member", "admin", "owner")  # each may also do what those before it may
View = Callable[..., Any]
Decorator = Callable[[View], View]
_log = logging.getLogger("org_guard")


class Guard:
    """
    Guard an API whose tokens name one organization and whose rows are in our database.

    Args:
        domains: the tenant's domains as `host[:port]`, the canonical one first; keys come from it.
        audience: the API's identifier at Auth0.
        namespace: the prefix of our claims, a URL that ends in "/".
        connections, fetch: as in `RowSecurity`.
        keys: where to find the tenant's keys; by default `SigningKeys` with its own limits.
    """

    _verifier_class: type[Any] = AccessTokenVerifier  # `GuardByHeader` has another

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
        self.rows = RowSecurity(connections, fetch)
        self.keys = keys or SigningKeys(keys_url(domains))
        verifier = self._verifier_class(
            issuers=list_issuers(domains), audience=audience, namespace=namespace, keys=self.keys
        )
        self._tokens: VerifiedTokens[Any] = VerifiedTokens(verifier, self.keys)

    def require_auth(self, scope: str | None = None, *, role: str = "member") -> Decorator:
        """
        Guard a view, which gets the `Principal` as its first argument.

        Args:
            scope: the scope that the token must have; several are separated by spaces.
            role: the lowest membership role that may call the view.

        Raises:
            ValueError: there is no such role.
        """
        _require_role_name(role)

        def decorate(view: View) -> View:
            def guarded(*args: Any, **kwargs: Any) -> Any:
                principal = self._load_principal(scope)
                with self.rows.visit(role) as visit:
                    answer = view(principal, *args, **kwargs)
                visit.require_entered(principal, view.__name__)
                return answer

            return _mark_guarded(guarded, view, scope, role)

        return decorate

    def _load_principal(self, scope: str | None) -> Principal:
        principal: Principal = self._tokens.verify(read_bearer_token())
        require_scopes(scope, principal.scopes)
        return principal


class GuardByClaimAlone:
    """
    Guard an API that cannot ask our database.

    It believes the organization and the role that the token names, so a removed member keeps access
    until the token expires. Keep the lifetime of tokens at ten minutes or less. The arguments are
    those of `Guard`.
    """

    def __init__(
        self,
        *,
        domains: Sequence[str],
        audience: str,
        namespace: str,
        keys: SigningKeys | None = None,
    ) -> None:
        self.keys = keys or SigningKeys(keys_url(domains))
        verifier = AccessTokenVerifier(
            issuers=list_issuers(domains), audience=audience, namespace=namespace, keys=self.keys
        )
        self._tokens = VerifiedTokens(verifier, self.keys)

    def require_auth(self, scope: str | None = None, *, role: str = "member") -> Decorator:
        """Guard a view as `Guard.require_auth` does; the role is compared with the token's."""
        _require_role_name(role)

        def decorate(view: View) -> View:
            def guarded(*args: Any, **kwargs: Any) -> Any:
                principal = self._tokens.verify(read_bearer_token())
                require_scopes(scope, principal.scopes)
                if principal.org_role not in ROLES[ROLES.index(role) :]:
                    raise InsufficientRole(f"{principal.org_role} of {role}")
                return view(principal, *args, **kwargs)

            return _mark_guarded(guarded, view, scope, role)

        return decorate


def _require_role_name(role: str) -> None:
    if role not in ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES)}")


def _mark_guarded(guarded: View, view: View, scope: str | None, role: str) -> View:
    functools.update_wrapper(guarded, view)
    # For tests and for the documentation of an API.
    guarded.required_scope = scope  # type: ignore[attr-defined]
    guarded.required_role = role  # type: ignore[attr-defined]
    return guarded


def read_bearer_token() -> str:
    """
    Return the unverified token of this request.

    Raises:
        MissingToken: there is no Authorization header, or its scheme is not "Bearer".
        InvalidRequest: there is more than one token.
    """
    parts = request.headers.get("Authorization", "").split(None, 1)
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise MissingToken("no bearer token in the Authorization header")
    if "," in parts[1] or " " in parts[1]:  # WSGI joins two headers of one name by a comma
        raise InvalidRequest("more than one token")
    return parts[1]


def require_scopes(scope: str | None, scopes: frozenset[str]) -> None:
    """Raise InsufficientScope unless *scopes* has every scope in *scope*, split at spaces."""
    if scope and not scopes.issuperset(scope.split()):
        raise InsufficientScope(scope)


def answer_refusals(app: Flask) -> None:
    """
    Answer every GuardError of *app* with `application/problem+json`, and log its detail.

    The logger is "org_guard". A fault of the caller is logged at INFO, one of ours (5xx) at ERROR,
    which Python prints even if the app does not configure logging.
    """
    app.register_error_handler(GuardError, _log_and_refuse)


def _log_and_refuse(error: GuardError) -> Response:
    level = logging.ERROR if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
    _log.log(level, "refused, %s: %s", error.code, error.detail)
    # The answer is made of the constants of the class: `detail` would tell an attacker too much.
    body = {
        "type": "about:blank",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "code": error.code,
        "detail": error.description,
    }
    response = Response(json.dumps(body), error.status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    if error.challenge is not None:
        response.headers["WWW-Authenticate"] = error.challenge
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
