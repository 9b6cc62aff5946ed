"""
What a tenant is configured with: applications, users, APIs, Actions; and its form as JSON.

Values are frozen; what changes while the tenant runs is in `records.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from local_tenant.assumptions import Assumptions

# The audience of a client grant for the tenant's own Management API, at any of its hosts.
MANAGEMENT_API = "/api/v2/"


@dataclass(frozen=True, slots=True)
class ClientGrant:
    """What a machine may ask for: one audience (an API, or `MANAGEMENT_API`) and scopes of it."""

    audience: str
    scope: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """
    A public application (a SPA), or with a `client_secret` a machine-to-machine application.

    The first must use PKCE and has no secret. The second has client credentials as its only grant,
    for the audiences and scopes of its `client_grants`, and no callbacks. Regular web applications,
    which have both, are not served.

    Addresses are compared character by character. `web_origins` may use response_mode=web_message
    and read answers across origins; `initiate_login_uri` is where a login that cannot go on is
    sent.

    Raises:
        ValueError: it has a secret and callbacks, or client grants and no secret.
    """

    client_id: str
    name: str
    callbacks: tuple[str, ...] = ()
    logout_urls: tuple[str, ...] = ()
    web_origins: tuple[str, ...] = ()
    initiate_login_uri: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    client_secret: str = field(default="", repr=False)
    client_grants: tuple[ClientGrant, ...] = ()

    def __post_init__(self) -> None:
        if self.client_secret and self.callbacks:
            raise ValueError(f"the client {self.client_id} has a secret and callbacks")
        if self.client_grants and not self.client_secret:
            raise ValueError(f"the client {self.client_id} has client grants and no secret")


@dataclass(frozen=True, slots=True)
class User:
    """
    A person who can log in. An empty password never matches.

    `permissions` are those assigned to them (RBAC), by the identifier of the API.
    """

    user_id: str
    email: str
    email_verified: bool = True
    name: str = ""
    password: str = field(default="", repr=False)
    connection: str = "Username-Password-Authentication"
    strategy: str = "auth0"
    blocked: bool = False
    picture: str = ""
    app_metadata: Mapping[str, Any] = field(default_factory=dict)
    user_metadata: Mapping[str, Any] = field(default_factory=dict)
    permissions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Api:
    """
    A registered audience. Lifetimes are seconds; `scopes=None` grants any scope that is asked for.

    `enforce_policies` is RBAC: a user gets only the scopes that are among their permissions. With
    it the `_authz` dialects also put all their permissions for this API into `permissions`; without
    it they do not, as on Auth0.
    """

    identifier: str
    access_token_lifetime: int = 86_400
    scopes: tuple[str, ...] | None = None
    dialect: Literal[
        "access_token", "access_token_authz", "rfc9068_profile", "rfc9068_profile_authz"
    ] = "access_token"
    enforce_policies: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A deployed Action of the post-login trigger: its file, and its `event.secrets`."""

    name: str
    code: Path
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class TenantConfig:
    """
    A whole tenant. Actions run in their order here.

    `refresh_token_metadata` and `session_metadata` say what the tenant's plan includes: without
    them `event.refresh_token.metadata` and `event.session.metadata` are absent. `one_click` puts a
    button for every user on the login page. `action_time_limit` is in seconds.

    Raises:
        ValueError: a permission or client grant names an unknown API or scope.
    """

    # How `from_json` reads this class and those inside it.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    clients: tuple[Client, ...]
    users: tuple[User, ...]
    apis: tuple[Api, ...]
    actions: tuple[Action, ...] = ()
    assumptions: Assumptions = field(default_factory=Assumptions)
    refresh_token_metadata: bool = False
    session_metadata: bool = False
    action_time_limit: float = 20.0
    one_click: bool = False
    tenant_id: str = "local-tenant"

    def __post_init__(self) -> None:
        for user in self.users:
            for audience, permissions in user.permissions.items():
                self._check_scopes(f"the permissions of {user.user_id}", audience, permissions)
        for client in self.clients:
            for grant in client.client_grants:
                if grant.audience != MANAGEMENT_API:
                    where = f"the client grants of {client.client_id}"
                    self._check_scopes(where, grant.audience, grant.scope)

    def _check_scopes(self, where: str, audience: str, scopes: tuple[str, ...]) -> None:
        api = next((api for api in self.apis if api.identifier == audience), None)
        if api is None:
            raise ValueError(f"{where} name no API of this tenant: {audience}")
        unknown = [] if api.scopes is None else [one for one in scopes if one not in api.scopes]
        if unknown:
            raise ValueError(f"{where} name no scope of {audience}: {', '.join(unknown)}")

    def to_json(self) -> str:
        """Write the configuration, passwords and secrets included, as `from_json` reads it."""
        return TypeAdapter(TenantConfig).dump_json(self, indent=2).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """
        Read a configuration; names are those of the fields of these classes.

        Raises:
            ValueError: not JSON, a name that does not exist, or a value that is missing or of
                another kind. The text names the first such place.
        """
        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"configuration{''.join(steps)}: {what}")
