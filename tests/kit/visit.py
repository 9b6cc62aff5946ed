"""A login in one browser, with the picker open."""

import html
import re
from dataclasses import dataclass
from uuid import uuid4

import jwt
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from local_stack import seed
from tests.kit.action_tokens import (
    HEADER,
    SELECTION_SECRET,
    SESSION_SECRET,
    STATE,
    sign,
    valid_session_claims,
)
from tests.kit.running_selector import Selector

OWN_ORIGIN = "https://select.example.com"
TRAVEL = str(seed.organization("xyz-travel").id)


@dataclass
class Visit:
    """One login in one browser, with the picker open."""

    client: FlaskClient
    address: str
    nonce: str

    def page(self, query: str = "", *, accept_language: str = "en") -> TestResponse:
        """Load the picker."""
        headers = {"Accept-Language": accept_language}
        return self.client.get(self.address + query, base_url=OWN_ORIGIN, headers=headers)

    def form(self) -> str:
        """Load the picker and return its hidden field `form`."""
        found = re.search(r'name="form" value="([^"]+)"', self.page().text)
        assert found is not None
        return found[1]

    def select(self, org_id: str, **changes: object) -> TestResponse:
        """Press the row of an organization."""
        headers = {"Origin": OWN_ORIGIN, "Sec-Fetch-Site": "same-origin"}
        data = changes.pop("data", None) or {"form": self.form(), "org_id": org_id}
        arguments: dict[str, object] = {"headers": headers, "data": data} | changes
        return self.client.post(self.address, base_url=OWN_ORIGIN, **arguments)


def enter(selector: Selector, login: str = "joe", *, state: str = STATE, **claims: object) -> Visit:
    """Follow the redirect from Auth0 to the picker, with a new session token."""
    client = selector.app.test_client()
    nonce = uuid4().hex
    changes = {"sub": f"auth0|{login}", "nonce": nonce} | claims
    token = sign(HEADER, valid_session_claims(**changes), SESSION_SECRET)
    response = client.get(
        "/select", query_string={"session_token": token, "state": state}, base_url=OWN_ORIGIN
    )
    assert response.status_code == 303
    return Visit(client, response.location, nonce)


def names(response: TestResponse) -> list[str]:
    """Return the names of the organizations on a page, in order."""
    return [
        html.unescape(one) for one in re.findall(r'<bdi class="name">(.*?)</bdi>', response.text)
    ]


def heading(response: TestResponse) -> str:
    """Return the heading of a page, or ""."""
    found = re.search(r"<h1>(.*?)</h1>", response.text)
    return html.unescape(found[1]) if found else ""


def selection_of(response: TestResponse) -> dict[str, object]:
    """Verify the selection token of the continuing page, as the Action does."""
    found = re.search(r'name="selection_token" value="([^"]+)"', response.text)
    assert found is not None, response.text[-600:]
    claims: dict[str, object] = jwt.decode(
        found[1], SELECTION_SECRET, algorithms=["HS256"], audience="select-organization"
    )
    return claims
