"""The tenant: configuration, memory, keys and Action runner in one object; its fault switches."""

import time
from pathlib import Path

from flask import current_app, request

from local_tenant.action_host import ActionHost
from local_tenant.configuration import MANAGEMENT_API, TenantConfig
from local_tenant.logins import format_time
from local_tenant.records import Records
from local_tenant.signing import SigningKeys
from local_tenant.signing_key import SigningKey
from org_guard.base_url import base_url


class Tenant:
    """
    Everything that lives as long as the tenant; `close` ends the Node process.

    Making RSA keys is slow, so tests that start many tenants may hand them `keys`.

    Raises:
        OSError: `node` cannot be started.
        FileNotFoundError: the file of an Action is missing.
    """

    def __init__(self, config: TenantConfig, node: Path, keys: SigningKeys | None = None) -> None:
        for action in config.actions:
            action.code.stat()
        self.config = config
        self.clients = {client.client_id: client for client in config.clients}
        self.apis = {api.identifier: api for api in config.apis}
        self.web_origins = {origin for client in config.clients for origin in client.web_origins}
        self.records = Records(config)
        self.keys = keys or SigningKeys()
        self.started_at = format_time(time.time())
        self.action_host = ActionHost(node, config.action_time_limit)

    def close(self) -> None:
        """End the Action runner; logins in flight fail."""
        self.action_host.close()

    # Fault switches for tests

    def expire_login_transactions(self) -> None:
        """Let every login that waits for its browser expire now."""
        self.records.expire_transactions()

    def drop_session(self, session_id: str) -> None:
        """End a single sign-on session; its cookie is not accepted any more."""
        self.records.drop_session(session_id)

    def kill_runner(self) -> None:
        """End the Node process as a crash would."""
        self.action_host.kill()

    def set_blocked(self, user_id: str, blocked: bool) -> None:
        """Block or unblock a user, as the Management API would."""
        with self.records.lock:
            self.records.people[user_id].blocked = blocked

    def rotate_signing_key(self) -> tuple[SigningKey, SigningKey]:
        """
        Sign with the next key from now on; return it and the new next one.

        The previous one stays in the key set until it is revoked. Another process does the same
        through `management.py`.
        """
        return self.keys.rotate(keep_older=self.config.assumptions.rotation_keeps_older_keys)


def current_tenant() -> Tenant:
    """Return the tenant of the app that serves this request."""
    tenant = current_app.extensions["local_tenant"]
    assert isinstance(tenant, Tenant)  # for mypy; create_app put it there
    return tenant


def issuer() -> str:
    """Return the issuer; it follows the host this request came to, as on Auth0."""
    return f"{base_url(request.host)}/"


def management_audience() -> str:
    """Return the identifier of the Management API at the host this request came to."""
    return f"{base_url(request.host)}{MANAGEMENT_API}"
