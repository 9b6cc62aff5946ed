"""The tenant: configuration, memory, keys and Action host in one object, and faults for tests."""

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
    A tenant that can be served; `close` ends its Node process.

    Args:
        node: the program of Node 22.
        keys: signing keys to use. Generating them is slow, so tests share them between tenants.

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
        """End the Node process; logins whose Action runs at this moment fail."""
        self.action_host.close()

    # Faults that tests cause

    def expire_login_transactions(self) -> None:
        """Let all unfinished logins expire now."""
        self.records.expire_transactions()

    def drop_session(self, session_id: str) -> None:
        """End a single sign-on session; its cookie is refused from now on."""
        self.records.drop_session(session_id)

    def kill_runner(self) -> None:
        """Kill the Node process, as if it had crashed."""
        self.action_host.kill()

    def set_blocked(self, user_id: str, blocked: bool) -> None:
        """Block or unblock a user, as an administrator can at Auth0."""
        with self.records.lock:
            self.records.people[user_id].blocked = blocked

    def rotate_signing_key(self) -> tuple[SigningKey, SigningKey]:
        """
        Sign with the next key from now on; return it and the new next key.

        The key used so far stays in the key set until it is revoked. Programs outside this process
        rotate through the Management API (`management.py`).
        """
        return self.keys.rotate(keep_older=self.config.assumptions.rotation_keeps_older_keys)


def current_tenant() -> Tenant:
    """Return the tenant of the app that serves this request."""
    tenant = current_app.extensions["local_tenant"]
    assert isinstance(tenant, Tenant)  # for mypy; create_app put it there
    return tenant


def issuer() -> str:
    """Return the issuer: the host that this request came to, as at Auth0 with custom domains."""
    return f"{base_url(request.host)}/"


def management_audience() -> str:
    """Return the audience of the Management API on the host that this request came to."""
    return f"{base_url(request.host)}{MANAGEMENT_API}"
