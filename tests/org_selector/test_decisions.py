"""Decisions against the real database: every row of the table, and what a choice changes."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from endpoint.names import clean_name
from local_stack import seed
from org_selector.choice_rows import ChoiceRows
from org_selector.choices import Choices
from org_selector.decision_table import Choose, Decision, Granted, Refused
from org_selector.decisions import Decisions
from org_selector.rows import DecisionRows
from org_selector.standing import Organization
from service.pool import Unavailable
from tests.kit.action_tokens import HEADER, SESSION_SECRET, sign, valid_decision_claims
from tests.kit.running_selector import DATABASE_CONNECTION, Selector, ask, choice, describe

ABC = str(seed.organization("abc-inc").id)
TRAVEL_ID = seed.organization("xyz-travel").id
TRAVEL = str(seed.organization("xyz-travel").id)
FROZEN = str(seed.organization("frozen-foods").id)
SOLO = str(seed.organization("solo-works").id)

NO_MATTER: list[dict[str, object]] = [
    {},
    {"hint": "xyz-travel"},
    {"prompt_select": True},
    {"invitation": "x"},
]
# (person, kind of login, rest of the question, decision); a decision is a slug, the notice of a
# choice in brackets, or the reason of a refusal.
ROWS: dict[str, list[tuple[str, str, dict[str, object], str]]] = {
    "several": [
        ("joe", "page", {}, "[]"),
        ("joe", "silent", {}, "[]"),
        ("joe", "refresh", {}, "organization_required"),
    ],
    "one": [
        ("ann", "page", {}, "solo-works"),
        ("ann", "silent", {}, "solo-works"),
        ("ann", "refresh", {}, "solo-works"),
    ],
    "none": [
        ("nina", "page", {}, "[]"),
        ("nina", "silent", {}, "[]"),
        ("nina", "refresh", {}, "no_organization"),
    ],
    "asked to be asked": [
        ("ann", "page", {"prompt_select": True}, "[]"),
        ("ann", "silent", {"prompt_select": True}, "[]"),
        ("ann", "refresh", {"prompt_select": True}, "organization_required"),
        ("joe", "page", {"prompt_select": True, "hint": "abc-inc"}, "[]"),
        ("ann", "page", {"invitation": "anything"}, "[]"),
        ("ann", "silent", {"invitation": "anything"}, "[]"),
        ("ann", "refresh", {"invitation": "anything"}, "organization_required"),
    ],
    "a hint of a member": [
        (who, interaction, {"hint": hint}, "xyz-travel")
        for who in ("joe", "sue")
        for interaction in ("page", "silent", "refresh")
        for hint in ("xyz-travel", TRAVEL, " XYZ-Travel ")
    ],
    "a hint of no organization of this member": [
        ("joe", interaction, {"hint": hint}, expected)
        for interaction, expected in (
            ("page", "[hint_unknown]"),
            ("silent", "not_a_member"),
            ("refresh", "not_a_member"),
        )
        for hint in ("solo-works", SOLO, "no-such", str(uuid4()), "", "-", "a b", "x" * 300, "%")
    ],
    "a hint of a suspended organization": [
        ("sue", "page", {"hint": "frozen-foods"}, "[organization_suspended]"),
        ("sue", "silent", {"hint": FROZEN}, "organization_suspended"),
        ("sue", "refresh", {"hint": "frozen-foods"}, "organization_suspended"),
        (
            "sue",
            "page",
            {"hint": "frozen-foods", "prompt_select": True},
            "[organization_suspended]",
        ),
        ("joe", "page", {"hint": "frozen-foods"}, "[hint_unknown]"),
        ("joe", "refresh", {"hint": "frozen-foods"}, "not_a_member"),
    ],
    "an application bound to one organization": [
        ("joe", interaction, {"bound": ABC} | more, "abc-inc")
        for interaction in ("page", "silent", "refresh")
        for more in NO_MATTER
    ]
    + [
        ("joe", interaction, {"bound": bound}, "not_a_member")
        for interaction in ("page", "silent", "refresh")
        for bound in (SOLO, "", "not an id", str(uuid4()))
    ]
    + [
        ("sue", "page", {"bound": FROZEN}, "[bound_suspended]"),
        ("sue", "silent", {"bound": FROZEN}, "organization_suspended"),
        ("sue", "refresh", {"bound": FROZEN}, "organization_suspended"),
        ("joe", "page", {"bound": FROZEN}, "not_a_member"),
    ],
    "a refresh token that remembers": [
        ("joe", "refresh", {"remembered": TRAVEL}, "xyz-travel"),
        ("joe", "refresh", {"remembered": TRAVEL, "hint": "abc-inc"}, "abc-inc"),
        ("ann", "refresh", {"remembered": TRAVEL}, "not_a_member"),
        ("sue", "refresh", {"remembered": FROZEN}, "organization_suspended"),
        ("joe", "page", {"remembered": TRAVEL}, "[]"),
        ("joe", "silent", {"remembered": TRAVEL}, "[]"),
    ],
}


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_decided_as_the_table_says(selector: Selector, row: str) -> None:
    """For a page, for a silent login and for a refresh."""
    for who, interaction, changes, expected in ROWS[row]:
        decision = selector.decide(who, interaction=interaction, **changes)

        assert expected == _name(decision), (who, interaction, changes)


@pytest.mark.parametrize("interaction", ["page", "silent", "refresh"])
def test_a_blocked_user_is_refused_even_if_another_row_fits(
    selector: Selector, interaction: str
) -> None:
    """Before the bound application, the hint and the choice are looked at."""
    questions: list[dict[str, object]] = [
        {},
        {"hint": "abc-inc"},
        {"bound": ABC},
        {"prompt_select": True},
        {"choice": choice("abc-inc")},
    ]
    before = [_name(selector.decide(interaction=interaction, **one)) for one in questions[1:3]]
    selector.block("joe")
    after = {_name(selector.decide(interaction=interaction, **one)) for one in questions}

    assert before == ["abc-inc", "abc-inc"]
    assert after == {"not_a_member"}


@pytest.mark.parametrize(
    "changes",
    [{"hint": "abc-inc"}, {"bound": ABC}, {"remembered": ABC}],
    ids=["hint", "bound", "remembered"],
)
def test_a_removed_member_gets_no_further_token(
    selector: Selector, changes: dict[str, object]
) -> None:
    """Every issuance asks again, so the next refresh is refused."""
    before = selector.decide(interaction="refresh", **changes)
    selector.remove("joe", "abc-inc")
    after = selector.decide(interaction="refresh", **changes)

    assert _name(before) == "abc-inc"
    assert _name(after) == "not_a_member"


def test_a_default_skips_the_page_but_never_decides_a_refresh(selector: Selector) -> None:
    """Otherwise a new default would change the organization of a refresh."""
    selector.set_default("joe", "abc-inc")

    assert _name(selector.decide(interaction="page")) == "abc-inc"
    assert _name(selector.decide(interaction="page", hint="xyz-travel")) == "xyz-travel"
    assert _name(selector.decide(interaction="page", prompt_select=True)) == "[]"
    assert _name(selector.decide(interaction="silent")) == "[]"
    assert _name(selector.decide(interaction="refresh")) == "organization_required"


def test_a_person_whose_default_is_suspended_or_lost_is_asked_again(selector: Selector) -> None:
    """A default counts only while the person may choose it."""
    selector.set_default("sue", "abc-inc")
    assert _name(selector.decide("sue")) == "abc-inc"
    selector.add("sue", "solo-works")
    selector.suspend("abc-inc")
    assert _name(selector.decide("sue")) == "[]"

    selector.set_default("joe", "xyz-travel")
    selector.add("joe", "solo-works")
    selector.remove("joe", "xyz-travel")
    assert selector.find_default("joe") is None
    assert (
        _name(selector.decide("joe")) == "solo-works"
    )  # abc-inc is suspended, so only this one is left


def test_a_person_with_one_organization_and_an_open_invitation_is_asked(selector: Selector) -> None:
    """Where a page can be shown; otherwise the one organization is used."""
    assert _name(selector.decide("ann")) == "solo-works"
    selector.invite("ann@example.com", "abc-inc")

    assert _name(selector.decide("ann")) == "[]"
    assert _name(selector.decide("ann", interaction="silent")) == "solo-works"
    assert _name(selector.decide("ann", interaction="refresh")) == "solo-works"


@pytest.mark.parametrize(
    ("user", "invited"),
    [
        ({}, True),
        ({"email": "Ann@Example.com"}, True),
        ({"email_verified": False}, False),
        ({"email_verified": None}, False),
        ({"email": None}, False),
        ({"strategy": "oidc", "connection": "enterprise"}, False),
        ({"strategy": "google-oauth2", "connection": "google-oauth2"}, True),
        ({"strategy": "oidc", "connection": "google-oauth2-fake"}, False),
    ],
)
def test_an_invitation_counts_only_for_a_verified_address_of_a_trusted_connection(
    selector: Selector, user: dict[str, Any], invited: bool
) -> None:
    """An enterprise connection may claim any address as verified."""
    selector.invite("ann@example.com", "abc-inc")
    decision = selector.decide("ann", user=describe("ann", **user))

    assert ("[]" if invited else "solo-works") == _name(decision)


def test_a_person_with_one_organization_and_an_invitation_is_asked_despite_a_default(
    selector: Selector,
) -> None:
    """The row of the only org.organization is above the row of the default."""
    selector.set_default("ann", "solo-works")
    assert _name(selector.decide("ann")) == "solo-works"
    selector.invite("ann@example.com", "abc-inc")

    assert _name(selector.decide("ann")) == "[]"


@pytest.mark.parametrize("first", ["the member", "the suspension"])
def test_a_member_who_joins_while_an_organization_is_suspended_finds_it_suspended(
    selector: Selector, first: str
) -> None:
    """Two administrators act at the same moment, in both orders; neither change may be lost."""
    join = (
        "insert into org.membership (user_id, org_id, role) select u.id, o.id, 'member' "
        "from org.app_user u, org.organization o "
        "where auth0_user_id = 'auth0|nina' and slug = 'abc-inc'"
    )
    suspend = "update org.organization set suspended_at = now() where slug = 'abc-inc'"
    statements = [join, suspend] if first == "the member" else [suspend, join]
    with psycopg.connect(selector.owner_url) as one, psycopg.connect(selector.owner_url) as two:
        one.execute(statements[0].encode())
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(two.execute, statements[1].encode())
            time.sleep(0.3)
            one.commit()
            waiting.result(timeout=10)
        two.commit()

    assert _name(selector.decide("nina", hint="abc-inc")) == "[organization_suspended]"


def test_a_rename_under_way_does_not_stop_a_login(selector: Selector) -> None:
    """A rename locks the memberships; the login then does not record the time of use."""
    with psycopg.connect(selector.owner_url) as administrator:
        administrator.execute("update org.organization set name = 'New' where slug = 'abc-inc'")

        assert _name(selector.decide(hint="abc-inc")) == "abc-inc"
        assert _name(selector.decide(choice=choice("abc-inc"))) == "abc-inc"


def test_a_person_with_an_expired_invitation_is_not_asked(selector: Selector) -> None:
    selector.invite("ann@example.com", "abc-inc", days=-1)

    assert _name(selector.decide("ann")) == "solo-works"


def test_an_unknown_user_is_stored_at_the_first_question(selector: Selector) -> None:
    """So users of every connection need no other provisioning. A changed profile is stored, too."""
    selector.superuser.execute("delete from org.app_user where auth0_user_id = 'auth0|nina'")

    assert _name(selector.decide("nina", interaction="refresh")) == "no_organization"
    selector.decide("nina", user=describe("nina", email="new@example.com", name="N" * 400))
    rows = selector.superuser.execute(
        "select email, email_verified, name from org.app_user where auth0_user_id = 'auth0|nina'"
    ).fetchall()

    assert rows == [("new@example.com", True, "N" * 300)]


def test_a_name_from_auth0_that_hides_something_is_cleaned_and_refuses_no_login(
    selector: Selector,
) -> None:
    """A person may call themselves anything; a login ends as it would with another name."""
    for name in ("Ni\u202ena\u200b\nNewcomer", "\u200b", "n" + "\u0323" * 150):
        user = describe("nina", name=name)
        assert _name(selector.decide("nina", user=user, interaction="refresh")) == "no_organization"
        [(stored,)] = selector.superuser.execute(
            "select name from org.app_user where auth0_user_id = 'auth0|nina'"
        ).fetchall()
        assert stored == clean_name(name, 300)
    assert clean_name("Ni\u202ena\u200b\nNewcomer", 300) == "Nina Newcomer"


def test_a_choice_is_applied_only_if_the_person_may_still_make_it(selector: Selector) -> None:
    """The membership is looked up again in the decision."""
    assert _name(selector.decide(choice=choice("xyz-travel"))) == "xyz-travel"
    for slug in ("solo-works", "frozen-foods"):
        assert _name(selector.decide(choice=choice(slug))) == "selection_failed"
    selector.remove("joe", "xyz-travel")
    assert _name(selector.decide(choice=choice("xyz-travel"))) == "selection_failed"
    selector.suspend("abc-inc")
    assert _name(selector.decide(choice=choice("abc-inc"))) == "selection_failed"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "xyz-travel"),
        ({"interaction": "silent"}, "selection_failed"),
        ({"interaction": "refresh"}, "selection_failed"),
        ({"bound": ABC}, "selection_failed"),
        ({"bound": TRAVEL}, "xyz-travel"),
        ({"hint": "abc-inc"}, "xyz-travel"),
    ],
)
def test_a_choice_counts_only_at_a_page_and_in_the_bound_organization(
    selector: Selector, changes: dict[str, object], expected: str
) -> None:
    """A choice cannot move a bound application to another organization."""
    assert expected == _name(selector.decide(choice=choice("xyz-travel"), **changes))


def _choose_at_once(selector: Selector, login: str, slugs: list[str]) -> Counter[str]:
    """Decide about one choice of the same login for each of *slugs*, at the same moment."""
    nonce = uuid4().hex
    start = threading.Barrier(len(slugs))

    def choose(slug: str) -> str:
        start.wait(10)
        return _name(selector.decide(login, choice=choice(slug, nonce=nonce)))

    with ThreadPoolExecutor(len(slugs)) as pool:
        return Counter(pool.map(choose, slugs))


def test_of_forty_different_choices_of_one_login_at_once_the_first_alone_is_applied(
    selector: Selector,
) -> None:
    """It uses up the login's nonce, for every other organization."""
    slugs = [f"customer-{number}" for number in range(1001, 1041)]
    outcomes = _choose_at_once(selector, "max", slugs)

    assert outcomes.pop("selection_failed") == 39
    assert [*outcomes.values()] == [1]
    assert outcomes.keys() <= set(slugs)


