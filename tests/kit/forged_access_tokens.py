"""
Forged and malformed access tokens: each row is one thing an attacker does to a token that is valid
without it.

A row is a function, so that every token is fresh, and takes the kind of token to begin with: one of
two designs in one of Auth0's two dialects. Next to the forgeries stand harmless differences, which
must pass.
"""

import base64
import functools
import hashlib
import json
import re
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from local_stack import access_tokens
from local_stack.access_tokens import (
    ABSENT,
    AUDIENCE,
    AUTH0_USER_ID,
    CLIENT_ID,
    CUSTOM_DOMAIN,
    DOMAIN,
    ISSUER,
    KID,
    NAMESPACE,
    ORG_CLAIM,
    ORG_ID,
    jwk,
    private_key,
    rfc9068_claims,
    segment,
    valid_claims,
    valid_header,
)
from tests.kit import action_tokens as tokens

ATTACKER: Final = "the-attackers-key"
ORG_ROLE: Final = f"{NAMESPACE}org_role"
PERMISSIONS: Final = ("org:abc-inc", "read:projects", "org:xyz-travel")


# The same text has the same signature, and making one is slow.
signature: Final = functools.lru_cache(maxsize=10_000)(access_tokens.signature)


def sign(
    header: bytes | Mapping[str, object], claims: bytes | Mapping[str, object], *, key: str = KID
) -> str:
    """Make a compact JWT whose RS256 signature is right, whatever its header says."""
    text = f"{segment(header)}.{segment(claims)}"
    return f"{text}.{segment(signature(text, key))}"


@dataclass(frozen=True)
class Kind:
    """
    What an access token is before anybody changes it.

    Args:
        one_organization: with one organization as a claim (designs A, B, D), or with all of
            them among the permissions (design C).
        typ: "JWT" for Auth0's own dialect, "at+jwt" for RFC 9068's.
        org_id: the one organization.
    """

    one_organization: bool
    typ: Literal["JWT", "at+jwt"]
    org_id: str = ORG_ID

    @property
    def client_claim(self) -> str:
        """The name of the claim that says who asked for the token."""
        return "azp" if self.typ == "JWT" else "client_id"

    def header(self, **changes: object) -> dict[str, object]:
        """The header."""
        return valid_header(**{"typ": self.typ} | changes)

    def claims(self, **changes: object) -> dict[str, Any]:
        """The claims."""
        own: dict[str, object] = {ORG_CLAIM: self.org_id}
        if not self.one_organization:
            own = {ORG_CLAIM: ABSENT, ORG_ROLE: ABSENT, "permissions": list(PERMISSIONS)}
        dialect = valid_claims if self.typ == "JWT" else rfc9068_claims
        return dialect(**own | changes)

    def token(self, **changes: object) -> str:
        """Make a well-signed token with some claims changed."""
        return sign(self.header(), self.claims(**changes))

    def signed_text(self, claims: str) -> str:
        """Make a well-signed token of claims given as text."""
        return sign(self.header(), claims.encode())

    def unsigned(self, **header: object) -> str:
        """The first two segments, with the header changed."""
        return f"{segment(self.header(**header))}.{segment(self.claims())}"


Row = Callable[[Kind], str]
KINDS: Final = {
    f"{design}, {typ}": Kind(one_organization, typ)
    for design, one_organization in (("one organization", True), ("permissions", False))
    for typ in ("JWT", "at+jwt")
}


def _now() -> int:
    return int(time.time())


def _claims(**changes: object) -> Row:
    return lambda kind: kind.token(**changes)


def _header(**changes: object) -> Row:
    return lambda kind: sign(kind.header(**changes), kind.claims())


def _raw(change: Callable[[str], str]) -> Row:
    return lambda kind: change(kind.token())


def _parts(change: Callable[[str, str, str], str]) -> Row:
    return lambda kind: change(*kind.token().split("."))


def _text(change: Callable[[str], str]) -> Row:
    return lambda kind: kind.signed_text(change(json.dumps(kind.claims())))


def _header_text(change: Callable[[str], str]) -> Row:
    return lambda kind: sign(change(json.dumps(kind.header())).encode(), kind.claims())


def _encoded(encoding: str) -> Row:
    return lambda kind: sign(kind.header(), json.dumps(kind.claims()).encode(encoding))


def _time(name: str, change: Callable[[int], object]) -> Row:
    return lambda kind: kind.token(**{name: change(kind.claims()[name])})


def _client(value: object) -> Row:
    return lambda kind: kind.token(**{kind.client_claim: value})


def _other_spelling(text: str) -> str:
    """The same bytes in base64url, with an unused bit set."""
    filled = "=" * (-len(text) % 4)
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        spelled = text[:-1] + last
        same = base64.urlsafe_b64decode(spelled + filled) == base64.urlsafe_b64decode(text + filled)
        if spelled != text and same:
            return spelled
    raise AssertionError("this segment has no unused bits")


def _unused_bits_of_the_claims(kind: Kind) -> str:
    claims = json.dumps(kind.claims()).encode()
    claims += b" " * (1 - len(claims) % 3) if len(claims) % 3 < 2 else b"  "
    text = f"{segment(kind.header())}.{_other_spelling(segment(claims))}"
    return f"{text}.{segment(signature(text))}"


def _json_serialization(kind: Kind) -> str:
    protected, payload, mac = kind.token().split(".")
    return json.dumps({"protected": protected, "payload": payload, "signature": mac})


def _general_json_serialization(kind: Kind) -> str:
    protected, payload, mac = kind.token().split(".")
    return json.dumps(
        {"payload": payload, "signatures": [{"protected": protected, "signature": mac}]}
    )


def _encrypted(**header: object) -> Row:
    return lambda kind: ".".join([segment(header), segment(b"k" * 256), *["AAAAAAAAAAAAAAAA"] * 3])


