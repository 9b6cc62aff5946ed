"""The APIs that are attacked, each with its own database."""

from collections.abc import Iterator

import pytest

from local_stack.person import Person
from local_stack.stack import Stack
from tests.kit.login import SignedIn, run_for_tenant, sign_in
from tests.kit.target import Target, run_target


@pytest.fixture(params=["C", "D"])
def target(request: pytest.FixtureRequest, stack: Stack, keys_url: str) -> Iterator[Target]:
    """The API of each design in turn."""
    with run_target(stack.postgres, keys_url, request.param) as running:
        yield running


@pytest.fixture
def target_d(stack: Stack, keys_url: str) -> Iterator[Target]:
    """The API for tokens of one organization."""
    with run_target(stack.postgres, keys_url, "D") as running:
        yield running


@pytest.fixture
def target_c(stack: Stack, keys_url: str) -> Iterator[Target]:
    """The API for tokens of all organizations and a header."""
    with run_target(stack.postgres, keys_url, "C") as running:
        yield running


@pytest.fixture(params=["C", "D"])
def signed_in(request: pytest.FixtureRequest, person: Person) -> Iterator[SignedIn]:
    """Joe after a real login, and the API of each design in turn."""
    with run_for_tenant(person, request.param) as running:
        yield SignedIn(running, sign_in(person, request.param))


@pytest.fixture(scope="session")
def standing(stack: Stack, keys_url: str) -> Iterator[dict[str, Target]]:
    """An API of each design, shared by all tests that change no row."""
    with (
        run_target(stack.postgres, keys_url, "C") as design_c,
        run_target(stack.postgres, keys_url, "D") as design_d,
    ):
        yield {"C": design_c, "D": design_d}


@pytest.fixture(params=["C", "D"])
def standing_target(request: pytest.FixtureRequest, standing: dict[str, Target]) -> Target:
    """The shared API of each design in turn."""
    return standing[request.param]
