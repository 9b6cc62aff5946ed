"""Errors for machines: `application/problem+json` (RFC 9457)."""

import json
from http import HTTPStatus

from flask import Response


def problem(status: int, code: str, *, retry_after: int | None = None) -> Response:
    """
    Build the answer of one refusal; only constants go in, never what the caller sent.

    Args:
        retry_after: seconds, for 429 and 503.
    """
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    response = Response(
        json.dumps(body | {"code": code}), status, content_type="application/problem+json"
    )
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
