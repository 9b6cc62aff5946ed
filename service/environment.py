"""
Settings from the environment, all checked before a service starts.

A value comes from the environment or from a file of the same name in `/run/secrets`, which keeps
secrets out of the environment. The types below are used by more than one service.
"""

import re
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service.database_url import require_database_url

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")
_SECRETS_FOLDER = Path("/run/secrets")
_PLAIN_HTTP = ("localhost", "127.0.0.1")

T = TypeVar("T")


class SettingsError(Exception):
    """A setting is missing or wrong; the message names every such setting and no value."""


class Settings(BaseSettings):
    """Base of a service's settings; a field's docstring is shown when the setting is missing."""

    model_config = SettingsConfigDict(
        frozen=True,
        hide_input_in_errors=True,  # a value may be a secret
        use_attribute_docstrings=True,
        # Not where there is no such folder: pydantic would warn.
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
        return settings_class.model_validate({})  # the environment, and nothing beside it
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"The {what} cannot start:"]
    for problem in problems:
        name = str(problem["loc"][0])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "missing":
            message = f"is missing. {settings_class.model_fields[name].description or ''}"
        lines.append(f"  {name.upper()} {message}".rstrip())
    raise SettingsError("\n".join(dict.fromkeys(lines)))  # each once: two origins may be wrong


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
    # As browsers write it in the header Origin: without the default port.
    return parts.geturl().removesuffix({"https": ":443", "http": ":80"}[parts.scheme])


def _postgres(url: SecretStr) -> SecretStr:
    require_database_url(url.get_secret_value())
    return url


# Lists are separated by spaces or commas.
ListOf = Annotated[tuple[T, ...], NoDecode, BeforeValidator(_split)]
Words = ListOf[str]
Hosts = Annotated[Words, AfterValidator(_hosts)]
Origin = Annotated[str, AfterValidator(_origin)]
Origins = ListOf[Origin]
PostgresUrl = Annotated[SecretStr, AfterValidator(_postgres)]
Threads = Annotated[int, Field(ge=1, le=64)]
