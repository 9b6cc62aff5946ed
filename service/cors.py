"""
Which pages of other origins may read our answers: CORS (Fetch standard, section 3.3).

It protects no data, the access token does. It lets the configured applications work.
"""

from collections.abc import Sequence

from flask import Response, request

MAX_AGE = 600  # seconds for which a browser may remember the answer to a preflight


class Cors:
    """
    Let pages of some origins call this service with a token, never with cookies.

    Every answer varies by Origin, and answers of every status carry the headers, since a page
    must be able to read why it was refused. A request of an origin that is not listed is
    answered without these headers, and its browser then keeps the answer from the page.

    Args:
        origins: as browsers write them, compared exactly; no patterns.
        methods: in capitals, as browsers compare them.
        request_headers: what a page may send beyond the few headers that are always allowed.
        exposed_headers: what a page may read beyond the few that are always readable.
    """

    def __init__(
        self,
        origins: Sequence[str],
        *,
        methods: Sequence[str],
        request_headers: Sequence[str],
        exposed_headers: Sequence[str],
    ) -> None:
        self._origins = frozenset(origins)
        self._preflight_headers = (
            ("Access-Control-Allow-Methods", ", ".join(methods)),
            ("Access-Control-Allow-Headers", ", ".join(request_headers)),
            ("Access-Control-Max-Age", str(MAX_AGE)),
        )
        self._answer_headers = (("Access-Control-Expose-Headers", ", ".join(exposed_headers)),)

    def answer_preflight(self) -> Response | None:
        """Answer a preflight: 204, alike for every path. Any other request gets `None`."""
        if not _is_preflight():
            return None
        response = Response(status=204)
        del response.headers["Content-Type"]
        return response

    def add(self, response: Response) -> None:
        """Add the headers to an answer."""
        # Header by header: `response.vary` where there is none yet, and assignments, cost many
        # times as much as `add`.
        if "Vary" in response.headers:
            response.vary.add("Origin")
        else:
            response.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin in self._origins:
            response.headers.add("Access-Control-Allow-Origin", origin)
            headers = self._preflight_headers if _is_preflight() else self._answer_headers
            for name, value in headers:
                response.headers.add(name, value)


def _is_preflight() -> bool:
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )
