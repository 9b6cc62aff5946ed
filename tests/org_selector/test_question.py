"""Which organization a question is about, and which questions are refused."""

import json
from uuid import UUID

import pytest
from pydantic import ValidationError

from org_selector.errors import InvalidDecisionRequest
from org_selector.question import Asked, AskedIdentity, AskedUser, Question, parse_question
from tests.kit.running_selector import ask, choice, describe

BOUND, HINT, REMEMBERED = "bound-inc", "hint-inc", "remembered-inc"
ID = "0b9d0f1e-6a52-4c2b-9d43-5a0c5b1f2e11"


@pytest.mark.parametrize("interaction", ["page", "silent", "refresh"])
@pytest.mark.parametrize("remembered", [None, REMEMBERED])
@pytest.mark.parametrize("hint", [None, HINT, ""])
def test_a_bound_application_asks_for_its_organization_only(
    interaction: str, hint: str | None, remembered: str | None
) -> None:
    """The binding beats the hint and what the refresh token remembers, in every kind of login."""
    question = ask(interaction=interaction, bound=BOUND, hint=hint, remembered=remembered)

    assert question.asked == Asked("bound", slug=BOUND)


@pytest.mark.parametrize("interaction", ["page", "silent", "refresh"])
@pytest.mark.parametrize("remembered", [None, REMEMBERED])
def test_a_hint_beats_what_the_refresh_token_remembers(
    interaction: str, remembered: str | None
) -> None:
    """So an app can switch the organization at a refresh."""
    question = ask(interaction=interaction, hint=HINT, remembered=remembered)

    assert question.asked == Asked("hint", slug=HINT)


@pytest.mark.parametrize(
    ("interaction", "asked"),
    [("refresh", Asked("remembered", slug=REMEMBERED)), ("page", None), ("silent", None)],
)
def test_the_organization_in_a_refresh_token_counts_at_a_refresh_only(
    interaction: str, asked: Asked | None
) -> None:
    assert ask(interaction=interaction, remembered=REMEMBERED).asked == asked


@pytest.mark.parametrize("interaction", ["page", "silent", "refresh"])
def test_a_login_without_any_wish_asks_for_no_organization(interaction: str) -> None:
    """The table then decides by the person's organizations."""
    assert ask(interaction=interaction).asked is None


@pytest.mark.parametrize("kind", ["bound", "hint"])
@pytest.mark.parametrize(
    ("text", "org_id", "slug"),
    [
        (ID, UUID(ID), None),
        (f" {ID.upper()}\n", UUID(ID), None),
        ("abc-inc", None, "abc-inc"),
        (" ABC-Inc ", None, "abc-inc"),
        ("a", None, "a"),
        ("a" * 63, None, "a" * 63),
        (ID.replace("-", ""), None, ID.replace("-", "")),
        *[
            (malformed, None, None)
            for malformed in ("", " ", "-", "-a", "a-", "a b", "a" * 64, "%", "ä", f"{{{ID}}}")
        ],
    ],
)
def test_a_hint_is_read_as_an_id_a_slug_or_neither(
    kind: str, text: str, org_id: UUID | None, slug: str | None
) -> None:
    """A malformed hint is still a hint, and must not be decided like a login without one."""
    asked = ask(**{kind: text}).asked

    assert asked is not None
    assert (asked.kind, asked.org_id, asked.slug) == (kind, org_id, slug)


FIELDS = [*Question.model_fields, *AskedUser.model_fields, *AskedIdentity.model_fields]


@pytest.mark.parametrize("field", [one for one in dict.fromkeys(FIELDS) if one != "choice"])
def test_a_question_without_one_of_its_fields_is_refused(field: str) -> None:
    """The log gets the field's name and not its value."""
    whole = ask().model_dump_json().encode()
    changed = whole.replace(b'"%s":' % field.encode(), b'"other":', 1)
    assert changed != whole
    assert parse_question(whole) == ask()

    with pytest.raises(InvalidDecisionRequest, match=field) as refusal:
        parse_question(changed)
    assert "example.com" not in refusal.value.detail


@pytest.mark.parametrize(
    "opening", [b'{"version":', b'"user":{', b'"identities":[{', b'"choice":{']
)
def test_a_field_that_a_later_action_adds_is_ignored(opening: bytes) -> None:
    """So the Action and the service can be updated one after the other."""
    question = ask(choice=choice("abc-inc", nonce="n" * 22))
    whole = question.model_dump_json().encode()
    added = opening.replace(b"{", b'{"later":[1],', 1)
    changed = whole.replace(opening, added, 1)

    assert changed != whole
    assert parse_question(changed) == question