RAW: dict[str, Row] = {
    "the empty string": lambda kind: "",
    "one dot": lambda kind: ".",
    "two dots": lambda kind: "..",
    "an opaque token": lambda kind: "JGhCr4mxcqzGsZTBhLbCjnKVPmGsCBzL",
    "one segment": _parts(lambda header, claims, mac: header),
    "two segments": _parts(lambda header, claims, mac: f"{header}.{claims}"),
    "four segments": _raw(lambda token: f"{token}.AAAA"),
    "a dot before": _raw(lambda token: f".{token}"),
    "a dot after": _raw(lambda token: f"{token}."),
    "the token twice": _raw(lambda token: f"{token}.{token}"),
    "two tokens with a comma between": _raw(lambda token: f"{token},{token}"),
    "no header": _parts(lambda header, claims, mac: f".{claims}.{mac}"),
    "no claims": _parts(lambda header, claims, mac: f"{header}..{mac}"),
    "no signature": _parts(lambda header, claims, mac: f"{header}.{claims}."),
    "five segments of a JWE": _encrypted(alg="RSA-OAEP", enc="A256GCM", cty="JWT"),
    "five segments of a JWE with a password": _encrypted(
        alg="PBES2-HS512+A256KW", enc="A256GCM", p2c=2_000_000_000, p2s="AAAA"
    ),
    "the opaque token that Auth0 gives for /userinfo": lambda kind: ".".join(
        [segment({"alg": "dir", "enc": "A256GCM", "iss": ISSUER}), "", *["AAAAAAAAAAAAAAAA"] * 3]
    ),
    "the flattened JSON serialization": _json_serialization,
    "the general JSON serialization": _general_json_serialization,
    "in quotation marks": _raw(lambda token: f'"{token}"'),
    "padding after the header": _parts(lambda header, claims, mac: f"{header}=.{claims}.{mac}"),
    "padding after the claims": _parts(lambda header, claims, mac: f"{header}.{claims}=.{mac}"),
    "padding after the signature": _raw(lambda token: f"{token}=="),
    "padding in percent-encoding": _raw(lambda token: f"{token}%3D%3D"),
    "the dots in percent-encoding": _raw(lambda token: token.replace(".", "%2E")),
    "unused bits of the signature": _parts(
        lambda header, claims, mac: f"{header}.{claims}.{_other_spelling(mac)}"
    ),
    "unused bits of the claims, signed": _unused_bits_of_the_claims,
    "a segment of a length that base64 does not have": _parts(
        lambda header, claims, mac: f"{header}.{claims}.{mac[:-1]}"
    ),
    "plus and slash instead of minus and underscore": lambda kind: kind.token(
        more="~?~?~?~~~???"
    ).translate(str.maketrans("-_", "+/")),
    "a space before": _raw(lambda token: f" {token}"),
    "a space after": _raw(lambda token: f"{token} "),
    "a space inside": _raw(lambda token: f"{token[:20]} {token[20:]}"),
    "a tab after": _raw(lambda token: f"{token}\t"),
    "a line feed before": _raw(lambda token: f"\n{token}"),
    "a line feed after": _raw(lambda token: f"{token}\n"),
    "a line feed inside": _raw(lambda token: f"{token[:20]}\n{token[20:]}"),
    "a carriage return and a line feed after": _raw(lambda token: f"{token}\r\n"),
    "a header of its own after": _raw(lambda token: f"{token}\r\nX-Organization: abc-inc"),
    "a form feed after": _raw(lambda token: f"{token}\f"),
    "NUL after": _raw(lambda token: f"{token}\0"),
    "NUL inside": _raw(lambda token: f"{token[:20]}\0{token[20:]}"),
    "DEL inside": _raw(lambda token: f"{token[:20]}\x7f{token[20:]}"),
    "a byte order mark before": _raw(lambda token: f"\ufeff{token}"),
    "a no-break space after": _raw(lambda token: f"{token}\u00a0"),
    "a line separator after": _raw(lambda token: f"{token}\u2028"),
    "a space of no width inside": _raw(lambda token: f"{token[:20]}\u200b{token[20:]}"),
    "a letter that looks alike": _raw(lambda token: token.replace("e", "\u0435", 1)),
    "a full-width letter": _raw(lambda token: token.replace("e", "\uff45", 1)),
    "a full-width dot": _raw(lambda token: token.replace(".", "\uff0e")),
    "a letter of Latin-1": _raw(lambda token: f"{token}\u00e9"),
    "a lone surrogate": _raw(lambda token: f"{token}\ud800"),
    "the scheme before": _raw(lambda token: f"Bearer {token}"),
    "9 kB of valid claims": _claims(more="m" * 6_000),
    "100 kB of valid claims": _claims(more="m" * 75_000),
    "9 kB of letters": lambda kind: "A" * 9_000,
    "9 kB of dots": lambda kind: "." * 9_000,
    "9 kB of signature": _parts(lambda header, claims, mac: f"{header}.{claims}.{'A' * 9_000}"),
}


def _with(member: str) -> Row:
    """One more member, in JSON or what is not."""
    return _text(lambda text: f"{text[:-1]}, {member}}}")


def _twice(name: str) -> Row:
    return lambda kind: _with(f'"{name}": {json.dumps(kind.claims()[name])}')(kind)


def _written(name: str, number: str) -> Row:
    return _text(lambda text: re.sub(rf'"{name}": \d+', f'"{name}": {number}', text))


def _nested(opening: str, closing: str, depth: int) -> Row:
    return _with(f'"more": {opening * depth}{closing * depth}')


JSON: dict[str, Row] = {
    # The header
    "alg twice, first none": _header_text(lambda text: f'{{"alg": "none", {text[1:]}'),
    "alg twice, last none": _header_text(lambda text: f'{text[:-1]}, "alg": "none"}}'),
    "alg twice, the second escaped": _header_text(lambda text: f'{text[:-1]}, "\\u0061lg": "x"}}'),
    "kid twice": _header_text(lambda text: f'{text[:-1]}, "kid": "{KID}"}}'),
    "typ twice": _header_text(lambda text: f'{text[:-1]}, "typ": "JWT"}}'),
    "a header that is a list": _header_text(lambda text: f"[{text}]"),
    "a header that is a string": _header_text(json.dumps),
    "a header that is null": _header_text(lambda text: "null"),
    "a header that is true": _header_text(lambda text: "true"),
    "a header that is a number": _header_text(lambda text: "256"),
    "an empty header": _header_text(lambda text: "{}"),
    "a header that is no JSON": _header_text(lambda text: "RS256"),
    "a header cut short": _header_text(lambda text: text[:-1]),
    "a header with a trailing comma": _header_text(lambda text: f"{text[:-1]},}}"),
    "a header in single quotation marks": _header_text(lambda text: text.replace('"', "'")),
    "a byte order mark before the header": _header_text(lambda text: f"\ufeff{text}"),
    "a header in UTF-16": lambda kind: sign(
        json.dumps(kind.header()).encode("utf-16-le"), kind.claims()
    ),
    "a header that is no UTF-8": lambda kind: sign(
        json.dumps(kind.header()).encode() + b"\xff", kind.claims()
    ),
    # The claims
    **{f"{name} twice": _twice(name) for name in ("iss", "sub", "aud", "exp", "iat", "scope")},
    "sub twice, the second escaped": _with('"s\\u0075b": "auth0|ann"'),
    "iss twice, the first another tenant": _text(
        lambda text: f'{{"iss": "https://attacker.eu.auth0.com/", {text[1:]}'
    ),
    "a name twice, deep inside": _with('"x": [{"a": 1, "a": 1}]'),
    **{
        f"a claim that is {what}": _with(f'"more": {written}')
        for what, written in {
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
        }.items()
    },
    **{
        f"{name} that is {number}": _written(name, number)
        for name in ("iat", "exp")
        for number in ("NaN", "Infinity", "-Infinity", "1e999")
    },
    "a lone surrogate in a claim": _claims(more="\ud800"),
    "a lone surrogate in sub": _claims(sub="auth0|\udc00joe"),
    "a lone surrogate in a name": _with('"\\udfff": 1'),
    "a lone surrogate as bytes": lambda kind: sign(
        kind.header(), json.dumps(kind.claims()).encode()[:-1] + b', "more": "\xed\xa0\x80"}'
    ),
    "an overlong encoding": lambda kind: sign(
        kind.header(), json.dumps(kind.claims()).encode()[:-1] + b', "more": "\xc0\xaf"}'
    ),
    "NUL in sub": _claims(sub=f"{AUTH0_USER_ID}\0"),
    "NUL in a name": _claims(**{"iss\0": ISSUER}),
    "NUL after the claims": _text(lambda text: f"{text}\0"),
    "a trailing comma": _text(lambda text: f"{text[:-1]},}}"),
    "a comment": _text(lambda text: f"{text}//"),
    "a comment inside": _text(lambda text: f"{{/**/{text[1:]}"),
    "claims that are cut short": _text(lambda text: text[:-1]),
    "claims twice": _text(lambda text: text + text),
    "claims in a list": _text(lambda text: f"[{text}]"),
    "claims in a string": _text(json.dumps),
    "claims that are null": _text(lambda text: "null"),
    "claims that are a number": _text(lambda text: "1"),
    "no claims at all": _text(lambda text: "{}"),
    "claims that are no JSON": _text(lambda text: "sub=auth0|joe"),
    "a JWT inside a JWT": lambda kind: kind.signed_text(kind.token()),
    "lists too deep": _nested("[", "]", 40),
    "objects too deep": _nested('{"a":', "1}", 40),
    "lists of 1000 levels without an end": _text(lambda text: "[" * 1_000),
    "UTF-16": _encoded("utf-16-le"),
    "UTF-16 with its mark": _encoded("utf-16"),
    "UTF-32": _encoded("utf-32-be"),
    "UTF-7 and its mark": lambda kind: sign(
        kind.header(), b"+/v8-" + json.dumps(kind.claims()).encode()
    ),
    "a byte order mark": _encoded("utf-8-sig"),
    "compressed claims": lambda kind: sign(
        kind.header(), zlib.compress(json.dumps(kind.claims()).encode())
    ),
}


