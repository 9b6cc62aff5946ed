"""The string itself: what is no compact JWT, and other spellings of one that is valid."""

from typing import Final

from tests.kit.action_tokens import segment
from tests.kit.forged_access_tokens.raw_strings import spell_otherwise
from tests.kit.forged_action_tokens.kind import Kind, Row
from tests.kit.token_changes import change_claims, write_token

# As `write_token` reads them.
_FORMS: Final = {
    "the empty string": "",
    "one dot": ".",
    "two dots": "..",
    "one segment": "HEADER",
    "two segments": "HEADER.CLAIMS",
    "four segments": "TOKEN.AA",
    "the JSON serialization": (
        '{"protected": "HEADER", "payload": "CLAIMS", "signature": "SIGNATURE"}'
    ),
    "padding": "TOKEN=",
    "padding inside": "HEADER=.CLAIMS.SIGNATURE",
    "a space before": " TOKEN",
    "a space after": "TOKEN ",
    "a line feed after": "TOKEN\n",
    "a line feed inside": "START\nREST",
    "NUL after": "TOKEN\0",
    "a lone surrogate in the token": "TOKEN\ud800",
    "the scheme before": "Bearer TOKEN",
    "3 kB of rubbish": "A" * 3000,
    "3 kB of dots": "." * 3000,
}


def _unused_bits(kind: Kind) -> str:
    text, _, mac = kind.token().rpartition(".")
    return f"{text}.{spell_otherwise(mac)}"


RAW: Final[dict[str, Row]] = {
    **{name: write_token(form) for name, form in _FORMS.items()},
    "five segments of a JWE": lambda kind: ".".join(
        [segment({"alg": "dir", "enc": "A128GCM"}), "", "AAAA", "AAAA", "AAAA"]
    ),
    "unused bits of the signature": _unused_bits,
    "plus and slash instead of minus and underscore": lambda kind: kind.token(
        more="~?~?~?~~~???"
    ).translate(str.maketrans("-_", "+/")),
    "a letter that looks alike": lambda kind: kind.token().replace("e", "\u0435", 1),
    "3 kB of valid claims": change_claims(more="m" * 2300),
}
