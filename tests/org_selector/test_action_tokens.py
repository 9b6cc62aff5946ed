"""
Who may speak to the selector: forged, altered, old and foreign session and decision tokens.

Each row of the tables is one change to a token that is valid without it, and the valid one is
verified in the same test. The clock stands still, so that a limit can be met to the second.
"""

import base64
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import time_machine

from org_selector.action_tokens import LoginTransaction, SelectorTokens
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
TOKENS = SelectorTokens(
    session_secrets=[SESSION_SECRET, OLD_SESSION_SECRET],
    selection_secrets=[SELECTION_SECRET, "selection-secret-before-rotation"],
    domains=[DOMAIN, CUSTOM_DOMAIN],
)


@dataclass(frozen=True)
class Kind:
    """One of the two tokens the selector takes: how it is made and what refuses it."""

    claims: Callable[..., dict[str, Any]]
    verify: Callable[[str], object]
    refusal: type[SelectorError]
    lifetime: int

    def token(self, **changes: object) -> str:
        """Make a well-signed token with some claims changed."""
        return sign(HEADER, self.claims(**changes), SESSION_SECRET)

    def with_header(self, **changes: object) -> str:
        """Make a well-signed token with valid claims and a changed header."""
        header = dict(HEADER) | changes
        present = {name: value for name, value in header.items() if value is not ABSENT}
        return sign(present, self.claims(), SESSION_SECRET)

    def json(self, **changes: object) -> str:
        """The claims as text, for rows that JSON libraries would not write."""
        return json.dumps(self.claims(**changes))

    def signed_text(self, claims: str) -> str:
        """Make a well-signed token of claims given as text."""
        return sign(HEADER, claims.encode(), SESSION_SECRET)


SESSION = Kind(valid_session_claims, TOKENS.verify_session_token, InvalidSessionToken, 600)
DECISION = Kind(
    lambda **changes: valid_decision_claims(BODY, **changes),
    lambda token: TOKENS.verify_decision_token(token, BODY),
    InvalidDecisionToken,
    30,
)
BOTH = pytest.mark.parametrize(
    "kind", [pytest.param(SESSION, id="session"), pytest.param(DECISION, id="decision")]
)


@pytest.fixture(autouse=True)
def _still_clock() -> Iterator[None]:
    with time_machine.travel(1_900_000_000.75, tick=False):
        yield


Row = Callable[[Kind], str]


def _now() -> int:
    return int(time.time())


def _parts(kind: Kind) -> list[str]:
    return kind.token().split(".")


def _other_spelling(text: str) -> str:
    """The same bytes in base64url, with an unused bit set."""
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
    "signed with a secret nobody listed": _secret(FOREIGN_SECRET),
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
    "a selection token of ours": lambda kind: _sign_selection(),
    "the other kind of token": lambda kind: (DECISION if kind is SESSION else SESSION).token(),
    "the aud of the other kind": lambda kind: kind.token(
        aud=(DECISION if kind is SESSION else SESSION).claims()["aud"]
    ),
    "another Action's redirect token": _claims(aud=ABSENT, client_id=ABSENT, body_sha256=ABSENT),
}

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


def _sign_selection() -> str:
    transaction = TOKENS.verify_session_token(SESSION.token())
    return TOKENS.sign_selection_token(transaction, STATE, org_id=ORG_ID, remember=True)


def _require_refused(kind: Kind, token: str) -> None:
    """*token* is refused as its kind says, and a valid one is not."""
    kind.verify(kind.token())
    with pytest.raises(SelectorError) as refusal:
        kind.verify(token)
    assert type(refusal.value) is kind.refusal


@BOTH
@pytest.mark.parametrize("forge", [pytest.param(row, id=name) for name, row in FORGERIES.items()])
def test_forged_token_is_refused(kind: Kind, forge: Row) -> None:
    """One change to a valid token, whichever kind it is, ends in that kind's one refusal."""
    _require_refused(kind, forge(kind))


