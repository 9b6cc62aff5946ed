"""Ids as answers carry them."""

from typing import Annotated

from pydantic import Field

# Text, as Postgres writes it: making a UUID of each would only be undone in the answer.
Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
