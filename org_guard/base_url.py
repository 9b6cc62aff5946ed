"""The base URL of a tenant's domain, the tenant's issuers, and the URL of its keys."""

from collections.abc import Sequence

LOCAL_HOSTS = ("localhost", "127.0.0.1")


def base_url(host: str) -> str:
    """
    Return the base URL of `host[:port]`, without a slash at the end.

    It is http for localhost and 127.0.0.1, where the stand-in tenant runs, and https for the rest.
    """
    scheme = "http" if host.partition(":")[0] in LOCAL_HOSTS else "https"
    return f"{scheme}://{host}"


def list_issuers(domains: Sequence[str]) -> tuple[str, ...]:
    """
    Return what `iss` may be: Auth0 puts there the domain (`host[:port]`) that the login ran on.

    Raises:
        ValueError: *domains* is empty or a string, or one of them is a URL.
    """
    if not domains or isinstance(domains, str) or any("/" in domain for domain in domains):
        raise ValueError("domains is a list of hosts such as example.eu.auth0.com")
    return tuple(f"{base_url(domain)}/" for domain in domains)


def keys_url(domains: Sequence[str]) -> str:
    """Return where the tenant publishes its signing keys, on its canonical domain."""
    return f"{list_issuers(domains)[0]}.well-known/jwks.json"
