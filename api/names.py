"""What a name that people give to something may look like."""

from typing import Annotated

from pydantic import Field, StringConstraints

Name = Annotated[
    str,
    Field(description="One line with something on it; no control characters."),
    StringConstraints(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$",
    ),
]
