"""
Run the benchmarks: `python -m benchmarks NAME…`.

The names: tokens, rows, api, statements, requests, race, joining. Without one, all of them run.
The exit status is 1 if a goal is missed. All traffic stays on this machine.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import api, joining, memberships, race, requests, rows, statements, tokens
from benchmarks.report import Line, render
from local_stack.processes import LocalStackError
from local_stack.stack import Ports, Stack

PARTS: dict[str, Callable[[Stack], list[Line]]] = {
    "tokens": tokens.run,
    "rows": rows.run,
    "api": api.run,
    "statements": statements.run,
    "requests": requests.run,
    "race": race.run,
    "joining": joining.run,
}


def main(names: Sequence[str]) -> int:
    """Start a stack, run the named benchmarks, print one table and return the exit status."""
    if unknown := [name for name in names if name not in PARTS]:
        print(f"unknown: {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    if sys.platform != "linux":
        print("the benchmarks need Linux: they read CPU times from /proc", file=sys.stderr)
        return 2
    wanted = names or tuple(PARTS)
    began = time.monotonic()

    def report(step: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {step}", file=sys.stderr, flush=True)

    lines: list[Line] = []
    try:
        with (
            tempfile.TemporaryDirectory(prefix="benchmarks-") as folder,
            race.RaceStack(Path(folder), Ports.free()) as stack,
        ):
            report("local stack started")
            if {"rows", "api", "statements", "requests", "joining"} & {*wanted}:
                memberships.fill(stack.postgres)
                report("database with a million memberships")
            for name in wanted:
                lines += PARTS[name](stack)
                report(name)
    except LocalStackError as error:
        print(error, file=sys.stderr)
        return 1
    print(render(lines))
    return 1 if any(line.met is False for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
