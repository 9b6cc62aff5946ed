"""
Response headers that every answer carries.

No Cross-Origin-Opener-Policy: it would cut a login in a popup off from the app that opened
it, and the answer could not get back.
"""

from flask import Flask, Response

_ALWAYS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: that turns the Origin of an honest form into "null".
    "Referrer-Policy": "strict-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def add_headers(app: Flask) -> None:
    """Send the strict headers with every response that did not set its own."""

    @app.after_request
    def _add(response: Response) -> Response:
        for name, value in _ALWAYS.items():
            response.headers.setdefault(name, value)
        return response
