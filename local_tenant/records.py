"""
The memory of a running tenant.

One lock guards everything. Every value for a single use is taken out under it, so that of many
simultaneous uses exactly one succeeds.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from local_tenant.configuration import TenantConfig
from local_tenant.logins import (
    Code,
    DeadLoginError,
    DeadReason,
    Login,
    Person,
    RefreshToken,
    Session,
    client_of_state,
    format_time,
    new_state,
)

TRANSACTION_LIFETIME = 3600  # seconds; Auth0's page on the migration to 1-hour login transactions
CODE_LIFETIME = 600  # seconds; RFC 6749 4.1.2 recommends at most ten minutes
KEPT = 10_000  # ended states, codes and executions we still know, so that memory stays bounded


class Records:
    """Everything a tenant remembers. The dictionaries are public so that tests can read them."""

    def __init__(self, config: TenantConfig) -> None:
        self._assumptions = config.assumptions
        self.lock = threading.RLock()
        self.people = {
            user.user_id: Person(
                user, user.blocked, dict(user.app_metadata), dict(user.user_metadata)
            )
            for user in config.users
        }
        self.sessions: dict[str, Session] = {}
        self.transactions: dict[str, Login] = {}
        self.codes: OrderedDict[str, Code] = OrderedDict()
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.opaque_tokens: OrderedDict[str, tuple[Login, float]] = OrderedDict()
        self.custom_claims: OrderedDict[bytes, Mapping[str, Any]] = OrderedDict()
        self.executions: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._ended: OrderedDict[str, DeadReason] = OrderedDict()

    # Sessions

    def add_session(self, host: str, user_id: str) -> Session:
        now = time.time()
        lifetime = self._assumptions.session_lifetime
        session = Session(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), host, user_id, now, now + lifetime
        )
        session.methods.append({"name": "pwd", "timestamp": format_time(now)})
        with self.lock:
            self.sessions[session.id] = session
        return session

    def find_session(self, cookie: str, host: str) -> Session | None:
        """Find the session of a cookie, if it belongs to this host and has not expired."""
        name, _, secret = cookie.partition(".")
        with self.lock:
            session = self.sessions.get(name)
            if session is None or not hmac.compare_digest(session.secret.encode(), secret.encode()):
                return None
            return session if session.host == host and session.expires_at > time.time() else None

    def drop_session(self, session_id: str, *, with_refresh_tokens: bool = False) -> None:
        with self.lock:
            self.sessions.pop(session_id, None)
            if with_refresh_tokens:
                self.refresh_tokens = {
                    value: token
                    for value, token in self.refresh_tokens.items()
                    if token.session_id != session_id
                }

    # Logins under way

    def suspend(self, login: Login, waiting_for: Literal["login", "redirect"]) -> str:
        """Keep a login until its browser comes back, and return the state that finds it."""
        now = time.time()
        login.waiting_for, login.expires_at = waiting_for, now + TRANSACTION_LIFETIME
        state = new_state(waiting_for, login)
        with self.lock:
            # The oldest come first, so this looks at no more than one living login.
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
        Return the login of this state, if it is this browser's and can go on.

        Raises:
            DeadLoginError: it is not, or cannot. The login stays, so that another browser that
                tried does not end it for the right one.
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
                waiting_for == "redirect"
                and self._assumptions.continue_needs_session
                and login.session_id not in self.sessions
            ):
                raise DeadLoginError("session_ended", login.client_id)
            return login

    def take_transaction(
        self, state: str, waiting_for: str, host: str, cookies: Mapping[str, str]
    ) -> Login:
        """Return the login as `find_transaction` does, and end its state: it is found only once."""
        with self.lock:
            login = self.find_transaction(state, waiting_for, host, cookies)
            del self.transactions[state]
            self._end(state, "used")
            return login

    def expire_transactions(self) -> None:
        with self.lock:
            for login in self.transactions.values():
                login.expires_at = 0.0

    def _end(self, state: str, reason: DeadReason) -> None:
        self._ended[state] = reason
        if len(self._ended) > KEPT:
            self._ended.popitem(last=False)

    # Codes and tokens

    def add_code(self, login: Login) -> str:
        code = secrets.token_urlsafe(32)
        with self.lock:
            self.codes[code] = Code(login, time.time() + CODE_LIFETIME)
            if len(self.codes) > KEPT:
                self.codes.popitem(last=False)
        return code

    def take_code(self, code: str, client_id: str) -> Code | None:
        """
        Return the code at its first use by its client.

        A second use revokes the tokens that the first one gave (RFC 6749 4.1.2).
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
        token = secrets.token_urlsafe(24)
        with self.lock:
            self.opaque_tokens[token] = (login, expires_at)
            if len(self.opaque_tokens) > KEPT:
                self.opaque_tokens.popitem(last=False)
        return token

    def remember_custom_claims(self, token: str, claims: Mapping[str, Any]) -> None:
        """Keep the claims that Actions set, so that /userinfo can show them for this token."""
        if not claims:
            return
        with self.lock:
            self.custom_claims[_digest(token)] = dict(claims)
            if len(self.custom_claims) > KEPT:
                self.custom_claims.popitem(last=False)

    def find_custom_claims(self, token: str) -> Mapping[str, Any]:
        with self.lock:
            return self.custom_claims.get(_digest(token), {})

    def add_refresh_token(self, token: RefreshToken) -> str:
        value = f"v1.{secrets.token_urlsafe(40)}"
        with self.lock:
            self.refresh_tokens[value] = token
        return value

    def find_refresh_token(self, value: str, client_id: str) -> RefreshToken | None:
        """Find a refresh token that its client may use; one that was spent ends its family."""
        with self.lock:
            token = self.refresh_tokens.get(value)
            if token is None or token.client_id != client_id:
                return None
            if token.used:
                self.revoke_family(token.family)
                return None
            return token

    def rotate(self, value: str, metadata: Mapping[str, str]) -> str | None:
        """Spend a refresh token and return the next one, or None if another request was faster."""
        with self.lock:
            token = self.refresh_tokens.get(value)
            if token is None or self.find_refresh_token(value, token.client_id) is None:
                return None
            self.refresh_tokens[value] = replace(token, used=True)
            return self.add_refresh_token(
                replace(token, id=secrets.token_hex(12), created_at=time.time(), metadata=metadata)
            )

    def revoke_family(self, family: str) -> None:
        with self.lock:
            self.refresh_tokens = {
                value: token
                for value, token in self.refresh_tokens.items()
                if token.family != family
            }


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
