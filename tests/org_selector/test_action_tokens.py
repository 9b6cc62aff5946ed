"""
Which session and decision tokens the selector takes: forged, altered, expired and foreign ones are
refused.

Each row of the tables is one change to a valid token, which is verified in the same test. The clock
stands still, so that a limit can be tested to the second.
"""

import base64
import dataclasses
import json
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
import time_machine

from org_selector.action_tokens import ActionTokens
from org_selector.errors import InvalidDecisionToken, InvalidSessionToken, SelectorError
from org_selector.login_transaction import LoginTransaction
from tests.kit.action_tokens import (
    ABSENT,
    AUTH0_USER_ID,
    CUSTOM_DOMAIN,
    DOMAIN,
    HEADER,
    ORG_ID,
    SELECTION_SECRET,
    SESSION_SECRET,
    STATE,
    segment,
    sign,
    signature,
    valid_selection_claims,
)
from tests.kit.forged_action_tokens import (
    BODY,
    DECISION,
    FOREIGN_SECRET,
    FORGED_DECISIONS,
    FORGED_SESSIONS,
    FORGERIES,
    OLD_SESSION_SECRET,
    SESSION,
    TOKENS,
    Kind,
    Row,
    change_claims,
    change_header,
    change_time,
    now,
    sign_selection,
    write_claims,
)

BOTH = pytest.mark.parametrize(
    "kind", [pytest.param(SESSION, id="session"), pytest.param(DECISION, id="decision")]
)


@pytest.fixture(autouse=True)
def _still_clock() -> Iterator[None]:
    with time_machine.travel(1_900_000_000.75, tick=False):
        yield


def _require_refused(kind: Kind, token: str) -> None:
    """Require that *token* is refused as its kind says, and that a valid one passes."""
    kind.verify(kind.token())
    with pytest.raises(SelectorError) as refusal:
        kind.verify(token)
    assert type(refusal.value) is kind.refusal


@BOTH
@pytest.mark.parametrize("forge", [pytest.param(row, id=name) for name, row in FORGERIES.items()])
def test_every_forged_token_is_refused(kind: Kind, forge: Row) -> None:
    """Each is one change to a valid token. A kind of token has one refusal."""
    _require_refused(kind, forge(kind))


@pytest.mark.parametrize(
    "forge", [pytest.param(row, id=name) for name, row in FORGED_SESSIONS.items()]
)
def test_a_session_token_with_a_malformed_claim_of_ours_is_refused(forge: Row) -> None:
    """Each such claim must be a string of limited length, even under the right signature."""
    _require_refused(SESSION, forge(SESSION))


@pytest.mark.parametrize(
    "forge", [pytest.param(row, id=name) for name, row in FORGED_DECISIONS.items()]
)
def test_a_decision_token_with_a_wrong_digest_is_refused(forge: Row) -> None:
    """A decision token names exactly one body."""
    _require_refused(DECISION, forge(DECISION))


@pytest.mark.parametrize("at", range(len(BODY)))
def test_a_body_changed_by_one_byte_is_refused(at: int) -> None:
    """So a stolen decision token cannot ask about another user."""
    token = DECISION.token()
    changed = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
    bodies = iter([BODY, changed, BODY[:at], BODY + BODY[: at + 1], b""])
    TOKENS.verify_decision_token(token, lambda: next(bodies))

    for _ in range(4):
        with pytest.raises(InvalidDecisionToken):
            TOKENS.verify_decision_token(token, lambda: next(bodies))


def test_the_body_of_a_stranger_is_not_read() -> None:
    """Signature, time and audience come first: reading is work, and the body may be slow."""
    read = []

    def read_body() -> bytes:
        read.append(True)
        return BODY

    for token in (DECISION.token(exp=now() - 31), SESSION.token(), "x"):
        with pytest.raises(InvalidDecisionToken):
            TOKENS.verify_decision_token(token, read_body)
    assert read == []

    TOKENS.verify_decision_token(DECISION.token(), read_body)
    assert read == [True]


