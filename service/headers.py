"""
Response headers that every answer carries.

No Cross-Origin-Opener-Policy: it would cut a login in a popup off from the app that opened
it, and the answer could not get back.
"""

from flask import Flask, Response

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


def add_headers(app: Flask) -> None:
    """Send the strict headers with every response that did not set its own."""

    @app.after_request
    def _add(response: Response) -> Response:
        # Not setdefault: it raises and catches an exception for each header that is missing.
        present = {name.lower() for name, _ in response.headers}
        for name, value in _ALWAYS.items():
            if name not in present:
                response.headers.add(name, value)
        return response
