"""Refusals for programs: `application/problem+json` (RFC 9457)."""

import json
from http import HTTPStatus
from typing import Protocol

from flask import Response


class Refusal(Protocol):
    """
    An error that a client is told about.

    All but `detail` are constants of the error's class, so an answer can never quote a request.
    """

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def code(self) -> str:
        """What a program decides by."""

    @property
    def description(self) -> str:
        """One sentence for people, or nothing where the client is our own Action."""

    @property
    def detail(self) -> str:
        """About this one occurrence; for the log, never for an answer."""

    @property
    def challenge(self) -> str | None:
        """The value of WWW-Authenticate (RFC 6750 section 3), if any."""

    @property
    def retry_after(self) -> int | None:
        """Seconds after which another try makes sense, if ever."""


def problem(refusal: Refusal, **members: object) -> Response:
    """Build the answer; *members* are further ones of the problem (RFC 9457 section 3.2)."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
    }
    if refusal.description:
        body["detail"] = refusal.description
    answer = json.dumps(body | members)
    response = Response(answer, refusal.status, content_type="application/problem+json")
    if refusal.challenge is not None:
        response.headers["WWW-Authenticate"] = refusal.challenge
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response
