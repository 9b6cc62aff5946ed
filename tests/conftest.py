"""
In each process of the run one Postgres, and on it one real stack: tenant with the Actions in Node,
selector, API, SPA. Each starts when the first test of the process needs it.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

from local_stack.browser import browser
from local_stack.person import Person
from local_stack.postgres import Postgres
from local_stack.stack import DATABASE, Ports, Stack
from tests.kit.apps import api, closed_selector, keys_url, postgres, selector, statements
from tests.kit.leaks import find_leaks, log_files, secrets_of
from tests.kit.tenant import keys, start
from tests.kit.window import Window, open_window

__all__ = [
    "api",
    "closed_selector",
    "keys",
    "keys_url",
    "postgres",
    "selector",
    "start",
    "statements",
]  # fixtures

# A busy machine is not a mistake: how long an example takes is no test of the product.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def stack(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """
    Everything an administrator would run, on free ports of this machine.

    After the last test of this process it reads every log: no token and no address of a person may
    stand in one.
    """
    folder: Path = tmp_path_factory.mktemp("stack")
    with Stack(folder, Ports.free(), postgres=postgres) as running:
        yield running

        leaks = find_leaks(log_files(running), secrets_of(running))
        assert not leaks, "\n".join(leaks)


@pytest.fixture
def superuser(stack: Stack) -> Iterator[psycopg.Connection]:
    """A connection that may change anything; what a test changes it puts back."""
    with psycopg.connect(stack.postgres.url(DATABASE, "postgres"), autocommit=True) as conn:
        yield conn


@pytest.fixture
def person(stack: Stack) -> Iterator[Person]:
    """Somebody with a fresh browser."""
    with Person(stack) as somebody:
        yield somebody


@pytest.fixture(scope="session")
def chromium(stack: Stack) -> Iterator[Browser]:
    """One browser for this process; every test opens a fresh context in it."""
    with browser() as running:
        yield running


@pytest.fixture
def window(chromium: Browser, stack: Stack) -> Iterator[Window]:
    """Somebody's first window."""
    with open_window(chromium, stack) as opened:
        yield opened
