"""
Which pages of other origins may read our answers: CORS, the Fetch standard, section 3.3.

It protects nobody's data by itself, a token does; it lets the configured applications work.
"""

from collections.abc import Sequence

from flask import Flask, Response, request

MAX_AGE = 600  # seconds a browser may remember the answer to a preflight


def allow_origins(
    app: Flask,
    origins: Sequence[str],
    *,
    methods: Sequence[str],
    request_headers: Sequence[str],
    exposed_headers: Sequence[str],
) -> None:
    """
    Let pages of *origins* call *app* with a token, never with cookies.

    Every answer varies by Origin, and answers of every status carry the headers, since a page
    must be able to read why it was refused. An origin that is not listed gets none of them, and
    its request is answered all the same: a browser keeps the answer from the page.

    A preflight is answered before any view or route, 204 alike for every path. Call this after
    `log_requests` and before whatever else registers a `before_request`.

    Args:
        origins: as browsers write them, compared exactly; no patterns.
        methods: in capitals, as browsers compare them.
        request_headers: what a page may send beyond the few that are always allowed.
        exposed_headers: what a page may read beyond the few that are always readable.
    """
    allowed = frozenset(origins)
    preflight_headers = (
        ("Access-Control-Allow-Methods", ", ".join(methods)),
        ("Access-Control-Allow-Headers", ", ".join(request_headers)),
        ("Access-Control-Max-Age", str(MAX_AGE)),
    )
    answer_headers = (("Access-Control-Expose-Headers", ", ".join(exposed_headers)),)

    @app.before_request
    def _answer_preflight() -> Response | None:
        if not _is_preflight():
            return None
        response = Response(status=204)
        del response.headers["Content-Type"]
        return response

    @app.after_request
    def _add(response: Response) -> Response:
        # Not response.vary where there is none yet, nor assignments: both cost many times an add.
        if "Vary" in response.headers:
            response.vary.add("Origin")
        else:
            response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin in allowed:
            response.headers.add("Access-Control-Allow-Origin", origin)
            for name, value in preflight_headers if _is_preflight() else answer_headers:
                response.headers.add(name, value)
        return response


def _is_preflight() -> bool:
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )
