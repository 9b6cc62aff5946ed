"""
`/docs`, `/api.md` and `/openapi.json`: how to call this API, for people and for programs.

All are public. `/docs` is shown by Redoc, a script in the package flask-openapi3-redoc.
"""

import functools
import json
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from flask import Blueprint, Response, current_app, send_file

from endpoint.openapi import build_document

_DESCRIPTION = "Every request works in the one organization that the access token names."
_REDOC = files("flask_openapi3_redoc") / "templates/redoc/js/redoc.standalone.js"
_REDOC_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"  # all it loads from other sites
_PAGE = Path(__file__).with_name("documentation.html").read_bytes()
_STYLE = b64encode(sha256(_PAGE.partition(b"<style>")[2].partition(b"</style>")[0]).digest())
_GUIDE = Path(__file__).parent / "docs" / "api.md"
if not _GUIDE.is_file():  # in a clone; setup.cfg puts it into the installed package
    _GUIDE = Path(__file__).parents[1] / "docs" / "api.md"
# Styles are allowed by hash: the page's own, the empty one that Redoc fills by script, and that of
# Redoc 2.5.2's scroll bars. Images: the page's icon and Redoc's logo are both an empty `data:`.
_POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; "
    "script-src 'self'; connect-src 'self'; img-src data:; "
    f"style-src 'sha256-{_STYLE.decode()}' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
)


def create_blueprint() -> Blueprint:
    """Make the routes."""
    routes = Blueprint("documentation", __name__)
    script = _REDOC.read_bytes().replace(_REDOC_LOGO, b"data:,")
    etag = sha256(script).hexdigest()

    @functools.cache  # built at the first request, when every route is registered
    def build_json() -> bytes:
        document = build_document(current_app, title="Resource API", description=_DESCRIPTION)
        return json.dumps(document, ensure_ascii=False, indent=1).encode()

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(build_json(), content_type="application/json")

    @routes.get("/docs")
    def docs() -> Response:
        return Response(_PAGE, mimetype="text/html", headers={"Content-Security-Policy": _POLICY})

    @routes.get("/docs/redoc.js")
    def redoc() -> Response:  # 1 MB: browsers keep it and revalidate by ETag
        return send_file(BytesIO(script), mimetype="text/javascript", etag=etag)

    @routes.get("/api.md")
    def guide() -> Response:
        return Response(_GUIDE.read_bytes(), content_type="text/plain; charset=utf-8")

    return routes
