"""Which organization a question is about, and which questions are refused."""

from uuid import UUID

import pytest

from org_selector.errors import InvalidDecisionRequest
from org_selector.question import Asked, parse_question
from tests.kit.running_selector import ask

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


@pytest.mark.parametrize("field", ["picture", "audience", "protocol", "user", "interaction"])
def test_a_question_with_a_field_too_many_or_too_few_is_refused(field: str) -> None:
    """The log gets the field's name and not its value."""
    whole = ask().model_dump_json().encode()
    known = b'"%s":' % field.encode()
    changed = whole.replace(known, b'"other":', 1)
    if changed == whole:
        changed = whole[:-1] + b"," + known + b'"secret"}'
    assert parse_question(whole) == ask()

    with pytest.raises(InvalidDecisionRequest, match=field) as refusal:
        parse_question(changed)
    assert "secret" not in refusal.value.detail
