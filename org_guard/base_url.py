"""From a host to a base URL, in one place."""

_PLAIN_HTTP = ("localhost", "127.0.0.1")


def base_url(host: str) -> str:
    """
    Return the base URL of `host[:port]`, without a slash at the end.

    Plain http for localhost and 127.0.0.1 only, where the stand-in tenant lives.
    """
    scheme = "http" if host.partition(":")[0] in _PLAIN_HTTP else "https"
    return f"{scheme}://{host}"
