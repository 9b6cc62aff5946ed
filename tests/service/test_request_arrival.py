"""A request is ready when its last byte has arrived and not before, however it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.request_arrival import MAX_BODY, MAX_HEAD, RequestArrival

GET = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


def post(*fields: bytes, body: bytes = b"") -> bytes:
    """Write a POST request."""
    return b"\r\n".join([b"POST /decisions HTTP/1.1", b"Host: a", *fields, b"", b""]) + body


def with_length(body: bytes) -> bytes:
    """Write a POST request whose length is known."""
    return post(b"Content-Length: %d" % len(body), body=body)


def in_chunks(body: bytes, size: int, *, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    """Write a POST request whose body comes in chunks of *size* bytes."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(one), extension, one) for one in pieces)
    return post(b"Transfer-Encoding: chunked", body=chunks + b"0\r\n" + trailer + b"\r\n")


def arrive(*pieces: bytes) -> RequestArrival:
    """Let a request arrive in pieces."""
    arrival = RequestArrival()
    for piece in pieces:
        arrival.add(piece)
    return arrival


REQUESTS = st.one_of(
    st.just(GET),
    st.just(b"\r\n" + GET),
    st.just(b"GET / HTTP/1.0\r\n\r\n"),
    st.just(post(b"Content-Length: 0")),
    st.binary(max_size=300).map(with_length),
    st.builds(
        in_chunks,
        st.binary(max_size=300),
        st.integers(1, 99),
        extension=st.sampled_from([b"", b";a=1", b' ; a="b;c"']),
        trailer=st.sampled_from([b"", b"Checksum: 1\r\n"]),
    ),
)


@given(REQUESTS, st.lists(st.integers(0, 2_000), max_size=8), st.sampled_from([b"", GET[:9], GET]))
def test_a_request_is_whole_with_its_last_byte_and_not_before(
    request: bytes, cuts: list[int], next_request: bytes
) -> None:
    """However it is cut into pieces; what follows it changes nothing."""
    places = sorted({min(cut, len(request) - 1) for cut in cuts})
    arrival = RequestArrival()
    for begin, end in zip([0, *places], [*places, len(request) - 1], strict=True):
        arrival.add(request[begin:end])
        assert not arrival.ready
    arrival.add(request[-1:] + next_request)

    assert arrival.whole
    assert arrival.ready
    assert bytes(arrival.data) == request + next_request


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\nHost: a",
        post(b"Content-Length: x"),
        post(b"Content-Length: -1"),
        post(b"Content-Length: 5", b"Content-Length: 5"),
        post(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        post(b"Transfer-Encoding: gzip, chunked"),
        post(b"Content-Length: %d" % (MAX_BODY + 1)),
        post(b"Content-Length: 9999999999999999999"),
        post(b"Transfer-Encoding: chunked", body=b"x\r\n"),
        post(b"Transfer-Encoding: chunked", body=b"fffffffff\r\n"),
    ],
    ids=lambda request: repr(request[-40:]),
)
def test_a_head_that_will_be_refused_is_ready_at_once(request_: bytes) -> None:
    """A thread gets it; gunicorn or the view refuses it."""
    arrival = arrive(request_)

    assert arrival.ready
    assert not arrival.whole
    assert not arrival.refusal


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * (MAX_HEAD - 4), "431"),
        (post(b"Transfer-Encoding: chunked", body=b"fffff\r\n" + b"a" * (2 * MAX_BODY - 6)), "413"),
        (post(b"Transfer-Encoding: chunked", body=b"1\r\na\r\n" * 21_845 + b"1\r\n"), "413"),
        (post(b"Transfer-Encoding: chunked", body=b"0\r\n" + b"a" * (2 * MAX_BODY - 2)), "413"),
    ],
    ids=["head", "one chunk", "tiny chunks", "trailer"],
)
def test_what_is_too_large_to_wait_for_is_refused_with_the_byte_too_much(
    request_: bytes, status: str
) -> None:
    """No thread parses it."""
    assert not arrive(request_[:-1]).refusal
    arrival = arrive(request_[:-1], request_[-1:])

    assert arrival.refusal.startswith(status)
    assert not arrival.ready


@pytest.mark.parametrize("size", [MAX_BODY - 1, MAX_BODY])
def test_a_body_of_the_limit_is_waited_for(size: int) -> None:
    """The limit is that of the views: 65,536 bytes."""
    padded = post(b"Content-Length: 000%d" % size, body=b"a" * size)
    for request in (with_length(b"a" * size), padded, in_chunks(b"a" * size, 4_000)):
        assert not arrive(request[:-1]).ready
        assert arrive(request[:-1], request[-1:]).whole


def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    """Only in HTTP/1.1, and only by the field that says so."""
    asks = post(b"Content-Length: 5", b"Expect: 100-continue")
    assert arrive(asks).waits_for_continue
    assert arrive(b"\r\n" + asks).waits_for_continue
    assert not arrive(asks[:-1]).waits_for_continue
    assert not arrive(asks.replace(b"HTTP/1.1", b"HTTP/1.0")).waits_for_continue
    assert not arrive(post(b"Content-Length: 5", b"X-Expect: 100-continue")).waits_for_continue
