"""
Which access tokens pass, and which person they stand for: forged, altered, expired and foreign
tokens are refused.

Each row of `forged_access_tokens` is one change to a token that is valid without it, and the valid
one is verified before and after it. The clock stands still, so that a limit can be met to the
second.
"""

import dataclasses
import functools
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from local_stack.access_tokens import (
    ABSENT,
    AUDIENCE,
    AUTH0_USER_ID,
    CLIENT_ID,
    CUSTOM_DOMAIN,
    ISSUER,
    KID,
    NAMESPACE,
    ORG_CLAIM,
    ORG_ID,
    jwk,
    segment,
    sign,
    valid_claims,
    valid_header,
)
from org_guard import AccessTokenVerifier, InvalidToken, KeysUnavailable, Principal
from org_guard.organizations_token import OrganizationsToken, OrganizationsTokenVerifier
from org_guard.token_claims import list_organizations
from tests.kit.forged_access_tokens import (
    ATTACKER,
    FAMILIES,
    FORGED,
    FORGED_ORGANIZATIONS,
    FORGED_PERMISSIONS,
    KINDS,
    SIGNATURES,
    Kind,
    Row,
    signature,
    valid_rows_for,
)

NEW_KEY = "the-key-after-rotation"
SCOPES = frozenset(valid_claims()["scope"].split())
PLAIN = KINDS["one organization, JWT"]
THREE = (PLAIN, KINDS["one organization, at+jwt"], KINDS["permissions, JWT"])
ALL_KINDS = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


class TenantKeys:
    """The tenant's published keys, and which of them was asked for."""

    def __init__(self, *names: str) -> None:
        self.keys = {name: RSAKey.import_key({**jwk(name)}) for name in names}
        self.asked: list[str] = []

    def find(self, kid: str) -> RSAKey:
        """Look the key up as `SigningKeys` does while its endpoint answers."""
        self.asked.append(kid)
        if kid not in self.keys:
            raise InvalidToken("unknown kid")
        return self.keys[kid]


KEYS = TenantKeys(KID, NEW_KEY)
CONFIGURED: dict[str, Any] = {
    "issuers": [ISSUER, f"https://{CUSTOM_DOMAIN}/"],
    "audience": AUDIENCE,
    "namespace": NAMESPACE,
    "keys": KEYS,
}
VERIFIER = AccessTokenVerifier(**CONFIGURED)
VERIFY: dict[bool, Callable[[str], object]] = {
    True: VERIFIER.verify,
    False: OrganizationsTokenVerifier(**CONFIGURED).verify,
}


@pytest.fixture(autouse=True)
def _still_clock() -> Iterator[None]:
    with time_machine.travel(1_900_000_000.75, tick=False):
        yield


def _now() -> int:
    return int(time.time())


def _verify(kind: Kind, token: str) -> object:
    return VERIFY[kind.one_organization](token)


def _expected(kind: Kind, **differences: Any) -> object:
    """
    Return what the unchanged token of *kind* stands for, or a changed one; exp is in seconds from
    now.
    """
    said: dict[str, Any] = {
        "auth0_user_id": AUTH0_USER_ID,
        "scopes": SCOPES,
        "client_id": CLIENT_ID,
        "expires_at": 600,
    } | differences
    said["expires_at"] += _now()
    if kind.one_organization:
        return Principal(**{"org_id": ORG_ID, "org_role": "member"} | said)
    return OrganizationsToken(**{"org_slugs": frozenset({"abc-inc", "xyz-travel"})} | said)


@functools.cache
def _valid_token(kind: Kind) -> str:
    return kind.token()


def _require_valid(kind: Kind) -> None:
    assert _verify(kind, _valid_token(kind)) == _expected(kind)


def _require_refused(kind: Kind, token: str) -> None:
    """
    Require that *token* is refused, that a valid one passes before and after, and that the log has
    no part of it.
    """
    _require_valid(kind)
    with pytest.raises(InvalidToken) as refusal:
        _verify(kind, token)
    _require_valid(kind)
    assert 0 < len(refusal.value.detail) < 50
    assert not [part for part in token.split(".") if len(part) > 8 and part in refusal.value.detail]


