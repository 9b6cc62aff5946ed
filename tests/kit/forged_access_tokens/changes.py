"""Rows by what they change, and what several families have in common."""

import json
import re
from collections.abc import Callable, Mapping

from local_stack.access_tokens import ABSENT, segment
from tests.kit import action_tokens
from tests.kit.forged_access_tokens.kind import ATTACKER, Kind, Row, now, sign
from tests.kit.token_changes import fill

# What a claim may be instead of what it should be.
ODD: dict[str, object] = {
    "missing": ABSENT,
    "null": None,
    "empty": "",
    "a number": 7,
    "zero": 0,
    "true": True,
    "an empty list": [],
    "an object": {"a": 1},
}


def change_client(value: object) -> Row:
    """Set the claim that says who asked for the token."""
    return lambda kind: kind.token(**{kind.client_claim: value})


def change_header(**changes: object) -> Row:
    """Set some members of the header, well signed."""
    return lambda kind: sign(kind.header(**changes), kind.claims())


def write_claims(form: str) -> Row:
    """Sign claims as text: `TEXT` is the valid one, `MEMBERS` that without its braces."""
    return lambda kind: kind.signed_text(_write(form, kind.claims()))


def write_header(form: str) -> Row:
    """Sign with a header as text, of the same form."""
    return lambda kind: sign(_write(form, kind.header()).encode(), kind.claims())


def _write(form: str, value: Mapping[str, object]) -> str:
    text = json.dumps(value)
    return fill(form, {"TEXT": text, "MEMBERS": text[1:-1]})


def add_member(member: str) -> Row:
    """Sign claims with one member more, in JSON or what is not."""
    return write_claims(f"{{MEMBERS, {member}}}")


def nest(opening: str, closing: str, depth: int) -> Row:
    """Sign claims with lists or objects inside one another."""
    return add_member(f'"more": {opening * depth}{closing * depth}')


def write_number(name: str, number: str) -> Row:
    """Sign claims in which the number of a claim is written otherwise."""

    def row(kind: Kind) -> str:
        text = json.dumps(kind.claims())
        return kind.signed_text(re.sub(rf'"{name}": \d+', f'"{name}": {number}', text))

    return row


def issue(issued: int, expires: int) -> Row:
    """Issue at and expire after so many seconds from now."""
    return lambda kind: kind.token(iat=now() + issued, exp=now() + expires)


def sign_as_attacker(**header: object) -> Row:
    """Sign with the attacker's key."""
    return lambda kind: sign(kind.header(**header), kind.claims(), key=ATTACKER)


def sign_with_hmac(secret: Callable[[], bytes], algorithm: str = "HS256", **header: object) -> Row:
    """Sign with HMAC, with a public text as if it were a secret."""

    def row(kind: Kind) -> str:
        text = kind.unsigned(**{"alg": algorithm} | header)
        made = action_tokens.signature(text, secret(), algorithm="HS256")
        return f"{text}.{segment(made)}"

    return row
