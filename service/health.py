"""`/healthz` (this process answers) and `/readyz` (what it needs answers, too)."""

from collections.abc import Callable

import psycopg
from flask import Flask, Response, g

from service.pool import Database, Unavailable
from service.problem import problem
from service.rows.schema_version import find_schema_version


class _NotReady(Unavailable):
    status = 503
    code = "not_ready"
    description = ""
    challenge: str | None = None
    retry_after: int | None = 5  # seconds


def require_schema(database: Database, version: int) -> None:
    """
    Require that Postgres answers and has migration number *version*; a newer database is fine.

    Raises:
        Unavailable: Postgres does not answer, or the migration is missing.
    """
    try:
        applied = find_schema_version(database)
    except psycopg.ProgrammingError as error:  # no such table, or this role may not read it
        raise Unavailable("run: org-selector migrate") from error
    if applied < version:
        raise Unavailable("run: org-selector migrate")


def add_health(app: Flask, require_ready: Callable[[], None]) -> None:
    """Serve both probes; *require_ready* raises Unavailable when a real request would fail."""

    @app.get("/healthz")
    def healthz() -> Response:
        return Response('{"status":"ok"}', content_type="application/json")

    @app.get("/readyz")
    def readyz() -> Response:
        try:
            require_ready()
        except Unavailable as error:
            g.log = {"detail": error.detail}
            return problem(_NotReady(error.detail))
        return Response('{"status":"ready"}', content_type="application/json")
