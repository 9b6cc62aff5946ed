"""
The login that waits, as a session token describes it.

Checked here: each claim that the Action adds is text of the form in `SESSION_CLAIMS`. Not checked
here: who signed the token, for whom and when, which `action_tokens.py` does before.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from org_selector.errors import InvalidSessionToken

_PATTERNS = {  # claim → the whole of its value; where it may be empty, "" means "not given"
    "client_id": r".{1,255}",
    "client_name": r".{0,80}",
    "nonce": r"[\w-]{16,64}",
    "hint": r".{0,255}",
    "notice": r"[a-z_]{0,64}",
    # The page links to it and its policy names it: an http(s) origin, or an app's own scheme.
    "app_origin": r"(?!(?:javascript|data|vbscript|blob|file|https?):\Z)"
    r"(https?://[\w.:\[\]-]{1,247}|[a-z][\w+.-]{0,253}:)?",
    "locale": r".{0,35}",
}
SESSION_CLAIMS = {name: re.compile(text, re.A | re.S) for name, text in _PATTERNS.items()}


@dataclass(frozen=True, slots=True)
class LoginTransaction:
    """A verified session token: whose login waits, and for which application."""

    issuer: str  # the tenant's bare host, one of the configured domains
    auth0_user_id: str
    expires_at: int  # seconds since the epoch
    client_id: str
    client_name: str
    nonce: str  # one login, one choice
    hint: str  # user input, also after verification
    notice: str  # why the page is shown
    app_origin: str
    locale: str


def read_login_transaction(verified_claims: Mapping[str, Any]) -> LoginTransaction:
    """
    Read the claims of a session token whose signature, issuer, subject and times were verified.

    Raises:
        InvalidSessionToken: one of the Action's own claims is missing or has another form.
    """
    own: dict[str, Any] = {name: verified_claims.get(name) for name in SESSION_CLAIMS}
    for name, pattern in SESSION_CLAIMS.items():
        if not isinstance(own[name], str) or not pattern.fullmatch(own[name]):
            raise InvalidSessionToken(name)
    claims = verified_claims
    return LoginTransaction(claims["iss"], claims["sub"], claims["exp"], **own)
