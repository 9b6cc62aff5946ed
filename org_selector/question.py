"""
What the Action asks at `POST /decisions`, read strictly.

Checked: the body is strict JSON, every field is there, of its type and of bounded length, and no
field is unknown. Not checked: whether the body is the Action's; `action_tokens.py` does that
before.
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
    """The user as Auth0 knows them; a profile may lack everything but the id."""

    id: str = Field(min_length=1, max_length=255)
    email: str | None = Text
    email_verified: bool | None
    name: str | None = Text
    connection: str | None = Text
    strategy: str | None = Text


class AskedChoice(_Strict):
    """What the person chose on our page, as the Action read it from the selection token."""

    org_id: str = Field(pattern=f"^{_UUID_PATTERN}$")
    nonce: str = Field(min_length=16, max_length=64)
    remember: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """
    The organization that a question is about, and how it came to be asked for.

    `kind` is "bound" for an order (the application serves this organization only), "hint" for a
    wish of the application, "remembered" for what the refresh token was issued for.
    It has an id or a slug. A text that is neither leaves both `None`: no organization fits it.
    """

    kind: Literal["bound", "hint", "remembered"]
    org_id: UUID | None = None
    slug: str | None = None


class Question(_Strict):
    """
    The body of `POST /decisions`, made by `actions/select-organization/code.js`.

    `interaction` is how a page could be shown: "page" in a browser, "silent" where Auth0 will
    answer `interaction_required`, "refresh" where there is no browser at all.
    """

    user: AskedUser
    client_id: str = Text
    interaction: Literal["page", "silent", "refresh"]
    hint: str | None = Text  # what the application wishes for: a slug or an id, user input
    bound: str | None = Text  # the one organization this application serves, set in Auth0
    remembered: str | None = Text  # the organization this refresh token was issued for
    invitation: str | None = Text
    prompt_select: bool
    choice: AskedChoice | None = None

    @cached_property
    def asked(self) -> Asked | None:
        """Return the organization asked for: bound, else hint, else remembered at a refresh."""
        if self.bound is not None:
            return _parse_asked("bound", self.bound)
        if self.hint is not None:
            return _parse_asked("hint", self.hint)
        if self.interaction == "refresh" and self.remembered is not None:
            return _parse_asked("remembered", self.remembered)
        return None


def parse_question(body: bytes) -> Question:
    """
    Read a body whose signature was verified.

    Raises:
        InvalidDecisionRequest: it is not a question this version understands.
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
