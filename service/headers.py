"""
Security headers that every answer carries.

Cross-Origin-Opener-Policy is not among them: it would separate a login in a popup from the app that
opened it, and the app would never get the result.
"""

from flask import Response

_ALWAYS = {
    # no-transform: some content networks rewrite e-mail addresses and scripts in pages otherwise.
    "cache-control": "no-store, no-transform",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "cross-origin-resource-policy": "same-origin",
    # Not no-referrer: browsers would send `Origin: null` with our own form, which is refused.
    "referrer-policy": "strict-origin",
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def add_headers(response: Response) -> None:
    """Add each header that the view did not set."""
    # Not setdefault: it raises and catches an exception for each header that is missing.
    present = {name.lower() for name, _ in response.headers}
    for name, value in _ALWAYS.items():
        if name not in present:
            response.headers.add(name, value)
