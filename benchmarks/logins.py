"""
The requests that the Action and a browser send to the selector, signed as the Action signs.

The cookie and the form's MAC come from the product's own class, because a benchmark measures cost,
not whether the selector refuses forgeries.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from uuid import UUID

from benchmarks.load import CheckedRequest
from benchmarks.memberships import NAME, BenchmarkUser, NumberedOrganization
from org_selector.picker.cookie import LoginCookies, UnverifiedLogin

STATE = "hKFo2SB" + "s" * 160  # as long as a state of Auth0


@dataclass(frozen=True)
class RequestBuilder:
    """Build requests to one selector, with the secret that it shares with the Action."""

    tenant_host: str
    session_secret: str
    selector_url: str

    def decision(self, person: BenchmarkUser, hint: NumberedOrganization | None) -> CheckedRequest:
        """Ask for a decision at a refresh, about a user in the database; *hint* is `ext-org`."""
        slug, expected = (hint.slug, f'"{hint.id}"') if hint else (None, "organization_required")
        return self.question(
            person.auth0_user_id, person.email, NAME, "refresh", hint=slug, expected=expected
        )

    def question(
        self,
        auth0_user_id: str,
        email: str,
        name: str,
        interaction: str,
        *,
        hint: str | None = None,
        choice: dict[str, object] | None = None,
        expected: str = "outcome",
    ) -> CheckedRequest:
        """Ask for a decision, as the Action does; *expected* is part of the answer."""
        user = {
            "id": auth0_user_id,
            "email": email,
            "email_verified": True,
            "name": name,
            "connection": "Username-Password-Authentication",
            "strategy": "auth0",
            "identities": [
                {
                    "connection": "Username-Password-Authentication",
                    "email": email,
                    "email_verified": True,
                }
            ],
        }
        question = {
            "version": 1,
            "user": user,
            "client_id": "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
            "interaction": interaction,
            "hint": hint,
            "bound": None,
            "remembered": None,
            "invitation": None,
            "prompt_select": False,
        }
        body = json.dumps(question | ({"choice": choice} if choice else {})).encode()
        claims: dict[str, object] = {
            "aud": "org-selector/decisions",
            "body_sha256": hashlib.sha256(body).hexdigest(),
        }
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._sign(auth0_user_id, claims, seconds=30)}",
        }
        return CheckedRequest("/decisions", expected.encode(), "POST", headers, body)

    def page(self, person: BenchmarkUser, expected: str, **query: str) -> CheckedRequest:
        """Load the picker in a new login."""
        login = self._login(person)
        path = f"/select/{login.login_id}" + (f"?{urlencode(query)}" if query else "")
        return CheckedRequest(path, expected.encode(), headers=self._cookie(login))

    def next_page(
        self, person: BenchmarkUser, expected: str, after: tuple[str, UUID]
    ) -> CheckedRequest:
        """Load the page of the picker that begins after (name_key, id)."""
        return self.page(person, expected, after=f"{after[1]} {after[0]}")

    def choice(self, person: BenchmarkUser, organization: NumberedOrganization) -> CheckedRequest:
        """Choose an organization in the picker, in a new login."""
        login = self._login(person)
        cookies = LoginCookies([self.session_secret], secure=False)
        form = {"form": cookies.sign_form(login), "org_id": str(organization.id)}
        headers = self._cookie(login) | {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": self.selector_url,
        }
        path = f"/select/{login.login_id}"
        return CheckedRequest(
            path, b'name="selection_token"', "POST", headers, urlencode(form).encode()
        )

    def _login(self, person: BenchmarkUser) -> UnverifiedLogin:
        claims = {
            "aud": "org-selector/select",
            "ip": "192.0.2.1",
            "client_id": "AbCdEfGhIjKlMnOpQrStUvWxYz012345",
            "client_name": "Example App",
            "nonce": secrets.token_urlsafe(16),
            "version": 1,
            "hint": "",
            "invitation": "",
            "bound": "",
            "notice": "",
            "app_origin": "https://app.example.com",
            "locale": "en",
        }
        return UnverifiedLogin(self._sign(person.auth0_user_id, claims, seconds=300), STATE)

    def _cookie(self, login: UnverifiedLogin) -> dict[str, str]:
        return {
            "Cookie": f"login-{login.login_id}={quote(login.value)}",
            "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
        }

    def _sign(self, auth0_user_id: str, claims: dict[str, object], *, seconds: int) -> str:
        now = int(time.time())
        common = {"iss": self.tenant_host, "sub": auth0_user_id}
        times = {"iat": now, "exp": now + seconds}
        parts = ({"alg": "HS256", "typ": "JWT"}, common | times | claims)
        signed = ".".join(_encode(json.dumps(part).encode()) for part in parts)
        digest = hmac.digest(self.session_secret.encode(), signed.encode(), "sha256")
        return f"{signed}.{_encode(digest)}"


def _encode(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")
