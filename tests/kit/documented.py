"""`/openapi.json` of an API without a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask

from api.app import create_app
from tests.kit.running_api import make_settings, serve_keys

NO_DATABASE = "postgresql://org_api@127.0.0.1:1/none"
Json = dict[str, Any]


@contextmanager
def run_without_database() -> Iterator[Flask]:
    """Make the API, with the tenant's keys and without a database."""
    with serve_keys() as keys_url:
        app = create_app(make_settings(NO_DATABASE, keys_url))
        yield app
        app.extensions["database"].close()


def operations_of(document: Json) -> list[tuple[str, str, Json]]:
    """Return (method, path, operation) for every operation of the document."""
    return [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
