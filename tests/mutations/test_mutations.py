"""The tests of what holds the trust notice every small mistake in it."""

import subprocess
import sys

import pytest

from tests.mutations.mutant import ROOT


@pytest.mark.timeout(400)
def test_every_mutant_is_noticed_by_some_test() -> None:
    """No `throw`, `deny`, comparison, claim or option of the Action or of a ★ file is idle."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.mutations"], cwd=ROOT, capture_output=True, text=True
    )

    assert run.returncode == 0, run.stdout + run.stderr
