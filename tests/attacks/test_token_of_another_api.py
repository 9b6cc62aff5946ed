"""
Attacker: another API of the same tenant, to which people send their tokens.
Wants: to use such a token at our API, as that person.
Stopped by: `org_guard/token_claims.py` `require_issuer_and_audience`

The audience is compared exactly. Each design has its own audience; even if an administrator gives
both the same one, each refuses the tokens of the other.
"""

import pytest

from local_stack.access_tokens import ABSENT, ISSUER
from local_stack.person import Person
from local_stack.stack import ALL_ORGANIZATIONS_AUDIENCE, AUDIENCE, OTHER_AUDIENCE, Stack
from tests.kit.login import AUDIENCES, SignedIn, sign_in
from tests.kit.target import HEADER, Target

NEARLY_OURS = {
    "another API's": OTHER_AUDIENCE,
    "the profile's": f"{ISSUER}userinfo",
    "the Management API's": f"{ISSUER}api/v2/",
    "both of them": [OTHER_AUDIENCE, f"{ISSUER}userinfo"],
    "without the slash": AUDIENCE.rstrip("/"),
    "in capitals": AUDIENCE.upper(),
    "with more": f"{AUDIENCE}v2",
    "with a space": f" {AUDIENCE}",
    "two in one": f"{AUDIENCE} {OTHER_AUDIENCE}",
    "a list in a list": [[AUDIENCE]],
    "an object": {AUDIENCE: True},
    "true": True,
    "null": None,
    "empty": [],
    "absent": ABSENT,
}


@pytest.fixture
def target_c(standing: dict[str, Target]) -> Target:
    """The shared API of design C: no test here changes a row."""
    return standing["C"]


@pytest.fixture
def target_d(standing: dict[str, Target]) -> Target:
    """The shared API of design D: no test here changes a row."""
    return standing["D"]


@pytest.fixture
def target(standing_target: Target) -> Target:
    """The shared API: no test here changes a row."""
    return standing_target


@pytest.mark.parametrize("audience", [OTHER_AUDIENCE, AUDIENCE, ALL_ORGANIZATIONS_AUDIENCE])
def test_the_token_of_a_real_login_for_another_api_is_refused(
    signed_in: SignedIn, stack: Stack, audience: str
) -> None:
    """Joe logs in to the other API, which sends his token to ours."""
    target = signed_in.target
    with Person(stack) as joe:
        token = sign_in(joe, target.design, audience=audience, ext_org="abc-inc").access_token

    assert target.get("/me", token=signed_in.tokens.access_token).status_code == 200
    expected = 200 if audience == AUDIENCES[target.design] else 401
    assert target.get("/me", token=token).status_code == expected


def test_a_token_whose_audience_only_resembles_ours_is_refused(target: Target) -> None:
    """The audience must be equal, or an element of the list."""
    assert target.get("/me", token=target.token(aud=AUDIENCE)).status_code == 200
    for name, audience in NEARLY_OURS.items():
        assert target.get("/me", token=target.token(aud=audience)).status_code == 401, name


def test_a_token_of_the_other_design_with_the_same_audience_is_refused(
    target_c: Target, target_d: Target
) -> None:
    header = {HEADER: "abc-inc"}
    assert target_c.get("/me", token=target_c.token()).status_code == 200
    assert target_d.get("/me", token=target_d.token()).status_code == 200
    for token in (target_d.token(), target_d.token(permissions=["org:abc-inc"])):
        assert target_c.get("/me", token=token).status_code == 401
    for headers in ({}, header):
        assert target_d.get("/me", token=target_c.token(), headers=headers).status_code == 401
