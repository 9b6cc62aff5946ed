"""Requests as bytes, for what a client's library would not send."""

import socket
from contextlib import closing


def exchange(port: int, request: bytes) -> bytes:
    """Send a request as it is, and return the whole answer."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer


def post(path: str, body: bytes, *headers: str, chunk: int = 0) -> bytes:
    """Write a POST request; with *chunk* its body comes in pieces of so many bytes."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    if not chunk:
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"
    return "\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode() + chunks