@pytest.mark.parametrize("version", [1, 2, 99])
def test_a_question_of_a_later_version_is_read_by_the_fields_it_shares(version: int) -> None:
    assert ask(version=version).version == version


@pytest.mark.parametrize("version", [0, -1, 1.0, "1", True, None])
def test_a_question_whose_version_is_no_number_of_a_version_is_refused(version: object) -> None:
    with pytest.raises(InvalidDecisionRequest, match="version"):
        parse_question(json.dumps(ask().model_dump(mode="json") | {"version": version}).encode())


INVITATION, NEW = {"invitation_id": ID}, {"new_organization": "Acme"}


@pytest.mark.parametrize(
    "changes",
    [
        {"org_id": None},
        INVITATION,
        NEW,
        {"org_id": None} | INVITATION | NEW,
        INVITATION | NEW,
    ],
)
def test_a_question_with_no_choice_or_more_than_one_is_refused(changes: dict[str, object]) -> None:
    """Two kinds at once have no meaning, whatever else the Action sends."""
    made = choice("abc-inc")
    assert ask(choice=made).choice is not None
    body = ask().model_dump(mode="json") | {"choice": made | changes}

    with pytest.raises(InvalidDecisionRequest, match="choice"):
        parse_question(json.dumps(body).encode())


def test_a_question_with_21_identities_is_refused() -> None:
    """The Action sends at most 20."""
    identity = {"connection": "c", "email": "a@example.com", "email_verified": True}
    user = describe("joe", identities=[identity] * 20)
    assert len(ask(user=user).user.identities) == 20
    body = ask().model_dump(mode="json") | {"user": user | {"identities": [identity] * 21}}

    with pytest.raises(InvalidDecisionRequest, match="identities"):
        parse_question(json.dumps(body).encode())


TEXT = "t" * 2048
# A field and its longest and shortest value; one character more or less is refused.
LENGTHS: list[tuple[tuple[str, ...], list[str], list[str]]] = [
    (("user", "id"), ["i", "i" * 255], ["", "i" * 256]),
    (("user", "email"), ["", TEXT], [TEXT + "t"]),
    (("user", "name"), ["", TEXT], [TEXT + "t"]),
    (("hint",), ["", TEXT], [TEXT + "t"]),
    (("choice", "nonce"), ["n" * 16, "n" * 64], ["n" * 15, "n" * 65]),
    (
        ("choice", "org_id"),
        [ID],
        [ID.upper(), ID[:-1], f"{ID}0", f"0{ID}", f"{ID}\n", "abc-inc", ""],
    ),
]


@pytest.mark.parametrize(("path", "taken", "refused"), LENGTHS, ids=lambda one: ".".join(one)[:20])
def test_a_text_has_a_form_and_a_length(
    path: tuple[str, ...], taken: list[str], refused: list[str]
) -> None:
    """The log names the field with its place, and not its value."""
    whole = ask(choice=choice("abc-inc")).model_dump(mode="json")

    def change(value: str) -> bytes:
        if len(path) == 1:
            return json.dumps(whole | {path[0]: value}).encode()
        return json.dumps(whole | {path[0]: whole[path[0]] | {path[1]: value}}).encode()

    for value in taken:
        assert parse_question(change(value))
    for value in refused:
        with pytest.raises(InvalidDecisionRequest) as refusal:
            parse_question(change(value))
        assert refusal.value.detail == f"fields: {'.'.join(path)}"


@pytest.mark.parametrize(
    "changes", [{"prompt_select": 1}, {"prompt_select": "true"}, {"client_id": 7}, {"user": []}]
)
def test_a_value_of_another_type_is_refused_and_not_converted(changes: dict[str, object]) -> None:
    whole = ask().model_dump(mode="json")
    assert parse_question(json.dumps(whole).encode()) == ask()

    with pytest.raises(InvalidDecisionRequest, match=next(iter(changes))):
        parse_question(json.dumps(whole | changes).encode())


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"a":1,"a":2}', b"NaN"])
def test_a_body_that_is_not_strict_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidDecisionRequest):
        parse_question(body)


def test_a_question_cannot_be_changed() -> None:
    """What was verified stays as it was."""
    with pytest.raises(ValidationError):
        ask().hint = "abc-inc"


@pytest.mark.parametrize(("length", "accepted"), [(200, True), (201, False)])
def test_the_name_of_a_new_organization_has_at_most_200_characters(
    length: int, accepted: bool
) -> None:
    """As the table allows."""
    made = choice("abc-inc") | {"org_id": None, "new_organization": "\U0001f9ed" * length}
    if accepted:
        assert ask(choice=made).choice is not None
    else:
        with pytest.raises(ValueError, match="new_organization"):
            ask(choice=made)
