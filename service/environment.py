"""
Reading settings from the environment, checked all at once before a service starts.

A value is read from the environment or, so that secrets can stay out of it, from a file of
the same name in `/run/secrets`. The types below are what more than one service asks for.
"""

import re
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_SECRETS_FOLDER = Path("/run/secrets")
_PLAIN_HTTP = ("localhost", "127.0.0.1")

T = TypeVar("T")


class SettingsError(Exception):
    """The environment is not complete; the message names every problem and no value."""


class Settings(BaseSettings):
    """What a service reads; a field's docstring says what it is for when it is missing."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        secrets_dir=_SECRETS_FOLDER if _SECRETS_FOLDER.is_dir() else None,
    )


S = TypeVar("S", bound=Settings)


def read(settings_class: type[S], what: str) -> S:
    """
    Read the environment.

    Args:
        what: the service, as in "The selector cannot start:".

    Raises:
        SettingsError: with one line for each setting that is missing or wrong.
    """
    try:
        return settings_class.model_validate({})
    except ValidationError as error:
        raise SettingsError(_explain(error, settings_class, what)) from None


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


def _split(value: object) -> object:
    return tuple(re.split(r"[\s,]+", value.strip())) if isinstance(value, str) else value


def _hosts(hosts: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError("is a list of hosts without https://, such as example.eu.auth0.com")
    return hosts


def _origin(url: str) -> str:
    parts = urlsplit(url.strip().rstrip("/").lower())
    if (
        not parts.hostname
        or "@" in parts.netloc
        or parts.geturl() != f"{parts.scheme}://{parts.netloc}"
    ):
        raise ValueError("is an origin such as https://login.example.com, without a path")
    if parts.scheme != ("http" if parts.netloc.partition(":")[0] in _PLAIN_HTTP else "https"):
        raise ValueError("must begin with https:// (http:// for localhost only)")
    # As browsers write it in the header Origin: without the port that goes without saying.
    return parts.geturl().removesuffix({"https": ":443", "http": ":80"}[parts.scheme])


def _origins(urls: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_origin(url) for url in urls)


def _postgres(url: SecretStr) -> SecretStr:
    require_database_url(url.get_secret_value())
    return url


# Lists are separated by spaces or commas.
ListOf = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_split)]
Words = ListOf[str]
Hosts = Annotated[Words, AfterValidator(_hosts)]
Origin = Annotated[str, AfterValidator(_origin)]
Origins = Annotated[Words, AfterValidator(_origins)]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
Threads = Annotated[int, Field(ge=1, le=64)]


def _explain(error: ValidationError, settings_class: type[Settings], what: str) -> str:
    lines = [f"The {what} cannot start:"]
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        name = "_".join(str(part) for part in problem["loc"][:1]).upper()
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            about = settings_class.model_fields[name.lower()].description or ""
            message = f"is missing. {about}"
        lines.append(f"  {name} {message}".rstrip() if name else f"  {message}")
    return "\n".join(lines)