def test_forty_equal_choices_of_one_login_at_once_get_the_one_organization(
    selector: Selector,
) -> None:
    """An answer can be lost: the Action then asks again with the same choice."""
    assert _choose_at_once(selector, "joe", ["abc-inc"] * 40) == {"abc-inc": 40}
    rows = selector.superuser.execute("select count(*) from org.selection").fetchone()
    assert rows == (1,)


def test_a_choice_asked_again_is_checked_again(selector: Selector) -> None:
    """A person who lost the organization meanwhile gets no token from a repeated question."""
    again: dict[str, object] = {"choice": choice("abc-inc")}
    assert _name(selector.decide(**again)) == "abc-inc"
    assert _name(selector.decide(**again)) == "abc-inc"
    selector.suspend("abc-inc")
    assert _name(selector.decide(**again)) == "selection_failed"

    lost: dict[str, object] = {"choice": choice("xyz-travel")}
    assert _name(selector.decide(**lost)) == "xyz-travel"
    selector.remove("joe", "xyz-travel")
    assert _name(selector.decide(**lost)) == "selection_failed"


def test_a_choice_asked_again_does_not_change_the_default_again(selector: Selector) -> None:
    """Meanwhile the person may have set another one."""
    again: dict[str, object] = {"choice": choice("abc-inc", remember=True)}
    selector.decide(**again)
    selector.set_default("joe", "xyz-travel")

    assert _name(selector.decide(**again)) == "abc-inc"
    assert selector.find_default("joe") == seed.organization("xyz-travel").id


