"""The server of a tenant: werkzeug, with one thread for each request and no request log."""

from typing import Any

from werkzeug import serving

from local_tenant.app import create_app
from local_tenant.tenant import Tenant


class QuietHandler(serving.WSGIRequestHandler):
    """A handler that logs nothing, because request lines contain codes, tokens and states."""

    timeout = 60.0  # seconds without a byte from the client until the connection is closed

    def log(self, type: str, message: str, *args: Any) -> None:
        """Discard the message."""


def make_server(tenant: Tenant, host: str = "127.0.0.1", port: int = 0) -> serving.BaseWSGIServer:
    """
    Bind and listen; the caller then calls `serve_forever`.

    Args:
        port: 0 takes a free one; the server's `server_port` says which.

    Raises:
        SystemExit: the port is taken; werkzeug has printed that to stderr.
    """
    app = create_app(tenant)
    return serving.make_server(host, port, app, threaded=True, request_handler=QuietHandler)
