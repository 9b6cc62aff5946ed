"""Rows by what they change, and the odd values that several claims may have."""

from collections.abc import Callable, Mapping

from tests.kit.action_tokens import HEADER, SESSION_SECRET, sign
from tests.kit.forged_access_tokens.changes import fill
from tests.kit.forged_action_tokens.kind import Kind, Row


def change_claims(**changes: object) -> Row:
    """Set some claims, well signed; `ABSENT` leaves one out."""
    return lambda kind: kind.token(**changes)


def change_header(**changes: object) -> Row:
    """Set some members of the header, well signed."""
    return lambda kind: kind.with_header(**changes)


def change_time(name: str, change: Callable[[int], object]) -> Row:
    """Change the time of a claim, given as it is."""
    return lambda kind: kind.token(**{name: change(kind.claims()[name])})


def list_claims(name: str, values: Mapping[str, object]) -> dict[str, Row]:
    """Make a row of each value that the claim *name* may have."""
    return {f"{name} {what}": change_claims(**{name: value}) for what, value in values.items()}


def write_claims(form: str) -> Row:
    """Sign claims as text: `TEXT` is the valid one, `MEMBERS` that without its braces."""

    def row(kind: Kind) -> str:
        text = kind.json()
        return kind.signed_text(fill(form, {"TEXT": text, "MEMBERS": text[1:-1]}))

    return row


def write_header(header: str) -> Row:
    """Sign with a header as text."""
    return lambda kind: sign(header.encode(), kind.claims(), SESSION_SECRET)


def write_token(form: str) -> Row:
    """
    Put a token together by hand.

    In *form* stand `HEADER`, `CLAIMS` and `SIGNATURE` for the segments of a valid token, `TOKEN`
    for all of it, `START` for its first 20 characters and `REST` for the others.
    """

    def row(kind: Kind) -> str:
        token = kind.token()
        texts = dict(zip(("HEADER", "CLAIMS", "SIGNATURE"), token.split("."), strict=True))
        return fill(form, texts | {"TOKEN": token, "START": token[:20], "REST": token[20:]})

    return row


def sign_with(secret: str | bytes) -> Row:
    """Sign with another secret."""
    return lambda kind: sign(HEADER, kind.claims(), secret)
