"""
CORS: which pages of other origins may read our answers (Fetch standard, section 3.3).

The access token protects the data, not CORS, which only lets pages of configured origins work.
"""

from collections.abc import Sequence

from flask import Response, request

MAX_AGE = 600  # seconds for which a browser may remember the answer to a preflight


class Cors:
    """
    Let pages of *origins* call this service, with a token and without cookies.

    Answers of every status carry the headers, since a page must be able to read why it was refused.
    Other origins get the same answer without the headers, and the browser keeps it from the page.

    Args:
        origins: as browsers write them; compared exactly, without patterns.
        methods: in capital letters.
        request_headers: what a page may send, beside the headers that are always allowed.
        exposed_headers: what a page may read, beside the headers that are always readable.
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
        """Answer a preflight with 204, the same for every path; `None` for any other request."""
        if not _is_preflight():
            return None
        response = Response(status=204)
        del response.headers["Content-Type"]
        return response

    def add(self, response: Response) -> None:
        """Add the headers to an answer."""
        # Each with `headers.add`: assignments, and `vary` where there is none, are far slower.
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
