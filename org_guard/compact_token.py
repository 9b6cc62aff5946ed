"""
Split the raw string of a compact JWT and read strict JSON, before any library sees them.

Checked, in this order: the size; exactly three non-empty segments of canonical ASCII base64url;
JSON objects in UTF-8 with unique names, bounded numbers and depth, without NaN and Infinity, and
without a lone surrogate or a NUL in any string.
Not checked: the signature and every claim. The result is still unverified.

Sources: RFC 7515 sections 2, 3 and 5.2; RFC 8259; RFC 8725 sections 2.4 and 3.2.
"""

import binascii
import json
import re
import string
from dataclasses import dataclass
from typing import NoReturn

_ALPHABET = (string.ascii_letters + string.digits + "-_").encode()  # base64url's
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
# With what a segment may end, by the length of its last group; unused bits must be 0.
_LAST_OF_GROUP = {0: _ALPHABET, 2: b"AQgw", 3: b"AEIMQUYcgkosw048"}
# Linear in the length of the text: "*+" never backtracks, and an unclosed string matches to the end
# of the text; otherwise each quotation mark in it would begin another search to the end.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_MAX_DIGITS = 20  # int() takes quadratic time in them
_MAX_DEPTH = 32  # the decoder calls itself once a level


class MalformedInput(ValueError):
    """The input is not well-formed; the message is for the log only."""


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A well-formed compact JWT. Nothing in it may be trusted yet."""

    header: dict[str, object]
    claims: dict[str, object]
    signed: bytes  # header and claims as they were sent, which the signature covers
    signature: bytes


def parse_compact_token(unverified_token: str, *, max_bytes: int) -> UnverifiedToken:
    """
    Split and decode a compact JWT without verifying it.

    Raises:
        MalformedInput: it is longer than *max_bytes*, or not exactly a compact JWT.
    """
    if len(unverified_token) > max_bytes:
        raise MalformedInput("too long")
    token = unverified_token.encode("ascii", "replace")
    if token.translate(None, _ALPHABET) != b"..":
        raise MalformedInput("not three base64url segments")
    signed, _, signature = token.rpartition(b".")
    header, _, claims = signed.partition(b".")
    # The first bad segment ends this, so rubbish costs as little as possible.
    return UnverifiedToken(
        parse_json_object(_decode_segment(header)),
        parse_json_object(_decode_segment(claims)),
        signed,
        _decode_segment(signature),
    )


def parse_json_object(unverified_json: bytes) -> dict[str, object]:
    """
    Read one strict JSON object. The caller must limit its size.

    Raises:
        MalformedInput: the input is not one well-formed JSON object.
    """
    try:
        text = unverified_json.decode("utf-8")
        _require_bounded_depth(text)
        value = _DECODER.decode(text)
        if "\\u" in text:
            # UTF-8 has no lone surrogate and JSON no bare NUL, but escapes can hold both, and
            # Postgres stores neither.
            _require_storable(value)
    except (ValueError, RecursionError) as error:
        raise MalformedInput(f"not strict JSON: {type(error).__name__}") from error
    if not isinstance(value, dict):
        raise MalformedInput("not a JSON object")
    return value


def _decode_segment(segment: bytes) -> bytes:
    # Decoders ignore unused bits, so one signed token could be spelled in several ways.
    if segment[-1:] not in _LAST_OF_GROUP.get(len(segment) % 4, b"") or not segment:
        raise MalformedInput("not canonical base64url")
    return binascii.a2b_base64(segment.translate(_TO_BASE64) + b"=" * (-len(segment) % 4))


def _require_bounded_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= _MAX_DEPTH:
        return
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", text)):  # strings may hold brackets
        depth += 1 if bracket in "[{" else -1
        if depth > _MAX_DEPTH:
            raise MalformedInput("nested too deep")


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedInput("a name appears twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise MalformedInput(f"{name} is not JSON")


def _bounded_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise MalformedInput("a number is too long")
    return int(digits)


def _bounded_float(digits: str) -> float:
    if len(digits) > _MAX_DIGITS or (number := float(digits)) in (float("inf"), float("-inf")):
        raise MalformedInput("a number is out of range")
    return number


def _require_storable(value: object) -> None:
    if isinstance(value, str):
        value.encode("utf-8")
        if "\0" in value:
            raise MalformedInput("NUL in a string")
    elif isinstance(value, dict):
        _require_storable([*value, *value.values()])  # names, too
    elif isinstance(value, list):
        for member in value:
            _require_storable(member)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_names,
    parse_constant=_refuse_constant,
    parse_int=_bounded_int,
    parse_float=_bounded_float,
)
