"""openid-client, a certified library, logs in and checks what the tenant answers."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from local_stack import seed
from local_stack.node import node
from local_stack.person import Person, claims_of
from local_stack.stack import AUDIENCE, NAMESPACE, Stack

SCRIPT = Path(__file__).with_name("openid_client.mjs")
TRAVEL = str(seed.organization("xyz-travel").id)
ABC = str(seed.organization("abc-inc").id)


class OpenidClient:
    """The library in its own Node process; the person's steps are plain HTTP requests."""

    def __init__(self, process: "subprocess.Popen[str]", person: Person) -> None:
        self._process = process
        self._person = person

    def ask(self, step: str, value: object, expect: object = None) -> dict[str, Any]:
        """Take one step; the answer holds `ok` or `refused`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        message = {"step": step, "value": value} | ({"expect": expect} if expect else {})
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the script ended"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def log_in(self, organization: str = "") -> str:
        """Begin a login, do joe's part, and return the address it ended at."""
        person = self._person
        hint = {"ext-org": organization} if organization else {}
        person.visit(self.ask("login", hint)["ok"])
        if person.callback is None:
            person.log_in("joe@example.com")
        if person.callback is None:
            person.choose("XYZ Travel")
        callback, person.callback = person.callback, None
        assert callback is not None
        return f"{person.redirect_uri}?{urlencode(callback)}"


@pytest.fixture
def client(stack: Stack, person: Person) -> Iterator[OpenidClient]:
    """The library, after discovery."""
    argv = [str(node()), str(SCRIPT), f"{stack.tenant_url}/", "spa", person.redirect_uri, AUDIENCE]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield OpenidClient(process, person)


def test_openid_client_logs_in_refreshes_and_reads_the_user(client: OpenidClient) -> None:
    """Discovery, PKCE, state, nonce, signature, refresh and userinfo pass its checks."""
    login = client.ask("finish", client.log_in())["ok"]

    assert claims_of(login["access_token"])[f"{NAMESPACE}org_id"] == TRAVEL
    assert login["claims"][f"{NAMESPACE}org_id"] == TRAVEL
    assert login["claims"]["sub"] == "auth0|joe"

    wish = {"refresh_token": login["refresh_token"], "ext-org": "abc-inc"}
    renewed = client.ask("refresh", wish)["ok"]
    assert claims_of(renewed["access_token"])[f"{NAMESPACE}org_id"] == ABC
    assert renewed["claims"][f"{NAMESPACE}org_id"] == ABC

    bearer = {"access_token": renewed["access_token"], "subject": "auth0|joe"}
    assert client.ask("userinfo", bearer)["ok"]["email"] == "joe@example.com"
    foreign = {"refresh_token": renewed["refresh_token"], "ext-org": "solo-works"}
    assert client.ask("refresh", foreign)["refused"] == "access_denied"


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ("state", "OAUTH_INVALID_RESPONSE"),
        ("nonce", "OAUTH_JWT_CLAIM_COMPARISON_FAILED"),
        ("verifier", "invalid_grant"),
    ],
)
def test_a_state_nonce_or_verifier_of_another_login_is_refused(
    client: OpenidClient, changed: str, refused: str
) -> None:
    """State and nonce by the library, the verifier by the tenant."""
    answer = client.ask("finish", client.log_in("xyz-travel"), {changed: "x" * 43})
    assert answer.get("refused") == refused, answer

    login = client.ask("finish", client.log_in("xyz-travel"))["ok"]
    assert login["claims"][f"{NAMESPACE}org_id"] == TRAVEL
