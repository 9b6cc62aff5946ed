"""
The header Idempotency-Key: a repeated request takes effect once and gets the first answer again.

Here are the form of a key and the hash of a request. The app stores key, hash and answer in the
transaction that does the work.

Not checked: that a key is random. It need not be where the app stores keys by person and
organization, as ours does.

Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated

from flask import request
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from endpoint.errors import InvalidInput
from endpoint.operation import Body

IDEMPOTENCY_KEY = "Idempotency-Key"
IdempotencyKey = Annotated[
    str,
    Field(
        description="Visible ASCII characters, random, a new key for each new request; kept for a "
        "day. The same request with the same key takes no effect and gets the first answer again.",
        examples=["b7e4d9a2-0c38-4f15-92d6-6a81f5c3e07b"],
    ),
    StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$"),
]
_KEY = TypeAdapter(IdempotencyKey)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that has an Idempotency-Key."""

    key: str
    sha256: str  # of the body, in hexadecimal digits


def read_keyed_request(body: Body) -> KeyedRequest | None:
    """
    Read the key of the current request, whose body is *body*; None if there is no key.

    Raises:
        InvalidInput: the key is malformed.
    """
    unverified_key = request.headers.get(IDEMPOTENCY_KEY)
    if unverified_key is None:
        return None
    try:
        key = _KEY.validate_python(unverified_key)
    except ValidationError as error:
        detail = "It must be 1 to 255 visible ASCII characters."
        raise InvalidInput([{"header": IDEMPOTENCY_KEY, "detail": detail}]) from error
    # The parsed body, not the raw one: another order of the fields is still the same request.
    return KeyedRequest(key, hashlib.sha256(body.model_dump_json().encode()).hexdigest())
