"""
The Flask app that both services start from, with one fixed order of work around every view.

Before the view: the log line begins; a body in chunks is read; a preflight is answered; a path with
a second spelling is refused. After the view or an error handler: security headers; CORS; the log
line is written.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, g, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected, HTTPException, NotFound, RequestEntityTooLarge

from service.cors import Cors
from service.headers import add_headers
from service.health import add_health
from service.logs import RequestLog
from service.pool import Database, Unavailable
from service.problem import Refusal


@dataclass(frozen=True, slots=True)
class Refusals:
    """
    How an app answers errors.

    Args:
        base: the class that all errors of the app derive from; each of them is a Refusal.
        answer: makes the response to one refusal.
        unavailable: makes the refusal while Postgres does not answer, from a detail for the log.
        http: makes the refusal for what Flask refuses: no such page, wrong method, too large.
        unforeseen: makes the refusal for a mistake of ours, from a detail for the log.
    """

    base: type[Exception]
    answer: Callable[[Any], Response]
    unavailable: Callable[[str], Refusal]
    http: Callable[[HTTPException], Refusal]
    unforeseen: Callable[[str], Refusal]


def create_app(
    name: str,
    *,
    database: Database,
    require_ready: Callable[[], None],
    refusals: Refusals,
    max_body_bytes: int,
    cors: Cors | None = None,
) -> Flask:
    """
    Build an app without routes of its own, except the two health probes.

    Args:
        database: kept in `app.extensions["database"]`, so that tests can close it.
        require_ready: raises Unavailable when the service could not answer a real request now.
        max_body_bytes: longer bodies are refused with 413.
        cors: which pages of other origins may read answers; None: no other origin.
    """
    app = Flask(name, static_folder=None)
    app.url_map.merge_slashes = False  # its redirect would be built from the request's Host
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = max_body_bytes
    app.extensions["database"] = database
    log = RequestLog()

    @app.before_request
    def before_the_view() -> Response | None:
        log.begin()
        _read_chunked_body(max_body_bytes)
        preflight = cors.answer_preflight() if cors else None
        # Werkzeug would take //me for /me, and so pass a proxy's rule that blocks /me.
        if preflight is None and request.environ["PATH_INFO"].startswith("//"):
            raise NotFound
        return preflight

    @app.after_request
    def after_the_view(response: Response) -> Response:
        add_headers(response)
        if cors:
            cors.add(response)
        log.end(response)
        return response

    add_health(app, require_ready)
    _answer_errors(app, refusals)
    return app


def _read_chunked_body(limit: int) -> None:
    """
    Read a body that comes in chunks, so that the view finds it with its length.

    Werkzeug would cut it at the limit, and the view would take the rest for the whole.

    Raises:
        RequestEntityTooLarge: it is longer than *limit* bytes.
        ClientDisconnected: it is malformed, or ends before its last chunk.
    """
    environ = request.environ
    if "CONTENT_LENGTH" in environ or not environ.get("wsgi.input_terminated"):
        return
    try:
        body = environ["wsgi.input"].read(limit + 1)
    except (OSError, ParseException) as error:
        raise ClientDisconnected from error
    if len(body) > limit:
        raise RequestEntityTooLarge
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))


def _answer_errors(app: Flask, refusals: Refusals) -> None:
    def refuse(error: Any) -> Response:
        g.log = {"error": error.code, "detail": error.detail}
        return refusals.answer(error)

    app.register_error_handler(refusals.base, refuse)

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        return refuse(refusals.unavailable(error.detail))

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        response = refuse(refusals.http(error))
        methods = getattr(error, "valid_methods", None)  # only a 405 has them
        if methods:
            response.headers["Allow"] = ", ".join(methods)
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        structlog.get_logger().exception("unforeseen", request_id=g.request_id)
        return refuse(refusals.unforeseen(type(error).__name__))