@pytest.mark.parametrize(
    ("age", "expected"), [("58 seconds", "abc-inc"), ("61 seconds", "selection_failed")]
)
def test_a_choice_is_answered_again_for_one_minute(
    selector: Selector, age: str, expected: str
) -> None:
    """Later it is a replay."""
    again: dict[str, object] = {"choice": choice("abc-inc")}
    assert _name(selector.decide(**again)) == "abc-inc"
    selector.superuser.execute("update org.selection set created_at = now() - %s::interval", (age,))

    assert _name(selector.decide(**again)) == expected


def test_a_default_is_set_and_removed_only_where_the_person_says_so(selector: Selector) -> None:
    """An empty box on the page changes nothing."""
    selector.decide(choice=choice("xyz-travel", remember=True))
    assert selector.find_default("joe") == TRAVEL_ID
    assert _name(selector.decide()) == "xyz-travel"

    selector.decide(choice=choice("abc-inc"))
    assert selector.find_default("joe") == TRAVEL_ID
    selector.decide(choice=choice("abc-inc", forget=True))
    assert selector.find_default("joe") is None
    assert _name(selector.decide()) == "[]"

    selector.decide(choice=choice("abc-inc", remember=True, forget=True))
    assert selector.find_default("joe") == seed.organization("abc-inc").id


