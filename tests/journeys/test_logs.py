"""No log holds a token, a secret, an e-mail address or a query string."""

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local_stack.person import Person
from local_stack.stack import Stack
from tests.kit.action_tokens import HEADER, sign, valid_session_claims
from tests.kit.leaks import find_leaks, log_files, secrets_of

TOKEN = sign(HEADER, valid_session_claims(), "a secret that is not one of the stack's")
QUERY = f"session_token={TOKEN}&state=hKFo2SBTdGF0ZQ&code=abcdef"
BROKEN = {
    "garbage": f"GET /select?{QUERY} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "form": f"POST /select/{'x' * 22} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    f"Content-Length: {len(QUERY)}\r\n\r\n{QUERY}",
    "too long": f"GET /select?{QUERY}{'x' * 9_000} HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no method": f"{QUERY} joe@example.com\r\n\r\n",
    "no version": f"GET /select?{QUERY} HTTP/joe@example.com\r\n\r\n",
    "broken header": f"GET / HTTP/1.1\r\nHost: localhost\r\n{TOKEN} ?{QUERY}\r\n\r\n",
    "broken length": f"POST /decisions?{QUERY} HTTP/1.1\r\nHost: localhost\r\n"
    f"Content-Length: {TOKEN}\r\n\r\n",
    "broken path": f"GET http://[/select?{QUERY} HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


def test_no_log_holds_a_token_a_secret_an_address_or_a_query(stack: Stack, person: Person) -> None:
    """After a login, a refused login, and malformed requests to every program."""
    person.open_app().log_in("joe@example.com", password="wrong").log_in("joe@example.com")
    tokens = person.choose("XYZ Travel").redeem()
    assert person.callback is not None
    code = person.callback["code"]
    person.open_app(ext_org="solo-works", prompt="none")
    assert person.callback["error_description"] == "not_a_member"
    assert person.ask_refresh(tokens, ext_org="solo-works").status_code == 403
    urls = (stack.selector_url, stack.tenant_url, stack.spa_url)
    answers = [_send(url, request) for request in BROKEN.values() for url in urls]
    assert answers[0].upper().startswith(b"HTTP/1.1 400 BAD REQUEST"), answers[0]
    cookies = [one.value for one in person.http.cookies.jar if one.value]
    words = [code, tokens.refresh_token, tokens.access_token, *cookies, *secrets_of(stack)]
    selector = stack.logs / "selector.log"
    _wait_for(selector, '"error": "invalid_session_token"')

    leaks = find_leaks(log_files(stack), words)
    assert not leaks, "\n".join(leaks)
    assert (
        '"reason": "not_a_member"' in selector.read_text()
    )  # it is the log of this test's requests


@pytest.mark.parametrize(
    "line",
    [
        TOKEN,
        f"Traceback: {TOKEN.rpartition('.')[0]}",
        "GET /select?a=b",
        "GET /callback?code=abc",
        "posted state=abc",
        "selection_token",
        "mail to joe@example.com",
        "login_hint joe%40example.com",
        "signed with the-word",
    ],
)
def test_the_search_of_the_logs_finds_a_planted_line(tmp_path: Path, line: str) -> None:
    """So the test above can fail."""
    log = tmp_path / "planted.log"
    log.write_text(f"first line\n{{'event': '{line}'}}\nlast line\n")

    assert {leak.rpartition(": {")[0][:14] for leak in find_leaks([log], ["the-word"])} == {
        "planted.log:2:"
    }


def _send(url: str, request: str) -> bytes:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as line:
        line.sendall(request.encode())
        line.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := line.recv(65_536):
                answer += piece
        except ConnectionResetError:
            pass  # the program closed the connection before it read everything
    return answer


def _wait_for(log: Path, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in log.read_text():
        assert time.monotonic() < deadline, f"the log never says {text}"
        time.sleep(0.02)
