"""
One JSON line an event, one event a request, and no secret in any of them.

A line names the route (`/select/<login_id>`), never the path or the query: tokens travel
there. Callers log codes and ids; e-mail addresses, names and tokens have no field.
"""

import itertools
import logging
import re
import secrets
import sys
import time

import structlog
from flask import Response, g, request

# A request that is no HTTP is quoted from its beginning, where a query need not follow a "?".
_QUERY = re.compile(r"(?:\?|\b(?:session_token|selection_token|state|code)=)[^\s\"']*")
# Bounded, or begun where a word begins: a long line of rubbish must not cost its length squared.
_TOKEN = re.compile(r"(?<![\w-])[\w-]{8,}\.[\w-]{4,}\.[\w-]+", re.ASCII)
_EMAIL = re.compile(r"[^\s@\"'<>]{1,320}@[^\s@\"'<>]+")
_LONGEST = 4000  # characters of foreign text; a traceback's last line says what went wrong


def configure_logs() -> None:
    """Send our events and those of every library to standard error as JSON lines."""
    structlog.configure(
        processors=[*_COMMON, *_RENDER],
        # One write a line: lines of two threads never mix, and each write costs a hand-over.
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(json_formatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def json_formatter() -> logging.Formatter:
    """Make the formatter for what libraries log; gunicorn's configuration asks for it too."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_COMMON,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_RENDER],
    )


def redact(text: str) -> str:
    """Blank what may be a query string, a token or an e-mail address in foreign text; cut it."""
    if len(text) > _LONGEST:
        text = "[…] " + text[-_LONGEST:].partition(" ")[2]
    return _EMAIL.sub("[email]", _TOKEN.sub("[token]", _QUERY.sub("?[query]", text)))


class RequestLog:
    """Give each request an id, answer with it, and log one line when the request ends."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._process, self._numbers = secrets.token_hex(4), itertools.count(secrets.randbits(31))

    def begin(self) -> None:
        """Note when the request began, and name it in `g.request_id`."""
        g.began = time.perf_counter()
        g.request_id = f"{self._process}{next(self._numbers):08x}"

    def end(self, response: Response) -> None:
        """Log the request, with the fields that a view or an error handler put into `g.log`."""
        response.headers["X-Request-Id"] = g.request_id
        # A line for each probe, one a second, would bury everything else.
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


def _redact(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    # Foreign text only: a library's message, and what an exception may quote.
    for name in ("event", "exception", "detail"):
        if isinstance(text := event.get(name), str):
            event[name] = redact(text)
    return event


_COMMON: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_RENDER: list[structlog.typing.Processor] = [
    structlog.processors.format_exc_info,
    _redact,
    structlog.processors.JSONRenderer(),
]
