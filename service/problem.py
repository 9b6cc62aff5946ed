"""Errors for machines: `application/problem+json` (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from flask import Response


def problem(
    status: int,
    code: str,
    *,
    title: str | None = None,
    retry_after: int | None = None,
    extra: Mapping[str, object] | None = None,
) -> Response:
    """
    Build the answer of one refusal; only constants go in, never what the caller sent.

    Args:
        title: unset, the phrase of *status*.
        retry_after: seconds, for 429 and 503.
        extra: further members, after the four that are always there (RFC 9457, 3.2).
    """
    body = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        **(extra or {}),
    }
    response = Response(json.dumps(body), status, content_type="application/problem+json")
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
