"""The header: members it should not have, types that are others', and text that is no header."""

from typing import Final

from tests.kit.forged_action_tokens.changes import change_header, write_header
from tests.kit.forged_action_tokens.kind import Row

_TEXTS: Final = {
    "alg twice in the header": '{"alg":"none","alg":"HS256","typ":"JWT"}',
    "typ twice in the header": '{"alg":"HS256","typ":"JWT","typ":"JWT"}',
    "the header a list": '["HS256"]',
    "the header a string": '"HS256"',
    "the header empty": "{}",
    "the header no JSON": "HS256",
}

HEADER_MEMBERS: Final[dict[str, Row]] = {
    "an unknown crit": change_header(crit=["exp"]),
    "an empty crit": change_header(crit=[]),
    "crit naming b64": change_header(crit=["b64"], b64=True),
    "b64 false": change_header(b64=False),
    "b64 true": change_header(b64=True),
    "zip": change_header(zip="DEF"),
    "jwk": change_header(jwk={"kty": "oct", "k": "AA"}),
    "jku": change_header(jku="https://attacker.example/keys"),
    "x5c": change_header(x5c=["MIIB"]),
    "x5u": change_header(x5u="https://attacker.example/chain"),
    "cty": change_header(cty="JWT"),
    "enc": change_header(enc="A256GCM"),
    "kid a number": change_header(kid=1),
    "kid null": change_header(kid=None),
    "kid a list": change_header(kid=["a"]),
    "typ at+jwt": change_header(typ="at+jwt"),
    "typ in lower case": change_header(typ="jwt"),
    "typ empty": change_header(typ=""),
    "typ null": change_header(typ=None),
    "typ a list": change_header(typ=["JWT"]),
    **{name: write_header(text) for name, text in _TEXTS.items()},
}
