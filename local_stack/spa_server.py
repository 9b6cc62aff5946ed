"""
Serve the example single-page app and auth0-spa-js to a browser on this machine.

`python -m local_stack.spa_server --port 3000 --config config.json`. The configuration is read at
every request and served as `/config.json`, so everything in it is public. The page may connect to
the origin of every http(s) URL in it, except the audience, which is only a name. The page may also
frame `domain`, the tenant, for silent logins.

With `--mails FOLDER`, a Maildir, `/dev/mail` shows the mails in it (`mailbox.py`).
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.security import safe_join
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from local_stack.mailbox import PATH as MAIL_PATH
from local_stack.mailbox import Mailbox

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PROJECT = Path(__file__).resolve().parent.parent
LIBRARY = PROJECT / "node_modules" / "@auth0" / "auth0-spa-js" / "dist"
LIBRARY_FILES = {
    "/auth0-spa-js.js": "auth0-spa-js.production.esm.js",
    # For `workerUrl`: without it the library makes its worker from a blob.
    "/auth0-spa-js.worker.js": "auth0-spa-js.worker.production.js",
}
# Python's own table depends on version and machine, and browsers refuse a module of another type.
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


class SpaServer:
    """A WSGI application for one folder of static files, one configuration and a mailbox."""

    def __init__(
        self, config: Path, folder: Path = PROJECT / "spa", mailbox: Mailbox | None = None
    ) -> None:
        self.config = config
        self.folder = folder
        self.mailbox = mailbox

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        return self.answer(Request(environ))(environ, start_response)

    def answer(self, request: Request) -> Response:
        """Answer with a file, the configuration or an error, with the same headers for all."""
        try:
            if request.method not in {"GET", "HEAD"}:
                raise NotFound
            response = self._file(request)
        except HTTPException as error:
            response = Response(f"{error.code} {error.name}\n", error.code, mimetype="text/plain")
        # The files change during development, and the URL of a callback contains a code.
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "strict-origin"
        response.headers.setdefault(
            "Content-Security-Policy", content_security_policy(self._settings())
        )
        return response

    def _settings(self) -> dict[str, object]:
        settings = json.loads(self.config.read_text())
        return settings if isinstance(settings, dict) else {}

    def _file(self, request: Request) -> Response:
        path = request.path
        if self.mailbox and f"{path}/".startswith(f"{MAIL_PATH}/"):
            return self.mailbox.answer(path)
        if path == "/config.json":
            return Response(self.config.read_text(), mimetype="application/json")
        if path in LIBRARY_FILES:
            return _content(LIBRARY / LIBRARY_FILES[path])
        inside = safe_join(str(self.folder), path.lstrip("/") or "index.html")
        if inside is None:
            raise NotFound
        return _content(Path(inside))


class _QuietHandler(WSGIRequestHandler):
    """A handler that logs nothing, because the URL of a callback contains a code."""

    def log(self, type: str, message: str, *args: object) -> None:
        pass


def content_security_policy(settings: dict[str, object]) -> str:
    """Allow the page its own files, the tenant in a frame, and requests to configured servers."""
    domain = settings.get("domain")
    if isinstance(domain, str) and "://" not in domain:
        settings = settings | {"domain": f"https://{domain}"}
    places = {name: _origin(value) for name, value in settings.items() if name != "audience"}
    connect = " ".join(sorted({place for place in places.values() if place}))
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self' {connect}",
        "frame-src": places.get("domain") or "'none'",
        "worker-src": "'self' blob:",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return "; ".join(f"{name} {value.strip()}" for name, value in rules.items())


def _content(file: Path) -> Response:
    if not file.is_file():
        raise NotFound
    kind = TYPES.get(file.suffix, "application/octet-stream")
    return Response(file.read_bytes(), mimetype=kind)


def _origin(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    parts = urlsplit(value)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else None


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m local_stack.spa_server")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--mails", type=Path)
    arguments = parser.parse_args()
    mails = Mailbox(arguments.mails) if arguments.mails else None
    app = SpaServer(arguments.config, mailbox=mails)
    server = make_server(
        "localhost", arguments.port, app, threaded=True, request_handler=_QuietHandler
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
