"""
gunicorn's settings for the selector and the API, from the environment.

`gunicorn -c python:service.gunicorn_settings wsgi:selector`, and for the API
`PORT=3010 gunicorn -c python:service.gunicorn_settings wsgi:api`.
"""

import gc
import os
import sys

from gunicorn.config import Config
from gunicorn.glogging import Logger

from service.gunicorn_worker import free_slot
from service.logs import json_formatter


def _number(name: str, default: int) -> int:
    value = os.environ.get(name, str(default))
    if not value.isdecimal() or int(value) == 0:
        sys.exit(f"{name} must be a whole number above 0.")
    return int(value)


bind = f"{os.environ.get('HOST', '127.0.0.1')}:{_number('PORT', 3020)}"
workers = _number("WEB_CONCURRENCY", 2)
worker_class = "service.gunicorn_worker.WholeRequestWorker"
child_exit = free_slot
threads = _number("THREADS", 4)
# Of each worker. The open files of a process are often limited to 1024.
worker_connections = 900
# Session token and state travel in the request line; the default of 4094 is too tight.
limit_request_line = 8190
limit_request_fields = 64
# Three waiting logins fit into one Cookie header.
limit_request_field_size = 16_380
timeout = 30
graceful_timeout = 10
# Longer than a proxy keeps an idle connection (Caddy: 120 s), so that the proxy closes it: a
# request that meets a connection we are just closing is lost.
keepalive = 130
control_socket_disable = True
# No header of a request sets SCRIPT_NAME or PATH_INFO. By default a proxy on this machine may, and
# many pass such a header on from the client.
forwarder_headers = ""


class logger_class(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """gunicorn's own messages as our JSON lines; no access log, since it would hold the query."""

    def setup(self, cfg: Config) -> None:
        """Keep the handler of standard error and change what it prints."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(json_formatter())

    def access(self, *_args: object) -> None:
        """Say nothing: `service.logs` writes one line a request."""


def post_worker_init(_worker: object) -> None:
    """Let the collector forget what was loaded: it lives as long as the process."""
    gc.collect()
    gc.freeze()