def test_every_forgery_has_its_own_name() -> None:
    """Otherwise one row would replace another. There are enough of them."""
    for own in (FORGED_ORGANIZATIONS, FORGED_PERMISSIONS):
        assert sum(map(len, FAMILIES)) + len(own) == len(FORGED | own)
    assert len(FORGED) >= 600


@pytest.mark.parametrize(
    ("kind", "row", "differences"),
    [
        pytest.param(kind, row, differences, id=f"{kind_name}, {name}")
        for kind_name, kind in KINDS.items()
        for name, (row, differences) in valid_rows_for(kind).items()
    ],
)
def test_a_valid_token_becomes_exactly_the_principal_it_names(
    kind: Kind, row: Row, differences: dict[str, object]
) -> None:
    """With every difference that tenants, dialects and Actions may have."""
    assert _verify(kind, row(kind)) == _expected(kind, **differences)


def test_a_principal_cannot_be_changed_or_extended() -> None:
    principal = VERIFIER.verify(PLAIN.token())

    for name in ("org_id", "auth0_user_id", "more"):
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(principal, name, "other")
    assert not hasattr(principal, "__dict__")
    assert not hasattr(principal, "required_role")  # it belongs to the route, not to the token


# What is looked at first


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c",
        PLAIN.token() + "=",
        sign(valid_header(alg="none")),
        sign(valid_header(typ="id_token")),
        sign(valid_header(kid=1)),
        sign(valid_header(jku="https://attacker.example/")),
        sign(b'{"alg":"RS256","alg":"RS256"}'),
        sign(valid_header(), b'{"exp":NaN}'),
    ],
)
def test_a_malformed_token_causes_no_look_up_of_a_key(token: str) -> None:
    """So it cannot make the API ask the tenant for keys."""
    keys = TenantKeys(KID)
    verifier = AccessTokenVerifier(**CONFIGURED | {"keys": keys})

    with pytest.raises(InvalidToken):
        verifier.verify(token)
    assert keys.asked == []
    verifier.verify(PLAIN.token())
    assert keys.asked == [KID]


def test_a_token_with_a_bad_signature_is_refused_before_its_claims_are_read() -> None:
    """The refusal is about the signature even if every claim is wrong."""
    for changes in (
        {"iss": "x"},
        {"aud": "x"},
        {"exp": 1},
        {"sub": 7},
        {ORG_CLAIM: "x"},
        {"azp": 1},
    ):
        with pytest.raises(InvalidToken) as refusal:
            VERIFIER.verify(sign(claims=valid_claims(**changes), key=ATTACKER))
        assert refusal.value.detail == "signature"


def test_an_outage_of_the_keys_is_raised_for_good_and_bad_tokens() -> None:
    """Without a key a signature cannot be checked."""

    class Unavailable:
        def find(self, kid: str) -> RSAKey:
            raise KeysUnavailable("the last refresh failed")

    verifier = AccessTokenVerifier(**CONFIGURED | {"keys": Unavailable()})
    for claims in (valid_claims(), valid_claims(exp=1), valid_claims(iss="x")):
        with pytest.raises(KeysUnavailable):
            verifier.verify(sign(claims=claims))


def test_a_token_is_verified_with_the_key_it_names() -> None:
    """Around a rotation there are two good keys."""
    VERIFIER.verify(sign())
    VERIFIER.verify(sign(valid_header(kid=NEW_KEY), key=NEW_KEY))

    for header, key in ((valid_header(), NEW_KEY), (valid_header(kid=NEW_KEY), KID)):
        with pytest.raises(InvalidToken) as refusal:
            VERIFIER.verify(sign(header, key=key))
        assert refusal.value.detail == "signature"


# Limits


