"""The type of e-mail addresses that people type."""

from typing import Annotated, Any

from email_validator import EmailNotValidError, validate_email
from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

MAX_LENGTH = 254  # characters: the longest that SMTP can name (RFC 5321 section 4.5.3.1.3)


def _require_address(value: Any) -> Any:
    if not isinstance(value, str):
        return value  # refused by its type
    try:
        return validate_email(value, check_deliverability=False, strict=True).normalized
    except EmailNotValidError as error:
        raise PydanticCustomError("email", "{fault}", {"fault": str(error)}) from error


# Whether the address exists is found out by a mail to it, and by nothing here.
EmailAddress = Annotated[
    str,
    Field(
        description="An e-mail address without a name. Capital letters make no difference.",
        json_schema_extra={"format": "email"},
        examples=["nina@example.com"],
    ),
    StringConstraints(min_length=3, max_length=MAX_LENGTH),
    BeforeValidator(_require_address),
]
