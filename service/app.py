"""
What both services are made of as Flask apps, in one fixed order.

A request passes: its log line begins; a preflight is answered; a path with a second spelling is
refused; the view. Its answer, or that of an error handler, passes: headers; CORS; its log line
ends. The order is that of the lines in `create_app`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, NotFound

from service.cors import Cors
from service.headers import add_headers
from service.health import add_health
from service.logs import RequestLog
from service.pool import Database, Unavailable
from service.problem import Refusal


@dataclass(frozen=True, slots=True)
class Refusals:
    """
    An app's error classes, as the handlers need them.

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
    Build an app that has everything but its own routes.

    Args:
        name: the importing module's `__name__`.
        database: kept in `app.extensions["database"]`, so that its owner can close it.
        require_ready: raises Unavailable when the service could not answer a real request now.
        max_body_bytes: longer bodies are refused with 413.
        cors: which pages of other origins may read answers; without it, none.
    """
    app = Flask(name, static_folder=None)
    app.url_map.merge_slashes = False  # its redirect would be built from the request's Host
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = max_body_bytes
    app.extensions["database"] = database
    log = RequestLog()

    @app.before_request
    def before_the_view() -> Response | None:
        log.begin()
        preflight = cors.answer_preflight() if cors else None
        if preflight is None:
            _require_one_spelling()
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


def _require_one_spelling() -> None:
    # Werkzeug takes //me for /me, where a rule of a proxy in front of us would not.
    if request.environ["PATH_INFO"].startswith("//"):
        raise NotFound


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
        methods = getattr(error, "valid_methods", None)  # of a 405
        if methods:
            response.headers["Allow"] = ", ".join(methods)
        return response

    @app.errorhandler(Exception)
    def unforeseen(error: Exception) -> Response:
        structlog.get_logger().exception("unforeseen", request_id=g.request_id)
        return refuse(refusals.unforeseen(type(error).__name__))
