"""Everything the API reads from its environment; it holds no secret but its database URL."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from service.environment import Hosts, Origins, PostgresUrl, Settings, Threads, read


def _namespace(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or not url.endswith("/"):
        raise ValueError("is a URL of yours that ends in /, such as https://example.com/claims/")
    return url


class ApiSettings(Settings):
    """The API's settings; lists are separated by spaces or commas."""

    auth0_domain: Hosts
    """The tenant's domains, canonical one first."""
    auth0_audience: Annotated[str, Field(min_length=1)]
    """The API's identifier at Auth0, exactly as it stands there."""
    claim_namespace: Annotated[str, AfterValidator(_namespace)]
    """The prefix of our claims, as in the Action's secrets."""
    database_url: PostgresUrl
    """Postgres, as the role org_api."""
    app_origins: Origins
    """Your applications, whose pages may call this API."""
    threads: Threads = 4
    """Threads, and database connections, of one process."""


def read_settings() -> ApiSettings:
    """
    Read the environment.

    Raises:
        SettingsError: with one line for each setting that is missing or wrong.
    """
    return read(ApiSettings, "API")