def _public_key(encoding: Encoding, form: PublicFormat) -> bytes:
    return private_key().public_key().public_bytes(encoding, form)


def _mac(secret: Callable[[], bytes], algorithm: str = "HS256", **header: object) -> Row:
    """Sign with the public key as if it were a secret."""

    def forge(kind: Kind) -> str:
        text = kind.unsigned(**{"alg": algorithm} | header)
        return f"{text}.{segment(tokens.signature(text, secret(), algorithm='HS256'))}"

    return forge


def _unsigned(**header: object) -> Row:
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


def _by_attacker(**header: object) -> Row:
    return lambda kind: sign(kind.header(**header), kind.claims(), key=ATTACKER)


def _modulus() -> bytes:
    return jwk()["n"].encode()


HEADERS: dict[str, Row] = {
    # No signature at all
    **{
        f"alg {alg!r} and no signature": _unsigned(alg=alg)
        for alg in ("none", "None", "NONE", "nOnE", "none ", "n\u03bfne", "", "RS256", None)
    },
    **{
        f"alg {alg!r} and a signature": _header(alg=alg)
        for alg in (
            *("none", "None", "NONE", "nOnE", "rs256", "Rs256", "RS256 ", " RS256", "RS256\n"),
            *("RS\uff12\uff15\uff16", "RS2561", "RSA", "HS256", "RS384", "RS512", "PS256", "ES256"),
            *("EdDSA", "dir", "RSA1_5", "RSA-OAEP", "", None, True, 256, ["RS256"]),
            {"alg": "RS256"},
        )
    },
    "no alg": _header(alg=ABSENT),
    "alg in capitals": _header(alg=ABSENT, ALG="RS256"),
    # The public key as a secret
    **{
        f"HS256 with the public key as {what}": _mac(secret)
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
    "HS256 with the empty secret": _mac(bytes),
    "HS256 with the application's id": _mac(CLIENT_ID.encode),
    "HS256 with the session secret": _mac(tokens.SESSION_SECRET.encode),
    "RS256 in the header, HMAC with the public key": _mac(
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
    # Keys that the token brings along
    "the attacker's key as jwk": lambda kind: _by_attacker(jwk=jwk(ATTACKER))(kind),
    "the attacker's key as jwk, instead of kid": lambda kind: _by_attacker(
        jwk=jwk(ATTACKER), kid=ABSENT
    )(kind),
    "the attacker's key as jwk, with the tenant's kid": lambda kind: _by_attacker(
        jwk=jwk(ATTACKER) | {"kid": KID}
    )(kind),
    "the tenant's key as jwk": lambda kind: _header(jwk=jwk())(kind),
    "an oct key as jwk": _mac(lambda: b"k" * 32, jwk={"kty": "oct", "k": segment(b"k" * 32)}),
    **{
        f"the attacker's key by {name}": _by_attacker(**{name: value})
        for name, value in {
            "jku": "https://attacker.example/.well-known/jwks.json",
            "x5u": "https://attacker.example/chain.pem",
            "x5c": ["MIIB"],
            "x5t": segment(b"t" * 20),
            "x5t#S256": segment(b"t" * 32),
        }.items()
    },
    # Members that an access token of Auth0 does not have
    **{
        f"{name} {json.dumps(value)}": _header(**{name: value})
        for name, value in (
            *[("crit", ["exp"]), ("crit", []), ("crit", ["b64"]), ("crit", None), ("crit", "exp")],
            *[("b64", False), ("b64", True), ("zip", "DEF"), ("enc", "A256GCM"), ("cty", "JWT")],
            *[("jwk", "RSA"), ("jku", f"{ISSUER}.well-known/jwks.json")],
            *[("x5c", []), ("x5t", "AA"), ("nonce", "n"), ("iss", ISSUER), ("more", 1)],
            *[("url", AUDIENCE), ("p2c", 1), ("apu", "AA"), ("epk", {}), ("", "")],
        )
    },
    "crit naming b64, and b64 false": _header(crit=["b64"], b64=False),
    "claims unencoded as b64 false has it": lambda kind: (
        lambda header, claims: (
            f"{header}.{segment(claims)}.{segment(signature(f'{header}.{claims.decode()}'))}"
        )
    )(segment(kind.header(b64=False, crit=["b64"])), json.dumps(kind.claims()).encode()),
    # Other kinds of tokens by typ
    **{
        f"typ {typ!r}": _header(typ=typ)
        for typ in (
            *("jwt", "Jwt", "JWT ", "JOSE", "JWE", "id_token", "ID", "logout+jwt", "secevent+jwt"),
            *("dpop+jwt", "token-introspection+jwt", "oauth-authz-req+jwt", "application/jwt"),
            *(
                "application/at+jwt",
                "at+JWT",
                "AT+JWT",
                "at jwt",
                "rt+jwt",
                "refresh+jwt",
                "vc+jwt",
            ),
            *("", None, True, 1, ["JWT"], ["at+jwt"], {"JWT": "JWT"}),
        )
    },
    "no typ": _header(typ=ABSENT),
    "typ in capitals": lambda kind: _header(typ=ABSENT, TYP=kind.typ)(kind),
    "typ of the other dialect": lambda kind: _header(typ="at+jwt" if kind.typ == "JWT" else "JWT")(
        kind
    ),
    # Which key
    "no kid": _header(kid=ABSENT),
    **{
        f"kid {what}": _header(kid=kid)
        for what, kid in {
            "null": None,
            "a number": 0,
            "true": True,
            "a list of the right one": [KID],
            "an object": {KID: KID},
            "empty": "",
            "unknown": "nobody's key",
            "in capitals": KID.upper(),
            "with a space after": f"{KID} ",
            "with a line feed after": f"{KID}\n",
            "cut short": KID[:-1],
            "a path": "../../../../dev/null",
            "a path to this key": f"./{KID}",
            "a path with an escape": "..%2f..%2fdev%2fnull",
            "an address": "https://attacker.example/key",
            "SQL": "' union select 'a' --",
            "a command": "key | /bin/sleep 9",
            "a template": "{{7*7}}",
            "a name of Python's": "__class__",
            "of 3000 characters": "k" * 3_000,
            "not ASCII": "kl\u00fcssel\U0001f511",
        }.items()
    },
    "the attacker's key under its own kid": _by_attacker(kid=ATTACKER),
}


@functools.cache
def _numbers() -> Any:
    return private_key().private_numbers()


@functools.cache
def _apply_private_key(message: int) -> int:
    """RSA's private operation on any number (RFC 8017 section 5.2.1, in the fast form)."""
    numbers = _numbers()
    first, second = (
        pow(message, numbers.dmp1, numbers.p),
        pow(message, numbers.dmq1, numbers.q),
    )
    made: int = second + (first - second) * numbers.iqmp % numbers.p * numbers.q
    return made


_HASH: dict[str, Callable[[bytes], bytes]] = {
    "HASH": lambda text: hashlib.sha256(text).digest(),
    "CUT": lambda text: hashlib.sha256(text).digest()[:-1],
    "LONG": lambda text: hashlib.sha256(text).digest() + b"\0",
    "FLIPPED": lambda text: (
        bytes([hashlib.sha256(text).digest()[0] ^ 1]) + hashlib.sha256(text).digest()[1:]
    ),
    "REVERSED": lambda text: hashlib.sha256(text).digest()[::-1],
    "TWICE": lambda text: hashlib.sha256(hashlib.sha256(text).digest()).digest(),
    "ZEROS": lambda text: bytes(32),
    "MD5": lambda text: hashlib.md5(text, usedforsecurity=False).digest(),
    "SHA1": lambda text: hashlib.sha1(text, usedforsecurity=False).digest(),
    "SHA224": lambda text: hashlib.sha224(text).digest(),
    "SHA384": lambda text: hashlib.sha384(text).digest(),
    "SHA512": lambda text: hashlib.sha512(text).digest(),
    "SHA3": lambda text: hashlib.sha3_256(text).digest(),
}


def sign_block(kind: Kind, block: str) -> str:
    """
    Sign the 256 bytes that *block* describes instead of those of RFC 8017 section 9.2.

    Bytes are hexadecimal, `HASH` and its like stand for a hash of the text, and the byte before
    the asterisk is repeated until there are enough.
    """
    text = kind.unsigned()
    for name, make in _HASH.items():
        block = re.sub(rf"\b{name}\b", make(text.encode()).hex(), block)
    before, _, after = block.partition("*")
    first, last = bytes.fromhex(before), bytes.fromhex(after)
    encoded = first + first[-1:] * (256 - len(first) - len(last)) + last
    assert len(encoded) == 256, block
    made = _apply_private_key(int.from_bytes(encoded, "big"))
    return f"{text}.{segment(made.to_bytes(256, 'big'))}"


SHA256 = "06 09 60 86 48 01 65 03 04 02 01"
DIGEST_INFO = f"30 31 30 0d {SHA256} 05 00 04 20 HASH"
RIGHT_BLOCK = f"00 01 ff* 00 {DIGEST_INFO}"

# The families of Wycheproof's tests of RSASSA-PKCS1-v1_5 under a key of our own.
BLOCKS: dict[str, str] = {
    # Around the DigestInfo
    "no zero before the hash": f"00 01 ff* {DIGEST_INFO}",
    "one instead of zero before the hash": f"00 01 ff* 01 {DIGEST_INFO}",
    "two zeros before the hash": f"00 01 ff* 00 00 {DIGEST_INFO}",
    "block type 0": f"00 00 ff* 00 {DIGEST_INFO}",
    "block type 2": f"00 02 ff* 00 {DIGEST_INFO}",
    "block type 2 with other padding": f"00 02 a5* 00 {DIGEST_INFO}",
    "block type 1 with other padding": f"00 01 a5* 00 {DIGEST_INFO}",
    "block type 1 with zeros": f"00 01 00* {DIGEST_INFO}",
    "block type 3": f"00 03 ff* 00 {DIGEST_INFO}",
    "block type of all ones": f"00 ff* 00 {DIGEST_INFO}",
    "no zero at the beginning": f"01 ff* 00 {DIGEST_INFO}",
    "one instead of zero at the beginning": f"01 01 ff* 00 {DIGEST_INFO}",
    "two zeros at the beginning": f"00 00 01 ff* 00 {DIGEST_INFO}",
    "another byte at the beginning of the padding": f"00 01 fe ff* 00 {DIGEST_INFO}",
    "another byte in the padding": f"00 01 ff ff ff 7f ff* 00 {DIGEST_INFO}",
    "another byte at the end of the padding": f"00 01 ff* fe 00 {DIGEST_INFO}",
    "a zero in the padding": f"00 01 ff ff ff ff ff ff ff ff 00 ff* 00 {DIGEST_INFO}",
    "no padding, zeros after the hash": f"00 01 00 {DIGEST_INFO} 00*",
    "one byte of padding, zeros after the hash": f"00 01 ff 00 {DIGEST_INFO} 00*",
    "eight bytes of padding, zeros after the hash": f"00 01 {'ff' * 8} 00 {DIGEST_INFO} 00*",
    "eight bytes of padding, ones after the hash": f"00 01 {'ff' * 8} 00 {DIGEST_INFO} ff*",
    "eight bytes of padding, rubbish after the hash": f"00 01 {'ff' * 8} 00 {DIGEST_INFO} a5*",
    "a byte after the hash": f"00 01 ff* 00 {DIGEST_INFO} 00",
    "two bytes after the hash": f"00 01 ff* 00 {DIGEST_INFO} 05 00",
    "zeros before everything": f"00* 00 01 {'ff' * 8} 00 {DIGEST_INFO}",
    "the hash in the middle": f"00 01 {'ff' * 90} 00 {DIGEST_INFO} a5*",
    "the hash alone": "00* HASH",
    "the hash with padding alone": "00 01 ff* 00 HASH",
    "the DigestInfo alone": f"00* {DIGEST_INFO}",
    "ANSI X9.31": "6b bb* ba HASH 34 cc",
    "ISO 9796-2": "4a bb* ba HASH bc",
    # The DigestInfo itself
    **{
        f"a DigestInfo with {what}": f"00 01 ff* 00 {info}"
        for what, info in {
            "SHA-1": "30 21 30 09 06 05 2b 0e 03 02 1a 05 00 04 14 SHA1",
            "MD5": "30 20 30 0c 06 08 2a 86 48 86 f7 0d 02 05 05 00 04 10 MD5",
            "SHA-224": "30 2d 30 0d 06 09 608648016503040204 05 00 04 1c SHA224",
            "SHA-384": "30 41 30 0d 06 09 608648016503040202 05 00 04 30 SHA384",
            "SHA-512": "30 51 30 0d 06 09 608648016503040203 05 00 04 40 SHA512",
            "SHA3-256": "30 31 30 0d 06 09 608648016503040208 05 00 04 20 SHA3",
            "the name of SHA-1": "30 2d 30 09 06 05 2b 0e 03 02 1a 05 00 04 20 HASH",
            "the name of SHA-512": "30 31 30 0d 06 09 608648016503040203 05 00 04 20 HASH",
            "the name of SHA-512/256": "30 31 30 0d 06 09 608648016503040206 05 00 04 20 HASH",
            "the name of RSA with SHA-256": "30 31 30 0d 06 09 2a864886f70d01010b 05 00 04 20 HASH",
            "SHA-256 and SHA-1's hash": f"30 25 30 0d {SHA256} 05 00 04 14 SHA1",
            "a bit of the hash flipped": f"30 31 30 0d {SHA256} 05 00 04 20 FLIPPED",
            "the hash reversed": f"30 31 30 0d {SHA256} 05 00 04 20 REVERSED",
            "the hash of the hash": f"30 31 30 0d {SHA256} 05 00 04 20 TWICE",
            "zeros for the hash": f"30 31 30 0d {SHA256} 05 00 04 20 ZEROS",
            "the hash cut": f"30 30 30 0d {SHA256} 05 00 04 1f CUT",
            "the hash and a zero": f"30 32 30 0d {SHA256} 05 00 04 21 LONG",
            "no hash": f"30 11 30 0d {SHA256} 05 00 04 00",
            "no octet string": f"30 0f 30 0d {SHA256} 05 00",
            "no algorithm": "30 22 04 20 HASH",
            "no parameters": f"30 2f 30 0b {SHA256} 04 20 HASH",
            "two parameters": f"30 33 30 0f {SHA256} 05 00 05 00 04 20 HASH",
            "parameters that are an empty string": f"30 31 30 0d {SHA256} 04 00 04 20 HASH",
            "parameters that are no ASN.1": f"30 31 30 0d {SHA256} 00 00 04 20 HASH",
            "parameters that hold rubbish": (
                f"30 81b1 30 818c {SHA256} 05 7f {'a5' * 127} 04 20 HASH"
            ),
            "parameters that are a string of rubbish": (
                f"30 81b1 30 818c {SHA256} 04 7f {'a5' * 127} 04 20 HASH"
            ),
            "rubbish after the hash": f"30 41 30 0d {SHA256} 05 00 04 20 HASH {'a5' * 16}",
            "NULL after the hash": f"30 33 30 0d {SHA256} 05 00 04 20 HASH 05 00",
            "its length in two bytes": f"30 8131 30 0d {SHA256} 05 00 04 20 HASH",
            "its length in three bytes": f"30 820031 30 0d {SHA256} 05 00 04 20 HASH",
            "its length in nine bytes": (f"30 880000000000000031 30 0d {SHA256} 05 00 04 20 HASH"),
            "its length wrapped around": (f"30 850100000031 30 0d {SHA256} 05 00 04 20 HASH"),
            "the algorithm's length in two bytes": f"30 32 30 810d {SHA256} 05 00 04 20 HASH",
            "the name's length in two bytes": (
                "30 32 30 0e 06 8109 608648016503040201 05 00 04 20 HASH"
            ),
            "the parameters' length in two bytes": f"30 32 30 0e {SHA256} 05 8100 04 20 HASH",
            "the hash's length in two bytes": f"30 32 30 0d {SHA256} 05 00 04 8120 HASH",
            "the hash's length in three bytes": f"30 33 30 0d {SHA256} 05 00 04 820020 HASH",
            "no length of its own": f"30 80 30 0d {SHA256} 05 00 04 20 HASH 00 00",
            "no length of the algorithm": f"30 33 30 80 {SHA256} 05 00 00 00 04 20 HASH",
            "no length of the hash": f"30 35 30 0d {SHA256} 05 00 24 80 04 20 HASH 00 00",
            "the hash in two pieces": f"30 33 30 0d {SHA256} 05 00 24 22 04 20 HASH",
            "a length one too small": f"30 30 30 0d {SHA256} 05 00 04 20 HASH",
            "a length one too large": f"30 32 30 0d {SHA256} 05 00 04 20 HASH",
            "an algorithm one too short": f"30 31 30 0c {SHA256} 05 00 04 20 HASH",
            "an algorithm one too long": f"30 31 30 0e {SHA256} 05 00 04 20 HASH",
            "a hash one too short": f"30 31 30 0d {SHA256} 05 00 04 1f HASH",
            "a hash one too long": f"30 31 30 0d {SHA256} 05 00 04 21 HASH",
            "a length of zero": f"30 00 30 0d {SHA256} 05 00 04 20 HASH",
            "a set instead of a sequence": f"31 31 30 0d {SHA256} 05 00 04 20 HASH",
            "a set for the algorithm": f"30 31 31 0d {SHA256} 05 00 04 20 HASH",
            "a bit string for the hash": f"30 31 30 0d {SHA256} 05 00 03 20 HASH",
            "a relative name": "30 31 30 0d 0d 09 608648016503040201 05 00 04 20 HASH",
            "a filled-up name": "30 32 30 0e 06 0a 80608648016503040201 05 00 04 20 HASH",
            "a name that goes on": "30 32 30 0e 06 0a 60864801650304020100 05 00 04 20 HASH",
            "an empty name": "30 28 30 04 06 00 05 00 04 20 HASH",
            "a sequence around it": f"30 33 {DIGEST_INFO}",
        }.items()
    },
}


def _block(block: str) -> Row:
    return lambda kind: sign_block(kind, block)


def _number(change: Callable[[int, int], int], size: int = 256) -> Row:
    """Change the signature as a number, given it and the modulus."""

    def forge(kind: Kind) -> str:
        text = kind.unsigned()
        made = int.from_bytes(signature(text), "big")
        return f"{text}.{segment(change(made, _modulus_number()).to_bytes(size, 'big'))}"

    return forge


def _modulus_number() -> int:
    return private_key().public_key().public_numbers().n


def _signature(change: Callable[[bytes], bytes]) -> Row:
    def forge(kind: Kind) -> str:
        text = kind.unsigned()
        return f"{text}.{segment(change(signature(text)))}"

    return forge


def _signed_other(text_of: Callable[[str, str], str]) -> Row:
    """A right signature over something else."""

    def forge(kind: Kind) -> str:
        header, claims = kind.unsigned().split(".")
        return f"{header}.{claims}.{segment(signature(text_of(header, claims)))}"

    return forge


def _decode(part: str) -> str:
    return base64.urlsafe_b64decode(part + "==").decode()


SIGNATURES: dict[str, Row] = {
    "signed with the attacker's key": _by_attacker(),
    "the signature of another token": lambda kind: (
        f"{kind.unsigned()}.{kind.token(more=1).rpartition('.')[2]}"
    ),
    "the claims of another person": _parts(
        lambda header, claims, mac: (
            f"{header}.{segment(json.loads(_decode(claims)) | {'sub': 'auth0|ann'})}.{mac}"
        )
    ),
    "the claims written otherwise": _parts(
        lambda header, claims, mac: f"{header}.{segment((_decode(claims) + ' ').encode())}.{mac}"
    ),
    "the header written otherwise": _parts(
        lambda header, claims, mac: f"{segment((_decode(header) + ' ').encode())}.{claims}.{mac}"
    ),
    "a signature over the header alone": _signed_other(lambda header, claims: header),
    "a signature over the claims alone": _signed_other(lambda header, claims: claims),
    "a signature over the claims as JSON": _signed_other(lambda header, claims: _decode(claims)),
    "a signature over both without the dot": _signed_other(lambda header, claims: header + claims),
    "a signature over both in turn": _signed_other(lambda header, claims: f"{claims}.{header}"),
    "a signature over both with a dot after": _signed_other(
        lambda header, claims: f"{header}.{claims}."
    ),
    "a signature over the header with no claims": _signed_other(
        lambda header, claims: f"{header}."
    ),
    "a signature over nothing": _signed_other(lambda header, claims: ""),
    "the first bit of the signature flipped": _signature(lambda made: _flip(made, 0)),
    "a bit in the signature flipped": _signature(lambda made: _flip(made, 100)),
    "the last bit of the signature flipped": _signature(lambda made: _flip(made, 255)),
    "the signature reversed": _signature(lambda made: made[::-1]),
    "the signature cut by a byte": _signature(lambda made: made[:-1]),
    "the signature without its first byte": _signature(lambda made: made[1:]),
    "the signature cut to 32 bytes": _signature(lambda made: made[:32]),
    "one byte of signature": _signature(lambda made: made[:1]),
    "a byte after the signature": _signature(lambda made: made + b"\0"),
    "a zero before the signature": _signature(lambda made: b"\0" + made),
    "two zeros before the signature": _signature(lambda made: b"\0\0" + made),
    "the signature twice": _signature(lambda made: made + made),
    "the signature in hexadecimal": _signature(lambda made: made.hex().encode()),
    "the signature in base64url twice": _signature(lambda made: segment(made).encode()),
    "a signature of zeros": _signature(lambda made: bytes(256)),
    "a signature of ones": _signature(lambda made: b"\xff" * 256),
    "a signature that is the hash": _signature(lambda made: b"h" * 32),
    "a signature of 512 bytes": _signature(lambda made: made.rjust(512, b"\0")),
    "the number 1": _number(lambda made, n: 1),
    "the number 2": _number(lambda made, n: 2),
    "the modulus": _number(lambda made, n: n),
    "the modulus less 1": _number(lambda made, n: n - 1),
    "the modulus more": _number(lambda made, n: made + n, 257),
    "the modulus less the signature": _number(lambda made, n: n - made),
    "the inverse of the signature": _number(lambda made, n: pow(made, -1, n)),
    "the square of the signature": _number(lambda made, n: made * made % n),
    "what the signature says": _number(lambda made, n: pow(made, 65537, n)),
    **{f"signed with {what}": _block(block) for what, block in BLOCKS.items()},
}


def _flip(made: bytes, at: int) -> bytes:
    return made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :]


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
ODD_TIMES: dict[str, Callable[[int], object]] = {
    "missing": lambda at: ABSENT,
    "null": lambda at: None,
    "true": lambda at: True,
    "false": lambda at: False,
    "a string": str,
    "empty": lambda at: "",
    "a date": lambda at: "2030-01-01T00:00:00Z",
    "a list": lambda at: [at],
    "an object": lambda at: {"at": at},
    "negative": lambda at: -at,
    "zero": lambda at: 0,
    "in milliseconds": lambda at: at * 1_000,
    "of 20 digits": lambda at: 10**19,
    "1e308": lambda at: 1e308,
}


def _in(*seconds: int) -> Row:
    """Issued and expiring this many seconds from now."""
    return lambda kind: kind.token(iat=_now() + seconds[0], exp=_now() + seconds[1])


CLAIMS: dict[str, Row] = {
    # iss
    **{f"iss {what}": _claims(iss=value) for what, value in ODD.items()},
    **{
        f"iss {what}": _claims(iss=issuer)
        for what, issuer in {
            "another tenant": "https://attacker.eu.auth0.com/",
            "the same name in another region": ISSUER.replace(".eu.", ".us."),
            "with http": ISSUER.replace("https", "http"),
            "without its slash": ISSUER[:-1],
            "with two slashes": f"{ISSUER}/",
            "in capitals": ISSUER.upper(),
            "with a host in capitals": f"https://{DOMAIN.upper()}/",
            "a host alone": DOMAIN,
            "with a path": f"{ISSUER}attacker/",
            "with a query": f"{ISSUER}?",
            "with a fragment": f"{ISSUER}#",
            "with a port": f"https://{DOMAIN}:443/",
            "with a trailing dot": f"https://{DOMAIN}./",
            "with a space": f"{ISSUER} ",
            "with a line feed": f"{ISSUER}\n",
            "in front of another host": f"https://{DOMAIN}.attacker.example/",
            "as the user of another host": f"https://{DOMAIN}@attacker.example/",
            "in the path of another host": f"https://attacker.example/{DOMAIN}/",
            "cut short": ISSUER[:-2],
            "of one letter": "h",
            "with a letter that looks alike": ISSUER.replace("a", "\u0430", 1),
            "in a list": [ISSUER],
            "in a list with another": ["https://attacker.eu.auth0.com/", ISSUER],
            "as a name": {ISSUER: True},
            "with the custom domain's host alone": CUSTOM_DOMAIN,
            "with both domains": f"{ISSUER} https://{CUSTOM_DOMAIN}/",
        }.items()
    },
    # aud
    **{f"aud {what}": _claims(aud=value) for what, value in ODD.items()},
    **{
        f"aud {what}": _claims(aud=audience)
        for what, audience in {
            "another API": "https://other.example.com/",
            "other APIs": ["https://other.example.com/", f"{ISSUER}userinfo"],
            "userinfo alone": f"{ISSUER}userinfo",
            "the Management API": f"{ISSUER}api/v2/",
            "without its slash": AUDIENCE[:-1],
            "with two slashes": f"{AUDIENCE}/",
            "in capitals": AUDIENCE.upper(),
            "with http": AUDIENCE.replace("https", "http"),
            "with a space": f"{AUDIENCE} ",
            "with more after": f"{AUDIENCE}v2/",
            "with more after, in a list": [f"{AUDIENCE}v2/"],
            "with more before": f"x{AUDIENCE}",
            "of one letter": "h",
            "two in one string": f"{AUDIENCE} {ISSUER}userinfo",
            "two in one string with a comma": f"{AUDIENCE},{ISSUER}userinfo",
            "a list in a list": [[AUDIENCE]],
            "a list in a string": json.dumps([AUDIENCE]),
            "an object in a list": [{"aud": AUDIENCE}],
            "as a name": {AUDIENCE: True},
            "nothing in a list": [None],
            "letter by letter": list(AUDIENCE),
            "the application": CLIENT_ID,
            "the application in a list": [CLIENT_ID],
            "the application and the API": [AUDIENCE, CLIENT_ID],
            "of the selector": "org-selector/select",
            "of a selection token": "select-organization",
        }.items()
    },
    # exp, iat and nbf
    **{
        f"{name} {what}": _time(name, change)
        for name in ("iat", "exp")
        for what, change in ODD_TIMES.items()
    },
    "neither iat nor exp": _claims(iat=ABSENT, exp=ABSENT),
    "both far beyond": _claims(iat=10**19 - 600, exp=10**19),
    "both 1e308": _claims(iat=1e308, exp=1e308),
    "from the beginning to the end of time": _claims(iat=-1e308, exp=1e308),
    "expired a minute ago": _in(-660, -60),
    "expired a year ago": _in(-31_536_600, -31_536_000),
    "issued in a minute": _in(60, 660),
    "issued tomorrow": _in(86_400, 87_000),
    "exp equal to iat": _in(0, 0),
    "exp before iat": _in(10, -10),
    "a second more than 30 days": _in(0, 2_592_001),
    "a lifetime of ten years": _in(0, 315_360_000),
    "issued ten years ago, still good": _in(-315_360_000, 600),
    **{
        f"nbf {what}": _claims(nbf=value)
        for what, value in {"null": None, "zero": 0, "a string": "now", "in the past": 1}.items()
    },
    "nbf now": lambda kind: kind.token(nbf=_now()),
    "nbf in an hour": lambda kind: kind.token(nbf=_now() + 3_600),
    # sub
    **{f"sub {what}": _claims(sub=value) for what, value in ODD.items()},
    "sub a list of the right one": _claims(sub=[AUTH0_USER_ID]),
    "sub of 256 characters": _claims(sub="s" * 256),
    "sub of 5000 characters": _claims(sub="s" * 5_000),
    "sub the application": _claims(sub=CLIENT_ID),
    "sub the application as a client": _claims(sub=f"{CLIENT_ID}@clients"),
    # Who asked for it
    **{f"the application {what}": _client(value) for what, value in ODD.items()},
    "the application a list of the right one": _client([CLIENT_ID]),
    "the application our API": _client(AUDIENCE),
    "the application userinfo": _client(f"{ISSUER}userinfo"),
    "both names of the application": _claims(azp=CLIENT_ID, client_id=CLIENT_ID),
    "two applications": _claims(azp=CLIENT_ID, client_id="other"),
    "the other dialect's name too, null": lambda kind: kind.token(
        **{"client_id" if kind.typ == "JWT" else "azp": None}
    ),
    "the other dialect's name alone": lambda kind: kind.token(
        azp=CLIENT_ID if kind.typ == "at+jwt" else ABSENT,
        client_id=CLIENT_ID if kind.typ == "JWT" else ABSENT,
    ),
    # scope and permissions
    **{
        f"scope {what}": _claims(scope=value)
        for what, value in ODD.items()
        if what not in ("missing", "empty")
    },
    "scope a list of the right ones": _claims(scope=["read:projects"]),
    **{
        f"permissions {what}": _claims(permissions=value)
        for what, value in ODD.items()
        if what not in ("missing", "an empty list")
    },
    "permissions a string": _claims(permissions="org:abc-inc"),
    "permissions an object": _claims(permissions={"org:abc-inc": True}),
}


def _id_token(**changes: object) -> dict[str, object]:
    """What Auth0 puts into an ID token, with the Action's claims."""
    now = _now()
    claims: dict[str, object] = {
        ORG_CLAIM: ORG_ID,
        f"{NAMESPACE}org_slug": "abc-inc",
        f"{NAMESPACE}org_name": "ABC Inc",
        ORG_ROLE: "member",
        "nickname": "joe",
        "name": "Joe Doe",
        "picture": "https://s.gravatar.com/avatar/0",
        "updated_at": "2026-01-01T00:00:00.000Z",
        "email": "joe@example.com",
        "email_verified": True,
        "iss": ISSUER,
        "sub": AUTH0_USER_ID,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + 36_000,
        "sid": "s" * 32,
        "nonce": "bm9uY2U",
    }
    return {name: value for name, value in (claims | changes).items() if value is not ABSENT}


def _other(typ: str, claims: Callable[[], dict[str, object]]) -> Row:
    """A token of another kind, signed by the tenant."""
    return lambda kind: sign(valid_header(typ=typ), claims())


def _machine(**changes: object) -> Row:
    """What Auth0 gives for a client's own credentials, with our claims though no Action runs."""

    def forge(kind: Kind) -> str:
        own: dict[str, object] = {"sub": "machine@clients", "aud": AUDIENCE}
        own[kind.client_claim] = "machine"
        if kind.typ == "JWT":
            own["gty"] = "client-credentials"
        return kind.token(**own | changes)

    return forge


def _logout_token(**changes: object) -> dict[str, object]:
    """What Auth0 sends for a back-channel logout."""
    event = "http://schemas.openid.net/event/backchannel-logout"
    own: dict[str, object] = {
        "aud": CLIENT_ID,
        "sid": "s" * 32,
        "events": {event: {}},
        "azp": ABSENT,
        "scope": ABSENT,
        "jti": "j" * 22,
    }
    return valid_claims(**own | changes)


def _ours(claims: Callable[[], dict[str, Any]], secret: str) -> Row:
    """A token of the selector or the Action as it is."""
    return lambda kind: tokens.sign(tokens.HEADER, claims(), secret)


def _ours_by_tenant(claims: Callable[[], dict[str, Any]]) -> Row:
    """The same claims under the tenant's signature."""
    return lambda kind: sign(kind.header(), claims())


KINDS_OF_OURS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "session": (tokens.valid_session_claims, tokens.SESSION_SECRET),
    "decision": (tokens.valid_decision_claims, tokens.SESSION_SECRET),
    "selection": (tokens.valid_selection_claims, tokens.SELECTION_SECRET),
}
OTHER_TOKENS: dict[str, Row] = {
    "an ID token": _other("JWT", _id_token),
    "an ID token without our claims": _other(
        "JWT",
        lambda: _id_token(
            **{f"{NAMESPACE}{name}": ABSENT for name in ("org_id", "org_slug", "org_name")}
        ),
    ),
    "an ID token with azp": _other("JWT", lambda: _id_token(azp=CLIENT_ID)),
    "an ID token with typ at+jwt": _other("at+jwt", lambda: _id_token(client_id=CLIENT_ID)),
    "an ID token for two audiences": _other(
        "JWT", lambda: _id_token(aud=[CLIENT_ID, AUDIENCE], azp=CLIENT_ID)
    ),
    "an ID token of an application called as our API": _other(
        "JWT", lambda: _id_token(aud=AUDIENCE, nonce=ABSENT)
    ),
    "an ID token of an application called as our API, with azp": _other(
        "JWT", lambda: _id_token(aud=AUDIENCE, azp=AUDIENCE, nonce=ABSENT)
    ),
    "an ID token for our API": _other("JWT", lambda: _id_token(aud=AUDIENCE, azp=CLIENT_ID)),
    **{
        f"{name} as in an ID token": _claims(**{name: "n" * 22})
        for name in ("nonce", "at_hash", "c_hash", "s_hash")
    },
    "nonce as in an ID token, null": _claims(nonce=None),
    **{
        f"our {name} as in an ID token": _claims(**{f"{NAMESPACE}{name}": "abc-inc"})
        for name in ("org_slug", "org_name")
    },
    "a machine's token": _machine(),
    "a machine's token as Auth0 makes it": _machine(
        **{ORG_CLAIM: ABSENT, ORG_ROLE: ABSENT}, scope="read:projects", permissions=ABSENT
    ),
    "a machine's token without gty": _machine(gty=ABSENT),
    "a machine's token with the client as sub": _machine(sub="machine", gty=ABSENT),
    "a machine's token with a person as sub": _machine(sub=AUTH0_USER_ID, gty="client-credentials"),
    "a logout token": _other("logout+jwt", _logout_token),
    "a logout token called JWT": _other("JWT", _logout_token),
    "a logout token for our API": _other("JWT", lambda: _logout_token(aud=AUDIENCE)),
    "a security event": _other("secevent+jwt", _logout_token),
    "a DPoP proof": lambda kind: sign(
        {"typ": "dpop+jwt", "alg": "RS256", "jwk": jwk(ATTACKER)},
        {"jti": "j", "htm": "GET", "htu": f"{AUDIENCE}me", "iat": _now()},
        key=ATTACKER,
    ),
    "a client assertion": lambda kind: sign(
        kind.header(),
        {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ISSUER, "iat": _now(), "exp": _now() + 60},
        key=ATTACKER,
    ),
    "the answer of /userinfo": _other(
        "JWT", lambda: {"sub": AUTH0_USER_ID, ORG_CLAIM: ORG_ID, "email": "joe@example.com"}
    ),
    **{
        f"our {what} token": _ours(claims, secret)
        for what, (claims, secret) in KINDS_OF_OURS.items()
    },
    **{
        f"our {what} token by the tenant": _ours_by_tenant(claims)
        for what, (claims, _) in KINDS_OF_OURS.items()
    },
    "the other design's token": lambda kind: Kind(
        not kind.one_organization, kind.typ, kind.org_id
    ).token(),
    "a token of both designs": lambda kind: kind.token(
        **{ORG_CLAIM: kind.org_id, "permissions": list(PERMISSIONS)}
    ),
    "Auth0's own organization too": _claims(org_id="org_AbCdEf0123456789"),
    "Auth0's own organization too, null": _claims(org_id=None),
}

