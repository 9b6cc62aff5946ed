"""gunicorn for the selector: `gunicorn wsgi:selector` reads this file by itself."""

import gc
import os
import sys

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '3020')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = int(os.environ.get("THREADS", "4"))
# Without it one worker may accept every keep-alive connection of a proxy.
reuse_port = sys.platform == "linux"
# Session token and state travel in the request line; the default of 4094 is too tight.
limit_request_line = 8190
limit_request_fields = 64
# Three waiting logins fit into one Cookie header.
limit_request_field_size = 16_380
timeout = 30
graceful_timeout = 10
keepalive = 75  # longer than a proxy's, so that the proxy is the one who hangs up
control_socket_disable = True
accesslog = None  # we log our own line, without the query

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "service.logs.json_formatter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json",
            "stream": "ext://sys.stderr",
        }
    },
    "root": {"level": "INFO", "handlers": ["stderr"]},
    "loggers": {"gunicorn.error": {"level": "INFO", "propagate": True, "handlers": []}},
}


def post_worker_init(_worker: object) -> None:
    """Let the collector forget what was loaded: it lives as long as the process."""
    gc.collect()
    gc.freeze()
