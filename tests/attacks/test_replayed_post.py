"""
Attacker: another member, or a member of another organization, who knows an Idempotency-Key.
Wants: the stored answer to another person's request, or to make that request fail.
Stopped by: `schema/0002_resource_api.sql` `entered`

A key belongs to one person in one organization. Row-level security hides the keys of all others.
"""

from werkzeug.test import TestResponse

from tests.kit.target import Target

KEY = "b7e4d9a2-0c38-4f15-92d6-6a81f5c3e07b"
BODY = {"name": "Secret plan", "description": "Only for us"}


def post(
    target: Target, login: str, slug: str, key: str = KEY, body: object = BODY, **options: object
) -> TestResponse:
    """Create a project, once for each key."""
    headers = {"Idempotency-Key": key}
    token = options.get("token")
    assert token is None or isinstance(token, str)
    return target.request(
        "POST", "/projects", body, login=login, slug=slug, headers=headers, token=token
    )


def test_a_key_of_another_person_or_organization_creates_a_new_project(target: Target) -> None:
    """A repeated request of the key's first user still gets the first answer."""
    first = post(target, "joe", "abc-inc")
    assert first.status_code == 201
    ids = [first.get_json()["id"]]
    for login, slug in (("ann", "solo-works"), ("sue", "abc-inc"), ("joe", "xyz-travel")):
        other = post(target, login, slug)
        assert other.status_code == 201
        ids.append(other.get_json()["id"])

    assert len(set(ids)) == 4
    assert post(target, "joe", "abc-inc").data == first.data
    assert post(target, "ann", "solo-works").get_json()["id"] == ids[1]


def test_a_key_of_another_person_with_another_body_creates_a_new_project(target: Target) -> None:
    """The answer does not even show that the key was used before."""
    assert post(target, "joe", "abc-inc").status_code == 201
    answer = post(target, "sue", "abc-inc", body={"name": "Mine"})

    assert answer.status_code == 201
    assert answer.get_json()["name"] == "Mine"
    assert post(target, "joe", "abc-inc", body={"name": "Mine"}).status_code == 422


def test_a_removed_member_cannot_get_their_stored_answer(target: Target) -> None:
    """A repeated request passes the same checks as a first one."""
    token = target.token("sue", "abc-inc")
    first = post(target, "sue", "abc-inc", token=token)
    assert post(target, "sue", "abc-inc", token=token).data == first.data
    target.api.set_role("sue", "abc-inc", None)
    answer = post(target, "sue", "abc-inc", token=token)

    assert answer.status_code == 403
    assert b"Secret plan" not in answer.data


def test_a_token_without_the_scope_cannot_get_a_stored_answer(target: Target) -> None:
    assert post(target, "joe", "abc-inc").status_code == 201
    token = target.token("joe", "abc-inc", scope="read:projects")
    answer = post(target, "joe", "abc-inc", token=token)

    assert answer.status_code == 403
    assert b"Secret plan" not in answer.data


def test_another_request_with_the_same_key_is_refused_and_shows_nothing_of_the_first(
    target: Target,
) -> None:
    """A malformed key is refused as well."""
    before = len(target.snapshot("abc-inc")["project"])
    assert post(target, "joe", "abc-inc").status_code == 201
    answer = post(target, "joe", "abc-inc", body={"name": "Another"})
    assert answer.get_json()["code"] == "idempotency_key_reused"
    assert b"Secret plan" not in answer.data
    for key in ("", " ", "a b", "x" * 256, "ü", "a\tb"):
        assert post(target, "joe", "abc-inc", key=key).status_code == 422, key

    assert len(target.snapshot("abc-inc")["project"]) == before + 1
