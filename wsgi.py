"""
From the environment to the apps: `gunicorn wsgi:selector`.

An app is built when it is first asked for, so that a process reads its own settings only.
"""

import sys

from flask import Flask

from service.logs import configure_logs


def _create_selector() -> Flask:
    from org_selector.app import create_app
    from org_selector.settings import SettingsError, read_settings

    configure_logs()
    try:
        return create_app(read_settings())
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(3)  # gunicorn's "cannot boot"; after another code it would try for ever


def __getattr__(name: str) -> Flask:
    if name == "selector":
        return _create_selector()
    raise AttributeError(name)
