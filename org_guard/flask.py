"""
`@require_auth("read:projects", role="admin")` for Flask views.

Checked by `RequireAuth`: exactly one bearer token in the Authorization header and nowhere else
(RFC 6750 section 2.1), the token (`access_token`), the scope; and after the view that it did
enter the organization, which is where membership, role and suspension are checked
(`row_security`). A view that forgot answers nobody: its answer is thrown away and becomes a 500.

Not checked: that every route is guarded; a test that walks `app.url_map` does that.

Sources: RFC 6750 sections 2.1 and 3; RFC 9457; Authlib "Resource Server" for Flask.
"""

import functools
import json
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any, NoReturn

from authlib.integrations.flask_oauth2 import ResourceProtector
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import TokenValidator
from flask import Flask, Response, g, request

from org_guard.errors import (
    GuardError,
    InsufficientRole,
    InsufficientScope,
    InvalidRequest,
    MissingToken,
)
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity

ROLES = ("member", "admin", "owner")  # each may do what those before it may
View = Callable[..., Any]


class RequireAuth(ResourceProtector):  # type: ignore[misc]
    """
    Guard views of an API whose rows stand behind `row_security`.

    Args:
        verify: `AccessTokenVerifier.verify`, or a `VerifiedTokens` in front of it.
        rows: where the views enter the organization.
    """

    def __init__(self, verify: Callable[[str], Any], rows: RowSecurity) -> None:
        super().__init__()
        self.register_token_validator(_Bearer(verify))
        self._rows = rows

    def __call__(self, scope: str | None = None, *, role: str = "member") -> Callable[[View], View]:
        """
        Guard a view, which gets the `Principal` as its first argument.

        Args:
            scope: one scope that the token must have been given, or several separated by spaces.
            role: the least role of the person in the organization.
        """
        if role not in ROLES:
            raise ValueError(f"role must be one of {', '.join(ROLES)}")

        def guard(view: View) -> View:
            @functools.wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                principal = self._admit(scope, role)
                return self._run(principal, view, args, kwargs)

            guarded.required_scope = scope  # type: ignore[attr-defined]
            guarded.required_role = role  # type: ignore[attr-defined]
            return guarded

        return guard

    def raise_error_response(self, error: OAuth2Error) -> NoReturn:
        """Turn Authlib's words for "no bearer token here" into ours."""
        raise MissingToken(type(error).__name__) from error

    def find_principal(self, token: Any) -> Principal:
        """Return whom the verified *token* stands for."""
        principal: Principal = token
        return principal

    def _admit(self, scope: str | None, role: str) -> Principal:
        try:
            # Not acquire_token: it rebuilds the whole request for Authlib, at a tenth of the cost
            # of an answer. What is left out is a signal that nobody receives.
            token = self.validate_request([scope] if scope else None, request)
        except OAuth2Error as error:
            self.raise_error_response(error)
        g.authlib_server_oauth2_token = token  # Authlib's current_token
        principal = self.find_principal(token)
        return principal if role == "member" else replace(principal, required_role=role)

    def _run(self, principal: Principal, view: View, args: Any, kwargs: Any) -> Any:
        self._rows.entered.set(None)
        answer = view(principal, *args, **kwargs)
        if self._rows.entered.get() is not principal:
            raise GuardError(f"{view.__name__} answered without entering the organization")
        return answer


class RequireAuthByClaimAlone(RequireAuth):
    """
    Guard views of an API whose data lives where our database cannot be asked.

    Organization and role are believed as they were at issuance: whoever is removed keeps what
    they had until the token expires. Keep the lifetime at ten minutes or less.
    """

    def __init__(self, verify: Callable[[str], Any]) -> None:
        super().__init__(verify, RowSecurity(_no_database))

    def _run(self, principal: Principal, view: View, args: Any, kwargs: Any) -> Any:
        if principal.org_role not in ROLES[ROLES.index(principal.required_role) :]:
            raise InsufficientRole(f"{principal.org_role} of {principal.required_role}")
        return view(principal, *args, **kwargs)


def answer_refusals(app: Flask) -> None:
    """Answer every GuardError of *app* with `application/problem+json`."""
    app.register_error_handler(GuardError, refuse)


def refuse(error: GuardError) -> Response:
    """Build the answer of one refusal: constants of its class, nothing of the request."""
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


class _Bearer(TokenValidator):  # type: ignore[misc]
    """What Authlib asks about the part after "Bearer"."""

    def __init__(self, verify: Callable[[str], Any]) -> None:
        super().__init__()
        self._verify = verify

    def authenticate_token(self, token_string: str) -> Any:
        """Verify the token; two headers reach us as one, joined by a comma."""
        if "," in token_string or " " in token_string:
            raise InvalidRequest("more than one token")
        return self._verify(token_string)

    def validate_token(self, token: Any, scopes: list[str] | None, _request: object) -> None:
        """Compare scopes; all else was checked."""
        if scopes and self.scope_insufficient(tuple(token.scopes), scopes):
            raise InsufficientScope(" ".join(scopes))


def _no_database() -> NoReturn:
    raise GuardError("an API that relies on the claim alone has no database to enter")