@ALL_KINDS
def test_a_token_of_8192_bytes_passes_and_one_more_is_refused(kind: Kind) -> None:
    """RFC 8725 section 3.2 recommends a limit before anything is decoded."""
    fits, too_long = (_token_of(kind, size) for size in (8192, 8193))

    assert _verify(kind, fits) == _expected(kind)
    _require_refused(kind, too_long)


def _token_of(kind: Kind, size: int) -> str:
    """Return a valid token of that many bytes, by white space after header and claims."""
    for spaces in range(3):
        header = json.dumps(kind.header()).encode() + b" " * spaces
        wanted = size - len(f"{segment(header)}..{segment(bytes(256))}")
        claims = json.dumps(kind.claims()).encode().ljust(wanted * 3 // 4)
        token = sign(header, claims)
        if len(token) == size:
            return token
    raise AssertionError(f"no token has {size} bytes")


@ALL_KINDS
@pytest.mark.parametrize("seconds", [-600, -1, 0, 1, 30])
def test_a_token_issued_30_seconds_ahead_passes(kind: Kind, seconds: int) -> None:
    """Auth0's clock may be ahead of ours."""
    with time_machine.travel(_now(), tick=False):
        token = kind.token(iat=_now() + seconds, exp=_now() + 630)
        assert _verify(kind, token) == _expected(kind, expires_at=630)


@ALL_KINDS
@pytest.mark.parametrize("seconds", [31, 32, 600])
def test_a_token_issued_31_seconds_ahead_is_refused(kind: Kind, seconds: int) -> None:
    with time_machine.travel(_now(), tick=False):
        _require_refused(kind, kind.token(iat=_now() + seconds, exp=_now() + 630))
        _require_refused(kind, kind.token(iat=_now() + 30.001, exp=_now() + 630))


@ALL_KINDS
@pytest.mark.parametrize("seconds", [-1, 0, 1, 29])
def test_a_token_that_expired_less_than_30_seconds_ago_passes(kind: Kind, seconds: int) -> None:
    """Our clock may be ahead of Auth0's."""
    with time_machine.travel(_now(), tick=False):
        token = kind.token(iat=_now() - 600, exp=_now() - seconds)
        assert _verify(kind, token) == _expected(kind, expires_at=-seconds)


@ALL_KINDS
@pytest.mark.parametrize("seconds", [30, 31, 600])
def test_an_expired_token_is_refused_after_30_seconds(kind: Kind, seconds: int) -> None:
    """RFC 7519 section 4.1.4: "on or after"."""
    with time_machine.travel(_now(), tick=False):
        _require_refused(kind, kind.token(iat=_now() - 601, exp=_now() - seconds))


@ALL_KINDS
def test_a_token_that_passes_now_is_refused_later(kind: Kind) -> None:
    """By the clock alone; and before it was issued."""
    token, at = kind.token(), _now()

    for moment in (at - 30, at, at + 600, at + 629.999):
        with time_machine.travel(moment, tick=False):
            _verify(kind, token)
    for moment in (at - 30.001, at - 600, at + 630, at + 86_400):
        with time_machine.travel(moment, tick=False), pytest.raises(InvalidToken):
            _verify(kind, token)


@ALL_KINDS
def test_a_token_that_lives_longer_than_30_days_is_refused(kind: Kind) -> None:
    """A token that lives for no time at all is refused, too."""
    for lifetime in (0.001, 1, 2_591_999, 2_592_000):
        assert _verify(kind, kind.token(exp=_now() + lifetime)) == _expected(
            kind, expires_at=lifetime
        )
    for lifetime in (0, -0.001, -29, 2_592_000.001, 2_592_001):
        _require_refused(kind, kind.token(exp=_now() + lifetime))


# Forgeries


@pytest.mark.parametrize("name", FORGED)
def test_every_forged_token_is_refused(name: str) -> None:
    """Each is one change to a valid token, of either dialect and either design."""
    # The signature is checked before the kinds differ, and some of these tokens are slow to make.
    for kind in THREE[:1] if name in SIGNATURES else THREE:
        _require_refused(kind, FORGED[name](kind))


@pytest.mark.parametrize("name", FORGED_ORGANIZATIONS)
def test_a_token_without_exactly_one_organization_is_refused(name: str) -> None:
    """Our claim must be one canonical UUID, and no other claim may name an organization."""
    for kind in KINDS.values():
        if kind.one_organization:
            _require_refused(kind, FORGED_ORGANIZATIONS[name](kind))


@pytest.mark.parametrize("name", FORGED_PERMISSIONS)
def test_a_token_of_all_organizations_that_also_names_one_is_refused(name: str) -> None:
    """Design C's verifier takes no token that could be of another design."""
    for kind in KINDS.values():
        if not kind.one_organization:
            _require_refused(kind, FORGED_PERMISSIONS[name](kind))


# What it is made with


@pytest.mark.parametrize(
    "changes",
    [
        {"issuers": []},
        {"audience": ""},
        {"namespace": ""},
        {"namespace": NAMESPACE[:-1]},
        {"namespace": f"{NAMESPACE}org_id"},
    ],
    ids=str,
)
@pytest.mark.parametrize("verifier", [AccessTokenVerifier, OrganizationsTokenVerifier])
def test_a_verifier_with_a_missing_setting_cannot_be_made(
    verifier: Callable[..., object], changes: dict[str, object]
) -> None:
    """Otherwise it would leave out a check."""
    verifier(**CONFIGURED)
    with pytest.raises(ValueError, match="needed"):
        verifier(**CONFIGURED | changes)


def test_a_token_of_another_tenant_or_api_is_refused() -> None:
    """Each verifier takes only the issuers and the audience it was made with."""
    other = "https://other.example.com/"
    for changes, claims in (
        ({"issuers": [other]}, valid_claims(iss=other)),
        ({"audience": other}, valid_claims(aud=[other])),
        ({"namespace": other}, valid_claims(**{ORG_CLAIM: ABSENT, f"{other}org_id": ORG_ID})),
    ):
        configured = AccessTokenVerifier(**CONFIGURED | changes)
        configured.verify(sign(claims=claims))
        VERIFIER.verify(sign())
        with pytest.raises(InvalidToken):
            VERIFIER.verify(sign(claims=claims))
        with pytest.raises(InvalidToken):
            configured.verify(sign())


def test_an_issuer_added_to_the_list_afterwards_is_refused() -> None:
    """The verifier copies the list."""
    issuers = [ISSUER]
    verifier = AccessTokenVerifier(**CONFIGURED | {"issuers": issuers})
    issuers.append("https://attacker.eu.auth0.com/")

    verifier.verify(sign())
    with pytest.raises(InvalidToken):
        verifier.verify(sign(claims=valid_claims(iss=issuers[1])))


def test_only_permissions_that_begin_with_org_name_organizations() -> None:
    """They keep their order."""
    permissions = ["org:b", "read:projects", "org:a", 7, None, ["org:c"], "Org:d", "org:org:e"]

    assert list_organizations({"permissions": permissions}) == ["b", "a", "org:e"]
    assert list_organizations({"permissions": []}) == []
    assert list_organizations({}) == []
    for odd in (None, "org:a", {"org:a": 1}, 0):
        with pytest.raises(InvalidToken):
            list_organizations({"permissions": odd})


# Any change at all


def test_a_token_changed_in_any_one_place_is_refused() -> None:
    """Each character is replaced, left out and doubled, and the token is cut there."""
    token = _valid_token(PLAIN)
    _require_valid(PLAIN)

    for at, character in enumerate(token):
        other = "A" if character != "A" else "B"
        for changed in (
            token[:at] + other + token[at + 1 :],
            token[:at] + token[at + 1 :],
            token[:at] + character + token[at:],
            token[:at],
        ):
            with pytest.raises(InvalidToken):
                VERIFIER.verify(changed)
    _require_valid(PLAIN)


BOUNDED = settings(max_examples=40, derandomize=True, database=None, deadline=None)
JSON_VALUES: st.SearchStrategy[object] = (
    st.sampled_from([None, True, False, "", [], {}, [[]], {"a": []}, 0, 1e308, 1_900_000_000])
    | st.sampled_from([ISSUER, AUDIENCE, CLIENT_ID, ORG_ID, AUTH0_USER_ID, "org:abc-inc", KID])
    | st.integers(-(10**19), 10**19)
    | st.text(max_size=5)
    | st.lists(st.sampled_from([ISSUER, AUDIENCE, "org:abc-inc", None, 7, [], {}]), max_size=2)
)
CLAIM_NAMES = (
    *("iss", "sub", "aud", "exp", "iat", "nbf", "azp", "client_id", "scope", "gty", "nonce"),
    *("org_id", "permissions", ORG_CLAIM, f"{NAMESPACE}org_role"),
)


@BOUNDED
@given(st.dictionaries(st.sampled_from(CLAIM_NAMES), JSON_VALUES, min_size=1, max_size=3))
def test_claims_of_any_form_are_refused_or_understood_exactly(changes: dict[str, object]) -> None:
    """They never cause another exception or stand for another person."""
    for kind in THREE:
        try:
            found: Any = _verify(kind, kind.token(**changes))
        except InvalidToken:
            continue
        claims = kind.claims(**changes)
        assert found.auth0_user_id == claims["sub"]
        assert found.client_id == claims[kind.client_claim]
        assert found.expires_at == claims["exp"]
        if kind.one_organization:
            assert found.org_id == claims[ORG_CLAIM]


@BOUNDED
@given(st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "jwk"]), JSON_VALUES))
def test_headers_of_any_other_form_are_refused(changes: dict[str, object]) -> None:
    """Only the unchanged header passes."""
    header = PLAIN.header(**changes)
    token = sign(header, PLAIN.claims())
    if header == PLAIN.header():
        VERIFIER.verify(token)
        return
    with pytest.raises(InvalidToken):
        VERIFIER.verify(token)