# For every kind of token; in the order in which `access_token.py` itself has most to say about.
FAMILIES: Final = (CLAIMS, OTHER_TOKENS, HEADERS, SIGNATURES, JSON, RAW)
FORGED: Final[dict[str, Row]] = {name: row for rows in FAMILIES for name, row in rows.items()}


def _org(change: Callable[[str], object]) -> Row:
    return lambda kind: kind.token(**{ORG_CLAIM: change(kind.org_id)})


def _elsewhere(name: str) -> Row:
    return lambda kind: kind.token(**{ORG_CLAIM: ABSENT, name: kind.org_id})


# For tokens of one organization only.
FORGED_ORGANIZATIONS: Final[dict[str, Row]] = {
    **{f"organization {what}": _claims(**{ORG_CLAIM: value}) for what, value in ODD.items()},
    **{
        f"organization {what}": _org(change)
        for what, change in {
            "in a list": lambda one: [one],
            "two in a list": lambda one: [one, "5d3d0b6c-8a6e-4d5b-9f57-1e2d3c4b5a69"],
            "twice in a list": lambda one: [one, one],
            "two in one string": lambda one: f"{one} 5d3d0b6c-8a6e-4d5b-9f57-1e2d3c4b5a69",
            "two with a comma": lambda one: f"{one},5d3d0b6c-8a6e-4d5b-9f57-1e2d3c4b5a69",
            "as a name": lambda one: {one: "member"},
            "in an object": lambda one: {"id": one},
            "in capitals": str.upper,
            "with one capital": lambda one: re.sub("[a-f]", lambda at: at[0].upper(), one, count=1),
            "in braces": lambda one: f"{{{one}}}",
            "as a URN": lambda one: f"urn:uuid:{one}",
            "without hyphens": lambda one: one.replace("-", ""),
            "with a hyphen too many": lambda one: f"{one[:4]}-{one[4:]}",
            "with other hyphens": lambda one: one.replace("-", "\u2010"),
            "with underscores": lambda one: one.replace("-", "_"),
            "with hyphens elsewhere": lambda one: f"{one[:7]}-{one[7]}{one[9:]}",
            "with a space before": lambda one: f" {one}",
            "with a space after": lambda one: f"{one} ",
            "with a line feed before": lambda one: f"\n{one}",
            "with a line feed after": lambda one: f"{one}\n",
            "in digits of another script": lambda one: one.replace("0", "\u0660").replace(
                "1", "\u0661"
            ),
            "in full-width digits": lambda one: one.translate(
                {ord(digit): 0xFEE0 + ord(digit) for digit in "0123456789"}
            ),
            "with a letter that is not hexadecimal": lambda one: f"g{one[1:]}",
            "cut short": lambda one: one[:-1],
            "with a letter too many": lambda one: f"{one}0",
            "its slug": lambda one: "abc-inc",
            "Auth0's": lambda one: "org_AbCdEf0123456789",
            "as a number": lambda one: int(one.replace("-", ""), 16) % 10**19,
            "with a wildcard": lambda one: f"{one[:-1]}%",
            "SQL": lambda one: f"{one}' or '1'='1",
            "everybody's": lambda one: "*",
        }.items()
    },
    **{
        f"organization in {what}": _elsewhere(name)
        for what, name in {
            "another namespace": "https://attacker.example/claims/org_id",
            "our namespace with http": ORG_CLAIM.replace("https", "http"),
            "our namespace without its slash": f"{NAMESPACE[:-1]}org_id",
            "our namespace in capitals": ORG_CLAIM.upper(),
            "no namespace": "org_id",
            "a name that begins alike": f"{ORG_CLAIM}s",
            "a name with a space": f"{ORG_CLAIM} ",
            "the slug's claim": f"{NAMESPACE}org_slug",
            "the scopes": "scope",
        }.items()
    },
    "an organization among the permissions": _claims(permissions=["org:xyz-travel"]),
    "this organization among the permissions": _claims(
        permissions=["read:projects", "org:abc-inc"]
    ),
    "a nameless organization among the permissions": _claims(permissions=["org:"]),
}