@pytest.mark.parametrize(
    "forge", [pytest.param(row, id=name) for name, row in FORGED_SESSIONS.items()]
)
def test_session_token_with_odd_claims_of_ours_is_refused(forge: Row) -> None:
    """Each claim of ours is a string of bounded length, even under the right signature."""
    _require_refused(SESSION, forge(SESSION))


@pytest.mark.parametrize(
    "forge", [pytest.param(row, id=name) for name, row in FORGED_DECISIONS.items()]
)
def test_decision_token_with_odd_digest_is_refused(forge: Row) -> None:
    """A decision token names exactly one body."""
    _require_refused(DECISION, forge(DECISION))


@pytest.mark.parametrize("at", range(len(BODY)))
def test_body_changed_by_one_byte_is_refused(at: int) -> None:
    """Whoever stole a decision token cannot ask for somebody else with it."""
    token = DECISION.token()
    changed = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
    TOKENS.verify_decision_token(token, BODY)

    for body in (changed, BODY[:at], BODY + BODY[: at + 1], b""):
        with pytest.raises(InvalidDecisionToken):
            TOKENS.verify_decision_token(token, body)


def test_valid_session_token_becomes_the_login_it_stands_for() -> None:
    """Nothing is added to and nothing lost from what the Action said."""
    changes = {
        "client_id": "an id",
        "client_name": "Ex\u00e4mple \U0001f9ed",
        "nonce": "0123456789abcdef",
        "hint": "abc",
        "notice": "hint_unknown",
        "app_origin": "com.example.app:",
        "locale": "de-CH",
    }

    assert TOKENS.verify_session_token(SESSION.token(**changes)) == LoginTransaction(
        issuer=DOMAIN, auth0_user_id=AUTH0_USER_ID, expires_at=_now() + 600, **changes
    )


def test_valid_decision_token_names_the_user_that_is_asked_for() -> None:
    """The answer is the user's id, which the caller compares with the body's."""
    assert TOKENS.verify_decision_token(DECISION.token(), BODY) == AUTH0_USER_ID


def test_verified_login_cannot_be_changed_afterwards() -> None:
    """What was verified stays what was verified, down to attributes nobody foresaw."""
    transaction = TOKENS.verify_session_token(SESSION.token())

    for name in ("auth0_user_id", "org_id"):
        with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
            setattr(transaction, name, "other")
    assert not hasattr(transaction, "__dict__")


@BOTH
@pytest.mark.parametrize(
    "tolerated",
    [
        pytest.param(_header(typ=ABSENT), id="no typ"),
        pytest.param(_header(kid="a key"), id="a kid"),
        pytest.param(_claims(iss=CUSTOM_DOMAIN), id="the custom domain"),
        pytest.param(_claims(sub="s"), id="sub of one character"),
        pytest.param(_claims(sub="s" * 255), id="sub of 255 characters"),
        pytest.param(_claims(sub="samlp|\u00f1|\U0001f9ed"), id="sub not ASCII"),
        pytest.param(_claims(more={"x": [1, 2.5, None]}), id="a claim of another Action"),
        pytest.param(_text(lambda text: f" {text}\n"), id="white space around the claims"),
        pytest.param(_claims(ip="2001:db8::1"), id="another network"),
        pytest.param(_time("exp", lambda at: _now() + 1), id="a lifetime of one second"),
    ],
)
def test_harmless_difference_passes(kind: Kind, tolerated: Row) -> None:
    """What may differ between two tenants does not lock anybody out."""
    kind.verify(tolerated(kind))


@pytest.mark.parametrize(
    ("name", "length"),
    [
        *[("client_id", 1), ("client_id", 255), ("client_name", 0), ("client_name", 80)],
        *[("nonce", 16), ("nonce", 64), ("hint", 0), ("hint", 255), ("notice", 0), ("notice", 64)],
        *[("locale", 0), ("locale", 35)],
    ],
)
def test_claim_of_shortest_and_longest_length_passes(name: str, length: int) -> None:
    """The bounds themselves are inside."""
    TOKENS.verify_session_token(SESSION.token(**{name: "a" * length}))