def test_a_valid_session_token_becomes_exactly_its_login() -> None:
    """Nothing is added and nothing is lost."""
    changes = {
        "client_id": "an id",
        "client_name": "Ex\u00e4mple \U0001f9ed",
        "nonce": "0123456789abcdef",
        "hint": "abc",
        "invitation": "an invitation",
        "bound": "an organization",
        "notice": "hint_unknown",
        "app_origin": "com.example.app:",
        "locale": "de-CH",
    }

    assert TOKENS.verify_session_token(SESSION.token(**changes)) == LoginTransaction(
        issuer=DOMAIN, auth0_user_id=AUTH0_USER_ID, expires_at=now() + 300, **changes
    )


@pytest.mark.parametrize(
    ("text", "invitation_id", "bound_to"),
    [("", None, None), ("x", None, UUID(int=0)), (ORG_ID, UUID(ORG_ID), UUID(ORG_ID))],
)
def test_a_text_that_is_no_id_names_no_invitation_and_no_organization_that_exists(
    text: str, invitation_id: UUID | None, bound_to: UUID | None
) -> None:
    """A bound application stays bound, also if an administrator mistyped the id."""
    transaction = TOKENS.verify_session_token(SESSION.token(invitation=text, bound=text))

    assert (transaction.invitation_id, transaction.bound_to) == (invitation_id, bound_to)


def test_a_valid_decision_token_returns_the_user_it_names_and_its_body() -> None:
    """The caller compares this id with the body's."""
    found = TOKENS.verify_decision_token(DECISION.token(), lambda: BODY)
    assert found == (AUTH0_USER_ID, BODY)


def test_a_verified_login_cannot_be_changed_or_extended() -> None:
    transaction = TOKENS.verify_session_token(SESSION.token())

    for name in ("auth0_user_id", "org_id"):
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(transaction, name, "other")
    assert not hasattr(transaction, "__dict__")


@BOTH
@pytest.mark.parametrize(
    "tolerated",
    [
        pytest.param(change_header(typ=ABSENT), id="no typ"),
        pytest.param(change_header(kid="a key"), id="a kid"),
        pytest.param(change_claims(iss=CUSTOM_DOMAIN), id="the custom domain"),
        pytest.param(change_claims(sub="s"), id="sub of one character"),
        pytest.param(change_claims(sub="s" * 255), id="sub of 255 characters"),
        pytest.param(change_claims(sub="samlp|\u00f1|\U0001f9ed"), id="sub not ASCII"),
        pytest.param(change_claims(more={"x": [1, 2.5, None]}), id="a claim of another Action"),
        pytest.param(write_claims(" TEXT\n"), id="white space around the claims"),
        pytest.param(change_claims(ip="2001:db8::1"), id="another network"),
        pytest.param(change_time("exp", lambda at: now() + 1), id="a lifetime of one second"),
    ],
)
def test_every_token_with_a_harmless_difference_passes(kind: Kind, tolerated: Row) -> None:
    """Tokens of different tenants differ in these ways."""
    kind.verify(tolerated(kind))


@pytest.mark.parametrize(
    ("name", "length"),
    [
        *[("client_id", 1), ("client_id", 255), ("client_name", 0), ("client_name", 80)],
        *[("nonce", 16), ("nonce", 64), ("hint", 0), ("hint", 255), ("notice", 0), ("notice", 64)],
        *[("locale", 0), ("locale", 35)],
    ],
)
def test_a_claim_of_the_shortest_and_of_the_longest_length_passes(name: str, length: int) -> None:
    TOKENS.verify_session_token(SESSION.token(**{name: "a" * length}))


@BOTH
def test_a_token_of_2048_bytes_passes_and_one_more_is_refused(kind: Kind) -> None:
    """So that token and state fit into one request line."""
    fits, too_long = (_token_of(kind, size) for size in (2048, 2049))

    kind.verify(fits)
    _require_refused(kind, too_long)


def _token_of(kind: Kind, size: int) -> str:
    for kid in ("", "k", "kk"):
        header = dict(HEADER) | {"kid": kid}
        for length in range(1000, 1500):
            token = sign(header, kind.claims(more="m" * length), SESSION_SECRET)
            if len(token) == size:
                return token
    raise AssertionError(f"no token has {size} bytes")


