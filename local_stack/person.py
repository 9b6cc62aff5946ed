"""A person with a browser that runs no scripts: real HTTP, cookies, redirects and forms."""

import base64
import hashlib
import html
import http.cookiejar
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import httpx2

from local_stack.seed import PASSWORD
from local_stack.stack import AUDIENCE, NAMESPACE, Stack


@dataclass(frozen=True)
class Form:
    """A form of a page: where it goes, and the fields that a browser would submit."""

    action: str
    method: str
    fields: dict[str, str]


@dataclass(frozen=True)
class Tokens:
    """The tokens that the app gets at the end of a login or refresh."""

    access_token: str
    id_token: str
    refresh_token: str

    @property
    def org_id(self) -> str | None:
        """The `org_id` in the access token."""
        found = claims_of(self.access_token).get(f"{NAMESPACE}org_id")
        return found if isinstance(found, str) else None

    @property
    def org_slug(self) -> str | None:
        """The `org_slug` in the ID token."""
        found = claims_of(self.id_token).get(f"{NAMESPACE}org_slug")
        return found if isinstance(found, str) else None


class Person:
    """
    A person with one browser.

    Every step follows redirects. At the end `page` is the page that is shown; if the browser came
    back to the app, `page` is None and `callback` has the parameters of the callback.
    """

    def __init__(self, stack: Stack, client_id: str = "spa") -> None:
        self.stack = stack
        self.client_id = client_id
        self.redirect_uri = f"{stack.spa_url}/"
        # Browsers treat http://localhost as secure and send it `Secure` cookies.
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
        self.http = httpx2.Client(
            cookies=http.cookiejar.CookieJar(policy), timeout=20, trust_env=False
        )
        self.verifier = secrets.token_urlsafe(48)
        self.callback: dict[str, str] | None = None
        self.page: httpx2.Response | None = None
        self.redirects = 0  # of the last step

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def open_app(self, **parameters: str | list[str]) -> Self:
        """Begin a login as the app does; `ext_org="abc-inc"` becomes the parameter `ext-org`."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest())
        query = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "audience": AUDIENCE,
            "state": "app-state",
            "nonce": "app-nonce",
            "code_challenge": challenge.decode().rstrip("="),
            "code_challenge_method": "S256",
        } | {
            name.replace("_", "-") if name.startswith("ext") else name: value
            for name, value in parameters.items()
        }
        return self.visit(f"{self.stack.tenant_url}/authorize?{urlencode(query, doseq=True)}")

    def visit(self, url: str) -> Self:
        """Go to a URL."""
        return self._follow(self.http.build_request("GET", url))

    def submit(self, form: Form, **changes: str) -> Self:
        """Submit a form with these fields filled in."""
        headers = {"Origin": self._origin()} if form.method == "POST" else {}
        fields = form.fields | changes
        if form.method == "POST":
            return self._follow(
                self.http.build_request("POST", form.action, data=fields, headers=headers)
            )
        return self.visit(f"{form.action}?{urlencode(fields)}")

    def log_in(self, email: str, password: str = PASSWORD) -> Self:
        """Fill in the tenant's login page and submit it."""
        form = next(one for one in self.forms() if "password" in one.fields)
        return self.submit(form, email=email, password=password)

    def choose(self, name: str) -> Self:
        """Press the organization's row of the picker and go on to the app."""
        self.press(name)
        return self.proceed()

    def press(self, name: str) -> Self:
        """Press the organization's row of the picker, and stay on the continuing page."""
        rows = re.findall(
            r'name="org_id" value="([^"]+)".*?<bdi class="name">(.*?)</bdi>',
            self.text,
            re.S,
        )
        org_id = next(org_id for org_id, shown in rows if html.unescape(shown) == name)
        return self.submit(self.form("form"), org_id=org_id)

    def proceed(self) -> Self:
        """Submit the continuing page's form, as its script does."""
        return self.submit(self.form("selection_token"))

    def redeem(self) -> Tokens:
        """Exchange the code of the callback for tokens, as the app does."""
        assert self.callback is not None, self.text
        assert "code" in self.callback, self.callback
        response = self.ask_tokens(
            grant_type="authorization_code",
            code=self.callback["code"],
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
        )
        response.raise_for_status()
        return _tokens(response)

    def refresh(self, tokens: Tokens, **parameters: str) -> Tokens:
        """Renew the tokens, as the app does."""
        response = self.ask_refresh(tokens, **parameters)
        response.raise_for_status()
        return _tokens(response)

    def ask_refresh(self, tokens: Tokens, **parameters: str) -> httpx2.Response:
        """Send a refresh request and return the response, which may be an error."""
        named = {name.replace("_", "-"): value for name, value in parameters.items()}
        return self.ask_tokens(
            grant_type="refresh_token", refresh_token=tokens.refresh_token, **named
        )

    def ask_tokens(self, **fields: str) -> httpx2.Response:
        """Send a request to the token endpoint and return the response."""
        return self.http.post(
            f"{self.stack.tenant_url}/oauth/token", data={"client_id": self.client_id} | fields
        )

    @property
    def text(self) -> str:
        """The HTML of the page that is shown, or ""."""
        return self.page.text if self.page is not None else ""

    @property
    def heading(self) -> str:
        """The first heading of the page, or ""."""
        found = re.search(r"<h1[^>]*>(.*?)</h1>", self.text, re.S)
        return html.unescape(found[1].strip()) if found else ""

    def forms(self) -> list[Form]:
        """List the forms of the page, without checkboxes and without the organizations' buttons."""
        assert self.page is not None
        forms = []
        for attributes, inner in re.findall(r"<form([^>]*)>(.*?)</form>", self.text, re.S):
            action = re.search(r'action="([^"]*)"', attributes)
            method = re.search(r'method="([^"]*)"', attributes)
            fields: dict[str, str] = {}
            for field in re.findall(r"<(?:input|button)([^>]*)>", inner):
                name = re.search(r'\bname="([^"]*)"', field)
                value = re.search(r'\bvalue="([^"]*)"', field)
                if name and 'name="org_id"' not in field and 'type="checkbox"' not in field:
                    fields.setdefault(name[1], html.unescape(value[1]) if value else "")
            forms.append(
                Form(
                    urljoin(str(self.page.url), html.unescape(action[1]) if action else ""),
                    method[1].upper() if method else "GET",
                    fields,
                )
            )
        return forms

    def form(self, field: str) -> Form:
        """Return the form that has this field."""
        return next(one for one in self.forms() if field in one.fields)

    def _origin(self) -> str:
        assert self.page is not None
        return f"{self.page.url.scheme}://{self.page.url.netloc.decode()}"

    def _follow(self, request: httpx2.Request) -> Self:
        for self.redirects in range(10):
            response = self.http.send(request)
            if response.next_request is None:
                self.page = response
                return self
            location = str(response.next_request.url)
            if location.startswith(self.redirect_uri):
                query = parse_qs(urlsplit(location).query)
                self.callback = {name: value[0] for name, value in query.items()}
                self.page = None
                self.redirects += 1
                return self
            request = self.http.build_request("GET", location)
        raise AssertionError("redirected in a circle")


def claims_of(token: str) -> dict[str, Any]:
    """Decode the claims of a token without verifying it."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def _tokens(response: httpx2.Response) -> Tokens:
    body = response.json()
    return Tokens(body["access_token"], body["id_token"], body.get("refresh_token", ""))
