"""Anything that can happen to memberships, in any order, against a model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from local_stack.postgres import Postgres
from tests.kit.town.bugs import BUGS
from tests.kit.town.lives import Lives
from tests.kit.town.running_town import Town, open_town


def make_settings(runs: int, steps: int, *, same_each_time: bool) -> settings:
    """Return the settings of hypothesis; shrinking restarts nothing and costs minutes."""
    return settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=same_each_time,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )


@pytest.fixture(scope="module")
def town(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """What all lives of a process share."""
    with open_town(tmp_path_factory.mktemp("town"), postgres) as opened:
        yield opened


def live(town: Town, runs: int, steps: int, *, same_each_time: bool = False) -> None:
    """Run the machine in this town."""

    class Machine(Lives):
        pass

    Machine.town = town
    run_state_machine_as_test(
        Machine, settings=make_settings(runs, steps, same_each_time=same_each_time)
    )


def test_every_token_is_for_an_active_member_of_the_organization_asked_for(town: Town) -> None:
    """25 lives of 30 steps; no click leads through more than three redirects."""
    live(town, 25, 30)


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_same_holds_in_longer_lives(town: Town) -> None:
    """200 lives of 50 steps."""
    live(town, 200, 50)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS)
def test_the_machine_finds_each_mistake(postgres: Postgres, tmp_path: Path, bug: str) -> None:
    """Within 100 lives, which are the same at each run of this test."""
    with open_town(tmp_path, postgres, bug) as town, pytest.raises(AssertionError):
        live(town, 100, 50, same_each_time=True)
