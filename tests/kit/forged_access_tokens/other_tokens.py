"""Tokens of another kind: other ones of the tenant, those of our own, and the other design's."""

from collections.abc import Callable
from typing import Any, Final

from local_stack.access_tokens import (
    ABSENT,
    AUDIENCE,
    AUTH0_USER_ID,
    CLIENT_ID,
    ISSUER,
    NAMESPACE,
    ORG_CLAIM,
    ORG_ID,
    jwk,
    valid_claims,
    valid_header,
)
from tests.kit import action_tokens
from tests.kit.forged_access_tokens.kind import (
    ATTACKER,
    ORG_ROLE,
    PERMISSIONS,
    Kind,
    Row,
    now,
    sign,
)
from tests.kit.token_changes import change_claims


def _id_token(**changes: object) -> dict[str, object]:
    """What Auth0 puts into an ID token, with the Action's claims."""
    issued = now()
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
        "iat": issued,
        "exp": issued + 36_000,
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
    return lambda kind: action_tokens.sign(action_tokens.HEADER, claims(), secret)


def _ours_by_tenant(claims: Callable[[], dict[str, Any]]) -> Row:
    """The same claims under the tenant's signature."""
    return lambda kind: sign(kind.header(), claims())


_OURS: Final[dict[str, tuple[Callable[[], dict[str, Any]], str]]] = {
    "session": (action_tokens.valid_session_claims, action_tokens.SESSION_SECRET),
    "decision": (action_tokens.valid_decision_claims, action_tokens.SESSION_SECRET),
    "selection": (action_tokens.valid_selection_claims, action_tokens.SELECTION_SECRET),
}
OTHER_TOKENS: Final[dict[str, Row]] = {
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
        f"{name} as in an ID token": change_claims(**{name: "n" * 22})
        for name in ("nonce", "at_hash", "c_hash", "s_hash")
    },
    "nonce as in an ID token, null": change_claims(nonce=None),
    **{
        f"our {name} as in an ID token": change_claims(**{f"{NAMESPACE}{name}": "abc-inc"})
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
        {"jti": "j", "htm": "GET", "htu": f"{AUDIENCE}me", "iat": now()},
        key=ATTACKER,
    ),
    "a client assertion": lambda kind: sign(
        kind.header(),
        {"iss": CLIENT_ID, "sub": CLIENT_ID, "aud": ISSUER, "iat": now(), "exp": now() + 60},
        key=ATTACKER,
    ),
    "the answer of /userinfo": _other(
        "JWT", lambda: {"sub": AUTH0_USER_ID, ORG_CLAIM: ORG_ID, "email": "joe@example.com"}
    ),
    **{f"our {what} token": _ours(claims, secret) for what, (claims, secret) in _OURS.items()},
    **{
        f"our {what} token by the tenant": _ours_by_tenant(claims)
        for what, (claims, _) in _OURS.items()
    },
    "the other design's token": lambda kind: Kind(
        not kind.one_organization, kind.typ, kind.org_id
    ).token(),
    "a token of both designs": lambda kind: kind.token(
        **{ORG_CLAIM: kind.org_id, "permissions": list(PERMISSIONS)}
    ),
    "Auth0's own organization too": change_claims(org_id="org_AbCdEf0123456789"),
    "Auth0's own organization too, null": change_claims(org_id=None),
}
