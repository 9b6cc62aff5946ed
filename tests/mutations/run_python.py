"""
Tries each mutant of a Python file: `run_python SHARE SHARES FILE TEST…`; options may be among TEST.

The tests run once as they are, after which all that they need is imported; for each mutant a child
is forked, which forgets the module and what imports it, reads them again with the mutant in the
module's place, and runs pytest up to the first failure: only tests that call the mutant's function,
first those that failed before, then the quick ones.
A line of JSON out for each mutant: {start, end, now, killer}; the first is for the unmutated file.
"""

import contextlib
import gc
import io
import json
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Generator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_loader
from types import CodeType, FrameType

import grimp
import pytest

from tests.mutations.mutant import ROOT
from tests.mutations.python_mutants import find_function, make_mutants

# Start and end of pytest cost more than the tests: no plugin but the one that ends what hangs (in
# seconds), no conftest.py, which would import the whole project, and no words about a failure.
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
OPTIONS = [
    *("-x", "-q", "--capture=no", "--noconftest", "--tb=no", "--assert=plain"),
    *("-p", "no:cacheprovider", "-p", "pytest_timeout", "--timeout=20"),
]
PACKAGES = ("api", "endpoint", "org_guard", "org_selector", "schema", "service", "tests")


class _Witness:
    """
    Remembers the first test that failed.

    Args:
        names: the tests to run, in this order; `None` for all.
    """

    def __init__(self, names: Sequence[str] | None = None) -> None:
        self.killer: str | None = None
        self._names = names

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take the tests that were asked for."""
        if self._names is not None:
            by_name = {item.nodeid: item for item in items}
            items[:] = [by_name[name] for name in self._names if name in by_name]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure in any phase of a test."""
        if report.failed and self.killer is None:
            self.killer = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A mutant that cannot even be imported is noticed as well."""
        if report.failed and self.killer is None:
            self.killer = f"{report.nodeid} (import)"


class _Rehearsal(_Witness):
    """Notes what each test takes, and which functions of a file it calls, in any thread."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.seconds: dict[str, float] = defaultdict(float)
        self._callers: dict[int, set[str]] = defaultdict(set)  # by the function's first line
        self._for_all: set[int] = set()  # called outside a test, such as at import
        self._file = str(ROOT / file)
        self._test: str | None = None

    def run(self, arguments: list[str]) -> str | None:
        """Run all tests; return the name of one that fails."""
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            return _run_tests(arguments, self)
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch one test with its fixtures."""
        self._test = item.nodeid
        try:
            return (yield)
        finally:
            self._test = None

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        """What a fixture of a module or session calls is called for every test of this run."""
        test = self._test
        if fixturedef.scope != "function":
            self._test = None
        try:
            return (yield)
        finally:
            self._test = test

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the phases of a test."""
        super().pytest_runtest_logreport(report)
        self.seconds[report.nodeid] += report.duration

    def order(self, function: int | None, killers: Sequence[str]) -> list[str]:
        """List the tests that call *function*, the latest of *killers* first, then by time."""
        everyone = function is None or function in self._for_all
        callers = self.seconds.keys() if everyone else self._callers[function or 0]
        ranks = {name: rank for rank, name in enumerate(killers)}
        return sorted(callers, key=lambda name: (ranks.get(name, len(ranks)), self.seconds[name]))

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code: CodeType = frame.f_code
        if event == "call" and code.co_filename == self._file:
            if self._test is None:
                self._for_all.add(code.co_firstlineno)
            else:
                self._callers[code.co_firstlineno].add(self._test)


class _Mutated(SourceFileLoader):
    """Finds one module only, and gives it another source than its file's."""

    def __init__(self, file: str, source: str) -> None:
        super().__init__(_module_name(file), str(ROOT / file))
        self._source = source

    def find_spec(
        self, name: str, _path: object = None, _target: object = None
    ) -> ModuleSpec | None:
        """Answer the import system; `None` leaves a module to the ordinary finders."""
        return spec_from_loader(name, self) if name == self.name else None

    def get_code(self, _name: str) -> CodeType:
        """Compile the other source."""
        return compile(self._source, self.path, "exec")


def _module_name(file: str) -> str:
    return file.removesuffix(".py").replace("/", ".")


def _run_tests(arguments: list[str], witness: _Witness) -> str | None:
    """Return the name of the first test that fails."""
    code = pytest.main(["--rootdir", str(ROOT), *OPTIONS, *arguments], plugins=[witness])
    if code is not pytest.ExitCode.OK and witness.killer is None:
        return f"pytest ended with {code!r}"
    return witness.killer


def _try(
    mutated: _Mutated, dependents: set[str], arguments: list[str], order: list[str]
) -> str | None:
    """Run the tests with the mutant in the place of its module, in a child of its own."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(readable)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            sys.meta_path.insert(0, mutated)
            for name in dependents:
                _forget(name)
            killer = _run_tests(arguments, _Witness(order))
        except BaseException as error:
            killer = f"{error!r} at import"
        os.write(writable, json.dumps(killer).encode())
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else "the process died"


def _forget(name: str) -> None:
    """Have a module read again by the next import; `from package import module` looks at both."""
    package, _, attribute = name.rpartition(".")
    sys.modules.pop(name, None)
    if package in sys.modules:
        vars(sys.modules[package]).pop(attribute, None)


def _dependents(file: str, tests: list[str]) -> set[str]:
    """List the module, its tests, and what imports it, directly or through others."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    name = _module_name(file)
    return {name, *map(_module_name, tests), *graph.find_downstream_modules(name)}


def main(share: int, shares: int, file: str, arguments: list[str]) -> None:
    """Print what became of every *shares*-th mutant of *file*; *arguments* are pytest's."""
    source = (ROOT / file).read_text()
    rehearsal = _Rehearsal(file)
    with contextlib.redirect_stdout(io.StringIO()):
        killer = rehearsal.run(arguments)
    dependents = _dependents(file, [name for name in arguments if name.endswith(".py")])
    mutants = make_mutants(source)
    unmutated = _Mutated(file, source)
    killer = killer or _try(unmutated, dependents, arguments, rehearsal.order(None, []))
    print(json.dumps({"mutants": len(mutants), "killer": killer}), flush=True)
    killers: list[str] = []
    gc.freeze()  # no child looks through what it inherits
    for start, end, now in mutants[share::shares]:
        mutated = _Mutated(file, source[:start] + now + source[end:])
        order = rehearsal.order(find_function(source, start), killers)
        killer = _try(mutated, dependents, arguments, order) if order else None
        if killer is not None:
            killers = [killer, *(name for name in killers if name != killer)]
        line = {"start": start, "end": end, "now": now, "killer": killer}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
