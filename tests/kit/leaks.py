"""Search logs for what no log may contain: tokens, secrets, e-mail addresses, query strings."""

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from local_stack import seed
from local_stack.stack import Stack

_SHAPES = {
    "a token": re.compile(r"[\w-]{12,}\.[\w-]{12,}\.[\w-]{12,}"),
    "the beginning of a token": re.compile(r"eyJ[\w-]{8,}"),
    "a query string": re.compile(r"\?[\w.~%-]+=|\bstate=|\bcode=|session_token=|selection_token"),
}


def log_files(stack: Stack) -> list[Path]:
    """Return the log files of the stack's programs and of Postgres."""
    return [*sorted(stack.logs.iterdir()), stack.postgres.log]


def find_leaks(files: Iterable[Path], words: Iterable[str]) -> list[str]:
    """Describe each line that has one of these words or what no log may contain."""
    people = [one.email for one in seed.PEOPLE]
    forbidden = [*words, *people, *(quote(email, safe="") for email in people)]
    leaks = []
    for file in files:
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            found = [what for what, shape in _SHAPES.items() if shape.search(line)]
            found += ["a forbidden word"] * any(word in line for word in forbidden)
            leaks += [f"{file.name}:{number}: {what}: {line[:300]}" for what in found]
    return leaks


def secrets_of(stack: Stack) -> list[str]:
    """Return the secrets that Action and selector share."""
    return [stack.session_secret, stack.selection_secret]
