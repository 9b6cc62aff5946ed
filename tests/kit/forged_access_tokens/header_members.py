"""The other members of the header: keys it brings along, its type, and which key it names."""

import json
from typing import Final

from local_stack.access_tokens import ABSENT, AUDIENCE, ISSUER, KID, jwk, segment
from tests.kit.forged_access_tokens.changes import change_header, sign_as_attacker, sign_with_hmac
from tests.kit.forged_access_tokens.kind import ATTACKER, Row, signature

HEADER_MEMBERS: Final[dict[str, Row]] = {
    # Keys that the token brings along
    "the attacker's key as jwk": lambda kind: sign_as_attacker(jwk=jwk(ATTACKER))(kind),
    "the attacker's key as jwk, instead of kid": lambda kind: sign_as_attacker(
        jwk=jwk(ATTACKER), kid=ABSENT
    )(kind),
    "the attacker's key as jwk, with the tenant's kid": lambda kind: sign_as_attacker(
        jwk=jwk(ATTACKER) | {"kid": KID}
    )(kind),
    "the tenant's key as jwk": lambda kind: change_header(jwk=jwk())(kind),
    "an oct key as jwk": sign_with_hmac(
        lambda: b"k" * 32, jwk={"kty": "oct", "k": segment(b"k" * 32)}
    ),
    **{
        f"the attacker's key by {name}": sign_as_attacker(**{name: value})
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
        f"{name} {json.dumps(value)}": change_header(**{name: value})
        for name, value in (
            *[("crit", ["exp"]), ("crit", []), ("crit", ["b64"]), ("crit", None), ("crit", "exp")],
            *[("b64", False), ("b64", True), ("zip", "DEF"), ("enc", "A256GCM"), ("cty", "JWT")],
            *[("jwk", "RSA"), ("jku", f"{ISSUER}.well-known/jwks.json")],
            *[("x5c", []), ("x5t", "AA"), ("nonce", "n"), ("iss", ISSUER), ("more", 1)],
            *[("url", AUDIENCE), ("p2c", 1), ("apu", "AA"), ("epk", {}), ("", "")],
        )
    },
    "crit naming b64, and b64 false": change_header(crit=["b64"], b64=False),
    "claims unencoded as b64 false has it": lambda kind: (
        lambda header, claims: (
            f"{header}.{segment(claims)}.{segment(signature(f'{header}.{claims.decode()}'))}"
        )
    )(segment(kind.header(b64=False, crit=["b64"])), json.dumps(kind.claims()).encode()),
    # Other kinds of tokens by typ
    **{
        f"typ {typ!r}": change_header(typ=typ)
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
    "no typ": change_header(typ=ABSENT),
    "typ in capitals": lambda kind: change_header(typ=ABSENT, TYP=kind.typ)(kind),
    "typ of the other dialect": lambda kind: change_header(
        typ="at+jwt" if kind.typ == "JWT" else "JWT"
    )(kind),
    # Which key
    "no kid": change_header(kid=ABSENT),
    **{
        f"kid {what}": change_header(kid=kid)
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
    "the attacker's key under its own kid": sign_as_attacker(kid=ATTACKER),
}
