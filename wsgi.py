"""
From the environment to the apps: `gunicorn wsgi:selector` and `gunicorn wsgi:api`.

An app is built when it is first asked for, so that a process reads its own settings only.
"""

import sys
from collections.abc import Callable

from flask import Flask

from service.environment import SettingsError
from service.logs import configure_logs


def _create_selector() -> Flask:
    from org_selector.app import create_app
    from org_selector.settings import read_settings

    return create_app(read_settings())


def _create_api() -> Flask:
    from api.app import create_app
    from api.settings import read_settings

    return create_app(read_settings())


_APPS: dict[str, Callable[[], Flask]] = {"selector": _create_selector, "api": _create_api}


def __getattr__(name: str) -> Flask:
    if name not in _APPS:
        raise AttributeError(name)
    configure_logs()
    try:
        return _APPS[name]()
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(3)  # gunicorn's "cannot boot"; after another code it would try for ever
