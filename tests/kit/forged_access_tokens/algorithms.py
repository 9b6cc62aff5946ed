"""The algorithm in the header, and signatures of other algorithms, each done right."""

import base64
import functools
import json
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local_stack.access_tokens import ABSENT, CLIENT_ID, KID, jwk, private_key, segment
from tests.kit import action_tokens
from tests.kit.forged_access_tokens.changes import change_header, sign_with_hmac
from tests.kit.forged_access_tokens.kind import Kind, Row


def _public_key(encoding: Encoding, form: PublicFormat) -> bytes:
    return private_key().public_key().public_bytes(encoding, form)


def leave_unsigned(**header: object) -> Row:
    return lambda kind: f"{kind.unsigned(**header)}."


def _rsa(algorithm: hashes.HashAlgorithm, **header: object) -> Row:
    def forge(kind: Kind) -> str:
        text = kind.unsigned(**header)
        made = private_key().sign(text.encode(), padding.PKCS1v15(), algorithm)
        return f"{text}.{segment(made)}"

    return forge


def _pss(salt: int, algorithm: hashes.HashAlgorithm, **header: object) -> Row:
    def forge(kind: Kind) -> str:
        text = kind.unsigned(**header)
        scheme = padding.PSS(padding.MGF1(algorithm), salt)
        return f"{text}.{segment(private_key().sign(text.encode(), scheme, algorithm))}"

    return forge


@functools.cache
def _elliptic_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _ecdsa(**header: object) -> Row:
    def forge(kind: Kind) -> str:
        text = kind.unsigned(**header)
        return f"{text}.{segment(_elliptic_key().sign(text.encode(), ec.ECDSA(hashes.SHA256())))}"

    return forge


def _eddsa(**header: object) -> Row:
    def forge(kind: Kind) -> str:
        text = kind.unsigned(**header)
        key = ed25519.Ed25519PrivateKey.from_private_bytes(b"a" * 32)
        return f"{text}.{segment(key.sign(text.encode()))}"

    return forge


def _modulus() -> bytes:
    return jwk()["n"].encode()


ALGORITHMS: Final[dict[str, Row]] = {
    # No signature at all
    **{
        f"alg {alg!r} and no signature": leave_unsigned(alg=alg)
        for alg in ("none", "None", "NONE", "nOnE", "none ", "n\u03bfne", "", "RS256", None)
    },
    **{
        f"alg {alg!r} and a signature": change_header(alg=alg)
        for alg in (
            *("none", "None", "NONE", "nOnE", "rs256", "Rs256", "RS256 ", " RS256", "RS256\n"),
            *("RS\uff12\uff15\uff16", "RS2561", "RSA", "HS256", "RS384", "RS512", "PS256", "ES256"),
            *("EdDSA", "dir", "RSA1_5", "RSA-OAEP", "", None, True, 256, ["RS256"]),
            {"alg": "RS256"},
        )
    },
    "no alg": change_header(alg=ABSENT),
    "alg in capitals": change_header(alg=ABSENT, ALG="RS256"),
    # The public key as a secret
    **{
        f"HS256 with the public key as {what}": sign_with_hmac(secret)
        for what, secret in {
            "PEM": lambda: _public_key(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "PEM without its last line feed": lambda: _public_key(
                Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
            ).strip(),
            "PEM of PKCS #1": lambda: _public_key(Encoding.PEM, PublicFormat.PKCS1),
            "DER": lambda: _public_key(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "DER of PKCS #1": lambda: _public_key(Encoding.DER, PublicFormat.PKCS1),
            "its modulus in base64url": _modulus,
            "its modulus in bytes": lambda: base64.urlsafe_b64decode(_modulus() + b"=="),
            "its JWK": lambda: json.dumps(jwk()).encode(),
            "its kid": KID.encode,
        }.items()
    },
    "HS256 with the empty secret": sign_with_hmac(bytes),
    "HS256 with the application's id": sign_with_hmac(CLIENT_ID.encode),
    "HS256 with the session secret": sign_with_hmac(action_tokens.SESSION_SECRET.encode),
    "RS256 in the header, HMAC with the public key": sign_with_hmac(
        lambda: _public_key(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "RS256"
    ),
    # Other algorithms, each done right
    "RS384 of the tenant": _rsa(hashes.SHA384(), alg="RS384"),
    "RS512 of the tenant": _rsa(hashes.SHA512(), alg="RS512"),
    "RS1 of the tenant": _rsa(hashes.SHA1(), alg="RS1"),  # noqa: S303 - what nobody may accept
    "PS256 of the tenant": _pss(32, hashes.SHA256(), alg="PS256"),
    "PS384 of the tenant": _pss(48, hashes.SHA384(), alg="PS384"),
    "PS512 of the tenant": _pss(64, hashes.SHA512(), alg="PS512"),
    "RS256 in the header, RS384 made": _rsa(hashes.SHA384()),
    "RS256 in the header, RS512 made": _rsa(hashes.SHA512()),
    "RS256 in the header, SHA-1 made": _rsa(hashes.SHA1()),  # noqa: S303
    "RS256 in the header, PS256 made": _pss(32, hashes.SHA256()),
    "RS256 in the header, PSS without salt made": _pss(0, hashes.SHA256()),
    "ES256 of the attacker": _ecdsa(alg="ES256"),
    "ES256 of zeros": lambda kind: f"{kind.unsigned(alg='ES256')}.{segment(bytes(64))}",
    "RS256 in the header, ES256 made": _ecdsa(),
    "EdDSA of the attacker": _eddsa(alg="EdDSA"),
    "RS256 in the header, EdDSA made": _eddsa(),
}
