"""
The memory of a running tenant.

One lock guards all of it. A code, `state` or refresh token is looked up and marked as used under
that lock, so that exactly one of several simultaneous uses succeeds.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from local_tenant.configuration import TenantConfig
from local_tenant.logins import (
    Code,
    DeadLoginError,
    DeadReason,
    Login,
    Person,
    RefreshToken,
    Session,
    Waiting,
    client_of_state,
    format_time,
    new_state,
)

TRANSACTION_LIFETIME = 3600  # seconds; Auth0's page on the migration to 1-hour login transactions
CODE_LIFETIME = 600  # seconds; RFC 6749 section 4.1.2 recommends at most ten minutes
KEPT = 10_000  # codes, opaque tokens and so on; the oldest go first, so that memory is bounded


class Records:
    """Everything that a tenant remembers; the dictionaries are public for tests."""

    def __init__(self, config: TenantConfig) -> None:
        self._assumptions = config.assumptions
        self.lock = threading.RLock()
        self.people = {user.user_id: Person.of(user) for user in config.users}
        self.sessions: dict[str, Session] = {}
        self.transactions: dict[str, Login] = {}
        self.codes: OrderedDict[str, Code] = OrderedDict()
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.opaque_tokens: OrderedDict[str, tuple[Login, float]] = OrderedDict()
        self.custom_claims: OrderedDict[bytes, Mapping[str, Any]] = OrderedDict()
        self.executions: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._ended: OrderedDict[str, DeadReason] = OrderedDict()

    # Sessions

    def add_session(self, host: str, user_id: str, connection: tuple[str, str]) -> Session:
        """Add a session for a user who has logged in with a password just now."""
        now = time.time()
        lifetime = self._assumptions.session_lifetime
        session = Session(
            secrets.token_urlsafe(24),
            secrets.token_urlsafe(24),
            host,
            user_id,
            now,
            now + lifetime,
            connection,
        )
        session.methods.append({"name": "pwd", "timestamp": format_time(now)})
        with self.lock:
            self.sessions[session.id] = session
        return session

    def find_session(self, cookie: str, host: str) -> Session | None:
        """Find the session of a cookie; it must belong to this host and not have expired."""
        name, _, secret = cookie.partition(".")
        with self.lock:
            session = self.sessions.get(name)
            if session is None or not hmac.compare_digest(session.secret.encode(), secret.encode()):
                return None
            return session if session.host == host and session.expires_at > time.time() else None

    def drop_session(self, session_id: str, *, with_refresh_tokens: bool = False) -> None:
        """End a session, if it exists, and on request revoke its refresh tokens."""
        with self.lock:
            self.sessions.pop(session_id, None)
            if with_refresh_tokens:
                self.refresh_tokens = {
                    value: token
                    for value, token in self.refresh_tokens.items()
                    if token.session_id != session_id
                }

    # Unfinished logins

    def suspend(self, login: Login, waiting_for: Waiting) -> str:
        """Keep a login until its browser comes back; return the `state` that identifies it."""
        now = time.time()
        login.waiting_for, login.expires_at = waiting_for, now + TRANSACTION_LIFETIME
        state = new_state(waiting_for, login)
        with self.lock:
            # The oldest come first, so this stops at the first one that has not expired.
            while self.transactions:
                oldest, kept = next(iter(self.transactions.items()))
                if kept.expires_at > now:
                    break
                del self.transactions[oldest]
                self._end(oldest, "expired")
            self.transactions[state] = login
        return state

    def find_transaction(
        self, state: str, waiting_for: str, host: str, cookies: Mapping[str, str]
    ) -> Login:
        """
        Return the login of this `state`, if it began in this browser and can continue.

        Raises:
            DeadLoginError: there is no such login, or it cannot continue. It is not removed, so
                that a request from another browser does not end it.
        """
        with self.lock:
            login = self.transactions.get(state)
            if login is None or login.waiting_for != waiting_for or login.host != host:
                raise DeadLoginError(self._ended.get(state, "unknown"), client_of_state(state))
            if login.expires_at <= time.time():
                raise DeadLoginError("expired", login.client_id)
            presented = cookies.get(login.cookie_name, "")
            if not hmac.compare_digest(login.browser.encode(), presented.encode()):
                raise DeadLoginError("other_browser", login.client_id)
            if (
                waiting_for != "login"
                and self._assumptions.continue_needs_session
                and login.session_id not in self.sessions
            ):
                raise DeadLoginError("session_ended", login.client_id)
            return login

    def take_transaction(
        self, state: str, waiting_for: str, host: str, cookies: Mapping[str, str]
    ) -> Login:
        """Return the login as `find_transaction` does and remove it: its `state` works once."""
        with self.lock:
            login = self.find_transaction(state, waiting_for, host, cookies)
            del self.transactions[state]
            self._end(state, "used")
            return login

    def expire_transactions(self) -> None:
        """Let all unfinished logins expire now."""
        with self.lock:
            for login in self.transactions.values():
                login.expires_at = 0.0

    def _end(self, state: str, reason: DeadReason) -> None:
        self._ended[state] = reason
        if len(self._ended) > KEPT:
            self._ended.popitem(last=False)

    # Codes and tokens

    def add_code(self, login: Login) -> str:
        """Make an authorization code for a login."""
        code = secrets.token_urlsafe(32)
        with self.lock:
            self.codes[code] = Code(login, time.time() + CODE_LIFETIME)
            if len(self.codes) > KEPT:
                self.codes.popitem(last=False)
        return code

    def take_code(self, code: str, client_id: str) -> Code | None:
        """
        Return an unused code of this client and mark it as used, or return None.

        A second use revokes the refresh tokens of the first one (RFC 6749 section 4.1.2).
        """
        with self.lock:
            found = self.codes.get(code)
            if found is None or found.login.client_id != client_id:
                return None
            if found.used:
                self.revoke_family(found.family)
                return None
            found.used = True
            return found if found.expires_at > time.time() else None

    def add_opaque_token(self, login: Login, expires_at: float) -> str:
        """Make an opaque access token for /userinfo."""
        token = secrets.token_urlsafe(24)
        with self.lock:
            self.opaque_tokens[token] = (login, expires_at)
            if len(self.opaque_tokens) > KEPT:
                self.opaque_tokens.popitem(last=False)
        return token

    def remember_custom_claims(self, token: str, claims: Mapping[str, Any]) -> None:
        """Keep the claims that Actions set, for /userinfo to show with this access token."""
        if not claims:
            return
        with self.lock:
            self.custom_claims[_digest(token)] = dict(claims)
            if len(self.custom_claims) > KEPT:
                self.custom_claims.popitem(last=False)

    def find_custom_claims(self, token: str) -> Mapping[str, Any]:
        """Return the claims that were kept for this access token, or none."""
        with self.lock:
            return self.custom_claims.get(_digest(token), {})

    def add_refresh_token(self, token: RefreshToken) -> str:
        """Add a refresh token and return its value, which only the client knows."""
        value = f"v1.{secrets.token_urlsafe(40)}"
        with self.lock:
            self.refresh_tokens[value] = token
        return value

    def find_refresh_token(self, value: str, client_id: str) -> RefreshToken | None:
        """Find a refresh token of this client; if it was used before, revoke its family."""
        with self.lock:
            token = self.refresh_tokens.get(value)
            if token is None or token.client_id != client_id:
                return None
            if token.used:
                self.revoke_family(token.family)
                return None
            return token

    def rotate(self, value: str, metadata: Mapping[str, str]) -> str | None:
        """Mark a refresh token as used; return its successor, or None if it was used before."""
        with self.lock:
            token = self.refresh_tokens.get(value)
            if token is None or self.find_refresh_token(value, token.client_id) is None:
                return None
            self.refresh_tokens[value] = replace(token, used=True)
            return self.add_refresh_token(
                replace(token, id=secrets.token_hex(12), created_at=time.time(), metadata=metadata)
            )

    def revoke_family(self, family: str) -> None:
        """Revoke a refresh token and all that it was rotated from and to."""
        with self.lock:
            self.refresh_tokens = {
                value: token
                for value, token in self.refresh_tokens.items()
                if token.family != family
            }


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
