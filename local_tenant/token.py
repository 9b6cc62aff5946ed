"""
/oauth/token, which exchanges a code, refresh token, password or secret for tokens; /oauth/revoke.

Errors are JSON with `error` and `error_description`; `assumptions.py` has their HTTP statuses.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from local_tenant.client_authentication import authenticate_client
from local_tenant.client_credentials import exchange_client_credentials
from local_tenant.configuration import Client
from local_tenant.issuance import granted_scopes, sign_access_token, sign_id_token
from local_tenant.login_page import check_password
from local_tenant.logins import Login, RefreshToken
from local_tenant.parameters import Parameters, describe_request, read_parameters, text
from local_tenant.pipeline import Denied, change_metadata, run_actions
from local_tenant.tenant import current_tenant, issuer
from local_tenant.token_error import TokenError

routes = Blueprint("token", __name__)


@routes.app_errorhandler(TokenError)
def answer_error(problem: TokenError) -> Response:
    """Answer with the error as JSON (RFC 6749 section 5.2)."""
    response = jsonify(error=problem.error, error_description=problem.description)
    response.status_code = problem.status
    if problem.status == 401 and "Authorization" in request.headers:
        response.headers["WWW-Authenticate"] = 'Basic realm="local_tenant"'
    return response


def _invalid_grant(description: str) -> TokenError:
    status = current_tenant().config.assumptions.invalid_grant_status
    return TokenError(status, "invalid_grant", description)


@routes.post("/oauth/token")
def exchange() -> Response:
    """Exchange a grant for tokens; the body is a form or JSON."""
    body = _read_body()
    assumptions = current_tenant().config.assumptions
    try:
        grant_type = text(body, "grant_type")
        client = authenticate_client(body)
        grant = GRANTS.get(grant_type)
        if grant is None:
            raise TokenError(
                assumptions.unsupported_grant_status,
                "unsupported_grant_type",
                "This grant type is not served by the local tenant.",
            )
        if bool(client.client_secret) != (grant is exchange_client_credentials):
            raise TokenError(
                assumptions.unsupported_grant_status,
                "unauthorized_client",
                f"Grant type '{grant_type}' not allowed for the client.",
            )
        return grant(body, client)
    except ValueError as problem:
        raise TokenError(400, "invalid_request", str(problem)) from None


def _read_body() -> Parameters:
    if not request.is_json:
        return read_parameters(request.form)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise TokenError(400, "invalid_request", "The body is not a JSON object.")
    return body


def _exchange_code(body: Parameters, client: Client) -> Response:
    """
    Exchange a code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

    A code works for one request, even if that request fails.
    """
    records = current_tenant().records
    code = records.take_code(text(body, "code"), client.client_id)
    if code is None or code.login.host != request.host:
        raise _invalid_grant("Invalid authorization code")
    login = code.login
    if text(body, "redirect_uri") != login.redirect_uri:
        raise _invalid_grant("The redirect_uri is not the one of the authorization request.")
    verifier = text(body, "code_verifier")
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    if not hmac.compare_digest(challenge, login.code_challenge):
        raise _invalid_grant("Failed to verify code verifier")
    if records.people[login.user_id].blocked:
        raise _invalid_grant(current_tenant().config.assumptions.blocked_description)
    refresh_token = None
    if "offline_access" in granted_scopes(login):
        # Under the lock, so that a simultaneous second use of the code finds the family to revoke.
        with records.lock:
            refresh_token, code.family = _new_refresh_token(login)
    return _answer(login, refresh_token)


def _new_refresh_token(login: Login) -> tuple[str, str]:
    """Make the first refresh token of a family, with the metadata that Actions set; return both."""
    metadata: dict[str, str] = {}
    change_metadata(metadata, login.effects.refresh_token_metadata)
    token = RefreshToken(
        id=secrets.token_hex(12),
        family=secrets.token_hex(12),
        client_id=login.client_id,
        host=login.host,
        user_id=login.user_id,
        session_id=login.session_id,
        scopes=login.scopes,
        audience=login.audience,
        authenticated_at=login.authenticated_at,
        created_at=time.time(),
        connection=login.connection,
        metadata=metadata,
    )
    return current_tenant().records.add_refresh_token(token), token.family


def _refresh(body: Parameters, client: Client) -> Response:
    """
    Exchange a refresh token for new tokens (RFC 6749 section 6), a new refresh token among them.

    The Actions run again. If they refuse, `Assumptions.failed_refresh_spends_token` says whether
    the refresh token can be used again.
    """
    tenant = current_tenant()
    value = text(body, "refresh_token")
    token = tenant.records.find_refresh_token(value, client.client_id)
    if token is None or token.host != request.host:
        raise _invalid_grant("Unknown or invalid refresh token.")
    wanted = text(body, "scope").split()
    login = Login(
        client_id=client.client_id,
        host=request.host,
        request=_describe(body),
        protocol="oauth2-refresh-token",
        scopes=tuple(scope for scope in token.scopes if not wanted or scope in wanted),
        audience=token.audience,
        user_id=token.user_id,
        session_id=token.session_id,
        authenticated_at=token.authenticated_at,
        connection=token.connection,
        refresh_token=token,
    )
    metadata = dict(token.metadata)
    try:
        _run_actions(login)
    except TokenError:
        if tenant.config.assumptions.failed_refresh_spends_token:
            tenant.records.rotate(value, metadata)
        raise
    change_metadata(metadata, login.effects.refresh_token_metadata)
    successor = tenant.records.rotate(value, metadata)
    if successor is None:
        raise _invalid_grant("Unknown or invalid refresh token.")
    return _answer(login, successor)


def _exchange_password(body: Parameters, client: Client) -> Response:
    """Exchange e-mail address and password for tokens, without a browser (RFC 6749 section 4.3)."""
    tenant = current_tenant()
    audience = text(body, "audience") or None
    found = check_password(text(body, "username"), text(body, "password"))
    if found is None:
        raise _invalid_grant("Wrong email or password.")
    user, connection = found
    if audience is not None and audience not in tenant.apis:
        status = tenant.config.assumptions.refused_grant_status
        raise TokenError(status, "access_denied", f"Service not found: {audience}")
    login = Login(
        client_id=client.client_id,
        host=request.host,
        request=_describe(body),
        protocol="oauth2-password",
        scopes=tuple(dict.fromkeys(text(body, "scope").split())),
        audience=audience,
        user_id=user.user_id,
        authenticated_at=time.time(),
        connection=connection,
    )
    with tenant.records.lock:
        tenant.records.people[user.user_id].logins_count += 1
    _run_actions(login)
    offline = "offline_access" in granted_scopes(login)
    return _answer(login, _new_refresh_token(login)[0] if offline else None)


def _describe(body: Parameters) -> dict[str, object]:
    if current_tenant().config.assumptions.password_hidden_from_actions:
        body = {name: value for name, value in body.items() if name != "password"}
    return describe_request({}, body)


def _run_actions(login: Login) -> None:
    status = current_tenant().config.assumptions.refused_grant_status
    outcome = run_actions(current_tenant(), login)
    if isinstance(outcome, Denied):  # without a browser, pages are denials, too
        raise TokenError(status, outcome.error, outcome.description)


GRANTS: dict[str, Callable[[Parameters, Client], Response]] = {
    "authorization_code": _exchange_code,
    "refresh_token": _refresh,
    "password": _exchange_password,
    "client_credentials": exchange_client_credentials,
}


def _answer(login: Login, refresh_token: str | None) -> Response:
    """Sign the tokens of a login and answer with them (RFC 6749 section 5.1)."""
    access_token, lifetime = sign_access_token(current_tenant(), login, issuer())
    answer: dict[str, object] = {
        "access_token": access_token,
        "token_type": "Bearer",
        "expires_in": lifetime,
        "scope": " ".join(granted_scopes(login)),
    }
    if "openid" in login.scopes:
        answer["id_token"] = sign_id_token(current_tenant(), login, issuer())
    if refresh_token is not None:
        answer["refresh_token"] = refresh_token
    return jsonify(answer)


@routes.post("/oauth/revoke")
def revoke() -> Response:
    """Revoke a refresh token and its family; 200 even if it is unknown (RFC 7009 section 2.2)."""
    body = _read_body()
    records = current_tenant().records
    try:
        value, client_id = text(body, "token"), text(body, "client_id")
    except ValueError as problem:
        raise TokenError(400, "invalid_request", str(problem)) from None
    with records.lock:
        token = records.refresh_tokens.get(value)
        if token is not None and token.client_id == client_id:
            records.revoke_family(token.family)
    return Response(status=200)