# For tokens that name all organizations among the permissions.
_ODD_CLAIMS: Final[dict[str, object]] = {"a UUID": ORG_ID, "null": None, "empty": "", "a list": []}
FORGED_PERMISSIONS: Final[dict[str, Row]] = {
    f"{what}, {odd}": _claims(**{name: value})
    for what, name in {
        "one organization as a claim": ORG_CLAIM,
        "a role as a claim": ORG_ROLE,
        "an unknown claim of ours": f"{NAMESPACE}org_more",
    }.items()
    for odd, value in _ODD_CLAIMS.items()
}


def rows_for(kind: Kind) -> dict[str, Row]:
    """Every forgery of this kind of token."""
    return FORGED | (FORGED_ORGANIZATIONS if kind.one_organization else FORGED_PERMISSIONS)


Valid = tuple[Row, dict[str, object]]  # the token, and what differs in what it stands for


def _valid(row: Row, **differences: object) -> Valid:
    return row, differences


VALID: Final[dict[str, Valid]] = {
    "unchanged": _valid(lambda kind: kind.token()),
    "signed by hand": _valid(lambda kind: sign_block(kind, RIGHT_BLOCK)),
    "the API alone, as a string": _valid(_claims(aud=AUDIENCE)),
    "the API alone, in a list": _valid(_claims(aud=[AUDIENCE])),
    "the API last of three": _valid(_claims(aud=["https://b.example/", "c", AUDIENCE])),
    "the custom domain": _valid(_claims(iss=f"https://{CUSTOM_DOMAIN}/")),
    "claims of other Actions": _valid(
        _claims(**{"https://other.example/x": {"y": [1, 2.5, None, True]}, "more": "\U0001f9ed"})
    ),
    "organizations of another namespace": _valid(
        _claims(**{"https://other.example/org_id": "x", "https://other.example/org_slug": "y"})
    ),
    "a session's id and a password grant": _valid(_claims(sid="s" * 32, gty="password")),
    "times with fractions": _valid(
        lambda kind: kind.token(iat=_now() - 0.5, exp=_now() + 600.5), expires_at=600.5
    ),
    "times in scientific notation": _valid(lambda kind: _written("exp", f"{_now() + 600}e0")(kind)),
    "issued in 29 s": _valid(_in(29, 629), expires_at=629),
    "expired 29 s ago": _valid(_in(-629, -29), expires_at=-29),
    "a lifetime of one second": _valid(_in(0, 1), expires_at=1),
    "a lifetime of 30 days": _valid(_in(0, 2_592_000), expires_at=2_592_000),
    "sub of one character": _valid(_claims(sub="s"), auth0_user_id="s"),
    "sub of 255 characters": _valid(_claims(sub="s" * 255), auth0_user_id="s" * 255),
    "sub not ASCII": _valid(
        _claims(sub="samlp|\u00f1|\U0001f9ed"), auth0_user_id="samlp|\u00f1|\U0001f9ed"
    ),
    "sub of another machine's form": _valid(
        _claims(sub="email|joe@clients"), auth0_user_id="email|joe@clients"
    ),
    "another application": _valid(_client("mobile"), client_id="mobile"),
    "no scope": _valid(_claims(scope=ABSENT), scopes=frozenset()),
    "an empty scope": _valid(_claims(scope=""), scopes=frozenset()),
    "one scope, twice": _valid(
        _claims(scope="read:projects read:projects"), scopes=frozenset({"read:projects"})
    ),
    "white space around the claims": _valid(_text(lambda text: f" \r\n\t{text}\n")),
    "white space in the header": _valid(_header_text(lambda text: f"{text}\n")),
    "names written with escapes": _valid(
        _text(lambda text: text.replace('"sub"', '"\\u0073\\u0075\\u0062"'))
    ),
    "nested as deep as anybody needs": _valid(_nested("[", "]", 31)),
}
VALID_ORGANIZATIONS: Final[dict[str, Valid]] = {
    "permissions that are no organizations": _valid(
        _claims(permissions=["read:projects", "ORG:x", "xorg:abc", "org", 7, None, ["org:x"]])
    ),
    "no permissions": _valid(_claims(permissions=[])),
    "no role": _valid(_claims(**{ORG_ROLE: ABSENT}), org_role=None),
    "a role that is no string": _valid(_claims(**{ORG_ROLE: ["owner"]}), org_role=None),
    "an owner": _valid(_claims(**{ORG_ROLE: "owner"}), org_role="owner"),
}
VALID_PERMISSIONS: Final[dict[str, Valid]] = {
    "no permissions": _valid(_claims(permissions=ABSENT), org_slugs=frozenset()),
    "an empty list of permissions": _valid(_claims(permissions=[]), org_slugs=frozenset()),
    "permissions that are no slugs": _valid(
        _claims(permissions=["org:", "org:A", "org:a_b", "org:-a", "org:a\n", 7, None, ["org:b"]]),
        org_slugs=frozenset(),
    ),
    "one organization": _valid(
        _claims(permissions=["org:solo-works"]), org_slugs=frozenset({"solo-works"})
    ),
}


def valid_rows_for(kind: Kind) -> dict[str, Valid]:
    """Every harmless difference of this kind of token."""
    return VALID | (VALID_ORGANIZATIONS if kind.one_organization else VALID_PERMISSIONS)
