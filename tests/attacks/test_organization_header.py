"""
Attacker: a member of one organization, at an API of design C, where a header names it.
Wants: to enter another organization, or none, by another value or spelling of the header.
Stopped by: `org_guard/organization_header.py` `_load_principal`

The header must be one canonical slug, the token must name it, and the membership must still exist.
"""

import pytest

from local_stack import seed
from tests.kit.target import HEADER, Target

ABC = seed.organization("abc-inc")
NO_SLUGS = [
    "",
    " ",
    "ABC-INC",
    "Abc-Inc",
    f"{{{ABC.id}}}",
    "abc-inc,xyz-travel",
    "abc-inc, xyz-travel",
    "xyz-travel,abc-inc",
    "abc-inc,",
    ",abc-inc",
    "abc-inc,abc-inc",
    "abc-inc xyz-travel",
    "abc-inc;xyz-travel",
    "abc-inc|xyz-travel",
    '"abc-inc"',
    "org:abc-inc",
    "*",
    "%",
    "abc_inc",
    "abc%2Dinc",
    "abc-inc'--",
    "-abc-inc",
    "abc-inc-",
    "../abc-inc",
    "\u0430bc-inc",  # a Cyrillic letter
    "abc\u2010inc",
    "\uff41bc-inc",
    "abc-inc\u200b",
    "a" * 64,
]


@pytest.fixture
def target_c(standing: dict[str, Target]) -> Target:
    """Nothing here changes a row."""
    return standing["C"]


def test_an_organization_that_the_token_does_not_name(target_c: Target) -> None:
    """Real or not, suspended or not: the same words for all of them."""
    token = target_c.token("joe", "abc-inc", permissions=["org:abc-inc"])
    assert target_c.get("/me", token=token).status_code == 200
    answers = {
        target_c.get("/me", token=token, headers={HEADER: slug}).data
        for slug in ("xyz-travel", "solo-works", "frozen-foods", "no-such-organization", "a")
    }

    assert len(answers) == 1
    assert b'"not_a_member"' in answers.pop()


def test_a_permission_without_a_membership_opens_nothing(target_c: Target) -> None:
    """The copy at Auth0 went stale, or somebody gave themselves a permission there."""
    token = target_c.token(permissions=["org:abc-inc", "org:solo-works", "org:no-such-one"])
    assert target_c.get("/me", token=token).status_code == 200
    answers = {
        target_c.get("/me", token=token, headers={HEADER: slug}).data
        for slug in ("solo-works", "no-such-one", "xyz-travel")
    }
    assert len(answers) == 1

    for operation in target_c.operations():
        path = operation.path()
        answer = target_c.request(
            operation.method, path, operation.body, token=token, headers={HEADER: "solo-works"}
        )
        assert answer.status_code == 403, operation


def test_a_header_that_is_no_slug_of_the_token(target_c: Target) -> None:
    """400 for what is no slug, 403 for one that the token does not name; never a guess."""
    token = target_c.token()
    assert target_c.get("/me", token=token).status_code == 200
    for value in NO_SLUGS:
        headers = {HEADER: value.encode().decode("latin-1")}
        assert target_c.get("/me", token=token, headers=headers).status_code == 400, value
        beside = {"X-Org": "abc-inc", "Cookie": f"{HEADER}=abc-inc"}
        answer = target_c.get("/me", token=token, headers=headers | beside)
        assert answer.status_code == 400, value
    for value in (str(ABC.id), "null", "undefined", "abc", "abc-inc-2"):
        assert target_c.get("/me", token=token, headers={HEADER: value}).status_code == 403


def test_no_header_or_two(target_c: Target) -> None:
    """There is no default, also for somebody with a single organization."""
    bearer = ("Authorization", f"Bearer {target_c.token('joe', 'abc-inc')}")
    client = target_c.api.app.test_client()

    assert client.get("/me", headers=[bearer, (HEADER, "abc-inc")]).status_code == 200
    assert client.get("/me", headers=[bearer]).get_json()["code"] == "invalid_request"
    for pair in (("abc-inc", "xyz-travel"), ("xyz-travel", "abc-inc"), ("abc-inc", "abc-inc")):
        answer = client.get("/me", headers=[bearer, *((HEADER, one) for one in pair)])
        assert answer.status_code == 400
    single = ("Authorization", f"Bearer {target_c.token('ann', 'solo-works')}")
    assert client.get("/me", headers=[single, (HEADER, "solo-works")]).status_code == 200
    assert client.get("/me", headers=[single]).status_code == 400
    assert client.get("/me?X-Organization=solo-works", headers=[single]).status_code == 400


def test_one_organization_at_a_time(target_c: Target) -> None:
    """The same token in two organizations shows each its own rows, in any order."""
    token = target_c.token()
    for slug in ("abc-inc", "xyz-travel", "abc-inc", "xyz-travel"):
        names = {
            one["name"]
            for one in target_c.get("/projects", slug=slug, token=token).get_json()["items"]
        }
        assert names == set(seed.PROJECTS[slug])


def test_nobody_learns_whether_an_organization_exists_without_a_token(target_c: Target) -> None:
    """Whoever has no valid token gets no further than that."""
    client = target_c.api.app.test_client()
    answers = {
        client.get("/me", headers={HEADER: slug, "Authorization": "Bearer a.b.c"}).data
        for slug in ("abc-inc", "no-such-one", "", "*")
    }
    assert len(answers) == 1
