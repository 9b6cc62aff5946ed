"""What a tenant remembers: sessions, logins, codes and refresh tokens; and the form of `state`."""

import base64
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from local_tenant.configuration import User

Waiting = Literal["login", "redirect", "factor"]
DeadReason = Literal["unknown", "used", "expired", "other_browser", "session_ended"]


@dataclass(slots=True)
class Session:
    """
    A single sign-on session of one browser at one host.

    Actions see the `id`; only the browser's cookie also has the `secret`. Times are Unix seconds.
    """

    id: str
    secret: str = field(repr=False)
    host: str
    user_id: str
    authenticated_at: float
    expires_at: float
    connection: tuple[str, str]  # name and strategy
    metadata: dict[str, str] = field(default_factory=dict)
    methods: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cookie(self) -> str:
        """The value of the session's cookie."""
        return f"{self.id}.{self.secret}"


@dataclass(frozen=True, slots=True)
class AskedFactor:
    """A second factor that an Action asked for; one of `types` is enough."""

    enroll: bool
    types: tuple[str, ...]


@dataclass(slots=True)
class Effects:
    """What Actions asked for in this login or grant, and the tokens will contain."""

    access_token_claims: dict[str, Any] = field(default_factory=dict)
    id_token_claims: dict[str, Any] = field(default_factory=dict)
    add_scopes: list[str] = field(default_factory=list)
    remove_scopes: list[str] = field(default_factory=list)
    refresh_token_metadata: list[list[str]] = field(default_factory=list)


@dataclass(slots=True)
class Login:
    """
    One login or one refresh or password grant, from the request to the tokens.

    Only one thread uses it at a time: the one that took it out of `Records.transactions`. Times are
    Unix seconds.
    """

    client_id: str
    host: str
    request: dict[str, Any]  # event.request
    protocol: str = "oidc-basic-profile"
    scopes: tuple[str, ...] = ()
    audience: str | None = None
    redirect_uri: str = ""
    response_type: tuple[str, ...] = ()
    response_mode: str = "query"
    app_state: str | None = None
    nonce: str | None = None
    code_challenge: str = ""
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    login_hint: str = ""
    ui_locales: tuple[str, ...] = ()
    user_id: str = ""
    session_id: str = ""
    authenticated_at: float = 0.0
    connection: tuple[str, str] = ("", "")  # name and strategy of the one used
    refresh_token: "RefreshToken | None" = None
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    browser: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    waiting_for: Waiting = "login"
    expires_at: float = 0.0
    position: int = 0  # of the Action that runs or waits
    asked_factors: list["AskedFactor"] = field(default_factory=list)  # the next one first
    proved_factors: list[str] = field(default_factory=list)
    factor_commands: int = 0
    new_factor_code: str = field(default="", repr=False)
    wrong_codes: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    effects: Effects = field(default_factory=Effects)

    @property
    def cookie_name(self) -> str:
        """The name of its cookie; each login has its own, so that two tabs do not share one."""
        return f"login_{self.id[:12]}"


@dataclass(slots=True)
class Code:
    """An authorization code: its login, and the family of refresh tokens that it gave."""

    login: Login
    expires_at: float
    family: str = ""
    used: bool = False


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """
    A refresh token.

    Rotation marks it as used and adds a new one to the same `family` (RFC 9700 section 4.14.2).
    """

    id: str
    family: str
    client_id: str
    host: str
    user_id: str
    session_id: str
    scopes: tuple[str, ...]
    audience: str | None
    authenticated_at: float
    created_at: float
    connection: tuple[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    used: bool = False


@dataclass(slots=True)
class Person:
    """A user of the configuration, and what may change about them while the tenant runs."""

    user: User
    blocked: bool
    app_metadata: dict[str, Any]
    user_metadata: dict[str, Any]
    factors: dict[str, str]
    logins_count: int = 0

    @classmethod
    def of(cls, user: User) -> Self:
        """Make the person that a tenant starts with."""
        return cls(
            user,
            user.blocked,
            dict(user.app_metadata),
            dict(user.user_metadata),
            dict(user.factors),
        )


class DeadLoginError(Exception):
    """
    A login that cannot continue.

    `client_id` is the one that the `state` names, unverified, or empty if it names none.
    """

    def __init__(self, reason: DeadReason, client_id: str) -> None:
        super().__init__(reason)
        self.reason, self.client_id = reason, client_id


def format_time(moment: float) -> str:
    """Format a Unix time in the form it has in `event`."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))


def new_state(kind: str, login: Login) -> str:
    """Make a `state` in Auth0's form: base64url of a msgpack map of four short strings."""

    def text(value: str) -> bytes:
        octets = value.encode()
        head = bytes([0xA0 | len(octets)]) if len(octets) < 32 else bytes([0xD9, len(octets)])
        return head + octets

    entries = {"h": secrets.token_urlsafe(24), "n": kind, "tid": login.id, "cid": login.client_id}
    packed = bytes([0x80 | len(entries)]) + b"".join(text(k) + text(v) for k, v in entries.items())
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def client_of_state(state: str) -> str:
    """
    Return the client_id in a `state`, unverified, or "".

    It may only choose among registered URLs, because anyone can write a `state`.
    """
    try:
        packed = base64.urlsafe_b64decode(state + "=" * (-len(state) % 4))
        named = packed.rpartition(b"\xa3cid")[2]
        return (named[2:] if named[:1] == b"\xd9" else named[1:]).decode()
    except ValueError:
        return ""