@BOTH
@pytest.mark.parametrize("seconds", [-29, -1, 0, 1, 29, 30])
def test_a_token_issued_30_seconds_ahead_passes(kind: Kind, seconds: int) -> None:
    """Auth0's clock may be ahead of ours."""
    kind.verify(kind.token(iat=now() + seconds, exp=now() + seconds + kind.lifetime))


@BOTH
@pytest.mark.parametrize("seconds", [31, 32, 600])
def test_a_token_issued_31_seconds_ahead_is_refused(kind: Kind, seconds: int) -> None:
    _require_refused(kind, kind.token(iat=now() + seconds, exp=now() + seconds + kind.lifetime))


@BOTH
@pytest.mark.parametrize("seconds", [1, 28, 29])
def test_a_token_that_expired_less_than_30_seconds_ago_passes(kind: Kind, seconds: int) -> None:
    """So a choice at the last moment succeeds if our clock is ahead."""
    kind.verify(kind.token(iat=now() - seconds - kind.lifetime, exp=now() - seconds))


@BOTH
@pytest.mark.parametrize("seconds", [30, 31, 32, 600])
def test_an_expired_token_is_refused_after_30_seconds(kind: Kind, seconds: int) -> None:
    _require_refused(kind, kind.token(iat=now() - seconds - kind.lifetime, exp=now() - seconds))


@BOTH
def test_a_token_passes_30_seconds_ahead_and_not_30_seconds_late(kind: Kind) -> None:
    """RFC 7519 section 4.1.4: "on or after"."""
    with time_machine.travel(1_900_000_000, tick=False):
        kind.verify(kind.token(iat=now() + 30, exp=now() + 31))
        _require_refused(kind, kind.token(iat=now() - 59, exp=now() - 30))
        kind.verify(kind.token(iat=now() - 58, exp=now() - 29))


@BOTH
def test_a_token_that_passes_now_is_refused_later(kind: Kind) -> None:
    token = kind.token()

    kind.verify(token)
    with time_machine.travel(now() + kind.lifetime + 29, tick=False):
        kind.verify(token)
    with time_machine.travel(now() + kind.lifetime + 31, tick=False), pytest.raises(kind.refusal):
        kind.verify(token)
    with time_machine.travel(now() - 29, tick=False):
        kind.verify(token)
    with time_machine.travel(now() - 31, tick=False), pytest.raises(kind.refusal):
        kind.verify(token)


@BOTH
def test_a_token_signed_with_the_secret_before_a_rotation_passes(kind: Kind) -> None:
    """So a rotation ends no login."""
    kind.verify(sign(HEADER, kind.claims(), SESSION_SECRET))
    kind.verify(sign(HEADER, kind.claims(), OLD_SESSION_SECRET))
    _require_refused(kind, sign(HEADER, kind.claims(), FOREIGN_SECRET))


@BOTH
def test_malformed_claims_under_the_old_secret_are_refused(kind: Kind) -> None:
    """The second secret of the list proves no more than the first."""
    for changes in ({"aud": "select-organization"}, {"iss": "attacker.eu.auth0.com"}, {"exp": 1}):
        token = sign(HEADER, kind.claims(**changes), OLD_SESSION_SECRET)
        _require_refused(kind, token)


def test_a_secret_of_31_bytes_is_refused() -> None:
    """Even if the settings did not refuse it. 32 bytes are enough."""
    for own, other in ((SESSION_SECRET, SELECTION_SECRET), (SELECTION_SECRET, SESSION_SECRET)):
        long, short = [own[:32]], [own[:31]]
        ActionTokens(session_secrets=long, selection_secrets=[other], domains=[DOMAIN])
        ActionTokens(session_secrets=[other], selection_secrets=long, domains=[DOMAIN])
        with pytest.raises(ValueError, match="32 bytes"):
            ActionTokens(session_secrets=short, selection_secrets=[other], domains=[DOMAIN])
        with pytest.raises(ValueError, match="32 bytes"):
            ActionTokens(session_secrets=[other], selection_secrets=short, domains=[DOMAIN])


