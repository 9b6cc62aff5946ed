"""
Logins in a tenant that binds other Actions around ours, as most tenants do.

Sources: Auth0, "Actions limitations" (a new `event.request` after every suspension), "Customize MFA
selection for Universal Login", "Redirect Actions for partners" (the MFA policy comes last).
"""

from collections.abc import Iterator

import psycopg
import pytest

from local_stack.person import Person, claims_of
from local_stack.postgres import Postgres
from local_stack.stack import DATABASE, OTHER_AUDIENCE
from local_tenant.configuration import Action
from tests.kit.bound_stack import CODE, BoundStack, foreign

PICKER, SECOND_FACTOR = "Choose an organization", "Prove that it is you"
SUSPENSIONS = ["redirect-before", "challenge-before", "redirect-before challenge-before"]


@pytest.fixture(scope="module")
def bound(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BoundStack]:
    """Bind our two Actions in their places, and others before, between and after them."""

    def arrange(keep: Action, select: Action) -> tuple[Action, ...]:
        return (
            foreign("fill-metadata"),
            keep,
            foreign("redirect-before"),
            foreign("challenge-before"),
            select,
            foreign("claims-after"),
            foreign("deny-after"),
        )

    with BoundStack(tmp_path_factory.mktemp("bound"), postgres, arrange) as running:
        yield running


@pytest.fixture(scope="module")
def without_first(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BoundStack]:
    """Bind select-organization alone, after an Action that suspends the login."""

    def arrange(_: Action, select: Action) -> tuple[Action, ...]:
        return (foreign("redirect-before"), select)

    with BoundStack(tmp_path_factory.mktemp("bound"), postgres, arrange) as running:
        yield running


@pytest.fixture
def default_abc(postgres: Postgres) -> Iterator[None]:
    """Let joe always continue with ABC Inc."""
    url = postgres.url(DATABASE, "postgres")
    change = (
        "update org.app_user set default_org_id = "
        "(select id from org.organization where slug = %s) "
        "where auth0_user_id = 'auth0|joe'"
    )
    with psycopg.connect(url, autocommit=True) as superuser:
        superuser.execute(change, ("abc-inc",))
        try:
            yield
        finally:
            superuser.execute(change, (None,))


def log_in(stack: BoundStack, words: str, login: str = "joe", /, **parameters: str) -> Person:
    """Log in; `words` say which other Actions act. Prove the second factor where one is asked."""
    person = Person(stack).open_app(login_hint=words, **parameters).log_in(f"{login}@example.com")
    if person.heading == SECOND_FACTOR:
        person.submit(person.form("code"), code=CODE)
    return person


@pytest.mark.usefixtures("default_abc")
@pytest.mark.parametrize("words", ["", *SUSPENSIONS])
def test_a_login_for_an_organization_gets_it_whatever_suspended_the_login_before(
    bound: BoundStack, words: str
) -> None:
    """Without the kept wish joe's default, another organization, would be in the token."""
    with log_in(bound, words, ext_org="xyz-travel") as person:
        assert person.redeem().org_slug == "xyz-travel"


@pytest.mark.usefixtures("default_abc")
@pytest.mark.parametrize("words", ["", *SUSPENSIONS])
def test_a_login_that_wants_the_picker_sees_it_whatever_suspended_the_login_before(
    bound: BoundStack, words: str
) -> None:
    with log_in(bound, words, ext_org_prompt="select") as person:
        assert person.heading == PICKER
        assert person.choose("XYZ Travel").redeem().org_slug == "xyz-travel"


@pytest.mark.usefixtures("default_abc")
@pytest.mark.parametrize("words", ["", *SUSPENSIONS])
def test_a_login_that_asks_for_nothing_keeps_its_default(bound: BoundStack, words: str) -> None:
    """Otherwise every suspended login would show a page."""
    with log_in(bound, words) as person:
        assert person.redeem().org_slug == "abc-inc"


@pytest.mark.usefixtures("default_abc")
def test_without_the_first_action_a_suspended_login_is_asked(without_first: BoundStack) -> None:
    """The wish is lost. No person is taken to a default by mistake."""
    with log_in(without_first, "", ext_org="xyz-travel") as person:
        assert person.redeem().org_slug == "xyz-travel"
    for wish in ({}, {"ext_org": "xyz-travel"}):
        with log_in(without_first, "redirect-before", **wish) as person:
            assert person.heading == PICKER
            assert person.choose("XYZ Travel").redeem().org_slug == "xyz-travel"


@pytest.mark.usefixtures("default_abc")
def test_when_the_first_action_cannot_write_no_login_is_denied(bound: BoundStack) -> None:
    """Another Action left no room in the metadata: a login of ours is asked once suspended."""
    with log_in(bound, "fill-metadata redirect-before", ext_org="xyz-travel") as person:
        assert person.heading == PICKER
    with log_in(bound, "fill-metadata", "ann", ext_org="solo-works") as person:
        assert person.redeem().org_slug == "solo-works"
    with log_in(bound, "fill-metadata redirect-before", audience=OTHER_AUDIENCE) as person:
        assert person.redeem().org_id is None


def test_an_action_after_ours_can_deny_and_add_claims(bound: BoundStack) -> None:
    """Our claims stay as they are, and no token leaves a denied login."""
    with log_in(bound, "claims-after").choose("XYZ Travel") as person:
        tokens = person.redeem()
        assert tokens.org_slug == "xyz-travel"
        assert claims_of(tokens.access_token)["https://other.example/plan"] == "gold"
    with log_in(bound, "deny-after").choose("XYZ Travel") as person:
        assert person.callback is not None
        assert person.callback["error_description"] == "the office is closed"
        assert "code" not in person.callback


def test_a_login_by_a_linked_account_takes_the_address_of_that_account(
    bound: BoundStack, postgres: Postgres
) -> None:
    """Kate's google account was linked to her own; the database notes which address was proved."""
    url = postgres.url(DATABASE, "postgres")
    with psycopg.connect(url, autocommit=True) as superuser:
        for email in ("kate@gmail.example", "kate@example.com"):
            with Person(bound).open_app(ext_org="abc-inc").log_in(email):
                stored = superuser.execute(
                    "select email, email_verified from org.app_user "
                    "where auth0_user_id = 'auth0|kate'"
                ).fetchone()
            assert stored == (email, True)
        superuser.execute("delete from org.app_user where auth0_user_id = 'auth0|kate'")
