"""
The cookie of a login that waits for a choice, so that the picker's address holds no token.

Each login has a cookie of its own with the session token and Auth0's `state`. The cookie's name and
the picker's address end with a hash of both, so a browser can hold several waiting logins. The
picker's form carries a signature of the cookie's value, which shows that our page for this login
sent the form.

Not checked here: the session token (`action_tokens.py`, at every request) and `state` (Auth0).

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

from org_guard.compact_token import MalformedInput, parse_compact_token
from org_selector.action_tokens import MAX_TOKEN_BYTES
from org_selector.errors import CrossSiteForm, InvalidSessionToken

MAX_STATE = 1024  # characters; Auth0 sends about 166
MAX_WAITING = 3  # logins of one browser; the Cookie header has room for no more
_STATE = re.compile(r"[\x21-\x7e]+")
_LOGIN_ID = re.compile(r"[A-Za-z0-9_-]{22}")


@dataclass(frozen=True)
class UnverifiedLogin:
    """The two values in the redirect from Auth0; neither is verified."""

    unverified_session_token: str
    unverified_state: str  # only Auth0 knows whether it is right

    @cached_property
    def value(self) -> str:
        """Return both as one cookie value."""
        state = base64.urlsafe_b64encode(self.unverified_state.encode()).decode().rstrip("=")
        return f"{self.unverified_session_token}.{state}"

    @cached_property
    def login_id(self) -> str:
        """Return a hash of both: the same login has the same id; 22 characters."""
        digest = hashlib.sha256(self.value.encode()).digest()[:16]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class LoginCookies:
    """
    Write and read the cookies of waiting logins, and sign their forms.

    Args:
        secrets: newest first; a key derived from the first signs, keys derived from all verify.
        secure: whether browsers use https; over http they refuse cookie names with `__Host-`.
    """

    def __init__(self, secrets: Sequence[str], *, secure: bool) -> None:
        # itsdangerous expects the newest secret last.
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

    def make_room(
        self,
        response: Response,
        cookies: Mapping[str, str],
        login: UnverifiedLogin,
        auth0_user_id: str,
    ) -> None:
        """
        Delete waiting logins so that *login*, of this person, can be added.

        First the person's own, the oldest first; then the newest of others. So an attacker who
        makes a browser open links of the attacker's own logins drives out no login of the victim.
        Browsers send the oldest cookie first (RFC 6265 section 5.4).
        """
        new = self._prefix + login.login_id
        waiting = [name for name in cookies if name.startswith(self._prefix) and name != new]
        own = [name for name in waiting if _read_unverified_user(cookies[name]) == auth0_user_id]
        others = [name for name in reversed(waiting) if name not in own]
        for name in [*own, *others][: max(0, len(waiting) + 1 - MAX_WAITING)]:
            response.delete_cookie(name, secure=True, httponly=True, samesite="Lax", path="/")

    def read(self, cookies: Mapping[str, str], login_id: str) -> UnverifiedLogin:
        """
        Return the login with the id from the picker's address.

        Raises:
            InvalidSessionToken: this browser has no cookie for it, or a damaged one.
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
        """Return the signature for the form of this login."""
        return self._signer.get_signature(login.value).decode()

    def require_form(self, login: UnverifiedLogin, unverified_signature: str) -> None:
        """
        Require the signature of `sign_form` for this login.

        Raises:
            CrossSiteForm: the form was not made by our page for this login.
        """
        try:
            signature = unverified_signature.encode("ascii")
        except UnicodeEncodeError as error:
            raise CrossSiteForm("form signature") from error
        if not self._signer.verify_signature(login.value.encode(), signature):
            raise CrossSiteForm("form signature")


def _read_unverified_user(unverified_value: str) -> object:
    # Good enough to choose a cookie to delete: the token was verified before it was stored.
    try:
        unverified_token = unverified_value.rpartition(".")[0]
        return parse_compact_token(unverified_token, max_bytes=MAX_TOKEN_BYTES).claims.get("sub")
    except MalformedInput:
        return None


def parse_login(unverified_session_token: str, unverified_state: str) -> UnverifiedLogin:
    """
    Take both values unchanged, if a cookie can hold them.

    Raises:
        InvalidSessionToken: `state` is empty, longer than MAX_STATE or not plain ASCII.
    """
    if len(unverified_state) > MAX_STATE or not _STATE.fullmatch(unverified_state):
        raise InvalidSessionToken("state")
    return UnverifiedLogin(unverified_session_token, unverified_state)