def _invited(invitation_id: UUID) -> dict[str, object]:
    return choice("abc-inc") | {"org_id": None, "invitation_id": str(invitation_id)}


def _created(name: str) -> dict[str, object]:
    return choice("abc-inc") | {"org_id": None, "new_organization": name}


def test_an_accepted_invitation_leads_into_its_organization(selector: Selector) -> None:
    """And is the default from now on, if the person wants that."""
    invitation_id = selector.invite("nina@example.com", "xyz-travel")
    accepted = selector.decide("nina", choice=_invited(invitation_id) | {"remember": True})

    assert isinstance(accepted, Granted)
    assert accepted.way == "invitation"
    assert (accepted.organization.slug, accepted.organization.role) == ("xyz-travel", "member")
    assert selector.find_default("nina") == TRAVEL_ID
    again = selector.decide("nina", choice=_invited(invitation_id))
    assert _name(again) == "selection_failed"


@pytest.mark.parametrize("changes", [{"email_verified": False}, {"email": "n@example.com"}])
def test_an_invitation_is_for_its_verified_address(
    selector: Selector, changes: dict[str, Any]
) -> None:
    """The address that this login has, not one that an earlier login had."""
    invitation_id = selector.invite("nina@example.com", "xyz-travel")
    user = describe("nina", **changes)

    refused = selector.decide("nina", choice=_invited(invitation_id), user=user)
    assert _name(refused) == "selection_failed"
    assert _name(selector.decide("nina", choice=_invited(invitation_id))) == "xyz-travel"


