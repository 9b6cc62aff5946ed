"""
What the Action asks at `POST /decisions`, read strictly.

Checked: the body is strict JSON, every field is present, has its type and is not too long, and no
field is unknown. That the body comes from the Action is checked before, in `action_tokens.py`.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from org_guard.compact_token import MalformedInput, parse_json_object
from org_selector.errors import InvalidDecisionRequest

MAX_BODY_BYTES = 16_384
_UUID_PATTERN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(_UUID_PATTERN)
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
Text = Field(max_length=2048)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AskedUser(_Strict):
    """The user's Auth0 profile; everything but the id may be missing."""

    id: str = Field(min_length=1, max_length=255)
    email: str | None = Text
    email_verified: bool | None
    name: str | None = Text
    connection: str | None = Text
    strategy: str | None = Text


class AskedChoice(_Strict):
    """The choice made in the picker, as the Action read it from the selection token."""

    org_id: str = Field(pattern=f"^{_UUID_PATTERN}$")
    nonce: str = Field(min_length=16, max_length=64)
    remember: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """
    The organization that a question asks for, and why.

    `kind` is "bound" (the application serves this organization only), "hint" (the app wishes for
    it) or "remembered" (the refresh token was issued for it).
    One of `org_id` and `slug` is set. Both are `None` if the text is neither: it fits none.
    """

    kind: Literal["bound", "hint", "remembered"]
    org_id: UUID | None = None
    slug: str | None = None


class Question(_Strict):
    """
    The body of `POST /decisions`, made by `actions/select-organization/code.js`.

    `interaction` says whether a page can be shown: "page" in a browser, "silent" if Auth0 would
    answer `interaction_required` instead, "refresh" if the login has no browser.
    """

    user: AskedUser
    client_id: str = Text
    interaction: Literal["page", "silent", "refresh"]
    hint: str | None = Text  # what the app wishes for, a slug or an id; user input
    bound: str | None = Text  # the one organization this application serves, set in Auth0
    remembered: str | None = Text  # the organization this refresh token was issued for
    invitation: str | None = Text
    prompt_select: bool
    choice: AskedChoice | None = None

    @cached_property
    def asked(self) -> Asked | None:
        """Return the organization asked for: bound, else hint, else (refresh only) remembered."""
        if self.bound is not None:
            return _parse_asked("bound", self.bound)
        if self.hint is not None:
            return _parse_asked("hint", self.hint)
        if self.interaction == "refresh" and self.remembered is not None:
            return _parse_asked("remembered", self.remembered)
        return None


def parse_question(body: bytes) -> Question:
    """
    Read a body whose decision token was verified.

    Raises:
        InvalidDecisionRequest: the body is not a question of this version.
    """
    try:
        return Question.model_validate(parse_json_object(body))
    except MalformedInput as error:
        raise InvalidDecisionRequest(str(error)) from error
    except ValidationError as error:
        fields = [".".join(map(str, one["loc"])) for one in error.errors(include_url=False)]
        raise InvalidDecisionRequest(f"fields: {', '.join(fields)}") from error


def _parse_asked(kind: Literal["bound", "hint", "remembered"], text: str) -> Asked:
    reference = text.strip().lower()
    if _UUID.fullmatch(reference):
        return Asked(kind, org_id=UUID(reference))
    return Asked(kind, slug=reference if _SLUG.fullmatch(reference) else None)
