"""The type of names that people give to things: organizations, projects."""

from typing import Annotated

from pydantic import Field, StringConstraints

Name = Annotated[
    str,
    Field(description="One line of text, not blank, without control characters."),
    StringConstraints(
        min_length=1,
        max_length=200,
        # Three parts, so that one character is visible; JavaScript reads the pattern the same way.
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
    ),
]
