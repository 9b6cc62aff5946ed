"""Serve a tenant with werkzeug, one thread a request, and log no request."""

from typing import Any

from werkzeug import serving

from local_tenant.app import create_app
from local_tenant.tenant import Tenant


class QuietHandler(serving.WSGIRequestHandler):
    """A handler that logs nothing, since request lines carry codes, tokens and addresses."""

    timeout = 60.0  # seconds a client may stay silent

    def log(self, type: str, message: str, *args: Any) -> None:
        """Drop the message."""


def make_server(tenant: Tenant, host: str = "127.0.0.1", port: int = 0) -> serving.BaseWSGIServer:
    """
    Bind and listen (port 0: a free one, see `server_port`); the caller calls `serve_forever`.

    Raises:
        SystemExit: the port is taken; werkzeug has said so on stderr.
    """
    app = create_app(tenant)
    return serving.make_server(host, port, app, threaded=True, request_handler=QuietHandler)
