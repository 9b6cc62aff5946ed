"""Fixtures of both apps in this process; of the local stack they need only Postgres."""

from collections.abc import Iterator

import pytest

from local_stack.postgres import Postgres
from tests.kit.databases import run_postgres
from tests.kit.running_api import RunningApi, run_api, serve_keys
from tests.kit.running_selector import Selector, run_selector
from tests.kit.statements import Statements, roll_back


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Run a Postgres server, in which each test creates the databases that it needs."""
    with run_postgres(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def keys_url() -> Iterator[str]:
    """Serve the keys with which `access_tokens` signs, and return their URL."""
    with serve_keys() as url:
        yield url


@pytest.fixture
def selector(postgres: Postgres) -> Iterator[Selector]:
    """Run a selector in this process, with a database of its own."""
    with run_selector(postgres) as running:
        yield running


@pytest.fixture
def closed_selector(postgres: Postgres) -> Iterator[Selector]:
    """Run a selector in which people create no organizations, as by default."""
    with run_selector(postgres, new_organizations=False) as running:
        yield running


@pytest.fixture
def api(postgres: Postgres, keys_url: str) -> Iterator[RunningApi]:
    """Run the resource API in this process, with a database of its own."""
    with run_api(postgres, keys_url) as running:
        yield running


@pytest.fixture
def statements(postgres: Postgres) -> Iterator[Statements]:
    """Open a transaction on a database with the seeded people, and roll it back after the test."""
    with roll_back(postgres) as opened:
        yield opened
