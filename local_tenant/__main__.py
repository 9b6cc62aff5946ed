"""
Serve a tenant: `python -m local_tenant --config FILE --node PATH [--host 127.0.0.1] [--port 3030]`.

It prints only failures. SIGTERM or SIGINT ends it, and the Node process with it.
"""

import argparse
import shutil
import signal
import sys
import threading
from pathlib import Path

from local_tenant.configuration import TenantConfig
from local_tenant.server import make_server
from local_tenant.tenant import Tenant


def main() -> int:
    """Serve the tenant of the command line until a signal; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="local_tenant", description="A local stand-in for an Auth0 tenant."
    )
    parser.add_argument("--config", type=Path, required=True, help="JSON of a TenantConfig")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=3030)
    parser.add_argument("--node", type=Path, default=shutil.which("node"), help="Node 22")
    options = parser.parse_args()
    if options.node is None:
        parser.error("there is no node on the PATH; name one with --node")
    try:
        config = TenantConfig.from_json(options.config.read_text())
        tenant = Tenant(config, node=Path(options.node))
    except (OSError, ValueError) as problem:
        print(f"local_tenant: {problem}", file=sys.stderr)
        return 1
    try:
        server = make_server(tenant, options.host, options.port)
    except BaseException:  # werkzeug raises SystemExit when the port is taken
        tenant.close()
        raise
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for serve_forever(), which runs in this thread, so it needs another one.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()
    tenant.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
