"""From the domains of a tenant to its base URL, its issuers and the URL of its keys."""

from collections.abc import Sequence

_PLAIN_HTTP = ("localhost", "127.0.0.1")


def base_url(host: str) -> str:
    """
    Return the base URL of `host[:port]`, without a slash at the end.

    It is http for localhost and 127.0.0.1 only, where the stand-in tenant runs, and else https.
    """
    scheme = "http" if host.partition(":")[0] in _PLAIN_HTTP else "https"
    return f"{scheme}://{host}"


def list_issuers(domains: Sequence[str]) -> tuple[str, ...]:
    """
    Return what `iss` may be: Auth0 names the domain that the login ran on.

    Args:
        domains: every domain of the tenant as `host[:port]`, the canonical one first.

    Raises:
        ValueError: there is none, or one is not a host (a URL, or a text instead of a list).
    """
    if not domains or isinstance(domains, str) or any("/" in domain for domain in domains):
        raise ValueError("domains is a list of hosts such as example.eu.auth0.com")
    return tuple(f"{base_url(domain)}/" for domain in domains)


def keys_url(domains: Sequence[str]) -> str:
    """Return where the tenant publishes its signing keys: on its canonical domain."""
    return f"{base_url(domains[0])}/.well-known/jwks.json"
