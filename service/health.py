"""`/healthz` (this process answers) and `/readyz` (it can do its work)."""

from collections.abc import Callable

from flask import Flask, Response, g

from service.problem import problem


class NotReady(Exception):
    """What is missing; for the log."""


def add_health(app: Flask, require_ready: Callable[[], None]) -> None:
    """
    Serve both probes.

    Args:
        require_ready: raises when the service could not answer a real request now.
    """

    @app.get("/healthz")
    def healthz() -> Response:
        return Response('{"status":"ok"}', content_type="application/json")

    @app.get("/readyz")
    def readyz() -> Response:
        try:
            require_ready()
        except NotReady as error:
            g.log = {"detail": str(error)}
            return problem(503, "not_ready", retry_after=5)
        return Response('{"status":"ready"}', content_type="application/json")
