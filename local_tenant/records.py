"""
What a tenant is configured with: applications, users, APIs, Actions; and its form as JSON.

Values are frozen; what changes while the tenant runs stands in `memory.py`.
"""

import dataclasses
import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

from local_tenant.assumptions import Assumptions


@dataclass(frozen=True, slots=True)
class Client:
    """
    A public application (a SPA): it has no secret and must use PKCE.

    Addresses are compared character by character. `web_origins` may use response_mode=web_message
    and read answers across origins; `initiate_login_uri` is where a login that cannot go on is
    sent.
    """

    client_id: str
    name: str
    callbacks: tuple[str, ...]
    logout_urls: tuple[str, ...] = ()
    web_origins: tuple[str, ...] = ()
    initiate_login_uri: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class User:
    """
    A person who can log in. An empty password never matches.
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


@dataclass(frozen=True, slots=True)
class Api:
    """
    A registered audience. Lifetimes are seconds; `scopes=None` grants whatever scope is asked for.
    """

    identifier: str
    access_token_lifetime: int = 86_400
    scopes: tuple[str, ...] | None = None
    dialect: Literal["access_token", "rfc9068_profile"] = "access_token"


@dataclass(frozen=True, slots=True)
class Action:
    """
    A deployed Action of the post-login trigger: its file, and the secrets it finds in
    `event.secrets`.
    """

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
    """

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

    def to_json(self) -> str:
        """
        Write the configuration, passwords and secrets included, as `from_json` reads it.
        """
        return json.dumps(dataclasses.asdict(self), default=str, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """
        Read a configuration; names are those of the fields of these classes.

        Raises:
            ValueError: not JSON, a name that does not exist, or a value that is missing or of
            another kind.
        """
        configuration = _read(cls, json.loads(text), "configuration")
        assert isinstance(configuration, cls)  # for mypy; _read made it
        return configuration


def _read(kind: Any, value: Any, where: str) -> Any:
    """
    Make a value of the annotated kind out of JSON, or raise ValueError that says where.
    """
    origin = get_origin(kind)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise ValueError(f"{where} must be an object")
        hints = get_type_hints(kind)
        if unknown := sorted(value.keys() - hints.keys()):
            raise ValueError(f"{where} has no {', '.join(unknown)}")
        known = {
            name: _read(hints[name], given, f"{where}.{name}") for name, given in value.items()
        }
        try:
            return kind(**known)
        except TypeError as problem:
            raise ValueError(f"{where}: {problem}") from None
    if origin is tuple and isinstance(value, list):
        return tuple(
            _read(get_args(kind)[0], entry, f"{where}[{n}]") for n, entry in enumerate(value)
        )
    if origin is types.UnionType:
        return None if value is None else _read(get_args(kind)[0], value, where)
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, int):
        return float(value)
    return _check(kind, value, where)


def _check(kind: Any, value: Any, where: str) -> Any:
    origin = get_origin(kind)
    if origin is Literal:
        fits = value in get_args(kind)
    elif origin is Mapping:
        fits = isinstance(value, dict)
    else:
        # bool is an int in Python; a number must not pass for a switch, nor a switch for a number.
        fits = type(value) is kind
    if not fits:
        raise ValueError(f"{where} has a value of the wrong kind")
    return value
