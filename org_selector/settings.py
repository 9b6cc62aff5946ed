"""
Everything the selector reads from its environment, checked at once before it starts.

No secret, host or audience has a default.
"""

from typing import Annotated

from pydantic import AfterValidator, SecretStr, ValidationInfo, field_validator

from org_selector.action_tokens import MIN_SECRET_BYTES
from service.database_settings import DatabaseSettings
from service.environment import (
    Hosts,
    ListOf,
    Origin,
    Origins,
    Words,
)


def _long_secrets(secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(one.get_secret_value().encode()) < MIN_SECRET_BYTES for one in secrets):
        raise ValueError(
            f"needs at least {MIN_SECRET_BYTES} bytes for each secret; "
            "make one with: org-selector secret"
        )
    if len(set(secrets)) != len(secrets):
        raise ValueError("names a secret twice")
    return secrets


Secrets = Annotated[ListOf[SecretStr], AfterValidator(_long_secrets)]


class SelectorSettings(DatabaseSettings):
    """
    The selector's settings; lists are separated by spaces or commas.

    In both lists of secrets the first signs and all verify.
    """

    auth0_domain: Hosts
    """The tenant's domains, canonical one first."""
    session_token_secrets: Secrets
    """Shared with the Action: it signs session and decision tokens with the first."""
    selection_token_secrets: Secrets
    """Shared with the Action: the picker signs selection tokens with the first."""
    selector_url: Origin
    """Where browsers reach this service."""
    app_origins: Origins
    """Origins of your applications; a page links to the first if the login's own is unknown."""
    new_organizations: bool = False
    """Whether people may create organizations on the picker; off unless set."""
    trusted_email_connections: Words | None = None
    """Connections whose verified addresses count; unset: database connections, google-oauth2."""

    @field_validator("selection_token_secrets")
    @classmethod
    def _differ(cls, secrets: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        if set(secrets) & set(info.data.get("session_token_secrets", ())):
            raise ValueError("must not share a secret with SESSION_TOKEN_SECRETS")
        return secrets
