"""
The apps for gunicorn: `gunicorn -c python:service.gunicorn_settings wsgi:selector`, or `wsgi:api`.

An app is built when gunicorn asks for its name, so a process reads the settings of that app only.
"""

import logging
import sys

from flask import Flask

from service.environment import SettingsError, read
from service.logs import configure_logs


def _create_selector() -> Flask:
    from org_selector.app import create_app
    from org_selector.settings import SelectorSettings

    return create_app(read(SelectorSettings, "selector"))


def _create_api() -> Flask:
    from api.app import create_app
    from api.settings import ApiSettings

    return create_app(read(ApiSettings, "API"))


def __getattr__(name: str) -> Flask:  # called for a name that this module does not have
    if name not in ("selector", "api"):
        raise AttributeError(name)
    configure_logs()
    if "gunicorn" in sys.modules and "service.gunicorn_settings" not in sys.modules:
        logging.getLogger("service").warning(
            "gunicorn's own settings serve one request at a time; "
            "start it with: gunicorn -c python:service.gunicorn_settings wsgi:%s",
            name,
        )
    try:
        return _create_selector() if name == "selector" else _create_api()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(3)  # gunicorn stops after this code; after any other it would start again
