"""`/healthz` (this process answers) and `/readyz` (it can do its work)."""

from collections.abc import Callable

import psycopg
from flask import Flask, Response, g

from service.pool import Database, Unavailable
from service.problem import problem
from service.rows import find_schema_version


class NotReady(Exception):
    """The service could not answer a real request now; `detail` says what is missing."""

    status = 503
    code = "not_ready"
    description = ""
    challenge: str | None = None
    retry_after: int | None = 5

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


def require_schema(database: Database, version: int) -> None:
    """
    Make sure that Postgres answers and has the tables this code needs.

    Args:
        version: the newest migration that the code needs; a newer database is fine.

    Raises:
        NotReady: Postgres does not answer, or a migration is missing.
    """
    try:
        found = database.read(find_schema_version)
    except Unavailable as error:
        raise NotReady(error.detail) from error
    except psycopg.ProgrammingError as error:  # no such table, or this role may not read it
        raise NotReady("run: org-selector migrate") from error
    if found < version:
        raise NotReady("run: org-selector migrate")


def add_health(app: Flask, require_ready: Callable[[], None]) -> None:
    """
    Serve both probes.

    Args:
        require_ready: raises NotReady when the service could not answer a real request now.
    """

    @app.get("/healthz")
    def healthz() -> Response:
        return Response('{"status":"ok"}', content_type="application/json")

    @app.get("/readyz")
    def readyz() -> Response:
        try:
            require_ready()
        except NotReady as error:
            g.log = {"detail": error.detail}
            return problem(error)
        return Response('{"status":"ready"}', content_type="application/json")
