"""
What a waiting login keeps in the browser, so that the page's address holds no token.

Each login has its own cookie with the session token and Auth0's `state`. The name of the cookie
ends with a hash of both, and so does the page's address, so several logins can wait side by side.
The page's form carries a signature over the cookie's value: it shows that the form came from our
page for this login.

Not checked here: the session token, which `action_tokens.py` verifies at every request, and
`state`, which Auth0 compares.

Sources: RFC 6265bis section 4.1.3 (`__Host-`); OWASP "Cross-Site Request Forgery Prevention".
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from flask import Response
from itsdangerous import Signer

from org_selector.errors import CrossSiteForm, InvalidSessionToken

MAX_STATE = 1024  # characters; Auth0's are about 166
MAX_WAITING = 3  # logins of one browser; more would outgrow the request's header
_STATE = re.compile(r"[\x21-\x7e]+")
_LOGIN_ID = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True)
class UnverifiedLogin:
    """The two values Auth0 sent the browser here with; neither is verified."""

    unverified_session_token: str
    unverified_state: str  # opaque; only Auth0 can tell whether it is right

    @cached_property
    def value(self) -> str:
        """Return both as one cookie value."""
        state = base64.urlsafe_b64encode(self.unverified_state.encode()).decode().rstrip("=")
        return f"{self.unverified_session_token}.{state}"

    @cached_property
    def login_id(self) -> str:
        """Name the pair, the same for the same pair; 22 characters."""
        digest = hashlib.sha256(self.value.encode()).digest()[:16]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class LoginCookies:
    """
    Write and read the cookies of waiting logins, and sign the forms that go with them.

    Args:
        secrets: newest first; forms are signed with a key derived from the first.
        secure: whether browsers reach us by https; over plain http they refuse `__Host-` names.
    """

    def __init__(self, secrets: Sequence[str], *, secure: bool) -> None:
        # itsdangerous wants the newest last.
        self._signer = Signer(
            [*reversed(secrets)], salt="org-selector/form", digest_method=hashlib.sha256
        )
        self._prefix = "__Host-login-" if secure else "login-"

    def save(self, response: Response, login: UnverifiedLogin, seconds: int) -> None:
        """Keep *login* in the browser for as long as its session token lives."""
        response.set_cookie(
            self._prefix + login.login_id,
            login.value,
            max_age=seconds,
            secure=True,
            httponly=True,
            samesite="Lax",
            path="/",
        )

    def forget_oldest(
        self, response: Response, cookies: Mapping[str, str], login: UnverifiedLogin
    ) -> None:
        """Delete the oldest to make room; browsers send the oldest first (RFC 6265, 5.4)."""
        own = self._prefix + login.login_id
        waiting = [name for name in cookies if name.startswith(self._prefix) and name != own]
        for name in waiting[: max(0, len(waiting) + 1 - MAX_WAITING)]:
            response.delete_cookie(name, secure=True, httponly=True, samesite="Lax", path="/")

    def read(self, cookies: Mapping[str, str], login_id: str) -> UnverifiedLogin:
        """
        Return the login that the page's address names.

        Raises:
            InvalidSessionToken: this browser holds no such login.
        """
        if not _LOGIN_ID.fullmatch(login_id):
            raise InvalidSessionToken("login id")
        unverified_token, _, unverified_state = cookies.get(self._prefix + login_id, "").rpartition(
            "."
        )
        try:
            padded = unverified_state + "=" * (-len(unverified_state) % 4)
            login = parse_login(unverified_token, base64.urlsafe_b64decode(padded).decode())
        except ValueError as error:
            raise InvalidSessionToken("cookie") from error
        if login.login_id != login_id:
            raise InvalidSessionToken("cookie of another login")
        return login

    def sign_form(self, login: UnverifiedLogin) -> str:
        """Return what the page's form must carry."""
        return self._signer.get_signature(login.value).decode()

    def require_form(self, login: UnverifiedLogin, unverified_signature: str) -> None:
        """
        Require that the form came from our page for exactly this login.

        Raises:
            CrossSiteForm: it did not.
        """
        try:
            signature = unverified_signature.encode("ascii")
        except UnicodeEncodeError as error:
            raise CrossSiteForm("form signature") from error
        if not self._signer.verify_signature(login.value.encode(), signature):
            raise CrossSiteForm("form signature")


def parse_login(unverified_session_token: str, unverified_state: str) -> UnverifiedLogin:
    """
    Take both values unchanged, if a cookie can carry them.

    Raises:
        InvalidSessionToken: `state` is empty, longer than MAX_STATE or not plain ASCII.
    """
    if len(unverified_state) > MAX_STATE or not _STATE.fullmatch(unverified_state):
        raise InvalidSessionToken("state")
    return UnverifiedLogin(unverified_session_token, unverified_state)