@BOTH
def test_token_of_2048_bytes_passes_and_one_more_does_not(kind: Kind) -> None:
    """Token and state fit into one request line."""
    fits, too_long = (_token_of(kind, size) for size in (2048, 2049))

    kind.verify(fits)
    _require_refused(kind, too_long)


def _token_of(kind: Kind, size: int) -> str:
    for kid in ("", "k", "kk"):
        header = dict(HEADER) | {"kid": kid}
        for length in range(1000, 1500):
            token = sign(header, kind.claims(more="m" * length), SESSION_SECRET)
            if len(token) == size:
                return token
    raise AssertionError(f"no token has {size} bytes")


@BOTH
@pytest.mark.parametrize("seconds", [-29, -1, 0, 1, 29, 30])
def test_clock_of_auth0_a_little_ahead_passes(kind: Kind, seconds: int) -> None:
    """`iat` may lie up to 30 s in our future."""
    kind.verify(kind.token(iat=_now() + seconds, exp=_now() + seconds + kind.lifetime))


@BOTH
@pytest.mark.parametrize("seconds", [31, 32, 600])
def test_token_from_the_future_is_refused(kind: Kind, seconds: int) -> None:
    """`iat` 31 s ahead is no skew of clocks any more."""
    _require_refused(kind, kind.token(iat=_now() + seconds, exp=_now() + seconds + kind.lifetime))


@BOTH
@pytest.mark.parametrize("seconds", [1, 28, 29])
def test_token_that_has_just_expired_passes(kind: Kind, seconds: int) -> None:
    """A person who chose at the last moment is not sent away by a slow clock."""
    kind.verify(kind.token(iat=_now() - seconds - kind.lifetime, exp=_now() - seconds))


@BOTH
@pytest.mark.parametrize("seconds", [30, 31, 32, 600])
def test_expired_token_is_refused(kind: Kind, seconds: int) -> None:
    """After the leeway there is none."""
    _require_refused(kind, kind.token(iat=_now() - seconds - kind.lifetime, exp=_now() - seconds))


@BOTH
def test_leeway_includes_its_first_second_and_not_its_last(kind: Kind) -> None:
    """30 s ahead is early enough, 30 s over is over; RFC 7519 4.1.4: "on or after"."""
    with time_machine.travel(1_900_000_000, tick=False):
        kind.verify(kind.token(iat=_now() + 30, exp=_now() + 31))
        _require_refused(kind, kind.token(iat=_now() - 59, exp=_now() - 30))
        kind.verify(kind.token(iat=_now() - 58, exp=_now() - 29))


@BOTH
def test_token_expires_by_the_clock(kind: Kind) -> None:
    """The same token that passes now is refused later."""
    token = kind.token()

    kind.verify(token)
    with time_machine.travel(_now() + kind.lifetime + 29, tick=False):
        kind.verify(token)
    with time_machine.travel(_now() + kind.lifetime + 31, tick=False), pytest.raises(kind.refusal):
        kind.verify(token)
    with time_machine.travel(_now() - 29, tick=False):
        kind.verify(token)
    with time_machine.travel(_now() - 31, tick=False), pytest.raises(kind.refusal):
        kind.verify(token)


@BOTH
def test_secret_from_before_a_rotation_still_verifies(kind: Kind) -> None:
    """Nobody who is in the middle of a login loses it."""
    kind.verify(sign(HEADER, kind.claims(), SESSION_SECRET))
    kind.verify(sign(HEADER, kind.claims(), OLD_SESSION_SECRET))
    _require_refused(kind, sign(HEADER, kind.claims(), FOREIGN_SECRET))


@BOTH
def test_odd_claims_under_the_old_secret_are_refused(kind: Kind) -> None:
    """The second secret of the list proves no more than the first."""
    for changes in ({"aud": "select-organization"}, {"iss": "attacker.eu.auth0.com"}, {"exp": 1}):
        token = sign(HEADER, kind.claims(**changes), OLD_SESSION_SECRET)
        _require_refused(kind, token)


