"""Everything that the worker reads from its environment, checked at once before it starts."""

from typing import Annotated
from urllib.parse import unquote, urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, SecretStr

from service.database_settings import DatabaseSettings

_PORTS = {"smtp": 587, "smtps": 465}
_LOCAL = ("localhost", "127.0.0.1", "::1")
PLACE_OF_ID = "{id}"


def _smtp_url(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    try:
        complete = bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # the port is no number
        complete = False
    if parts.scheme not in _PORTS or not complete or parts.path.strip("/") or parts.query:
        raise ValueError(
            "is a URL such as smtp://USER:PASSWORD@smtp.example.com:587 (TLS by STARTTLS) or "
            "smtps://USER:PASSWORD@smtp.example.com:465; percent-encode the password"
        )
    if (parts.username is None) != (parts.password is None):
        raise ValueError("needs a user and a password, or neither")
    return url


def _sender(address: str) -> str:
    try:
        validate_email(address, check_deliverability=False, allow_display_name=True)
    except EmailNotValidError as error:
        raise ValueError(
            f"is an address such as 'Example <no-reply@example.com>'. {error}"
        ) from None
    return address


def _invitation_url(url: str) -> str:
    parts = urlsplit(url)
    scheme = "http" if parts.hostname in _LOCAL else "https"
    if url.count(PLACE_OF_ID) != 1 or parts.scheme != scheme or PLACE_OF_ID in parts.netloc:
        raise ValueError(
            "is a page of your app with {id} in it, such as "
            "https://app.example.com/?invitation={id}"
        )
    return url


class WorkerSettings(DatabaseSettings):
    """The worker's settings; it needs no token secret."""

    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)]
    """The mail server, such as smtp://USER:PASSWORD@smtp.example.com:587."""
    mail_from: Annotated[str, AfterValidator(_sender)]
    """Who the mails are from, such as 'Example <no-reply@example.com>'."""
    invitation_url: Annotated[str, AfterValidator(_invitation_url)]
    """The page of your app that an invitation leads to, with {id} in it."""

    @property
    def smtp_login(self) -> tuple[str, str] | None:
        """User and password of the mail server, if it wants them."""
        parts = urlsplit(self.smtp_url.get_secret_value())
        if parts.username is None or parts.password is None:
            return None
        return unquote(parts.username), unquote(parts.password)

    @property
    def smtp_place(self) -> tuple[str, str, int]:
        """Scheme, host and port of the mail server."""
        parts = urlsplit(self.smtp_url.get_secret_value())
        return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]

    @property
    def smtp_is_local(self) -> bool:
        """Whether the mail server is on this machine, so that no network sees the mail."""
        return self.smtp_place[1] in _LOCAL
