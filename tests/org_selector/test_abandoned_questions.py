"""
A question whose caller has gone is dropped before Postgres is asked.

The Action waits for 3 seconds. Without this, the questions that it gave up while Postgres was slow
would still be worked off, in front of those that wait.
"""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from werkzeug.test import TestResponse

from tests.kit.action_tokens import HEADER, SESSION_SECRET, sign, valid_decision_claims
from tests.kit.running_selector import Selector, ask, choice

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A connection on this machine: the service's end and the caller's."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        caller = socket.create_connection(server.getsockname())
        service, _ = server.accept()
        with closing(caller), closing(service):
            yield service, caller


def decide(selector: Selector, connection: socket.socket, body: bytes) -> TestResponse:
    """Ask through this connection, as gunicorn hands it to the service."""
    token = sign(HEADER, valid_decision_claims(body), SESSION_SECRET)
    return selector.app.test_client().post(
        "/decisions",
        data=body,
        headers={"Authorization": f"Bearer {token}"},
        environ_overrides={"gunicorn.socket": connection},
    )


@pytest.mark.parametrize("ending", ["closed", "half closed", "reset"])
def test_a_question_whose_caller_has_gone_changes_nothing(
    selector: Selector, pair: Pair, ending: str
) -> None:
    """The choice of the login is still free afterwards."""
    service, caller = pair
    body = ask(choice=choice("abc-inc")).model_dump_json().encode()
    if ending == "half closed":
        caller.shutdown(socket.SHUT_WR)
    else:
        if ending == "reset":
            linger = b"\x01\0\0\0\0\0\0\0"  # on, 0 seconds
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        caller.close()
    refused = decide(selector, service, body)

    assert refused.status_code == 400
    assert refused.get_json()["code"] == "caller_gone"
    assert selector.superuser.execute("select count(*) from org.selection").fetchone() == (0,)


def test_a_question_whose_caller_waits_is_answered(selector: Selector, pair: Pair) -> None:
    """Also if the next request is on its way already; it stays there to be read."""
    service, caller = pair
    body = ask(hint="abc-inc").model_dump_json().encode()
    assert decide(selector, service, body).get_json()["organization"]["slug"] == "abc-inc"
    caller.sendall(b"POST")
    assert decide(selector, service, body).get_json()["organization"]["slug"] == "abc-inc"

    assert service.recv(4) == b"POST"
