"""
Where Postgres is: the URL, and that a server elsewhere proves who it is.

Sources: PostgreSQL "SSL Support" (libpq), "Connection Strings".
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

DatabaseTls = Literal["verify-full", "off"]
_LOCAL = ("", "localhost", "127.0.0.1", "::1")


def require_database_url(url: str) -> None:
    """
    Require that *url* parses and names a database.

    Raises:
        ValueError: it does not. The text is ours, since libpq's may quote the password.
    """
    parameters = _parse(url)
    places = f"{parameters.get('dbname', '')}{parameters.get('host', '')}"
    # libpq takes what follows an unescaped "@" or "/" in the password for the host or the database.
    if not parameters.get("dbname") or "@" in places:
        raise ValueError("is not a Postgres URL with a database; percent-encode the password")


def secure_url(url: str, tls: DatabaseTls) -> str:
    """
    Return the connection string to use: with TLS and a verified certificate, unless local or off.

    The certificate is checked against `sslrootcert` of the URL, else libpq's own settings, else the
    authorities that this machine trusts; libpq of psycopg's wheel does not know those by itself.

    Raises:
        ValueError: the URL asks for less. The text continues "DATABASE_TLS …".
    """
    parameters = _parse(url)
    if tls == "off" or _is_local(parameters):
        return url
    mode = parameters.get("sslmode", "verify-full")
    if mode != "verify-full":
        raise ValueError(
            f"is verify-full, but the URL has sslmode={mode}, which trusts any server. Leave "
            "sslmode out of the URL; sslrootcert names a file with the authorities of your host. "
            "If the network to Postgres is your own, set DATABASE_TLS=off"
        )
    secure = {"sslmode": "verify-full"}
    own_authorities = Path("~/.postgresql/root.crt").expanduser()
    if not (
        "sslrootcert" in parameters or "PGSSLROOTCERT" in os.environ or own_authorities.exists()
    ):
        secure["sslrootcert"] = ssl.get_default_verify_paths().cafile or "system"
    return make_conninfo(url, **secure)


def read_password(file: Path) -> str:
    """
    Return the password in *file*, without the line break at its end.

    Raises:
        ValueError: the file cannot be read, or is empty.
    """
    try:
        password = file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"names {file}, which cannot be read: {type(error).__name__}") from None
    if not password:
        raise ValueError(f"names {file}, which is empty")
    return password


def has_password(url: str) -> bool:
    """Say whether the URL itself has a password."""
    return "password" in _parse(url)


def _parse(url: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        return {}


def _is_local(parameters: Mapping[str, Any]) -> bool:
    if "service" in parameters:  # a file of libpq's names the host
        return False
    names = [parameters.get("host", os.environ.get("PGHOST", "")), parameters.get("hostaddr", "")]
    hosts = [host for name in names for host in name.split(",")]
    return all(host in _LOCAL or host.startswith(("/", "@")) for host in hosts)
