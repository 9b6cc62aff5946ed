"""
Tries each mutant of a Python file: `python -m tests.mutations.run_python SHARE SHARES FILE TEST…`.

The tests run once as they are, after which all that they need is imported; for each mutant a child
is forked, which imports the mutant in place of the module and runs pytest up to the first failure.
A line of JSON out for each mutant: {start, end, now, killer}; the first is for the unmutated file.
"""

import contextlib
import gc
import importlib
import importlib.abc
import importlib.machinery
import io
import json
import os
import sys
import types
from collections.abc import Sequence

import pytest

from tests.mutations.mutant import ROOT
from tests.mutations.python_mutants import make_mutants

# Start and end of pytest cost more than the tests: no plugin but the one that ends what hangs (in
# seconds), no conftest.py, which would import the whole project, and no words about a failure.
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
OPTIONS = [
    *("-x", "-q", "--capture=no", "--noconftest", "-p", "no:cacheprovider", "-p", "no:logging"),
    *("--tb=no", "--assert=plain", "-p", "pytest_timeout", "--timeout=20"),
]


class _Witness:
    """Remembers the first test that failed, and lets those go first that failed before."""

    def __init__(self, killers: Sequence[str]) -> None:
        self.killer: str | None = None
        self._ranks = {name: rank for rank, name in enumerate(killers)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort by who noticed a mutant last; the others keep their order."""
        items.sort(key=lambda item: self._ranks.get(item.nodeid, len(self._ranks)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure in any phase of a test."""
        if report.failed and self.killer is None:
            self.killer = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A mutant that cannot even be imported is noticed as well."""
        if report.failed and self.killer is None:
            self.killer = f"{report.nodeid} (import)"


def _run_tests(tests: list[str], killers: Sequence[str] = ()) -> str | None:
    """Return the name of the first test that fails."""
    witness = _Witness(killers)
    code = pytest.main(["--rootdir", str(ROOT), *OPTIONS, *tests], plugins=[witness])
    if code is not pytest.ExitCode.OK and witness.killer is None:
        return f"pytest ended with {code!r}"
    return witness.killer


def _module_name(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


class _Mutant(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports *source* in place of the module of *file*."""

    def __init__(self, file: str, source: str) -> None:
        self._file, self._source, self._name = file, source, _module_name(file)

    def find_spec(
        self, fullname: str, _path: object, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Take the import of that one module."""
        if fullname != self._name:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=self._file)

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the mutant."""
        module.__file__ = str(ROOT / self._file)
        exec(compile(self._source, self._file, "exec"), module.__dict__)  # noqa: S102 - our own file


def _install(file: str, source: str) -> None:
    """Let the tests import *source* in place of *file*, and with it whatever imports that file."""
    package = _module_name(file).partition(".")[0]
    for name in list(sys.modules):
        if name.partition(".")[0] == package or name.startswith("tests.kit."):
            del sys.modules[name]
    sys.meta_path.insert(0, _Mutant(file, source))
    importlib.import_module(_module_name(file))


def _try(file: str, source: str, tests: list[str], killers: Sequence[str] = ()) -> str | None:
    """Run *tests* with *source* in the place of *file*, in a child of its own."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            _install(file, source)
            killer = _run_tests(tests, killers)
        except BaseException as error:
            killer = f"{error!r} at import"
        os.write(writable, json.dumps(killer).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else "the process died"


def main(share: int, shares: int, file: str, tests: list[str]) -> None:
    """Print what became of every *shares*-th mutant of *file*."""
    source = (ROOT / file).read_text()
    with contextlib.redirect_stdout(io.StringIO()):
        killer = _run_tests(tests)
    for test in tests:  # the children read it again, with the mutant
        sys.modules.pop(_module_name(test), None)
    mutants = make_mutants(source)
    killer = killer or _try(file, source, tests)
    print(json.dumps({"mutants": len(mutants), "killer": killer}), flush=True)
    killers: list[str] = []
    gc.freeze()  # no child looks through what it inherits
    for start, end, now in mutants[share::shares]:
        killer = _try(file, source[:start] + now + source[end:], tests, killers)
        if killer is not None:
            killers = [killer, *(name for name in killers if name != killer)]
        line = {"start": start, "end": end, "now": now, "killer": killer}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