def test_a_bound_application_offers_and_takes_an_invitation_to_its_organization(
    selector: Selector,
) -> None:
    """Design A: the person is not a member yet."""
    abc, travel = str(seed.organization("abc-inc").id), str(TRAVEL_ID)
    assert _name(selector.decide("nina", bound=abc)) == "not_a_member"
    invitation_id = selector.invite("nina@example.com", "abc-inc")

    assert _name(selector.decide("nina", bound=abc)) == "[]"
    assert _name(selector.decide("nina", bound=travel)) == "not_a_member"
    elsewhere = selector.decide("nina", bound=travel, choice=_invited(invitation_id))
    assert _name(elsewhere) == "selection_failed"
    assert _name(selector.decide("nina", bound=abc, choice=_invited(invitation_id))) == "abc-inc"


def test_a_person_creates_an_organization_and_owns_it(selector: Selector) -> None:
    """Its slug is made from the name; the name is stored in NFC."""
    created = _of(selector.decide("nina", choice=_created("Acme Soehne u\u0308ber alles")))

    assert (created.slug, created.name, created.role) == (
        "acme-soehne-uber-alles",
        "Acme Soehne \xfcber alles",
        "owner",
    )
    assert _name(selector.decide("nina")) == created.slug


@pytest.mark.parametrize("name", ["", " ", "Acme\u202e", "a" + "\u0301" * 6])
def test_a_name_that_shows_something_else_creates_nothing(selector: Selector, name: str) -> None:
    """The picker has said so before; this is the check that counts."""
    assert _name(selector.decide("nina", choice=_created(name))) == "selection_failed"
    assert _name(selector.decide("nina", choice=_created("Acme"))) == "acme"


def test_creating_organizations_is_off_unless_it_is_switched_on(selector: Selector) -> None:
    """`NEW_ORGANIZATIONS`: the signed choice alone is not enough."""
    choices = Choices(ChoiceRows(selector.database), new_organizations=False)
    strict = Decisions(DecisionRows(selector.database), choices, None)
    question = ask("nina", choice=_created("Acme"))

    assert _name(strict.answer(question)) == "selection_failed"
    assert _name(selector.decide("nina", choice=_created("Acme"))) == "acme"


