"""
The Actions of every released version, against the service as it is now.

An administrator updates the service first and the Actions later, so the service works with the
Actions of the release before it. `tests/actions/released/N` holds those of version N, unchanged.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from local_stack.node import PROJECT
from local_stack.person import Person
from local_stack.postgres import Postgres
from local_tenant.configuration import Action
from tests.kit.bound_stack import BoundStack

RELEASED = PROJECT / "tests" / "actions" / "released"
# SHA-256 of all files of a version. A change of a released file is a mistake.
VERSIONS = {"1": "c87b2d573020ad6cea3634d7be208f7eb01e7051288aed22829d44a4395188b3"}


@pytest.fixture(scope="module", params=VERSIONS)
def released(
    request: pytest.FixtureRequest, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BoundStack]:
    """Bind the Actions of one version."""

    def arrange(*actions: Action) -> tuple[Action, ...]:
        folder = RELEASED / request.param
        return tuple(replace(one, code=folder / one.name / "code.js") for one in actions)

    with BoundStack(tmp_path_factory.mktemp("released"), postgres, arrange) as running:
        yield running


def test_every_version_is_listed_and_unchanged() -> None:
    assert {one.name: _digest(one) for one in RELEASED.iterdir()} == VERSIONS


def _digest(folder: Path) -> str:
    files = sorted(folder.rglob("*.js"))
    return hashlib.sha256(b"\0".join(one.read_bytes() for one in files)).hexdigest()


def test_a_person_chooses_and_renews_with_the_actions_of_a_release(released: BoundStack) -> None:
    with Person(released).open_app().log_in("joe@example.com") as person:
        tokens = person.choose("XYZ Travel").redeem()

        assert tokens.org_slug == "xyz-travel"
        assert person.refresh(tokens, ext_org="abc-inc").org_slug == "abc-inc"


def test_a_wish_and_the_only_organization_need_no_page_with_the_actions_of_a_release(
    released: BoundStack,
) -> None:
    with Person(released).open_app(ext_org="abc-inc").log_in("joe@example.com") as person:
        assert person.redeem().org_slug == "abc-inc"
        silent = person.open_app(prompt="none").callback
        assert (silent or {})["error"] == "interaction_required"
        assert person.open_app(prompt="none", ext_org="xyz-travel").redeem().org_slug == (
            "xyz-travel"
        )
    with Person(released).open_app().log_in("ann@example.com") as person:
        assert person.redeem().org_slug == "solo-works"


def test_refusals_have_their_codes_with_the_actions_of_a_release(released: BoundStack) -> None:
    with Person(released).open_app(ext_org="abc-inc").log_in("joe@example.com") as person:
        tokens = person.redeem()
        no_wish = person.ask_refresh(tokens).json()
        assert no_wish["error_description"] == "organization_required"
        foreign = person.ask_refresh(tokens, ext_org="solo-works").json()
        assert foreign["error_description"] == "not_a_member"
        assert person.refresh(tokens, ext_org="abc-inc").org_slug == "abc-inc"
