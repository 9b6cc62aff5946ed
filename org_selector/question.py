"""
What the Action asks at `POST /decisions`.

Checked: the body is strict JSON, and every field of this version is present, has its type and is
not too long. Fields that a later Action adds are ignored, so that service and Action can be updated
one after the other; what they would forbid must be a new kind of choice, which is refused.
That the body comes from the Action is checked before, in `action_tokens.py`.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from endpoint.names import MAX_LENGTH
from org_guard.compact_token import MalformedInput, parse_json_object
from org_selector.errors import InvalidDecisionRequest

MAX_BODY_BYTES = 16_384
_UUID_PATTERN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(_UUID_PATTERN)
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
Text = Field(max_length=2048)
OptionalId = Annotated[str | None, Field(pattern=f"^{_UUID_PATTERN}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class AskedIdentity(_Strict):
    """An identity of the user, of the connection used now; linked accounts can have several."""

    connection: str | None = Text
    email: str | None = Text
    email_verified: bool


class AskedUser(_Strict):
    """The user's Auth0 profile; everything but the id may be missing."""

    id: str = Field(min_length=1, max_length=255)
    email: str | None = Text
    email_verified: bool | None
    name: str | None = Text
    connection: str | None = Text
    strategy: str | None = Text
    identities: list[AskedIdentity] = Field(max_length=20)


class AskedChoice(_Strict):
    """
    The choice made in the picker, as the Action read it from the selection token.

    It has exactly one of the first three fields.
    """

    org_id: OptionalId = None  # of a membership
    invitation_id: OptionalId = None
    new_organization: Annotated[str | None, Field(max_length=MAX_LENGTH)] = None  # its name
    nonce: str = Field(min_length=16, max_length=64)
    remember: bool  # make it the user's default
    forget: bool  # the user has no default any more, unless `remember` sets one

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if [self.org_id, self.invitation_id, self.new_organization].count(None) != 2:
            raise ValueError("not exactly one choice")
        return self


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

    version: int = Field(ge=1)  # of the Action
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
        fields = [".".join(map(str, one["loc"])) for one in error.errors()]
        raise InvalidDecisionRequest(f"fields: {', '.join(fields)}") from error


def _parse_asked(kind: Literal["bound", "hint", "remembered"], text: str) -> Asked:
    reference = text.strip().lower()
    if _UUID.fullmatch(reference):
        return Asked(kind, org_id=UUID(reference))
    return Asked(kind, slug=reference if _SLUG.fullmatch(reference) else None)
