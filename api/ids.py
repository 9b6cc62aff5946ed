"""The types of ids, in paths and in answers, each with an example for the documentation."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

_ORGANIZATION = "c0a8e1d4-3b5f-4c7a-9e26-8d4f1b7a6c90"
_INVITATION = "b4d0c7f2-1e8a-4b65-93d7-5c2a9e6f1804"
_PROJECT = "1e9b6a04-5d2c-4f83-a7c1-0b6e8f3d2a45"
_USER = "7d1f3c52-9a60-4f0e-8b1d-2f6c4a9e5b37"
_UUID = {"format": "uuid"}

# In answers: text, as Postgres writes it, since a UUID object would only become text again.
IdText = Annotated[str, Field(json_schema_extra=_UUID)]
OrganizationIdText = Annotated[str, Field(json_schema_extra=_UUID, examples=[_ORGANIZATION])]
InvitationIdText = Annotated[str, Field(json_schema_extra=_UUID, examples=[_INVITATION])]
ProjectIdText = Annotated[str, Field(json_schema_extra=_UUID, examples=[_PROJECT])]
UserIdText = Annotated[str, Field(json_schema_extra=_UUID, examples=[_USER])]

# In paths: Flask turns them into UUID objects, and answers a malformed one with 404.
InvitationId = Annotated[UUID, Field(examples=[_INVITATION])]
ProjectId = Annotated[UUID, Field(examples=[_PROJECT])]
UserId = Annotated[UUID, Field(examples=[_USER])]
