"""The signature, its key and its algorithm."""

from collections.abc import Callable
from typing import Final

from tests.kit.action_tokens import (
    ABSENT,
    SELECTION_SECRET,
    SESSION_SECRET,
    segment,
    sign,
    signature,
)
from tests.kit.forged_action_tokens.changes import change_header, sign_with
from tests.kit.forged_action_tokens.kind import Kind, Row
from tests.kit.token_changes import write_token

FOREIGN_SECRET: Final = "nobody-listed-this-secret-at-all"
_PEM: Final = (
    b"-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJB\n-----END PUBLIC KEY-----"
)
_SECRETS: Final[dict[str, str | bytes]] = {
    "a secret that is not listed": FOREIGN_SECRET,
    "the selection secret": SELECTION_SECRET,
    "the empty key": b"",
    "the secret and a line feed": f"{SESSION_SECRET}\n",
    "a public key": _PEM,
}
_UNSIGNED: Final = ("none", "None", "NONE", "nOnE", "none ", "", None)
_WRONG: Final = (
    *("none", "None", "NONE", "hs256", "HS256 ", "HMAC", "dir", "", None, True, 256),
    *("HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", ["HS256"], {"alg": "HS256"}),
)


def _altered_claims(kind: Kind) -> str:
    header, _, mac = kind.token().split(".")
    return f"{header}.{segment(kind.claims(sub='auth0|ann'))}.{mac}"


def _unsigned(algorithm: object) -> Row:
    return lambda kind: f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{segment(kind.claims())}."


def _sign_by(algorithm: str) -> Row:
    return lambda kind: sign(
        {"alg": algorithm, "typ": "JWT"}, kind.claims(), SESSION_SECRET, algorithm=algorithm
    )


def _change_signature(change: Callable[[bytes], bytes]) -> Row:
    def row(kind: Kind) -> str:
        text = kind.token().rpartition(".")[0]
        return f"{text}.{segment(change(signature(text, SESSION_SECRET)))}"

    return row


def _first_letter(kind: Kind) -> str:
    text, _, mac = kind.token().rpartition(".")
    return f"{text}.{'B' if mac[0] == 'A' else 'A'}{mac[1:]}"


SIGNATURES: Final[dict[str, Row]] = {
    **{f"signed with {what}": sign_with(secret) for what, secret in _SECRETS.items()},
    "the signature of other claims": _altered_claims,
    "the first byte of the signature changed": _first_letter,
    "the signature cut to 16 bytes": _change_signature(lambda made: made[:16]),
    "one byte after the signature": _change_signature(lambda made: made + b"0"),
    "no signature": write_token("HEADER.CLAIMS."),
    **{f"alg {alg!r} and no signature": _unsigned(alg) for alg in _UNSIGNED},
    **{f"alg {alg!r} and the right MAC": change_header(alg=alg) for alg in _WRONG},
    "no alg": change_header(alg=ABSENT),
    "HS384": _sign_by("HS384"),
    "HS512": _sign_by("HS512"),
}
