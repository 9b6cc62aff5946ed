"""
Fetch the tenant's key set once, with limits on time and size.

Checked: the whole fetch ends after 2 s; the answer has status 200, no content encoding and at most
64 kB; redirects are not followed. Not checked: Content-Type, and who answers, except by TLS.
"""

import asyncio

import httpx2

from org_guard.base_url import LOCAL_HOSTS
from org_guard.compact_token import MalformedInput

FETCH_LIMIT = 2.0  # seconds for DNS, connection, headers and body together
MAX_ANSWER_BYTES = 65_536
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}


def require_safe_url(url: str) -> httpx2.URL:
    """Return the parsed URL; raise ValueError unless it is https, or http on LOCAL_HOSTS."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"not a URL: {error}") from error
    if parsed.userinfo or not parsed.host:
        raise ValueError("the URL must have a host, and no password")
    if parsed.scheme == "https" or (parsed.scheme == "http" and parsed.host in LOCAL_HOSTS):
        return parsed
    raise ValueError("the URL must begin with https://, or with http:// on localhost")


async def fetch_key_set(url: httpx2.URL) -> bytes:
    """
    Return the unverified body of the answer.

    Raises:
        httpx2.HTTPError, OSError, MalformedInput: there was no answer in time, or it was refused.
    """
    # asyncio, because its time-out limits the whole fetch. A socket's time-out starts again with
    # every byte, so an endpoint that sends one byte a second would never reach it.
    async with (
        asyncio.timeout(FETCH_LIMIT),
        httpx2.AsyncClient(trust_env=url.scheme == "https", follow_redirects=False) as client,
        client.stream("GET", url, headers=_HEADERS) as response,
    ):
        if response.status_code != 200:
            raise MalformedInput(f"status {response.status_code}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise MalformedInput("encoded, though no encoding was accepted")
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > MAX_ANSWER_BYTES:
                raise MalformedInput(f"more than {MAX_ANSWER_BYTES} bytes")
        return bytes(body)
