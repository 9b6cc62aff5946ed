"""The string itself: what is no compact JWT, and other spellings of one that is valid."""

import base64
import json
from typing import Final

from local_stack.access_tokens import ISSUER, segment
from tests.kit.forged_access_tokens.kind import Kind, Row, signature
from tests.kit.token_changes import change_claims, write_token

# As `write_token` reads them.
_FORMS: Final = {
    "the empty string": "",
    "one dot": ".",
    "two dots": "..",
    "an opaque token": "JGhCr4mxcqzGsZTBhLbCjnKVPmGsCBzL",
    "one segment": "HEADER",
    "two segments": "HEADER.CLAIMS",
    "four segments": "TOKEN.AAAA",
    "a dot before": ".TOKEN",
    "a dot after": "TOKEN.",
    "the token twice": "TOKEN.TOKEN",
    "two tokens with a comma between": "TOKEN,TOKEN",
    "no header": ".CLAIMS.SIGNATURE",
    "no claims": "HEADER..SIGNATURE",
    "no signature": "HEADER.CLAIMS.",
    "the flattened JSON serialization": (
        '{"protected": "HEADER", "payload": "CLAIMS", "signature": "SIGNATURE"}'
    ),
    "the general JSON serialization": (
        '{"payload": "CLAIMS", "signatures": [{"protected": "HEADER", "signature": "SIGNATURE"}]}'
    ),
    "in quotation marks": '"TOKEN"',
    "padding after the header": "HEADER=.CLAIMS.SIGNATURE",
    "padding after the claims": "HEADER.CLAIMS=.SIGNATURE",
    "padding after the signature": "TOKEN==",
    "padding in percent-encoding": "TOKEN%3D%3D",
    "the dots in percent-encoding": "HEADER%2ECLAIMS%2ESIGNATURE",
    "a space before": " TOKEN",
    "a space after": "TOKEN ",
    "a space inside": "START REST",
    "a tab after": "TOKEN\t",
    "a line feed before": "\nTOKEN",
    "a line feed after": "TOKEN\n",
    "a line feed inside": "START\nREST",
    "a carriage return and a line feed after": "TOKEN\r\n",
    "a header of its own after": "TOKEN\r\nX-Organization: abc-inc",
    "a form feed after": "TOKEN\f",
    "NUL after": "TOKEN\0",
    "NUL inside": "START\0REST",
    "DEL inside": "START\x7fREST",
    "a byte order mark before": "\ufeffTOKEN",
    "a no-break space after": "TOKEN\u00a0",
    "a line separator after": "TOKEN\u2028",
    "a space of no width inside": "START\u200bREST",
    "a full-width dot": "HEADER\uff0eCLAIMS\uff0eSIGNATURE",
    "a letter of Latin-1": "TOKEN\u00e9",
    "a lone surrogate": "TOKEN\ud800",
    "the scheme before": "Bearer TOKEN",
    "9 kB of letters": "A" * 9_000,
    "9 kB of dots": "." * 9_000,
    "9 kB of signature": f"HEADER.CLAIMS.{'A' * 9_000}",
}


def spell_otherwise(text: str) -> str:
    """Return other base64url of the same bytes, in which an unused bit is set."""
    filled = "=" * (-len(text) % 4)
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        spelled = text[:-1] + last
        same = base64.urlsafe_b64decode(spelled + filled) == base64.urlsafe_b64decode(text + filled)
        if spelled != text and same:
            return spelled
    raise AssertionError("this segment has no unused bits")


def _unused_bits_of_the_signature(kind: Kind) -> str:
    text, _, made = kind.token().rpartition(".")
    return f"{text}.{spell_otherwise(made)}"


def _unused_bits_of_the_claims(kind: Kind) -> str:
    claims = json.dumps(kind.claims()).encode()
    claims += b" " * (1 - len(claims) % 3) if len(claims) % 3 < 2 else b"  "
    text = f"{segment(kind.header())}.{spell_otherwise(segment(claims))}"
    return f"{text}.{segment(signature(text))}"


def _encrypt(header: dict[str, object], key: str) -> Row:
    return lambda kind: ".".join([segment(header), key, *["AAAAAAAAAAAAAAAA"] * 3])


RAW: Final[dict[str, Row]] = {
    **{name: write_token(form) for name, form in _FORMS.items()},
    "a letter that looks alike": lambda kind: kind.token().replace("e", "\u0435", 1),
    "a full-width letter": lambda kind: kind.token().replace("e", "\uff45", 1),
    "five segments of a JWE": _encrypt(
        {"alg": "RSA-OAEP", "enc": "A256GCM", "cty": "JWT"}, segment(b"k" * 256)
    ),
    "five segments of a JWE with a password": _encrypt(
        {
            "alg": "PBES2-HS512+A256KW",
            "enc": "A256GCM",
            "p2c": 2_000_000_000,
            "p2s": "AAAA",
        },
        segment(b"k" * 256),
    ),
    "the opaque token that Auth0 gives for /userinfo": _encrypt(
        {"alg": "dir", "enc": "A256GCM", "iss": ISSUER}, ""
    ),
    "unused bits of the signature": _unused_bits_of_the_signature,
    "unused bits of the claims, signed": _unused_bits_of_the_claims,
    "a segment of a length that base64 does not have": lambda kind: kind.token()[:-1],
    "plus and slash instead of minus and underscore": lambda kind: kind.token(
        more="~?~?~?~~~???"
    ).translate(str.maketrans("-_", "+/")),
    "9 kB of valid claims": change_claims(more="m" * 6_000),
    "100 kB of valid claims": change_claims(more="m" * 75_000),
}
