"""
Logs as JSON, one line for each event and one event for each request, without secrets.

A line names the route (`/select/<login_id>`), never the path or the query, which may hold tokens.
Callers log codes and ids, never e-mail addresses, names or tokens.
"""

import itertools
import logging
import re
import secrets
import sys
import time

import structlog
from flask import Response, g, request
from structlog.typing import EventDict, Processor

# gunicorn quotes the start of a malformed request, where a query need not follow a "?".
_QUERY = re.compile(r"(?:\?|\b(?:session_token|selection_token|state|code)=)[^\s\"']*")
# Both match at word starts or a bounded length: else a long text takes quadratic time.
_TOKEN = re.compile(r"(?<![\w-])[\w-]{8,}\.[\w-]{4,}\.[\w-]+", re.ASCII)
_EMAIL = re.compile(r"[^\s@\"'<>]{1,320}@[^\s@\"'<>]+")
_LONGEST = 4000  # characters of a library's text; of more we keep the end, a traceback's reason


def configure_logs() -> None:
    """Write our events, and what libraries log, to standard error as JSON lines."""
    structlog.configure(
        processors=[*_COMMON, *_RENDER],
        # Writes a line in one call, so that lines of two threads never mix.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(json_formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def json_formatter() -> logging.Formatter:
    """Make the formatter for what libraries log; gunicorn's settings use it, too."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_COMMON,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_RENDER],
    )


def redact(text: str) -> str:
    """Cut *text* of a library, and replace query strings, tokens and e-mail addresses in it."""
    if len(text) > _LONGEST:
        text = "[…] " + text[-_LONGEST:].partition(" ")[2]
    return _EMAIL.sub("[email]", _TOKEN.sub("[token]", _QUERY.sub("?[query]", text)))


class RequestLog:
    """Give each request an id, send it as X-Request-Id, and log one line for the request."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        # A counter behind a random prefix: unique, and far cheaper than random bytes each time.
        self._process, self._numbers = secrets.token_hex(4), itertools.count(secrets.randbits(31))

    def begin(self) -> None:
        """Note the time, and set `g.request_id`."""
        g.began = time.perf_counter()
        g.request_id = f"{self._process}{next(self._numbers):08x}"

    def end(self, response: Response) -> None:
        """Log the request, with the fields that a view or an error handler put into `g.log`."""
        response.headers.add("X-Request-Id", g.request_id)
        # Probes come every second; log them only if they fail.
        if request.endpoint not in ("healthz", "readyz") or response.status_code >= 400:
            self._log.info(
                "request",
                request_id=g.request_id,
                method=request.method,
                route=request.url_rule.rule if request.url_rule else None,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - g.began) * 1000, 1),
                **g.get("log", {}),
            )


def _redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    # The fields that may quote what a client sent: messages of libraries and of exceptions.
    for name in ("event", "exception", "detail"):
        if isinstance(text := event.get(name), str):
            event[name] = redact(text)
    return event


_COMMON: list[Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_RENDER: list[Processor] = [
    structlog.processors.format_exc_info,
    _redact,
    structlog.processors.JSONRenderer(),
]
