"""The types of names that people give to things: organizations, projects."""

from typing import Annotated, Any
from unicodedata import normalize

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from endpoint.names import MAX_LENGTH, find_fault


def _normalize(value: Any) -> Any:
    return normalize("NFC", value) if isinstance(value, str) else value


def _require_no_fault(name: str) -> str:
    fault = find_fault(name)
    if fault:
        raise PydanticCustomError("name", "{fault}", {"fault": fault})
    return name


Name = Annotated[
    str,
    Field(description="One line of text, not blank, without control characters."),
    StringConstraints(
        min_length=1,
        max_length=MAX_LENGTH,
        # Three parts, so that one character is visible; JavaScript reads the pattern the same way.
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
    ),
]

# Of an organization: people choose by it, so no other name may pass for it by hidden characters.
OrganizationName = Annotated[
    Name,
    Field(
        description="One line of visible text, without control characters and without characters "
        "that have no width or turn the direction of text. It is stored in the form NFC of Unicode."
    ),
    BeforeValidator(_normalize),
    AfterValidator(_require_no_fault),
]
