"""
The `event` object that an Action gets.

Names and meanings are those of Auth0's reference of the post-login event object. As there, an
unknown value is absent, not null.
"""

from typing import TYPE_CHECKING, Any

from local_tenant.assumptions import Assumptions
from local_tenant.configuration import Action, LinkedIdentity, User
from local_tenant.logins import Login, format_time

if TYPE_CHECKING:
    from local_tenant.tenant import Tenant


def build_event(tenant: "Tenant", login: Login, action: Action, handler: str) -> dict[str, Any]:
    """Build the `event` for one run of one Action; an Action may change it, so none is shared."""
    client = tenant.clients[login.client_id]
    person = tenant.records.people[login.user_id]
    session = tenant.records.sessions.get(login.session_id)
    assumptions = tenant.config.assumptions
    event: dict[str, Any] = {
        "authentication": {"methods": list(session.methods) if session else []},
        "authorization": {"roles": []},
        "client": {
            "client_id": client.client_id,
            "name": client.name,
            "metadata": dict(client.metadata),
        },
        "configuration": {},
        "connection": {
            "id": f"con_{login.connection[0]}",
            "name": login.connection[0],
            "strategy": login.connection[1],
            "metadata": {},
        },
        "request": dict(login.request),
        "secrets": dict(action.secrets),
        "stats": {"logins_count": person.logins_count},
        "tenant": {"id": tenant.config.tenant_id},
        "transaction": _transaction(login, handler, assumptions),
        "user": _user(tenant, login),
    }
    if login.audience is not None:
        event["resource_server"] = {"identifier": login.audience}
    if login.refresh_token is not None:
        event["refresh_token"] = _refresh_token(tenant, login)
    if session is not None and login.protocol == "oidc-basic-profile":
        event["session"] = {"id": session.id}
        if tenant.config.session_metadata:
            event["session"]["metadata"] = dict(session.metadata)
    elif assumptions.session_without_browser == "empty":
        event["session"] = {}
    if login.protocol == "oauth2-refresh-token":
        for name in assumptions.absent_in_refresh:
            holder, _, member = name.rpartition(".")
            (event[holder] if holder else event).pop(member, None)
    return event


def _transaction(login: Login, handler: str, assumptions: Assumptions) -> dict[str, Any]:
    transaction: dict[str, Any] = {
        "protocol": login.protocol,
        "requested_scopes": list(login.scopes),
        "acr_values": [],
        "metadata": login.metadata,
    }
    if login.protocol != "oidc-basic-profile":
        return transaction
    if handler == "onContinuePostLogin" and not assumptions.protocol_at_continue:
        del transaction["protocol"]
    transaction |= {
        "id": login.id,
        "redirect_uri": login.redirect_uri,
        "response_type": list(login.response_type),
        "response_mode": login.response_mode,
        "prompt": list(login.prompt),
        "locale": login.ui_locales[0] if login.ui_locales else "en",
        "ui_locales": list(login.ui_locales),
    }
    if login.app_state is not None:
        transaction["state"] = login.app_state
    if login.login_hint:
        transaction["login_hint"] = login.login_hint
    return transaction


def _user(tenant: "Tenant", login: Login) -> dict[str, Any]:
    person = tenant.records.people[login.user_id]
    user = person.user
    described = {
        "user_id": user.user_id,
        "email": user.email,
        "email_verified": user.email_verified,
        "name": user.name or user.email,
        "nickname": user.email.partition("@")[0],
        "picture": user.picture,
        "created_at": tenant.started_at,
        "updated_at": tenant.started_at,
        "app_metadata": dict(person.app_metadata),
        "user_metadata": dict(person.user_metadata),
        "multifactor": [],
        "enrolledFactors": [{"type": factor} for factor in person.factors],
        "identities": [
            _identity(user),
            *(
                _identity(one)
                | {"profileData": {"email": one.email, "email_verified": one.email_verified}}
                for one in user.linked
            ),
        ],
    }
    return {name: value for name, value in described.items() if value != ""}


def _identity(identity: User | LinkedIdentity) -> dict[str, Any]:
    provider, _, user_id = identity.user_id.partition("|")
    return {
        "connection": identity.connection,
        "provider": provider,
        "user_id": user_id,
        "isSocial": identity.strategy not in {"auth0", "samlp", "waad", "oidc", "ad", "email"},
    }


def _refresh_token(tenant: "Tenant", login: Login) -> dict[str, Any]:
    token = login.refresh_token
    assert token is not None  # for mypy; the caller checked
    described: dict[str, Any] = {
        "id": token.id,
        "client_id": token.client_id,
        "created_at": format_time(token.created_at),
        "rotating": True,
    }
    if tenant.config.refresh_token_metadata:
        described["metadata"] = dict(token.metadata)
    return described
