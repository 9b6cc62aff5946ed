"""
`@guard.require_auth("read:projects", role="admin")` for the views of a Flask app.

Checked before the view: exactly one bearer token, in the Authorization header and nowhere else
(RFC 6750 section 2.1); the token (`access_token`); its scopes. Checked by the database when the
view enters the organization: membership, role and suspension (`row_security`). Checked after the
view: that it did enter. If it did not, its answer is discarded and the caller gets a 500.

Not checked: that every route is guarded. Write a test that walks `app.url_map`: a guarded view
has the attributes `required_scope` and `required_role`.

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
from org_guard.row_security import Connections, Fetch, RowSecurity
from org_guard.signing_keys import SigningKeys
from org_guard.verified_tokens import VerifiedTokens

ROLES = ("member", "admin", "owner")  # each may do what those before it may
View = Callable[..., Any]
Decorator = Callable[[View], View]
_log = logging.getLogger("org_guard")


class Guard:
    """
    Guard an API by tokens of one organization, whose rows are in our database.

    Args:
        domains: the tenant's domains as `host[:port]`, the canonical one first; keys come from it.
        audience: the API's identifier at Auth0.
        namespace: the prefix of our claims, a URL ending in "/".
        connections, fetch: as in `RowSecurity`.
        keys: unset, the tenant's keys with the limits of `SigningKeys`.
    """

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
        verifier = AccessTokenVerifier(
            issuers=issuers, audience=audience, namespace=namespace, keys=self.keys
        )
        self._tokens = VerifiedTokens(verifier, self.keys)

    def require_auth(self, scope: str | None = None, *, role: str = "member") -> Decorator:
        """
        Guard a view, which gets the `Principal` as its first argument.

        Args:
            scope: the scope that the token must have; several are separated by spaces.
            role: the lowest role in the organization that may call the view.

        Raises:
            ValueError: there is no such role.
        """
        require_role_name(role)

        def decorate(view: View) -> View:
            def guarded(*args: Any, **kwargs: Any) -> Any:
                principal = self._tokens.verify(read_bearer_token())
                require_scopes(scope, principal.scopes)
                with self.rows.visit(role) as visit:
                    answer = view(principal, *args, **kwargs)
                visit.require_entered(principal, view.__name__)
                return answer

            return mark_guarded(guarded, view, scope, role)

        return decorate


class GuardByClaimAlone:
    """
    Guard an API that cannot ask our database.

    Organization and role are believed as they were when the token was issued: a removed member
    keeps access until the token expires. Keep the lifetime of tokens at ten minutes or less.
    The arguments are those of `Guard`.
    """

    def __init__(
        self,
        *,
        domains: Sequence[str],
        audience: str,
        namespace: str,
        keys: SigningKeys | None = None,
    ) -> None:
        issuers = list_issuers(domains)
        self.keys = keys or SigningKeys(keys_url(domains))
        verifier = AccessTokenVerifier(
            issuers=issuers, audience=audience, namespace=namespace, keys=self.keys
        )
        self._tokens = VerifiedTokens(verifier, self.keys)

    def require_auth(self, scope: str | None = None, *, role: str = "member") -> Decorator:
        """Guard a view as `Guard.require_auth` does; the role is compared with the token's."""
        require_role_name(role)

        def decorate(view: View) -> View:
            def guarded(*args: Any, **kwargs: Any) -> Any:
                principal = self._tokens.verify(read_bearer_token())
                require_scopes(scope, principal.scopes)
                if principal.org_role not in ROLES[ROLES.index(role) :]:
                    raise InsufficientRole(f"{principal.org_role} of {role}")
                return view(principal, *args, **kwargs)

            return mark_guarded(guarded, view, scope, role)

        return decorate


def require_role_name(role: str) -> None:
    """Raise ValueError unless *role* is one of ROLES."""
    if role not in ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES)}")


def mark_guarded(guarded: View, view: View, scope: str | None, role: str) -> View:
    """Let *guarded* pass for *view*, and say what it demands: for tests and documentation."""
    functools.update_wrapper(guarded, view)
    guarded.required_scope = scope  # type: ignore[attr-defined]
    guarded.required_role = role  # type: ignore[attr-defined]
    return guarded


def read_bearer_token() -> str:
    """
    Return the unverified token of this request.

    Raises:
        MissingToken: no Authorization header, or one of another scheme.
        InvalidRequest: more than one token; two headers reach us as one, joined by a comma.
    """
    parts = request.headers.get("Authorization", "").split(None, 1)
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise MissingToken("no bearer token in the Authorization header")
    if "," in parts[1] or " " in parts[1]:
        raise InvalidRequest("more than one token")
    return parts[1]


def require_scopes(scope: str | None, scopes: frozenset[str]) -> None:
    """
    Require all scopes in *scope*, which are separated by spaces.

    Raises:
        InsufficientScope: the token lacks one.
    """
    if scope and not scopes.issuperset(scope.split()):
        raise InsufficientScope(scope)


def answer_refusals(app: Flask) -> None:
    """
    Answer every GuardError of *app* with `application/problem+json`, and log its detail.

    The logger is "org_guard": a fault of the caller is logged at INFO, one of ours (5xx) at ERROR,
    which Python prints even where nothing configures logging.
    """
    app.register_error_handler(GuardError, _log_and_refuse)


def _log_and_refuse(error: GuardError) -> Response:
    level = logging.ERROR if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else logging.INFO
    _log.log(level, "refused, %s: %s", error.code, error.detail)
    return refuse(error)


def refuse(error: GuardError) -> Response:
    """Build the answer to one refusal: constants of its class, nothing of the request."""
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
