"""
One fetch of the tenant's key set, with a limit on everything.

Checked: the whole fetch is over after 2 s; the answer is status 200, unencoded and at most 64 kB;
redirects are not followed. Not checked: the endpoint's identity beyond TLS, and Content-Type.
"""

import asyncio

import httpx2

from org_guard.compact_token import MalformedInput

FETCH_LIMIT = 2.0  # seconds for all of it: address, connection, headers, body
MAX_ANSWER_BYTES = 65_536
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


def require_safe_url(url: str) -> httpx2.URL:
    """
    Return the parsed URL of a key set: https, or http on localhost and 127.0.0.1.

    Raises:
        ValueError: any other URL.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"not a URL: {error}") from error
    if parsed.userinfo or not parsed.host:
        raise ValueError("the URL must have a host, and no password")
    if parsed.scheme != "https" and (
        parsed.scheme != "http" or parsed.host not in ("localhost", "127.0.0.1")
    ):
        raise ValueError("the URL must begin with https://, or with http:// on localhost")
    return parsed


def fetch_key_set(url: httpx2.URL) -> bytes:
    """
    Return the body of the answer, unverified.

    Raises:
        httpx2.HTTPError, OSError, MalformedInput: no answer in time, or one that does not count.
    """
    return asyncio.run(_fetch(url))


async def _fetch(url: httpx2.URL) -> bytes:
    # asyncio, because its limit covers everything together; the time-out of a socket starts again
    # with every byte that arrives.
    async with (
        asyncio.timeout(FETCH_LIMIT),
        httpx2.AsyncClient(trust_env=url.scheme == "https", follow_redirects=False) as client,
        client.stream("GET", url, headers=_HEADERS) as response,
    ):
        if response.status_code != 200:
            raise MalformedInput(f"status {response.status_code}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise MalformedInput("encoded, though nothing was offered")
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                raise MalformedInput(f"more than {MAX_ANSWER_BYTES} bytes")
        return bytes(body)
