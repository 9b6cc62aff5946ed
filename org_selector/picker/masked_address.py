"""An e-mail address that a page shows to a person who may not own it; pure."""


def mask_address(email: str) -> str:
    """Show so much of an address that its owner knows it, and others do not learn it."""
    local, _, domain = email.rpartition("@")
    host, dot, ending = domain.rpartition(".")
    return f"{_mask(local)}@{_mask(host)}{dot}{ending}"


def _mask(text: str) -> str:
    return f"{text[:1]}\u2022\u2022\u2022"