def test_secret_that_is_too_short_is_not_taken() -> None:
    """31 bytes are refused even if somebody gets them past the settings; 32 are not."""
    for own, other in ((SESSION_SECRET, SELECTION_SECRET), (SELECTION_SECRET, SESSION_SECRET)):
        long, short = [own[:32]], [own[:31]]
        SelectorTokens(session_secrets=long, selection_secrets=[other], domains=[DOMAIN])
        SelectorTokens(session_secrets=[other], selection_secrets=long, domains=[DOMAIN])
        with pytest.raises(ValueError, match="32 bytes"):
            SelectorTokens(session_secrets=short, selection_secrets=[other], domains=[DOMAIN])
        with pytest.raises(ValueError, match="32 bytes"):
            SelectorTokens(session_secrets=[other], selection_secrets=short, domains=[DOMAIN])


@pytest.mark.parametrize("rubbish", ["[" * 33 + '\\"' * 740, '"' * 1400, "[{" * 700, "\\" * 1400])
def test_rubbish_costs_no_more_than_its_length(rubbish: str) -> None:
    """It is looked at before any signature, so anybody may send it."""
    token = f"{segment(rubbish.encode())}.{segment(b'{}')}.{segment(b'x')}"
    began = time.process_time()
    for _ in range(20):
        with pytest.raises(InvalidSessionToken):
            TOKENS.verify_session_token(token)

    assert time.process_time() - began < 0.05


ORIGINS = [
    *["", "https://app.example.com", "http://localhost:3000", "https://[2001:db8::1]:8443"],
    *[
        "com.example.app:",
        "database.app:",
        "httpsapp:",
        "a:",
        "https://" + "a" * 247,
        "a" + "b" * 253 + ":",
    ],
]
NO_ORIGINS = [
    *["app", "https://", "https://a/", "https://a b", "https://a;x", "https://a'b", "//a", ":"],
    *["https://a?x", "https://a#x", "https://a\n", "https://ä.example", "ftp://a", "javascript:"],
    *[
        "blob:",
        "file:",
        "http:",
        "https:",
        "data:",
        "vbscript:",
        "1a:",
        "A:",
        "a:b",
        "https://" + "a" * 248,
        "a" + "b" * 254 + ":",
    ],
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_origin_of_an_app_passes(origin: str) -> None:
    """A web origin, or the scheme of an app on a phone."""
    assert TOKENS.verify_session_token(SESSION.token(app_origin=origin)).app_origin == origin


@pytest.mark.parametrize("origin", NO_ORIGINS)
def test_what_is_no_origin_leads_nowhere(origin: str) -> None:
    """It stands in a link and in the page's policy: nothing may break out of either."""
    _require_refused(SESSION, SESSION.token(app_origin=origin))


@pytest.mark.parametrize("name", ["nonce", "notice"])
def test_words_of_ours_have_our_letters_only(name: str) -> None:
    """What the Action makes itself never holds anything else."""
    for value in ("n" * 20 + " ", "n" * 20 + "\n", "n" * 20 + "ä", "n" * 20 + "<"):
        _require_refused(SESSION, SESSION.token(**{name: value}))


def test_selection_token_says_exactly_what_was_chosen() -> None:
    """The claims are those the Action checks, signed with the first selection secret."""
    transaction = TOKENS.verify_session_token(SESSION.token(iss=CUSTOM_DOMAIN, nonce="N" * 22))

    token = TOKENS.sign_selection_token(transaction, STATE, org_id=ORG_ID, remember=True)
    header, claims, mac = token.split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))

    assert mac == segment(signature(f"{header}.{claims}", SELECTION_SECRET))
    assert len(base64.urlsafe_b64decode(read["jti"] + "==")) == 16
    assert read == valid_selection_claims(
        iss=CUSTOM_DOMAIN, nonce="N" * 22, remember=True, jti=read["jti"]
    )
    assert json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4))) == HEADER


def test_two_selections_of_one_login_are_not_the_same_token() -> None:
    """Each has an id of its own."""
    assert _sign_selection() != _sign_selection()
