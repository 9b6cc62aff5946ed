"""The claims as text: what is no JSON, or JSON that two parsers would read differently."""

from typing import Final

from tests.kit.action_tokens import HEADER, SESSION_SECRET, sign
from tests.kit.forged_action_tokens.changes import write_claims
from tests.kit.forged_action_tokens.kind import Row
from tests.kit.token_changes import ENCODINGS, change_claims

# As `write_claims` reads them: TEXT is the valid one.
_TEXTS: Final = {
    "sub twice": '{MEMBERS, "sub": "auth0|joe"}',
    "aud twice, the second escaped": r'{MEMBERS, "\u0061ud": "x"}',
    "NaN": '{MEMBERS, "more": NaN}',
    "Infinity": '{MEMBERS, "more": -Infinity}',
    "a number of 400 digits": f'{{MEMBERS, "more": {"9" * 400}}}',
    "a number beyond any float": '{MEMBERS, "more": 1e999}',
    "a lone surrogate in a name": r'{MEMBERS, "\udfff": 1}',
    "a trailing comma": "{MEMBERS,}",
    "a comment": "TEXT//",
    "two objects": "TEXT{}",
    "a list of claims": "[TEXT]",
    "claims that are a string": '"claims"',
    "claims that are null": "null",
    "no claims at all": "{}",
    "brackets without end": "[" * 1000,
    "deeply nested": f'{{MEMBERS, "more": {"[" * 40}{"]" * 40}}}',
}


def _encode(encoding: str) -> Row:
    return lambda kind: sign(HEADER, kind.json().encode(encoding), SESSION_SECRET)


JSON: Final[dict[str, Row]] = {
    **{name: write_claims(form) for name, form in _TEXTS.items()},
    **{name: _encode(encoding) for name, encoding in ENCODINGS.items()},
    "a lone surrogate": change_claims(more="\ud800"),
    "NUL in a claim": change_claims(more="a\0b"),
    "NUL in the user's id": change_claims(sub="auth0|joe\0"),
    "bytes that are no UTF-8": lambda kind: sign(HEADER, b'{"a":"\xff"}', SESSION_SECRET),
}