@pytest.mark.parametrize("rubbish", ["[" * 33 + '\\"' * 740, '"' * 1400, "[{" * 700, "\\" * 1400])
def test_malformed_text_is_refused_in_linear_time(rubbish: str) -> None:
    """It is read before any signature is checked, so anyone may send it."""
    token = f"{segment(rubbish.encode())}.{segment(b'{}')}.{segment(b'x')}"
    began = time.process_time()
    for _ in range(20):
        with pytest.raises(InvalidSessionToken):
            TOKENS.verify_session_token(token)

    assert time.process_time() - began < 0.05


ORIGINS = [
    *["", "https://app.example.com", "http://localhost:3000", "https://[2001:db8::1]:8443"],
    *[
        "com.example.app:",
        "database.app:",
        "httpsapp:",
        "a:",
        "https://" + "a" * 247,
        "a" + "b" * 253 + ":",
    ],
]
NO_ORIGINS = [
    *["app", "https://", "https://a/", "https://a b", "https://a;x", "https://a'b", "//a", ":"],
    *["https://a?x", "https://a#x", "https://a\n", "https://ä.example", "ftp://a", "javascript:"],
    *[
        "blob:",
        "file:",
        "http:",
        "https:",
        "data:",
        "vbscript:",
        "1a:",
        "A:",
        "a:b",
        "https://" + "a" * 248,
        "a" + "b" * 254 + ":",
    ],
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_an_origin_of_an_app_passes(origin: str) -> None:
    """A web origin, or the scheme of an app on a phone."""
    assert TOKENS.verify_session_token(SESSION.token(app_origin=origin)).app_origin == origin


@pytest.mark.parametrize("origin", NO_ORIGINS)
def test_a_text_that_is_not_an_origin_is_refused(origin: str) -> None:
    """It would be in a link and in the page's content security policy."""
    _require_refused(SESSION, SESSION.token(app_origin=origin))


@pytest.mark.parametrize("name", ["nonce", "notice"])
def test_a_claim_of_the_action_with_other_characters_is_refused(name: str) -> None:
    """The Action makes these values, with few characters."""
    for value in ("n" * 20 + " ", "n" * 20 + "\n", "n" * 20 + "ä", "n" * 20 + "<"):
        _require_refused(SESSION, SESSION.token(**{name: value}))


def test_a_selection_token_has_exactly_the_claims_of_the_choice() -> None:
    """They are the ones that the Action checks, signed with the first selection secret."""
    transaction = TOKENS.verify_session_token(SESSION.token(iss=CUSTOM_DOMAIN, nonce="N" * 22))

    choice: dict[str, str | bool] = {"org_id": ORG_ID, "remember": True, "forget": True}
    token = TOKENS.sign_selection_token(transaction, STATE, choice)
    header, claims, mac = token.split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))

    assert mac == segment(signature(f"{header}.{claims}", SELECTION_SECRET))
    assert len(base64.urlsafe_b64decode(read["jti"] + "==")) == 16
    assert read == valid_selection_claims(
        iss=CUSTOM_DOMAIN, nonce="N" * 22, remember=True, forget=True, jti=read["jti"]
    )
    assert json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))) == HEADER


def test_a_choice_cannot_replace_a_claim_of_the_token() -> None:
    """Its fields are ours today; a later one must not be able to name another person."""
    transaction = TOKENS.verify_session_token(SESSION.token())
    choice: dict[str, str | bool] = {"org_id": ORG_ID, "sub": "auth0|eve", "state": "other"}
    claims = TOKENS.sign_selection_token(transaction, STATE, choice).split(".")[1]
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))

    assert (read["org_id"], read["sub"], read["state"]) == (ORG_ID, AUTH0_USER_ID, STATE)


def test_two_choices_of_one_login_get_different_tokens() -> None:
    """Each has its own id."""
    assert sign_selection() != sign_selection()
