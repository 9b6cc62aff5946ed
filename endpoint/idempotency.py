"""
The Idempotency-Key: the same request with the same key is answered as before and does nothing.

Here are the form of the key, the hash of a request and the replay. The statements that keep key
and answer belong to the app, in the transaction that does the work.

Not checked: that a key is random. An app that keeps keys apart by person and organization need not
care.

Source: IETF draft "The Idempotency-Key HTTP Header Field".
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated

from flask import request
from pydantic import Field, StringConstraints, TypeAdapter, ValidationError

from endpoint.errors import IdempotencyKeyReused, InvalidInput
from endpoint.operation import Body

IDEMPOTENCY_KEY = "Idempotency-Key"
IdempotencyKey = Annotated[
    str,
    Field(
        description="Visible ASCII characters, random, another key for each thing you want made; "
        "kept for a day. The same request with the same key is answered as before and does "
        "nothing.",
        examples=["b7e4d9a2-0c38-4f15-92d6-6a81f5c3e07b"],
    ),
    StringConstraints(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$"),
]
_KEY = TypeAdapter(IdempotencyKey)


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that came with an Idempotency-Key."""

    key: str
    sha256: str  # of its body


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """What was answered to an earlier request with the key."""

    request_sha256: str
    answer: str  # JSON

    def replay(self, request: KeyedRequest) -> str:
        """
        Return the stored answer, for *request* with the same key.

        Raises:
            IdempotencyKeyReused: the key came with another request.
        """
        if request.sha256 != self.request_sha256:
            raise IdempotencyKeyReused
        return self.answer


def read_keyed_request(body: Body) -> KeyedRequest | None:
    """
    Read the header of the current request, whose body is *body*; None: it has no such header.

    Raises:
        InvalidInput: the key does not have the form of one.
    """
    unverified_key = request.headers.get(IDEMPOTENCY_KEY)
    if unverified_key is None:
        return None
    try:
        key = _KEY.validate_python(unverified_key)
    except ValidationError as error:
        detail = "It must be 1 to 255 visible ASCII characters."
        raise InvalidInput([{"header": IDEMPOTENCY_KEY, "detail": detail}]) from error
    return KeyedRequest(key, hashlib.sha256(body.model_dump_json().encode()).hexdigest())
