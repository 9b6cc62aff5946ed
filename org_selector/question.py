"""
What the Action asks at `POST /decisions`, read strictly.

Checked: strict JSON, every field there, of its type and bounded, none that we do not know. Not
checked: whether the body is the Action's (`action_tokens.py` does that before).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from org_guard.compact_token import MalformedInput, parse_json_object
from org_selector.errors import InvalidDecisionRequest

MAX_BODY_BYTES = 16_384
UUID_PATTERN = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
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

    org_id: str = Field(pattern=f"^{UUID_PATTERN}$")
    nonce: str = Field(min_length=16, max_length=64)
    remember: bool


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
