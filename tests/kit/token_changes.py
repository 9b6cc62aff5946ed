"""What the rows of forged access tokens and of forged action tokens have in common."""

import re
from collections.abc import Callable, Mapping
from typing import Final, Protocol


class Signed(Protocol):
    """A kind of token: it makes a valid one, with some claims changed."""

    def token(self, **changes: object) -> str:
        """Make a well-signed token."""


# A function, so that every token is fresh.
Row = Callable[[Signed], str]

# How claims may be encoded instead of UTF-8.
ENCODINGS: Final = {
    "UTF-16": "utf-16-le",
    "UTF-16 with its mark": "utf-16",
    "UTF-32": "utf-32-be",
    "a byte order mark": "utf-8-sig",
}


def change_claims(**changes: object) -> Row:
    """Set some claims, well signed; `ABSENT` leaves one out."""
    return lambda kind: kind.token(**changes)


def list_claims(name: str, values: Mapping[str, object]) -> dict[str, Row]:
    """Make a row of each value that the claim *name* may have."""
    return {f"{name} {what}": change_claims(**{name: value}) for what, value in values.items()}


def fill(form: str, texts: Mapping[str, str]) -> str:
    """Put each text in the place of its name in *form*."""
    return re.sub("|".join(texts), lambda name: texts[name[0]], form)


def write_token(form: str) -> Row:
    """
    Put a token together by hand.

    In *form* stand `HEADER`, `CLAIMS` and `SIGNATURE` for the segments of a valid token, `TOKEN`
    for all of it, `START` for its first 20 characters and `REST` for the others.
    """

    def row(kind: Signed) -> str:
        token = kind.token()
        texts = dict(zip(("HEADER", "CLAIMS", "SIGNATURE"), token.split("."), strict=True))
        return fill(form, texts | {"TOKEN": token, "START": token[:20], "REST": token[20:]})

    return row
