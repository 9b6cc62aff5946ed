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
    """The shared API of design C: no test here changes a row."""
    return standing["C"]


def test_a_header_that_names_an_organization_outside_the_token_is_refused(target_c: Target) -> None:
    """The answer is the same whether the organization exists, is suspended or does not exist."""
    token = target_c.token("joe", "abc-inc", permissions=["org:abc-inc"])
    assert target_c.get("/me", token=token).status_code == 200
    answers = {
        target_c.get("/me", token=token, headers={HEADER: slug}).data
        for slug in ("xyz-travel", "solo-works", "frozen-foods", "no-such-organization", "a")
    }

    assert len(answers) == 1
    assert b'"not_a_member"' in answers.pop()


def test_a_permission_without_a_membership_is_refused(target_c: Target) -> None:
    """The permission at Auth0 is out of date, or an administrator there added it."""
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


def test_a_header_that_is_not_one_slug_is_a_malformed_request(target_c: Target) -> None:
    """400 for a value that is not a slug, 403 for a slug that the token does not name."""
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


def test_a_request_with_no_organization_header_or_two_is_refused(target_c: Target) -> None:
    """There is no default, not even for a person with one organization."""
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


def test_a_token_of_two_organizations_shows_the_rows_of_the_one_in_the_header(
    target_c: Target,
) -> None:
    """In any order of requests."""
    token = target_c.token()
    for slug in ("abc-inc", "xyz-travel", "abc-inc", "xyz-travel"):
        names = {
            one["name"]
            for one in target_c.get("/projects", slug=slug, token=token).get_json()["items"]
        }
        assert names == set(seed.PROJECTS[slug])


def test_a_request_without_a_valid_token_does_not_show_which_organizations_exist(
    target_c: Target,
) -> None:
    """The answer is the same for every slug."""
    client = target_c.api.app.test_client()
    answers = {
        client.get("/me", headers={HEADER: slug, "Authorization": "Bearer a.b.c"}).data
        for slug in ("abc-inc", "no-such-one", "", "*")
    }
    assert len(answers) == 1
