"""The settings of a service's database, and the pool that they describe."""

from collections.abc import Callable
from pathlib import Path

import psycopg
from pydantic import Field, ValidationInfo, field_validator

from service.database_url import DatabaseTls, has_password, read_password, secure_url
from service.environment import PostgresUrl, Settings, Threads
from service.pool import Database
from service.rows.session import PrepareStatements


class DatabaseSettings(Settings):
    """What both services read about their database."""

    database_url: PostgresUrl
    """Postgres, as the database role of this service."""
    database_password_file: Path | None = Field(None, validate_default=True)
    """A file with the password, read for each new connection."""
    database_tls: DatabaseTls = Field("verify-full", validate_default=True)
    """Whether a server that is not on this machine must prove who it is."""
    prepare_statements: PrepareStatements = "auto"
    """Whether statements are prepared: auto, on or off."""
    threads: Threads = 4
    """Threads, and database connections, of one process."""

    def open_database(self, configure: Callable[[psycopg.Connection], None]) -> Database:
        """Make the pool; *configure* checks the role of each new connection."""
        return Database(
            secure_url(self.database_url.get_secret_value(), self.database_tls),
            size=self.threads,
            configure=configure,
            prepare=self.prepare_statements,
            password_file=self.database_password_file,
        )

    @field_validator("database_password_file")
    @classmethod
    def _holds_the_only_password(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        if file is not None:
            read_password(file)
            if "database_url" in info.data and has_password(_url(info)):
                raise ValueError("is set, so leave the password out of DATABASE_URL")
        return file

    @field_validator("database_tls")
    @classmethod
    def _fits_the_url(cls, tls: DatabaseTls, info: ValidationInfo) -> DatabaseTls:
        if "database_url" in info.data:  # else it is wrong by itself
            secure_url(_url(info), tls)
        return tls


def _url(info: ValidationInfo) -> str:
    return str(info.data["database_url"].get_secret_value())
