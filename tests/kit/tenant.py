"""A running local tenant, and the requests that tests send to it."""

import base64
import hashlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest

from local_stack.node import node
from local_tenant.app import Tenant
from local_tenant.configuration import Action, Api, Client, TenantConfig, User
from local_tenant.server import make_server
from local_tenant.signing import SigningKeys

NODE = node()
# Without the system's certificates: loading them for every client takes longer than the tests.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
WEB = httpx2.Client(timeout=20, trust_env=False, verify=NO_TLS)
AUDIENCE = "https://api.example.com"
CALLBACK = "http://localhost:3000/"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
JOE = User(
    user_id="auth0|joe",
    email="joe@example.com",
    name="Joe",
    password="joe's password",
    picture="https://example.com/joe.png",
)
ANN = User(user_id="auth0|ann", email="ann@example.com", password="ann's password")
SPA = Client(
    client_id="spa",
    name="Example App",
    callbacks=(CALLBACK, "http://localhost:3000/other?kept=1"),
    logout_urls=("http://localhost:3000/bye",),
    web_origins=("http://localhost:3000",),
    metadata={"organization": "abc"},
)
OTHER = Client(client_id="other", name="Other", callbacks=("http://localhost:4000/",))
# An Action that redirects unless the request has `ext-org`. After the redirect it sets the claim
# from the return token.
PICKER = """
const secret = 'a secret of at least thirty-two bytes';
exports.onExecutePostLogin = async (event, api) => {
  const hint = event.request.query['ext-org'] ?? event.request.body['ext-org'];
  if (hint === 'evil') return api.access.deny('not a member');
  if (hint) return api.accessToken.setCustomClaim('https://example.com/org', hint);
  api.transaction.setMetadata('nonce', 'n-1');
  const payload = { aud: 'picker' };
  const token = api.redirect.encodeToken({ secret, payload, expiresInSeconds: 600 });
  api.redirect.sendUserTo('http://127.0.0.1:9/select?kept=1', { query: { session_token: token } });
};
exports.onContinuePostLogin = async (event, api) => {
  const token = api.redirect.validateToken({ secret, tokenParameterName: 'selection_token' });
  if (event.transaction.metadata.nonce !== 'n-1') throw new Error('metadata lost');
  api.accessToken.setCustomClaim('https://example.com/org', token.org_id);
  api.idToken.setCustomClaim('https://example.com/org', token.org_id);
};
"""
SECRET = "a secret of at least thirty-two bytes"


@dataclass
class Running:
    """A running local tenant."""

    tenant: Tenant
    port: int

    @property
    def url(self) -> str:
        """The tenant's URL, without a slash at the end."""
        return f"http://localhost:{self.port}"

    def browser(self) -> httpx2.Client:
        """Make a browser with its own cookies."""
        policy = DefaultCookiePolicy(secure_protocols=("http", "https"))
        return httpx2.Client(
            base_url=self.url, cookies=CookieJar(policy), timeout=10, trust_env=False, verify=NO_TLS
        )

    def authorize(self, browser: httpx2.Client, **changes: Any) -> httpx2.Response:
        """Begin a login; `ext_dash_org` is the parameter `ext-org`, None leaves one out."""
        parameters: dict[str, Any] = {
            "client_id": "spa",
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "audience": AUDIENCE,
            "state": "app-state",
            "nonce": "app-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        parameters |= {name.replace("_dash_", "-"): value for name, value in changes.items()}
        chosen = {name: value for name, value in parameters.items() if value is not None}
        return browser.get("/authorize", params=chosen)

    def log_in(self, browser: httpx2.Client, user: User = JOE, **changes: Any) -> httpx2.Response:
        """Log in on the login page; return the response to the right password."""
        page = self.authorize(browser, **changes)
        assert page.status_code == 302, page.text
        assert urlsplit(page.headers["location"]).path == "/u/login"
        form = {"email": user.email, "password": user.password}
        return browser.post(page.headers["location"], data=form)

    def exchange(self, answer: httpx2.Response, **changes: Any) -> httpx2.Response:
        """Exchange the code in the redirect to the callback, and return the response."""
        body = {
            "grant_type": "authorization_code",
            "client_id": "spa",
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            "code": answered(answer)["code"],
        }
        return WEB.post(f"{self.url}/oauth/token", data=body | changes)

    def tokens(self, user: User = JOE, **changes: Any) -> dict[str, Any]:
        """Log in with a new browser and exchange the code."""
        answer: dict[str, Any] = self.exchange(self.log_in(self.browser(), user, **changes)).json()
        return answer

    def refresh(self, refresh_token: str, /, **changes: Any) -> httpx2.Response:
        """Exchange a refresh token, and return the response."""
        body = {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": refresh_token}
        return WEB.post(f"{self.url}/oauth/token", json=body | changes)

    def verify(self, token: str, audience: str) -> dict[str, Any]:
        """Verify a token with the tenant's published keys, and return its claims."""
        keys = WEB.get(f"{self.url}/.well-known/jwks.json").json()
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(entry for entry in keys["keys"] if entry["kid"] == kid)
        return jwt.decode(
            token, jwt.PyJWK(key), algorithms=["RS256"], audience=audience, issuer=f"{self.url}/"
        )


Start = Callable[..., Running]


@pytest.fixture(scope="module")
def keys() -> SigningKeys:
    """Make signing keys once for a file of tests, because that is slow."""
    return SigningKeys()


@pytest.fixture
def start(tmp_path: Path, keys: SigningKeys) -> Iterator[Start]:
    """Return a function that starts a tenant with Actions of this source; all end with the test."""
    with_end: list[Callable[[], None]] = []

    def start(*sources: str, **changes: Any) -> Running:
        actions = []
        for number, source in enumerate(sources):
            code = tmp_path / f"action-{len(with_end)}-{number}.js"
            code.write_text(source)
            secrets = {"WORD": f"secret {number}"}
            actions.append(Action(name=f"action-{number}", code=code, secrets=secrets))
        config = TenantConfig(
            clients=(SPA, OTHER),
            users=(JOE, ANN),
            apis=(Api(identifier=AUDIENCE, access_token_lifetime=600),),
            actions=tuple(actions),
        )
        tenant = Tenant(replace(config, **changes), node=NODE, keys=keys)
        server = make_server(tenant)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()

        def end() -> None:
            server.shutdown()
            thread.join(10)
            server.server_close()
            tenant.close()

        with_end.append(end)
        return Running(tenant, server.server_port)

    yield start
    for end in with_end:
        end()


def action(body: str) -> str:
    """Return the source of an Action whose `onExecutePostLogin` has this body."""
    return f"exports.onExecutePostLogin = async (event, api) => {{ {body} }};"


def answered(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters that arrive at the callback."""
    assert response.status_code == 302, response.text
    target = response.headers["location"]
    assert target.startswith(CALLBACK), target
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


def redirected(response: httpx2.Response) -> dict[str, str]:
    """Return the parameters with which the page of an Action is opened."""
    target = response.headers["location"]
    assert target.startswith("http://127.0.0.1:9/select"), target
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
