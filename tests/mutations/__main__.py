"""
`python -m tests.mutations`: make every mistake, one at a time, and see that a test fails.

Ends with 1 if a mutant lives that survivors.toml does not list, or if one it lists has died.
"""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from local_stack import node
from tests.mutations.mutant import ROOT, SURVIVORS, Mutant, Trial, describe

# Each file that holds the trust, and the tests that must notice; none for what node --test covers.
TARGETS: dict[str, tuple[str, ...]] = {
    "actions/select-organization/code.js": (),
    "org_guard/access_token.py": ("tests/org_guard/test_access_token.py",),
    "org_guard/token_claims.py": ("tests/org_guard/test_access_token.py",),
    "org_selector/action_tokens.py": ("tests/org_selector/test_action_tokens.py",),
}
WORKERS = os.cpu_count() or 2


class Unusable(Exception):
    """The unmutated file does not pass, or a worker ended early: nothing was shown."""


@dataclass
class Progress:
    """One line that says how far it is: rewritten on a terminal, now and then elsewhere."""

    done: int = 0
    started: float = field(default_factory=time.monotonic)

    def step(self, file: str) -> None:
        """Count one more mutant."""
        self.done += 1
        text = f"{self.done} mutants, {time.monotonic() - self.started:.0f} s, now in {file}"
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif self.done % 100 == 0:
            print(text, file=sys.stderr, flush=True)


def _command(file: str, share: int) -> list[str]:
    shares = [str(share), str(WORKERS)]
    if file.endswith(".js"):
        return [str(node.node()), str(ROOT / "tests/mutations/run_javascript.js"), *shares]
    return [sys.executable, "-m", "tests.mutations.run_python", *shares, file, *TARGETS[file]]


def _read_trials(file: str, share: int, progress: Progress) -> list[Trial]:
    """
    Try one share of the mutants of *file*.

    Raises:
        Unusable: its tests fail without any mutant, or not every mutant was tried.
    """
    source = (ROOT / file).read_text()
    if max(source) > "\uffff":
        raise Unusable(f"{file}: JavaScript counts a character beyond U+FFFF as two")
    with subprocess.Popen(
        _command(file, share), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        lines = (json.loads(line) for line in worker.stdout)
        unmutated = next(lines, {"killer": "the worker did not start"})
        if unmutated["killer"] is not None:
            worker.terminate()
            raise Unusable(f"{file} fails without any mutant: {unmutated['killer']}")
        trials = list(_trials(file, source, lines, progress))
    if len(trials) != len(range(share, int(unmutated["mutants"]), WORKERS)):
        raise Unusable(f"{file}: a worker ended with {worker.returncode} before its time")
    return trials


def _trials(
    file: str, source: str, lines: Iterator[dict[str, object]], progress: Progress
) -> Iterator[Trial]:
    for line in lines:
        start, end, now, killer = line["start"], line["end"], line["now"], line["killer"]
        assert isinstance(start, int) and isinstance(end, int) and isinstance(now, str)
        assert killer is None or isinstance(killer, str)
        progress.step(file)
        yield Trial(describe(file, source, start, end, now), killer)


def _read_survivors() -> set[Mutant]:
    """Read the mutants that may live; each must say why."""
    rows = tomllib.loads(SURVIVORS.read_text())["survivor"]
    if any(not row["reason"].strip() for row in rows):
        raise Unusable("a survivor without a reason")
    return {Mutant(row["file"], row["line"], row["was"], row["now"]) for row in rows}


def main() -> int:
    """Try all mutants and compare those that live with those that may."""
    progress = Progress()
    work = [(file, share) for file in TARGETS for share in range(WORKERS)]
    try:
        with ThreadPoolExecutor(WORKERS) as pool:
            futures = [pool.submit(_read_trials, *each, progress) for each in work]
            trials = [trial for future in futures for trial in future.result()]
        allowed = _read_survivors()
    except Unusable as error:
        print(f"\n{error}")
        return 1
    alive = {trial.mutant for trial in trials if trial.killer is None}
    for title, mutants in (
        ("Nothing noticed", alive - allowed),
        ("Listed in survivors.toml, but not alive", allowed - alive),
    ):
        for mutant in sorted(mutants, key=str):
            print(f"\n{title}: {mutant}")
    seconds = time.monotonic() - progress.started
    for file in TARGETS:
        of_file = [trial for trial in trials if trial.mutant.file == file]
        survivors = sum(trial.killer is None for trial in of_file)
        print(f"\n{file}: {len(of_file)} mutants, {survivors} survivors", end="")
    print(f"\n{len(allowed)} survivors have a reason; {seconds:.0f} s")
    return int(alive != allowed)


if __name__ == "__main__":
    sys.exit(main())
