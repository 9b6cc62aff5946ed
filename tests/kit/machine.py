"""What a test needs from the machine beside Python and make."""

import shutil
from pathlib import Path

import pytest

# Debian installs servers where only root's PATH looks.
_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


def require_program(name: str) -> Path:
    """Return where a program is, or skip the test and say which one is missing."""
    program = shutil.which(name) or shutil.which(name, path=_PATH)
    if program is None:
        pytest.skip(f"left out: this machine has no {name}")
    return Path(program)
