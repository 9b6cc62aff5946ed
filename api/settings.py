"""Everything the API reads from its environment; its only secret is the database URL."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from service.database_settings import DatabaseSettings
from service.environment import Hosts, Origins


def _namespace(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or not url.endswith("/"):
        raise ValueError("is a URL of yours that ends in /, such as https://example.com/claims/")
    return url


class ApiSettings(DatabaseSettings):
    """The API's settings; lists are separated by spaces or commas."""

    auth0_domain: Hosts
    """The tenant's domains, canonical one first."""
    auth0_audience: Annotated[str, Field(min_length=1)]
    """The API's identifier at Auth0, exactly as entered there."""
    claim_namespace: Annotated[str, AfterValidator(_namespace)]
    """The prefix of our claims, as in the Action's secrets."""
    app_origins: Origins
    """Origins of your applications, whose pages may call this API."""
