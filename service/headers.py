"""
Response headers that every answer carries.

No Cross-Origin-Opener-Policy: it would cut a login in a popup off from the app that opened
the popup, and the answer could not get back.
"""

from flask import Response

_ALWAYS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "cross-origin-resource-policy": "same-origin",
    # Not no-referrer: that turns the Origin of an honest form into "null".
    "referrer-policy": "strict-origin",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def add_headers(response: Response) -> None:
    """Add each header that the answer did not set itself."""
    # Not setdefault: it raises and catches an exception for each header that is missing.
    present = {name.lower() for name, _ in response.headers}
    for name, value in _ALWAYS.items():
        if name not in present:
            response.headers.add(name, value)
