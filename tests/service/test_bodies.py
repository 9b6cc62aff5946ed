"""What reaches a service under gunicorn: bodies in chunks, and headers that imitate a proxy's."""

import json

import pytest

from local_stack.person import Person
from local_stack.stack import Stack
from tests.kit.raw_requests import exchange, post

LIMIT = 65_536  # bytes of the API's bodies


def project(size: int) -> bytes:
    """Make the body of a new project that has exactly so many bytes."""
    body = json.dumps({"name": "Chunked"}).encode()
    return body + b" " * (size - len(body))


@pytest.fixture
def bearer(person: Person) -> str:
    """The Authorization header of max in an organization that no other test uses."""
    person.open_app(ext_org="customer-1013", scope="openid write:projects")
    token = person.log_in("max@example.com").redeem().access_token
    return f"Authorization: Bearer {token}"


@pytest.mark.parametrize("chunk", [0, 1_000, 70_000])
def test_a_body_of_the_limit_is_taken_and_one_byte_more_is_refused(
    stack: Stack, bearer: str, chunk: int
) -> None:
    """In chunks, as some proxies send it, too: it is never cut. Reproduced at commit 3d47401."""
    headers = (bearer, "Content-Type: application/json")

    def send(body: bytes) -> bytes:
        return exchange(stack.ports.api, post("/projects", body, *headers, chunk=chunk))[:12]

    assert send(project(LIMIT)) == b"HTTP/1.1 201"
    assert send(project(LIMIT) + b" ") == b"HTTP/1.1 413"
    assert send(project(LIMIT) + b"}}}") == b"HTTP/1.1 413"
    assert send(project(30)) == b"HTTP/1.1 201"


@pytest.mark.parametrize("chunk", [0, 100])
def test_the_selector_reads_a_question_in_chunks(stack: Stack, chunk: int) -> None:
    """It is refused for its token: first, if its length was said, else after it was read."""
    question = post("/decisions", b"{}", "Authorization: Bearer x", chunk=chunk)
    assert exchange(stack.ports.selector, question)[:12] == b"HTTP/1.1 401"
    too_long = post("/decisions", b" " * (LIMIT + 1), "Authorization: Bearer x", chunk=chunk)

    refused = b"HTTP/1.1 413" if chunk else b"HTTP/1.1 401"
    assert exchange(stack.ports.selector, too_long)[:12] == refused


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "Script-Name", "script_name"])
@pytest.mark.parametrize("value", ["/healthz", "/elsewhere", "//evil.invalid"])
def test_a_header_of_the_client_does_not_move_the_path(stack: Stack, name: str, value: str) -> None:
    """gunicorn's default takes these names from every program on this machine, as a proxy is."""
    for port in (stack.ports.selector, stack.ports.api):
        request = (
            f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{name}: {value}"
        )
        answer = exchange(port, f"{request}\r\n\r\n".encode())

        assert answer.startswith(b"HTTP/1.1 200"), answer
