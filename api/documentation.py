"""
`/docs`, `/api.md` and `/openapi.json`: what this API can do, for people and for programs.

All are public. The viewer is Redoc, the one script that flask-openapi3-redoc carries.
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

_DESCRIPTION = "Everything here happens inside the one organization that the access token names."
_REDOC = files("flask_openapi3_redoc") / "templates/redoc/js/redoc.standalone.js"
_REDOC_LOGO = b"https://cdn.redoc.ly/redoc/logo-mini.svg"  # all that it loads from elsewhere
_PAGE = Path(__file__).with_name("documentation.html").read_bytes()
_STYLE = b64encode(sha256(_PAGE.partition(b"<style>")[2].partition(b"</style>")[0]).digest())
_GUIDE = Path(__file__).parent / "docs" / "api.md"
if not _GUIDE.is_file():  # a checkout; an installed package carries it inside
    _GUIDE = Path(__file__).parents[1] / "docs" / "api.md"
# Styles by hash: the page's, the empty one that Redoc fills by script, the scroll bars of Redoc
# 2.5.2. Images: the page's icon and Redoc's logo, both replaced by an empty `data:`.
_POLICY = (
    "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; "
    "script-src 'self'; connect-src 'self'; img-src data:; "
    f"style-src 'sha256-{_STYLE.decode()}' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
)


def create_blueprint() -> Blueprint:
    """Make the routes; the OpenAPI document is made at the first request and kept."""
    routes = Blueprint("documentation", __name__)
    script = _REDOC.read_bytes().replace(_REDOC_LOGO, b"data:,")
    etag = sha256(script).hexdigest()

    @functools.cache
    def document() -> bytes:
        made = build_document(current_app, title="Resource API", description=_DESCRIPTION)
        return json.dumps(made, ensure_ascii=False, indent=1).encode()

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(document(), content_type="application/json")

    @routes.get("/docs")
    def docs() -> Response:
        return Response(_PAGE, mimetype="text/html", headers={"Content-Security-Policy": _POLICY})

    @routes.get("/docs/redoc.js")
    def redoc() -> Response:  # kept by browsers, and asked for again by its ETag
        return send_file(BytesIO(script), mimetype="text/javascript", etag=etag)

    @routes.get("/api.md")
    def guide() -> Response:
        return Response(_GUIDE.read_bytes(), content_type="text/plain; charset=utf-8")

    return routes
