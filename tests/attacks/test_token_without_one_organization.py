"""
Attacker: a person whose token was issued without our Action, by a broken one or for another design.
Wants: the API to take a token without an organization as one for all, or to choose among several.
Stopped by: `org_guard/token_claims.py` `require_organization` `list_organizations`

Our claim must be exactly one canonical UUID, and no other claim of the token may name an
organization.
"""

import json
from uuid import uuid4

import pytest

from local_stack import seed
from local_stack.access_tokens import ABSENT, NAMESPACE, ORG_CLAIM, sign
from tests.kit.target import HEADER, Target

ABC = str(seed.organization("abc-inc").id)
TRAVEL = str(seed.organization("xyz-travel").id)
ORGANIZATIONS: dict[str, object] = {
    "absent": ABSENT,
    "null": None,
    "empty": "",
    "all": "*",
    "true": True,
    "a number": 1,
    "a slug": "abc-inc",
    "two in a list": [ABC, TRAVEL],
    "one in a list": [ABC],
    "none in a list": [],
    "an object": {"id": ABC},
    "two in a string": f"{ABC},{TRAVEL}",
    "two by a space": f"{ABC} {TRAVEL}",
    "in capitals": ABC.upper(),
    "in braces": f"{{{ABC}}}",
    "as a URN": f"urn:uuid:{ABC}",
    "without dashes": ABC.replace("-", ""),
    "with a space": f" {ABC}",
    "with a line end": f"{ABC}\n",
    "too short": ABC[:-1],
    "too long": f"{ABC}0",
    "other digits": ABC.translate({ord(str(n)): chr(0x660 + n) for n in range(10)}),
    "full width": ABC.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)}),
    "SQL": f"{ABC}' or true --",
    "a wildcard": "%",
}


@pytest.fixture
def target_c(standing: dict[str, Target]) -> Target:
    """The shared API of design C: no test here changes a row."""
    return standing["C"]


@pytest.fixture
def target_d(standing: dict[str, Target]) -> Target:
    """The shared API of design D: no test here changes a row."""
    return standing["D"]


def test_a_token_with_no_organization_two_or_a_malformed_one_is_refused(target_d: Target) -> None:
    """With a 401 and the code of every bad token."""
    assert target_d.get("/me").status_code == 200
    for name, value in ORGANIZATIONS.items():
        answer = target_d.get("/me", token=target_d.token(**{ORG_CLAIM: value}))
        assert answer.status_code == 401, name
        assert answer.get_json()["code"] == "invalid_token", name


def test_an_organization_that_does_not_exist_is_refused_like_another_persons(
    target_d: Target,
) -> None:
    """The same bytes: a 403 that says "not a member"."""
    unknown = target_d.get("/me", token=target_d.token(**{ORG_CLAIM: str(uuid4())}))
    foreign = target_d.get("/me", token=target_d.token("joe", "solo-works"))

    assert (unknown.status_code, foreign.status_code) == (403, 403)
    assert unknown.data == foreign.data


def test_a_token_that_also_names_an_organization_elsewhere_is_refused(target_d: Target) -> None:
    """In Auth0's own claim, in its permissions, or in our claim written twice."""
    assert target_d.get("/me").status_code == 200
    assert target_d.get("/me", token=target_d.token(permissions=["read:x"])).status_code == 200
    for changes in (
        {"org_id": "org_a1b2c3d4e5f6g7h8"},
        {"org_id": ABC},
        {"org_id": None},
        {"permissions": ["org:abc-inc"]},
        {"permissions": ["org:xyz-travel"]},
        {"permissions": ["org:"]},
        {"permissions": "org:abc-inc"},
        {"permissions": {"org:abc-inc": True}},
        {"org_id": "org_a1b2c3d4e5f6g7h8", ORG_CLAIM: ABSENT},
    ):
        assert target_d.get("/me", token=target_d.token(**changes)).status_code == 401, changes
    claims = json.dumps(target_d.claims())
    twice = f'{{"{ORG_CLAIM}":"{TRAVEL}",{claims[1:]}'
    assert target_d.get("/me", token=sign(claims=claims.encode())).status_code == 200
    assert target_d.get("/me", token=sign(claims=twice.encode())).status_code == 401


def test_an_organization_in_a_claim_that_only_resembles_ours_is_ignored(target_d: Target) -> None:
    """Alone it is refused as none; beside our claim it changes nothing."""
    assert target_d.get("/me").status_code == 200
    for name in ("https://example.com/org_id", f"{NAMESPACE}org-id", f"{NAMESPACE}ORG_ID", "org"):
        token = target_d.token(**{ORG_CLAIM: ABSENT, name: ABC})
        assert target_d.get("/me", token=token).status_code == 401
        beside = target_d.token(**{name: TRAVEL})
        assert target_d.get("/me", token=beside).get_json()["organization"]["id"] == ABC


def test_a_token_that_names_one_organization_is_refused_by_design_c(target_c: Target) -> None:
    """In any claim of ours or of Auth0's. Malformed permissions are refused, too."""
    assert target_c.get("/me").status_code == 200
    for changes in (
        {ORG_CLAIM: ABC},
        {ORG_CLAIM: None},
        {f"{NAMESPACE}org_role": "owner"},
        {f"{NAMESPACE}org_slug": "abc-inc"},
        {"org_id": "org_a1b2c3d4e5f6g7h8"},
        {"org_id": ABC, "permissions": ABSENT},
        {"permissions": "org:abc-inc"},
        {"permissions": {"org:abc-inc": True}},
    ):
        assert target_c.get("/me", token=target_c.token(**changes)).status_code == 401, changes


def test_permissions_that_do_not_name_the_headers_organization_are_refused(
    target_c: Target,
) -> None:
    assert target_c.get("/me").status_code == 200
    for permissions in (
        ABSENT,
        [],
        ["read:projects"],
        ["abc-inc"],
        ["ORG:abc-inc"],
        ["org:ABC-INC"],
        ["org: abc-inc"],
        ["org:abc-inc "],
        ["org:*"],
        ["org:"],
        ["org:abc-inc,xyz-travel"],
        ["org:abc-inc xyz-travel"],
        [["org:abc-inc"]],
        [f"org:{ABC}"],
        ["org:org:abc-inc"],
    ):
        token = target_c.token(permissions=permissions)
        answer = target_c.get("/me", token=token, headers={HEADER: "abc-inc"})
        assert answer.status_code == 403, permissions
        assert answer.get_json()["code"] == "not_a_member"
