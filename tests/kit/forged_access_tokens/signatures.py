"""The signature: of another key, over something else, altered, or of another form inside."""

import base64
import json
from collections.abc import Callable
from typing import Final

from local_stack.access_tokens import private_key, segment
from tests.kit.forged_access_tokens.changes import sign_as_attacker
from tests.kit.forged_access_tokens.kind import Kind, Row, signature
from tests.kit.forged_access_tokens.signature_blocks import BLOCKS, sign_block
from tests.kit.token_changes import fill

# What is signed instead of HEADER.CLAIMS; JSON is the text of the claims.
_SIGNED: Final = {
    "the header alone": "HEADER",
    "the claims alone": "CLAIMS",
    "the claims as JSON": "JSON",
    "both without the dot": "HEADERCLAIMS",
    "both in turn": "CLAIMS.HEADER",
    "both with a dot after": "HEADER.CLAIMS.",
    "the header with no claims": "HEADER.",
    "nothing": "",
}


def _sign_instead(form: str) -> Row:
    def row(kind: Kind) -> str:
        text = kind.unsigned()
        header, claims = text.split(".")
        signed = fill(form, {"HEADER": header, "CLAIMS": claims, "JSON": _decode(claims)})
        return f"{text}.{segment(signature(signed))}"

    return row


def _keep_signature(change: Callable[[str, str], tuple[str, str]]) -> Row:
    """Change the texts of header and claims, and leave the signature as it was."""

    def row(kind: Kind) -> str:
        *texts, made = kind.token().split(".")
        header, claims = change(*map(_decode, texts))
        return f"{segment(header.encode())}.{segment(claims.encode())}.{made}"

    return row


def _sign_block(block: str) -> Row:
    return lambda kind: sign_block(kind, block)


def _change_signature(change: Callable[[bytes], bytes]) -> Row:
    """Change the bytes of the signature."""

    def row(kind: Kind) -> str:
        text = kind.unsigned()
        return f"{text}.{segment(change(signature(text)))}"

    return row


def _change_number(change: Callable[[int, int], int], size: int = 256) -> Row:
    """Change the signature as a number, given it and the modulus."""

    def row(kind: Kind) -> str:
        text = kind.unsigned()
        made = int.from_bytes(signature(text), "big")
        modulus = private_key().public_key().public_numbers().n
        return f"{text}.{segment(change(made, modulus).to_bytes(size, 'big'))}"

    return row


def _decode(part: str) -> str:
    return base64.urlsafe_b64decode(part + "==").decode()


def _name_ann(claims: str) -> str:
    return json.dumps(json.loads(claims) | {"sub": "auth0|ann"}, separators=(",", ":"))


def _flip(made: bytes, at: int) -> bytes:
    return made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :]


SIGNATURES: Final[dict[str, Row]] = {
    "signed with the attacker's key": sign_as_attacker(),
    "the signature of another token": lambda kind: (
        f"{kind.unsigned()}.{kind.token(more=1).rpartition('.')[2]}"
    ),
    "the claims of another person": _keep_signature(
        lambda header, claims: (header, _name_ann(claims))
    ),
    "the claims written otherwise": _keep_signature(lambda header, claims: (header, f"{claims} ")),
    "the header written otherwise": _keep_signature(lambda header, claims: (f"{header} ", claims)),
    **{f"a signature over {what}": _sign_instead(form) for what, form in _SIGNED.items()},
    "the first bit of the signature flipped": _change_signature(lambda made: _flip(made, 0)),
    "a bit in the signature flipped": _change_signature(lambda made: _flip(made, 100)),
    "the last bit of the signature flipped": _change_signature(lambda made: _flip(made, 255)),
    "the signature reversed": _change_signature(lambda made: made[::-1]),
    "the signature cut by a byte": _change_signature(lambda made: made[:-1]),
    "the signature without its first byte": _change_signature(lambda made: made[1:]),
    "the signature cut to 32 bytes": _change_signature(lambda made: made[:32]),
    "one byte of signature": _change_signature(lambda made: made[:1]),
    "a byte after the signature": _change_signature(lambda made: made + b"\0"),
    "a zero before the signature": _change_signature(lambda made: b"\0" + made),
    "two zeros before the signature": _change_signature(lambda made: b"\0\0" + made),
    "the signature twice": _change_signature(lambda made: made + made),
    "the signature in hexadecimal": _change_signature(lambda made: made.hex().encode()),
    "the signature in base64url twice": _change_signature(lambda made: segment(made).encode()),
    "a signature of zeros": _change_signature(lambda made: bytes(256)),
    "a signature of ones": _change_signature(lambda made: b"\xff" * 256),
    "a signature that is the hash": _change_signature(lambda made: b"h" * 32),
    "a signature of 512 bytes": _change_signature(lambda made: made.rjust(512, b"\0")),
    "the number 1": _change_number(lambda made, n: 1),
    "the number 2": _change_number(lambda made, n: 2),
    "the modulus": _change_number(lambda made, n: n),
    "the modulus less 1": _change_number(lambda made, n: n - 1),
    "the modulus more": _change_number(lambda made, n: made + n, 257),
    "the modulus less the signature": _change_number(lambda made, n: n - made),
    "the inverse of the signature": _change_number(lambda made, n: pow(made, -1, n)),
    "the square of the signature": _change_number(lambda made, n: made * made % n),
    "what the signature says": _change_number(lambda made, n: pow(made, 65537, n)),
    **{f"signed with {what}": _sign_block(block) for what, block in BLOCKS.items()},
}
