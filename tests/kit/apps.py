"""Fixtures of both apps in this process. They need Postgres and nothing else of the stack."""

from collections.abc import Iterator

import pytest

from local_stack.postgres import Postgres
from tests.kit.databases import run_postgres
from tests.kit.running_api import RunningApi, run_api, serve_keys
from tests.kit.running_selector import Selector, run_selector
from tests.kit.statements import Statements, roll_back


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A Postgres; each test makes the databases that it needs."""
    with run_postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def keys_url() -> Iterator[str]:
    """Where the keys stand that `access_tokens` signs with."""
    with serve_keys() as url:
        yield url


@pytest.fixture
def selector(postgres: Postgres) -> Iterator[Selector]:
    """A selector in this process with a database of its own."""
    with run_selector(postgres) as running:
        yield running


@pytest.fixture
def api(postgres: Postgres, keys_url: str) -> Iterator[RunningApi]:
    """The resource API in this process with a database of its own."""
    with run_api(postgres, keys_url) as running:
        yield running


@pytest.fixture
def statements(postgres: Postgres) -> Iterator[Statements]:
    """A transaction on the seeded people, of which nothing is kept."""
    with roll_back(postgres) as opened:
        yield opened
