"""The Idempotency-Key: what is created once, for which person, and which values are refused."""

from tests.kit.routes import NAMED, code, snapshot
from tests.kit.running_api import RunningApi


def test_a_repeated_key_gets_the_first_answer(api: RunningApi) -> None:
    """Even if the project has changed since. The same key with another body is refused."""
    key = {"Idempotency-Key": "k" * 255}
    first = api.request("POST", "/projects", {"name": "Once", "description": "x"}, headers=key)
    assert first.status_code == 201
    api.request("PATCH", first.headers["Location"], {"name": "Renamed"})
    # The same request, with its fields in another order.
    again = api.request("POST", "/projects", {"description": "x", "name": "Once"}, headers=key)

    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Location"] == first.headers["Location"]
    for other in ({"name": "Once"}, {"name": "Twice", "description": "x"}):
        answer = api.request("POST", "/projects", other, headers=key)
        assert (answer.status_code, code(answer)) == (422, "idempotency_key_reused")
    assert len(api.get("/projects").get_json()["items"]) == 4


def test_a_key_belongs_to_one_person_in_one_organization(api: RunningApi) -> None:
    """A caller who guesses another person's key learns nothing from it."""
    key = {"Idempotency-Key": "shared"}
    made = [
        api.request("POST", "/projects", {"name": name}, login=login, slug=slug, headers=key)
        for login, slug, name in (
            ("joe", "abc-inc", "A"),
            ("sue", "abc-inc", "B"),
            ("joe", "xyz-travel", "C"),
            ("sue", "xyz-travel", "D"),
        )
    ]

    assert [one.status_code for one in made] == [201] * 4
    assert [one.get_json()["name"] for one in made] == ["A", "B", "C", "D"]
    assert len({one.get_json()["id"] for one in made}) == 4


def test_a_key_is_kept_for_a_day_and_not_used_up_by_a_failure(api: RunningApi) -> None:
    """After a refusal, the corrected request may use the same key."""
    key = {"Idempotency-Key": "again"}
    assert api.request("POST", "/projects", {"name": ""}, headers=key).status_code == 422
    first = api.request("POST", "/projects", {"name": "Right"}, headers=key)
    assert first.status_code == 201

    for age, same in (("23 hours", True), ("25 hours", False)):
        api.superuser.execute(
            "update org.idempotency_key set created_at = now() - %s::interval", (age,)
        )
        answer = api.request("POST", "/projects", {"name": "Right"}, headers=key)
        assert answer.status_code == 201
        assert (answer.data == first.data) is same
    row = api.superuser.execute("select count(*) from org.idempotency_key").fetchone()
    assert row == (1,)


def test_a_malformed_key_is_refused_and_nothing_is_created(api: RunningApi) -> None:
    before = snapshot(api)
    for key in ("", " ", "k" * 256, "two words", "é", "a\tb", "\x7f", "٣"):
        answer = api.request("POST", "/projects", NAMED, headers={"Idempotency-Key": key})
        assert (answer.status_code, code(answer)) == (422, "invalid_input"), key
        assert [one["header"] for one in answer.get_json()["errors"]] == ["Idempotency-Key"]

    assert snapshot(api) == before