def _of(decision: Decision) -> Organization:
    assert isinstance(decision, Granted)
    return decision.organization


GOOGLE, DATABASE = "google-oauth2", DATABASE_CONNECTION
LINKED = [
    {"connection": DATABASE, "email": "ann@example.com", "email_verified": True},
    {"connection": GOOGLE, "email": "ann@gmail.example", "email_verified": True},
]


def _stored(selector: Selector, login: str) -> tuple[Any, ...] | None:
    return selector.superuser.execute(
        "select email, email_verified, name from org.app_user where auth0_user_id = %s",
        (f"auth0|{login}",),
    ).fetchone()


@pytest.mark.parametrize("identities", [LINKED, LINKED[::-1]], ids=["primary first", "last"])
@pytest.mark.parametrize(
    ("connection", "strategy", "email", "verified"),
    [
        (DATABASE, "auth0", "ann@example.com", True),
        (GOOGLE, "google-oauth2", "ann@gmail.example", True),
        ("enterprise", "samlp", "ann@example.com", False),
    ],
)
def test_of_linked_accounts_the_address_of_the_identity_used_now_counts(
    selector: Selector,
    identities: list[dict[str, object]],
    connection: str,
    strategy: str,
    email: str,
    verified: bool,
) -> None:
    """Otherwise an invitation to the primary address could be taken through any connection."""
    user = describe("ann", connection=connection, strategy=strategy, identities=identities)
    selector.decide("ann", user=user)

    assert _stored(selector, "ann") == (email, verified, "Ann Solo")


def test_a_linked_identity_of_an_untrusted_connection_verifies_no_address(
    selector: Selector,
) -> None:
    """An enterprise connection can name the address of any invitation."""
    selector.invite("boss@example.com", "abc-inc")
    claimed = {"connection": "evil", "email": "boss@example.com", "email_verified": True}
    user = describe("ann", connection="evil", strategy="samlp", identities=[*LINKED, claimed])

    assert _name(selector.decide("ann", user=user)) == "solo-works"
    assert _stored(selector, "ann") == ("ann@example.com", False, "Ann Solo")


def test_no_address_counts_if_identities_of_one_connection_differ(selector: Selector) -> None:
    """Auth0 names the connection that was used, not the identity."""
    other = LINKED[1] | {"email": "other@gmail.example"}
    user = describe("ann", connection=GOOGLE, strategy=GOOGLE, identities=[*LINKED, other])
    selector.decide("ann", user=user)
    assert _stored(selector, "ann") == ("ann@example.com", False, "Ann Solo")

    equal = describe("ann", connection=GOOGLE, strategy=GOOGLE, identities=[*LINKED, LINKED[1]])
    selector.decide("ann", user=equal)
    assert _stored(selector, "ann") == ("ann@gmail.example", True, "Ann Solo")


def test_a_refresh_without_a_connection_changes_the_name_only(selector: Selector) -> None:
    """Auth0 does not say through which connection the person once logged in."""
    user = describe("ann", connection=None, email="evil@example.com", name="Ann Two")
    assert _name(selector.decide("ann", interaction="refresh", user=user)) == "solo-works"

    assert _stored(selector, "ann") == ("ann@example.com", True, "Ann Two")


def test_a_new_user_without_a_connection_has_no_verified_address(selector: Selector) -> None:
    selector.superuser.execute("delete from org.app_user where auth0_user_id = 'auth0|nina'")
    selector.decide("nina", interaction="refresh", user=describe("nina", connection=None))

    assert _stored(selector, "nina") == ("nina@example.com", False, "Nina New")


