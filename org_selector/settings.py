"""
Everything the selector reads from its environment, checked at once before it starts.

A value is read from the environment or, so that secrets can stay out of it, from a file of
the same name in `/run/secrets`. No secret, host or audience has a default.
"""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from org_selector.session_token import MIN_SECRET_BYTES
from service.base_url import base_url

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_SECRETS_FOLDER = Path("/run/secrets")


class SettingsError(Exception):
    """The environment is not complete; the message names every problem and no value."""


def _words(value: object) -> object:
    return tuple(re.split(r"[\s,]+", value.strip())) if isinstance(value, str) else value


def _hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError("is a list of hosts without https://, such as example.eu.auth0.com")
    return hosts


def _long_secrets(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(one.get_secret_value().encode()) < MIN_SECRET_BYTES for one in secrets):
        raise ValueError(
            f"needs at least {MIN_SECRET_BYTES} bytes for each secret; "
            "make one with: org-selector secret"
        )
    if len(set(secrets)) != len(secrets):
        raise ValueError("names a secret twice")
    return secrets


def _origin(url: str) -> str:
    parts = urlsplit(url.strip().rstrip("/").lower())
    if not parts.hostname or parts.username or parts.geturl() != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("is an origin such as https://login.example.com, without a path")
    if f"{parts.scheme}://{parts.netloc}" != base_url(parts.netloc):
        raise ValueError("must begin with https:// (http:// for localhost only)")
    # As browsers write it in the header Origin: without the port that goes without saying.
    return parts.geturl().removesuffix({"https": ":443", "http": ":80"}[parts.scheme])


def require_database_url(url: str) -> None:
    """
    Make sure that libpq reads *url* as its writer meant it.

    Raises:
        ValueError: with a text of ours, since libpq's would quote parts of the password.
    """
    try:
        parameters = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        parameters = {}
    places = f"{parameters.get('dbname', '')}{parameters.get('host', '')}"
    if not parameters.get("dbname") or "@" in places:
        raise ValueError(
            "is no Postgres URL with a database; percent-encode symbols in the password"
        )


def _postgres(url: SecretStr) -> SecretStr:
    require_database_url(url.get_secret_value())
    return url


def _origins(urls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_origin(url) for url in urls)


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
Secrets = Annotated[
    tuple[SecretStr, ...], NoDecode, BeforeValidator(_words), AfterValidator(_long_secrets)
]


class SelectorSettings(BaseSettings):
    """
    The selector's settings; lists are separated by spaces or commas.

    In both lists of secrets the first signs and all verify.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        secrets_dir=_SECRETS_FOLDER if _SECRETS_FOLDER.is_dir() else None,
    )

    auth0_domain: Annotated[Words, AfterValidator(_hosts)]
    """The tenant's domains, canonical one first."""
    session_token_secrets: Secrets
    """Shared with the Action: it signs session and decision tokens with the first."""
    selection_token_secrets: Secrets
    """Shared with the Action: the picker signs selection tokens with the first."""
    database_url: Annotated[SecretStr, AfterValidator(_postgres)]
    """Postgres, as the role org_selector."""
    selector_url: Annotated[str, AfterValidator(_origin)]
    """Where browsers reach this service."""
    app_origins: Annotated[Words, AfterValidator(_origins)]
    """Your applications; pages that know no better lead back to the first."""
    trusted_email_connections: Words | None = None
    """Connections whose verified addresses count; unset: database connections, google-oauth2."""
    threads: Annotated[int, Field(ge=1, le=64)] = 4
    """Threads, and database connections, of one process."""

    @field_validator("selection_token_secrets")
    @classmethod
    def _differ(cls, secrets: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        if set(secrets) & set(info.data.get("session_token_secrets", ())):
            raise ValueError("must not share a secret with SESSION_TOKEN_SECRETS")
        return secrets


def read_settings() -> SelectorSettings:
    """
    Read the environment.

    Raises:
        SettingsError: with one line for each setting that is missing or wrong.
    """
    try:
        return SelectorSettings.model_validate({})
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    lines = ["The selector cannot start:"]
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in problem["loc"][:1]).upper()
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            about = SelectorSettings.model_fields[name.lower()].description or ""
            message = f"is missing. {about}"
        lines.append(f"  {name} {message}".rstrip() if name else f"  {message}")
    return "\n".join(lines)
