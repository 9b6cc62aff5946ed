"""Rows by what they change, and the odd values that several claims may have."""

from collections.abc import Callable

from tests.kit.action_tokens import HEADER, SESSION_SECRET, sign
from tests.kit.forged_action_tokens.kind import Kind, Row
from tests.kit.token_changes import fill


def change_header(**changes: object) -> Row:
    """Set some members of the header, well signed."""
    return lambda kind: kind.with_header(**changes)


def change_time(name: str, change: Callable[[int], object]) -> Row:
    """Change the time of a claim, given as it is."""
    return lambda kind: kind.token(**{name: change(kind.claims()[name])})


def write_claims(form: str) -> Row:
    """Sign claims as text: `TEXT` is the valid one, `MEMBERS` that without its braces."""

    def row(kind: Kind) -> str:
        text = kind.json()
        return kind.signed_text(fill(form, {"TEXT": text, "MEMBERS": text[1:-1]}))

    return row


def write_header(header: str) -> Row:
    """Sign with a header as text."""
    return lambda kind: sign(header.encode(), kind.claims(), SESSION_SECRET)


def sign_with(secret: str | bytes) -> Row:
    """Sign with another secret."""
    return lambda kind: sign(HEADER, kind.claims(), secret)