@BOUNDED
@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(max_size=300))
def test_segments_of_any_bytes_are_refused(header: bytes, claims: bytes, made: bytes) -> None:
    """In each of the three places, beside valid segments."""
    first, second, third = _valid_token(PLAIN).split(".")
    for token in (
        f"{segment(header)}.{second}.{third}",
        f"{first}.{segment(claims)}.{third}",
        f"{first}.{second}.{segment(made)}",
        sign(header, PLAIN.claims()),
        f"{first}.{segment(claims)}.{segment(signature(f'{first}.{segment(claims)}'))}",
    ):
        with pytest.raises(InvalidToken):
            VERIFIER.verify(token)


@BOUNDED
@given(st.text(max_size=60))
def test_any_other_text_is_refused(text: str) -> None:
    """Alone, and before, after and inside a valid token."""
    token = _valid_token(PLAIN)
    for changed in (text, text + token, token + text, token[:50] + text + token[50:]):
        if changed != token:
            with pytest.raises(InvalidToken):
                VERIFIER.verify(changed)


@pytest.mark.parametrize(
    "rubbish", ["[" * 33 + '\\"' * 2_900, '"' * 5_900, "[{" * 2_900, "9" * 5_900]
)
def test_malformed_text_is_refused_in_linear_time(rubbish: str) -> None:
    """It is read before any signature is checked, so anyone may send it."""
    token = f"{segment(rubbish.encode())}.{segment(b'{}')}.{segment(b'x')}"
    began = time.process_time()
    for _ in range(20):
        with pytest.raises(InvalidToken):
            VERIFIER.verify(token)

    assert time.process_time() - began < 0.1


def test_the_valid_claims_survive_a_json_library() -> None:
    """So the rows above change only what they say."""
    for kind in KINDS.values():
        assert json.loads(json.dumps(kind.claims())) == kind.claims()
