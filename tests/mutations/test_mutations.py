"""The tests of what holds the trust notice every small mistake; `make test-long` tries more."""

import subprocess
import sys

import pytest

from tests.mutations.mutant import ROOT

FILES = (
    "actions/select-organization/code.js",
    "org_guard/access_token.py",
    "org_guard/token_claims.py",
    "org_selector/action_tokens.py",
    "org_selector/login_transaction.py",
)


@pytest.mark.timeout(400)
def test_every_mutant_is_noticed_by_some_test() -> None:
    """No `throw`, `deny`, comparison, claim or option of these files is idle."""
    run = subprocess.run(
        [sys.executable, "-m", "tests.mutations", *FILES],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout + run.stderr
