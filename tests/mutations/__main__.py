"""
`python -m tests.mutations [FILE…]`: make every mistake, one at a time, and see that a test fails.

Ends with 1 if a mutant lives that survivors.toml does not list, or if one it lists has died.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from local_stack import node
from local_stack.postgres import Postgres
from tests.kit.databases import SHARED_POSTGRES
from tests.mutations.mutant import ROOT, SURVIVORS, Mutant, Trial, describe

# Each file, and the tests that must notice; none for what node --test covers.
PURE: Mapping[str, tuple[str, ...]] = {
    "actions/keep-organization-hint/code.js": (),
    "actions/select-organization/code.js": (),
    "org_guard/access_token.py": ("tests/org_guard/test_access_token.py",),
    "org_guard/flask.py": ("tests/org_guard/test_flask.py", "tests/org_guard/test_requests.py"),
    "org_guard/organization_header.py": ("tests/org_guard/test_requests.py",),
    "org_guard/organizations_token.py": ("tests/org_guard/test_access_token.py",),
    "org_guard/token_claims.py": ("tests/org_guard/test_access_token.py",),
    "org_guard/verified_tokens.py": ("tests/org_guard/test_verified_tokens.py",),
    "org_selector/action_tokens.py": ("tests/org_selector/test_action_tokens.py",),
    "org_selector/decision_table.py": ("tests/org_selector/test_decision_table.py",),
    "org_selector/login_transaction.py": ("tests/org_selector/test_action_tokens.py",),
    "org_selector/question.py": ("tests/org_selector/test_question.py",),
    "org_selector/picker/cookie.py": ("tests/org_selector/picker/test_cookie.py",),
    "org_selector/picker/address.py": ("tests/org_selector/picker/test_page.py",),
    "org_selector/picker/lookalike.py": ("tests/org_selector/picker/test_lookalike.py",),
    "org_selector/picker/page.py": ("tests/org_selector/picker/test_page.py",),
    "org_selector/picker/texts.py": ("tests/org_selector/picker/test_page.py",),
    "org_selector/slug.py": ("tests/org_selector/test_slug.py",),
}
WITH_POSTGRES: Mapping[str, tuple[str, ...]] = {
    "endpoint/names.py": ("tests/endpoint/test_names.py",),
    "org_guard/role_check.py": ("tests/org_guard/test_role_check.py",),
    "org_guard/row_security.py": (
        "tests/org_guard/test_query_errors.py",
        "tests/org_guard/test_row_security.py",
    ),
    "org_selector/choice_rows.py": (
        "tests/org_selector/test_choice_rows.py",
        "tests/org_selector/test_rows.py",
    ),
    "org_selector/picker/lookup/rows.py": ("tests/org_selector/picker/test_lookup_rows.py",),
    "org_selector/picker/rows.py": ("tests/org_selector/picker/test_rows.py",),
    "org_selector/picker/views.py": (
        "tests/org_selector/picker/test_joining.py",
        "tests/org_selector/picker/test_views.py",
    ),
    "org_selector/rows.py": (
        "tests/org_selector/test_choice_rows.py",
        "tests/org_selector/test_rows.py",
    ),
}
FIXTURES = ("-p", "tests.kit.apps")  # in the place of conftest.py
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
        script = ROOT / "tests/mutations/run_javascript.js"
        return [str(node.node()), str(script), *shares, str(ROOT / file)]
    tests = PURE[file] if file in PURE else (*FIXTURES, *WITH_POSTGRES[file])
    return [sys.executable, "-m", "tests.mutations.run_python", *shares, file, *tests]


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
    before = time.monotonic()
    for line in lines:
        start, end, now, killer = line["start"], line["end"], line["now"], line["killer"]
        assert isinstance(start, int) and isinstance(end, int) and isinstance(now, str)
        assert killer is None or isinstance(killer, str)
        progress.step(file)
        after = time.monotonic()
        yield Trial(describe(file, source, start, end, now), killer, after - before)
        before = after


def _read_survivors(files: Collection[str]) -> set[Mutant]:
    """Read the mutants of *files* that may live; each must say why."""
    rows = tomllib.loads(SURVIVORS.read_text())["survivor"]
    if any(not row["reason"].strip() for row in rows):
        raise Unusable("a survivor without a reason")
    strangers = {row["file"] for row in rows} - PURE.keys() - WITH_POSTGRES.keys()
    if strangers:
        raise Unusable(f"survivors of files that are not tried: {', '.join(strangers)}")
    return {
        Mutant(row["file"], row["line"], row["was"], row["now"])
        for row in rows
        if row["file"] in files
    }


def _try_all(files: Collection[str], progress: Progress) -> list[Trial]:
    """Try the mutants of all *files*, on one Postgres that all workers use if any needs it."""
    work = [(file, share) for file in files for share in range(WORKERS)]
    with ExitStack() as ending:
        if not PURE.keys() >= set(files):
            folder = ending.enter_context(tempfile.TemporaryDirectory())
            url = ending.enter_context(Postgres(Path(folder))).url("postgres", "postgres")
            os.environ[SHARED_POSTGRES] = str(psycopg.conninfo.conninfo_to_dict(url)["host"])
        with ThreadPoolExecutor(WORKERS) as pool:
            futures = [pool.submit(_read_trials, *each, progress) for each in work]
            return [trial for future in futures for trial in future.result()]


def _report(trials: list[Trial], allowed: set[Mutant]) -> int:
    """Print what lives, or died, against the list, and what each file took; return how many."""
    alive = {trial.mutant for trial in trials if trial.killer is None}
    for title, mutants in (
        ("Nothing noticed", alive - allowed),
        ("Listed in survivors.toml, but not alive", allowed - alive),
    ):
        for mutant in sorted(mutants, key=str):
            print(f"\n{title}: {mutant}")
    for file in dict.fromkeys(trial.mutant.file for trial in trials):
        of_file = [trial for trial in trials if trial.mutant.file == file]
        survivors = sum(trial.killer is None for trial in of_file)
        milliseconds = 1000 * sum(trial.seconds for trial in of_file) / len(of_file)
        print(f"{file}: {len(of_file)} mutants, {survivors} survivors, {milliseconds:.0f} ms each")
    print(f"{len(allowed)} survivors have a reason", end="; ")
    return len(alive ^ allowed)


def main(asked: list[str]) -> int:
    """Try all mutants, or those of the files *asked* for, and compare what lives with what may."""
    known = [*PURE, *WITH_POSTGRES]
    files = asked or known
    if unknown := set(files) - set(known):
        print(f"not among the files that are tried: {', '.join(sorted(unknown))}")
        return 2
    progress = Progress()
    try:
        allowed = _read_survivors(files)
        trials = _try_all(files, progress)
    except Unusable as error:
        print(f"\n{error}\n0 passed, 1 failed")
        return 1
    failed = _report(trials, allowed)
    seconds = time.monotonic() - progress.started
    print(f"{seconds:.0f} s\n{len(trials) - failed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