def test_a_read_only_database_still_decides_for_a_known_user(selector: Selector) -> None:
    """
    A standby, for example. The last use is not saved; a choice needs to be.

    Reproduced at commit 3d47401: a login with a hint was refused.
    """
    assert _name(selector.decide(hint="abc-inc")) == "abc-inc"
    database = psycopg.conninfo.conninfo_to_dict(selector.url)["dbname"]
    selector.superuser.execute(
        psycopg.sql.SQL("alter database {} set default_transaction_read_only = on").format(
            psycopg.sql.Identifier(str(database))
        )
    )
    selector.superuser.execute(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity "
        "where usename = 'org_selector' and datname = current_database()"
    )

    assert _name(selector.decide(hint="xyz-travel")) == "xyz-travel"
    with pytest.raises(Unavailable):
        selector.decide(choice=choice("abc-inc"))
    with pytest.raises(Unavailable):
        selector.decide(user=describe("joe", email="new@example.com"))


def test_a_choice_deletes_old_nonces_and_keeps_young_ones(selector: Selector) -> None:
    """So the table stays small."""
    selector.superuser.execute(
        "insert into org.selection (nonce, user_id, org_id, created_at) "
        "select 'old-' || n, u.id, %s, now() - interval '2 days' "
        "from org.app_user u, generate_series(1, 3) n where auth0_user_id = 'auth0|joe'",
        (ABC,),
    )
    for _ in range(2):
        selector.decide(choice=choice("abc-inc"))
    rows = selector.superuser.execute(
        "select count(*) filter (where nonce like 'old-%'), count(*) from org.selection"
    ).fetchall()

    assert rows == [(0, 2)]


def _name(decision: object) -> str:
    match decision:
        case Granted(organization, _):
            return organization.slug
        case Choose(notice):
            return f"[{notice}]"
        case Refused(reason):
            return reason
    raise AssertionError(decision)


@pytest.mark.parametrize(
    ("connection", "verified"), [("staff", True), (DATABASE, False), ("google-oauth2", False)]
)
def test_only_the_connections_that_are_configured_verify_an_address(
    selector: Selector, connection: str, verified: bool
) -> None:
    """TRUSTED_EMAIL_CONNECTIONS replaces the default; the strategy does not matter then."""
    choices = Choices(ChoiceRows(selector.database), new_organizations=False)
    strict = Decisions(DecisionRows(selector.database), choices, ("staff", "partners"))
    user = describe("ann", connection=connection, strategy="auth0", email="ann@staff.example")
    strict.answer(ask("ann", user=user))

    assert _stored(selector, "ann") == ("ann@staff.example", verified, "Ann Solo")


def test_an_identity_without_an_address_verifies_none(selector: Selector) -> None:
    nothing = {"connection": DATABASE, "email": None, "email_verified": True}
    selector.decide("ann", user=describe("ann", identities=[nothing]))

    assert _stored(selector, "ann") == (None, False, "Ann Solo")


@pytest.mark.parametrize(
    ("question", "saved"),
    [
        ({"hint": "abc-inc"}, True),
        ({"hint": "abc-inc", "interaction": "silent"}, False),
        ({"hint": "abc-inc", "interaction": "refresh"}, False),
        ({"bound": ABC}, False),
        ({"hint": "abc-inc", "prompt_select": True}, False),
    ],
)
def test_the_last_use_is_saved_where_a_person_asked_for_the_organization(
    selector: Selector, question: dict[str, object], saved: bool
) -> None:
    """A switch in the app, or a link; the picker then lists it first."""
    selector.decide(**question)
    used = selector.superuser.execute(
        "select count(*) from org.membership where last_selected_at is not null"
    ).fetchone()

    assert used == (int(saved),)


def _post(selector: Selector, **changes: object) -> object:
    """Ask over HTTP, as the Action does, and return the JSON of the answer."""
    body = ask(**changes).model_dump_json().encode()
    token = sign(HEADER, valid_decision_claims(body), SESSION_SECRET)
    answer = selector.app.test_client().post(
        "/decisions", data=body, headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    return answer.get_json()


def test_each_answer_has_exactly_the_fields_that_the_action_reads(selector: Selector) -> None:
    """With the version, so that a later Action knows what it can expect."""
    organization = {"id": ABC, "slug": "abc-inc", "name": "ABC Inc", "role": "owner"}
    assert _post(selector, hint="abc-inc") == {
        "version": 1,
        "outcome": "organization",
        "organization": organization,
    }
    assert _post(selector, hint="solo-works") == {
        "version": 1,
        "outcome": "choose",
        "notice": "hint_unknown",
    }
    assert _post(selector, interaction="refresh") == {
        "version": 1,
        "outcome": "refuse",
        "reason": "organization_required",
    }
