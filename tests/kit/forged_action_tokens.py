"""Forged session and decision tokens, and the valid ones that they are made from."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from org_selector.action_tokens import ActionTokens
from org_selector.errors import InvalidDecisionToken, InvalidSessionToken, SelectorError
from tests.kit.action_tokens import (
    ABSENT,
    AUTH0_USER_ID,
    CUSTOM_DOMAIN,
    DOMAIN,
    HEADER,
    ORG_ID,
    SELECTION_SECRET,
    SESSION_SECRET,
    STATE,
    segment,
    sign,
    signature,
    valid_decision_claims,
    valid_selection_claims,
    valid_session_claims,
)

OLD_SESSION_SECRET = "session-secret-before-rotation-1"
FOREIGN_SECRET = "nobody-listed-this-secret-at-all"
BODY = b'{"user":{"id":"auth0|joe"}}'
TOKENS = ActionTokens(
    session_secrets=[SESSION_SECRET, OLD_SESSION_SECRET],
    selection_secrets=[SELECTION_SECRET, "selection-secret-before-rotation"],
    domains=[DOMAIN, CUSTOM_DOMAIN],
)


@dataclass(frozen=True)
class Kind:
    """One of the two tokens that the selector accepts: its claims, its check and its refusal."""

    claims: Callable[..., dict[str, Any]]
    verify: Callable[[str], object]
    refusal: type[SelectorError]
    lifetime: int

    def token(self, **changes: object) -> str:
        """Make a correctly signed token with some claims changed."""
        return sign(HEADER, self.claims(**changes), SESSION_SECRET)

    def with_header(self, **changes: object) -> str:
        """Make a correctly signed token with valid claims and a changed header."""
        header = dict(HEADER) | changes
        present = {name: value for name, value in header.items() if value is not ABSENT}
        return sign(present, self.claims(), SESSION_SECRET)

    def json(self, **changes: object) -> str:
        """Return the claims as JSON text, for a row to change as no JSON library would write it."""
        return json.dumps(self.claims(**changes))

    def signed_text(self, claims: str) -> str:
        """Make a correctly signed token whose claims are this text."""
        return sign(HEADER, claims.encode(), SESSION_SECRET)


SESSION = Kind(valid_session_claims, TOKENS.verify_session_token, InvalidSessionToken, 600)
DECISION = Kind(
    lambda **changes: valid_decision_claims(BODY, **changes),
    lambda token: TOKENS.verify_decision_token(token, BODY),
    InvalidDecisionToken,
    30,
)
Row = Callable[[Kind], str]


def _now() -> int:
    return int(time.time())


def _parts(kind: Kind) -> list[str]:
    return kind.token().split(".")


def _other_spelling(text: str) -> str:
    """Return another base64url text for the same bytes, which differs in an unused bit."""
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        spelled = text[:-1] + last
        padding = "=" * (-len(text) % 4)
        same = base64.urlsafe_b64decode(spelled + padding) == base64.urlsafe_b64decode(
            text + padding
        )
        if spelled != text and same:
            return spelled
    raise AssertionError("this segment has no unused bits")


def _unused_bits(kind: Kind) -> str:
    header, claims, mac = _parts(kind)
    return f"{header}.{claims}.{_other_spelling(mac)}"


def _json_serialization(kind: Kind) -> str:
    protected, payload, mac = _parts(kind)
    return json.dumps({"protected": protected, "payload": payload, "signature": mac})


def _altered_claims(kind: Kind) -> str:
    header, _, mac = _parts(kind)
    return f"{header}.{segment(kind.claims(sub='auth0|ann'))}.{mac}"


def _public_key_as_secret(kind: Kind) -> str:
    pem = b"-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJB\n-----END PUBLIC KEY-----"
    return sign({"alg": "HS256", "typ": "JWT"}, kind.claims(), pem)


def _unsigned(algorithm: object) -> Row:
    return lambda kind: f"{segment({'alg': algorithm, 'typ': 'JWT'})}.{segment(kind.claims())}."


def _unsigned_with_mac(algorithm: object) -> Row:
    return lambda kind: kind.with_header(alg=algorithm)


def _hmac(algorithm: str) -> Row:
    return lambda kind: sign(
        {"alg": algorithm, "typ": "JWT"}, kind.claims(), SESSION_SECRET, algorithm=algorithm
    )


def _header(**changes: object) -> Row:
    return lambda kind: kind.with_header(**changes)


def _claims(**changes: object) -> Row:
    return lambda kind: kind.token(**changes)


def _raw(change: Callable[[str], str]) -> Row:
    return lambda kind: change(kind.token())


def _text(change: Callable[[str], str]) -> Row:
    return lambda kind: kind.signed_text(change(kind.json()))


def _header_text(header: str) -> Row:
    return lambda kind: sign(header.encode(), kind.claims(), SESSION_SECRET)


def _secret(secret: str | bytes) -> Row:
    return lambda kind: sign(HEADER, kind.claims(), secret)


def _time(name: str, change: Callable[[int], object]) -> Row:
    return lambda kind: kind.token(**{name: change(kind.claims()[name])})


def _encoded(encoding: str) -> Row:
    return lambda kind: sign(HEADER, kind.json().encode(encoding), SESSION_SECRET)


ODD_TIMES: dict[str, Callable[[int], object]] = {
    "missing": lambda at: ABSENT,
    "null": lambda at: None,
    "a string": str,
    "a float": float,
    "a fraction": lambda at: at + 0.5,
    "true": lambda at: True,
    "a list": lambda at: [at],
    "an object": lambda at: {"at": at},
    "no number": lambda at: "soon",
    "negative": lambda at: -at,
    "zero": lambda at: 0,
    "of 20 digits": lambda at: 10**19,
    "in milliseconds": lambda at: at * 1000,
}
FORGERIES: dict[str, Row] = {
    # The signature and the key
    "signed with a secret that is not listed": _secret(FOREIGN_SECRET),
    "signed with the selection secret": _secret(SELECTION_SECRET),
    "signed with the empty key": _secret(b""),
    "signed with the secret and a line feed": _secret(f"{SESSION_SECRET}\n"),
    "signed with a public key": _public_key_as_secret,
    "the signature of other claims": _altered_claims,
    "the first byte of the signature changed": lambda kind: (
        lambda parts: f"{parts[0]}.{parts[1]}.{'B' if parts[2][0] == 'A' else 'A'}{parts[2][1:]}"
    )(_parts(kind)),
    "the signature cut to 16 bytes": lambda kind: (
        lambda text: f"{text}.{segment(signature(text, SESSION_SECRET)[:16])}"
    )(kind.token().rpartition(".")[0]),
    "one byte after the signature": lambda kind: (
        lambda text: f"{text}.{segment(signature(text, SESSION_SECRET) + b'0')}"
    )(kind.token().rpartition(".")[0]),
    "no signature": _raw(lambda token: token.rpartition(".")[0] + "."),
    # The algorithm
    **{
        f"alg {spelling!r} and no signature": _unsigned(spelling)
        for spelling in ("none", "None", "NONE", "nOnE", "none ", "", None)
    },
    **{
        f"alg {spelling!r} and the right MAC": _unsigned_with_mac(spelling)
        for spelling in (
            *("none", "None", "NONE", "hs256", "HS256 ", "HMAC", "dir", "", None, True, 256),
            *("HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA", ["HS256"], {"alg": "HS256"}),
        )
    },
    "no alg": _header(alg=ABSENT),
    "HS384": _hmac("HS384"),
    "HS512": _hmac("HS512"),
    # The header
    "an unknown crit": _header(crit=["exp"]),
    "an empty crit": _header(crit=[]),
    "crit naming b64": _header(crit=["b64"], b64=True),
    "b64 false": _header(b64=False),
    "b64 true": _header(b64=True),
    "zip": _header(zip="DEF"),
    "jwk": _header(jwk={"kty": "oct", "k": "AA"}),
    "jku": _header(jku="https://attacker.example/keys"),
    "x5c": _header(x5c=["MIIB"]),
    "x5u": _header(x5u="https://attacker.example/chain"),
    "cty": _header(cty="JWT"),
    "enc": _header(enc="A256GCM"),
    "kid a number": _header(kid=1),
    "kid null": _header(kid=None),
    "kid a list": _header(kid=["a"]),
    "typ at+jwt": _header(typ="at+jwt"),
    "typ in lower case": _header(typ="jwt"),
    "typ empty": _header(typ=""),
    "typ null": _header(typ=None),
    "typ a list": _header(typ=["JWT"]),
    "alg twice in the header": _header_text('{"alg":"none","alg":"HS256","typ":"JWT"}'),
    "typ twice in the header": _header_text('{"alg":"HS256","typ":"JWT","typ":"JWT"}'),
    "the header a list": _header_text('["HS256"]'),
    "the header a string": _header_text('"HS256"'),
    "the header empty": _header_text("{}"),
    "the header no JSON": _header_text("HS256"),
    # The claims as JSON
    "sub twice": _text(lambda text: text[:-1] + ', "sub": "auth0|joe"}'),
    "aud twice, the second escaped": _text(lambda text: text[:-1] + ', "\\u0061ud": "x"}'),
    "NaN": _text(lambda text: text[:-1] + ', "more": NaN}'),
    "Infinity": _text(lambda text: text[:-1] + ', "more": -Infinity}'),
    "a number of 400 digits": _text(lambda text: text[:-1] + f', "more": {"9" * 400}}}'),
    "a number beyond any float": _text(lambda text: text[:-1] + ', "more": 1e999}'),
    "a lone surrogate": _claims(more="\ud800"),
    "a lone surrogate in a name": _text(lambda text: text[:-1] + ', "\\udfff": 1}'),
    "NUL in a claim": _claims(more="a\0b"),
    "NUL in the user's id": _claims(sub="auth0|joe\0"),
    "a trailing comma": _text(lambda text: text[:-1] + ",}"),
    "a comment": _text(lambda text: text + "//"),
    "two objects": _text(lambda text: text + "{}"),
    "a list of claims": _text(lambda text: f"[{text}]"),
    "claims that are a string": _text(lambda text: '"claims"'),
    "claims that are null": _text(lambda text: "null"),
    "no claims at all": _text(lambda text: "{}"),
    "brackets without end": _text(lambda text: "[" * 1000),
    "deeply nested": _text(lambda text: text[:-1] + f', "more": {"[" * 40}{"]" * 40}}}'),
    "bytes that are no UTF-8": lambda kind: sign(HEADER, b'{"a":"\xff"}', SESSION_SECRET),
    "UTF-16": _encoded("utf-16-le"),
    "UTF-16 with its mark": _encoded("utf-16"),
    "UTF-32": _encoded("utf-32-be"),
    "a byte order mark": _encoded("utf-8-sig"),
    # The raw string
    "the empty string": lambda kind: "",
    "one dot": lambda kind: ".",
    "two dots": lambda kind: "..",
    "one segment": _raw(lambda token: token.partition(".")[0]),
    "two segments": _raw(lambda token: token.rpartition(".")[0]),
    "four segments": _raw(lambda token: f"{token}.AA"),
    "five segments of a JWE": lambda kind: ".".join(
        [segment({"alg": "dir", "enc": "A128GCM"}), "", "AAAA", "AAAA", "AAAA"]
    ),
    "the JSON serialization": _json_serialization,
    "padding": _raw(lambda token: f"{token}="),
    "padding inside": lambda kind: (lambda parts: f"{parts[0]}=.{parts[1]}.{parts[2]}")(
        _parts(kind)
    ),
    "unused bits of the signature": _unused_bits,
    "plus and slash instead of minus and underscore": lambda kind: (
        kind.token(more="~?~?~?~~~???").replace("-", "+").replace("_", "/")
    ),
    "a space before": _raw(lambda token: f" {token}"),
    "a space after": _raw(lambda token: f"{token} "),
    "a line feed after": _raw(lambda token: f"{token}\n"),
    "a line feed inside": _raw(lambda token: f"{token[:20]}\n{token[20:]}"),
    "NUL after": _raw(lambda token: f"{token}\0"),
    "a letter that looks alike": _raw(lambda token: token.replace("e", "\u0435", 1)),
    "a lone surrogate in the token": _raw(lambda token: f"{token}\ud800"),
    "the scheme before": _raw(lambda token: f"Bearer {token}"),
    "3 kB of valid claims": _claims(more="m" * 2300),
    "3 kB of rubbish": lambda kind: "A" * 3000,
    "3 kB of dots": lambda kind: "." * 3000,
    # iss, sub and aud
    "no iss": _claims(iss=ABSENT),
    "iss null": _claims(iss=None),
    "iss empty": _claims(iss=""),
    "iss with a scheme": _claims(iss=f"https://{DOMAIN}"),
    "iss with a slash": _claims(iss=f"{DOMAIN}/"),
    "iss in capitals": _claims(iss=DOMAIN.upper()),
    "iss a part of ours": _claims(iss=DOMAIN[:-1]),
    "iss another tenant": _claims(iss="attacker.eu.auth0.com"),
    "iss a list": _claims(iss=[DOMAIN]),
    "iss a number": _claims(iss=1),
    "no sub": _claims(sub=ABSENT),
    "sub null": _claims(sub=None),
    "sub empty": _claims(sub=""),
    "sub a number": _claims(sub=7),
    "sub a list": _claims(sub=[AUTH0_USER_ID]),
    "sub of 256 characters": _claims(sub="s" * 256),
    "no aud": _claims(aud=ABSENT),
    "aud null": _claims(aud=None),
    "aud empty": _claims(aud=""),
    "aud true": _claims(aud=True),
    "aud a list of the right one": lambda kind: kind.token(aud=[kind.claims()["aud"]]),
    "aud the right one and a space": lambda kind: kind.token(aud=f"{kind.claims()['aud']} "),
    "aud of the resource API": _claims(aud="https://api.example.com"),
    "aud of a selection token": _claims(aud="select-organization"),
    # iat and exp
    **{
        f"{name} {what}": _time(name, change)
        for name in ("iat", "exp")
        for what, change in ODD_TIMES.items()
    },
    "exp equal to iat": _time("exp", lambda at: _now()),
    "exp before iat": _time("exp", lambda at: _now() - 10),
    "one second more than its lifetime": _time("exp", lambda at: at + 1),
    "a lifetime of ten years": _time("exp", lambda at: at + 315_360_000),
    "iat a minute ahead": lambda kind: kind.token(iat=_now() + 60, exp=_now() + 70),
    "nbf a minute ahead": lambda kind: kind.token(nbf=_now() + 60),
    "a minute past exp": lambda kind: kind.token(iat=_now() - 80, exp=_now() - 60),
    # Tokens of other kinds
    "a selection token": lambda kind: sign(HEADER, valid_selection_claims(), SELECTION_SECRET),
    "a selection token under the session secret": lambda kind: sign(
        HEADER, valid_selection_claims(), SESSION_SECRET
    ),
    "a selection token of ours": lambda kind: sign_selection(),
    "the other kind of token": lambda kind: (DECISION if kind is SESSION else SESSION).token(),
    "the aud of the other kind": lambda kind: kind.token(
        aud=(DECISION if kind is SESSION else SESSION).claims()["aud"]
    ),
    "another Action's redirect token": _claims(aud=ABSENT, client_id=ABSENT, body_sha256=ABSENT),
}


def sign_selection() -> str:
    """Make a selection token as the selector signs it."""
    transaction = TOKENS.verify_session_token(SESSION.token())
    return TOKENS.sign_selection_token(transaction, STATE, org_id=ORG_ID, remember=True)


FORGED_SESSIONS: dict[str, Row] = {
    **{
        f"{name} {what}": _claims(**{name: value})
        for name, shortest, longest in (
            ("client_id", 1, 255),
            ("client_name", 0, 80),
            ("nonce", 16, 64),
            ("hint", 0, 255),
            ("notice", 0, 64),
            ("app_origin", 0, 255),
            ("locale", 0, 35),
        )
        for what, value in {
            "missing": ABSENT,
            "null": None,
            "a number": 7,
            "true": True,
            "a list": ["a" * shortest],
            "too long": "a" * (longest + 1),
            **({"too short": "a" * (shortest - 1)} if shortest else {}),
        }.items()
    },
}
FORGED_DECISIONS: dict[str, Row] = {
    f"body_sha256 {what}": _claims(body_sha256=value)
    for what, value in {
        "missing": ABSENT,
        "null": None,
        "a number": 7,
        "a list": [valid_decision_claims(BODY)["body_sha256"]],
        "empty": "",
        "cut": valid_decision_claims(BODY)["body_sha256"][:-1],
        "in capitals": valid_decision_claims(BODY)["body_sha256"].upper(),
        "of another body": valid_decision_claims(BODY + b" ")["body_sha256"],
        "not ASCII": "\u00e9" * 64,
    }.items()
}
