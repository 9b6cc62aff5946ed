"""
The configuration of a tenant: applications, users, APIs and Actions, and its form as JSON.

These objects never change. What changes while the tenant runs is in `records.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import ConfigDict, TypeAdapter, ValidationError

from local_tenant.assumptions import Assumptions

# In a client grant: the tenant's Management API, at any of the tenant's hosts.
MANAGEMENT_API = "/api/v2/"


@dataclass(frozen=True, slots=True)
class ClientGrant:
    """The scopes that a machine may request for one audience, an API or `MANAGEMENT_API`."""

    audience: str
    scope: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """
    An application: public (a SPA) without a `client_secret`, machine-to-machine with one.

    A public application has callbacks and must use PKCE. A machine-to-machine application has no
    callbacks, and client credentials is its only grant. Regular web applications, which have a
    secret and callbacks, are not supported.

    Args:
        callbacks, logout_urls: allowed URLs, compared character by character.
        web_origins: origins that may use response_mode=web_message and read responses (CORS).
        initiate_login_uri: where a browser is sent whose login cannot continue; "" shows a page.
        metadata: `event.client.metadata`.
        client_grants: what a machine may request.

    Raises:
        ValueError: it has a secret and callbacks, or client grants without a secret.
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
class LinkedIdentity:
    """
    A secondary identity of a user: another account that was linked to theirs.

    A login with its `email` and the user's password stands for a login through its connection.
    """

    user_id: str  # with the provider, such as "google-oauth2|42"
    connection: str
    strategy: str
    email: str
    email_verified: bool = True


@dataclass(frozen=True, slots=True)
class User:
    """
    A person who can log in.

    Args:
        password: in clear text; with an empty one the user cannot log in.
        factors: the second factors they are enrolled in, each with the code that it accepts.
        linked: secondary identities.
        permissions: those assigned to the user (RBAC), by the identifier of the API.
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
    factors: Mapping[str, str] = field(default_factory=dict, repr=False)
    linked: tuple[LinkedIdentity, ...] = ()


@dataclass(frozen=True, slots=True)
class Api:
    """
    An API that is registered with the tenant.

    Args:
        identifier: the audience.
        access_token_lifetime: seconds.
        scopes: those that can be granted; None grants every requested scope.
        dialect: the form of its access tokens, see `dialect.py`.
        enforce_policies: RBAC. A user gets only the scopes that are among their permissions, and
            the `_authz` dialects put all of these permissions into the token. Without RBAC they
            do not, as at Auth0.
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
    """An Action of the post-login trigger: its name, its file and its `event.secrets`."""

    name: str
    code: Path
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class TenantConfig:
    """
    A tenant.

    Args:
        actions: they run in this order.
        refresh_token_metadata, session_metadata: what the tenant's plan includes. Without it
            `event.refresh_token.metadata` or `event.session.metadata` is absent.
        action_time_limit: seconds for one run of an Action.
        one_click: put a button for every user on the login page.

    Raises:
        ValueError: a permission or client grant names an unknown API or scope.
    """

    # Lets `from_json` refuse unknown names and wrong types, in this class and those inside it.
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
        """Write the configuration for `from_json`, with passwords and secrets in clear text."""
        return TypeAdapter(TenantConfig).dump_json(self, indent=2).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """
        Read a configuration from JSON, whose names are the fields of these classes.

        Raises:
            ValueError: it is not JSON, a name is unknown, or a value is missing or of the wrong
                type. The message names the first such place.
        """
        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"configuration{''.join(steps)}: {what}")
