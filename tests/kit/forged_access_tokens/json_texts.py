"""Header and claims as text: what is no JSON, or JSON that two parsers would read differently."""

import json
import zlib
from collections.abc import Callable
from typing import Final

from local_stack.access_tokens import AUTH0_USER_ID, ISSUER, KID
from tests.kit.forged_access_tokens.changes import (
    add_member,
    nest,
    write_claims,
    write_header,
    write_number,
)
from tests.kit.forged_access_tokens.kind import Row, sign
from tests.kit.token_changes import ENCODINGS, change_claims

# As `write_header` and `write_claims` read them: TEXT is the valid one.
_HEADERS: Final = {
    "alg twice, first none": '{"alg": "none", MEMBERS}',
    "alg twice, last none": '{MEMBERS, "alg": "none"}',
    "alg twice, the second escaped": r'{MEMBERS, "\u0061lg": "x"}',
    "kid twice": f'{{MEMBERS, "kid": "{KID}"}}',
    "typ twice": '{MEMBERS, "typ": "JWT"}',
    "a header that is a list": "[TEXT]",
    "a header that is null": "null",
    "a header that is true": "true",
    "a header that is a number": "256",
    "an empty header": "{}",
    "a header that is no JSON": "RS256",
    "a header cut short": "{MEMBERS",
    "a header with a trailing comma": "{MEMBERS,}",
    "a byte order mark before the header": "\ufeffTEXT",
}
_CLAIMS: Final = {
    "iss twice, the first another tenant": '{"iss": "https://attacker.eu.auth0.com/", MEMBERS}',
    "sub twice, the second escaped": r'{MEMBERS, "s\u0075b": "auth0|ann"}',
    "a name twice, deep inside": '{MEMBERS, "x": [{"a": 1, "a": 1}]}',
    "a lone surrogate in a name": r'{MEMBERS, "\udfff": 1}',
    "NUL after the claims": "TEXT\0",
    "a trailing comma": "{MEMBERS,}",
    "a comment": "TEXT//",
    "a comment inside": "{/**/MEMBERS}",
    "claims that are cut short": "{MEMBERS",
    "claims twice": "TEXTTEXT",
    "claims in a list": "[TEXT]",
    "claims that are null": "null",
    "claims that are a number": "1",
    "no claims at all": "{}",
    "claims that are no JSON": "sub=auth0|joe",
    "lists of 1000 levels without an end": "[" * 1_000,
}
_VALUES: Final = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "1e999": "1e999",
    "-1e999": "-1e999",
    "a number of 400 digits": "9" * 400,
    "a number of 5000 digits": "9" * 5_000,
    "a fraction of 400 digits": f"0.{'3' * 400}",
    "hexadecimal": "0x10",
    "octal": "010",
    "a number without an end": "1.",
    "a number with a plus": "+1",
    "undefined": "undefined",
    "True": "True",
    "a string in single quotation marks": "'a'",
    "a string with a line feed": '"a\nb"',
    "a string with a tab": '"a\tb"',
    "a string with NUL": '"a\0b"',
    "a string with an unknown escape": r'"\x41"',
    "a string with half an escape": r'"\u00"',
    "nothing": "",
}


def _twice(name: str) -> Row:
    return lambda kind: add_member(f'"{name}": {json.dumps(kind.claims()[name])}')(kind)


def _header_bytes(change: Callable[[str], bytes]) -> Row:
    return lambda kind: sign(change(json.dumps(kind.header())), kind.claims())


def _claims_bytes(change: Callable[[str], bytes]) -> Row:
    return lambda kind: sign(kind.header(), change(json.dumps(kind.claims())))


def _encode(encoding: str) -> Row:
    return _claims_bytes(lambda text: text.encode(encoding))


def _add_bytes(value: bytes) -> Row:
    return _claims_bytes(lambda text: text[:-1].encode() + b', "more": "' + value + b'"}')


JSON: Final[dict[str, Row]] = {
    # The header
    **{name: write_header(form) for name, form in _HEADERS.items()},
    "a header that is a string": _header_bytes(lambda text: json.dumps(text).encode()),
    "a header in single quotation marks": _header_bytes(
        lambda text: text.replace('"', "'").encode()
    ),
    "a header in UTF-16": _header_bytes(lambda text: text.encode("utf-16-le")),
    "a header that is no UTF-8": _header_bytes(lambda text: text.encode() + b"\xff"),
    # The claims
    **{name: write_claims(form) for name, form in _CLAIMS.items()},
    **{f"{name} twice": _twice(name) for name in ("iss", "sub", "aud", "exp", "iat", "scope")},
    **{
        f"a claim that is {what}": add_member(f'"more": {value}') for what, value in _VALUES.items()
    },
    **{
        f"{name} that is {number}": write_number(name, number)
        for name in ("iat", "exp")
        for number in ("NaN", "Infinity", "-Infinity", "1e999")
    },
    "a lone surrogate in a claim": change_claims(more="\ud800"),
    "a lone surrogate in sub": change_claims(sub="auth0|\udc00joe"),
    "a lone surrogate as bytes": _add_bytes(b"\xed\xa0\x80"),
    "an overlong encoding": _add_bytes(b"\xc0\xaf"),
    "NUL in sub": change_claims(sub=f"{AUTH0_USER_ID}\0"),
    "NUL in a name": change_claims(**{"iss\0": ISSUER}),
    "claims in a string": _claims_bytes(lambda text: json.dumps(text).encode()),
    "a JWT inside a JWT": lambda kind: kind.signed_text(kind.token()),
    "lists too deep": nest("[", "]", 40),
    "objects too deep": nest('{"a":', "1}", 40),
    **{name: _encode(encoding) for name, encoding in ENCODINGS.items()},
    "UTF-7 and its mark": _claims_bytes(lambda text: b"+/v8-" + text.encode()),
    "compressed claims": _claims_bytes(lambda text: zlib.compress(text.encode())),
}
