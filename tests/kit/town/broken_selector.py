"""For gunicorn: the selector with the mistake that BUG names."""

import importlib.util
import os
import sys
from pathlib import Path

from tests.kit.town.bugs import BUGS, Change

BUG = "SEEDED_BUG"


def _break_module(change: Change) -> None:
    spec = importlib.util.find_spec(change.where)
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).read_text("utf-8")
    assert change.old in source, change
    module = importlib.util.module_from_spec(spec)
    sys.modules[change.where] = module
    code = compile(source.replace(change.old, change.new), spec.origin, "exec")
    exec(code, module.__dict__)  # noqa: S102 - our own source


for one in BUGS[os.environ[BUG]].selector:
    _break_module(one)

from wsgi import selector  # noqa: E402 - after the changes

__all__ = ["selector"]
