"""Refusals as `application/problem+json` (RFC 9457), for programs."""

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
    def status(self) -> int: ...
    @property
    def code(self) -> str: ...  # programs decide by it
    @property
    def description(self) -> str: ...  # one sentence; empty where the client is our own Action
    @property
    def detail(self) -> str: ...  # what happened this time: for the log, never for an answer
    @property
    def challenge(self) -> str | None: ...  # the value of WWW-Authenticate (RFC 6750 section 3)
    @property
    def retry_after(self) -> int | None: ...  # seconds until another try makes sense


def problem(refusal: Refusal, **members: object) -> Response:
    """Build the answer; *members* are extension members (RFC 9457 section 3.2)."""
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
