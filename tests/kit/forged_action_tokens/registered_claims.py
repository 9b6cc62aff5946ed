"""`iss`, `sub`, `aud`, `iat`, `exp` and `nbf`."""

from collections.abc import Callable
from typing import Final

from tests.kit.action_tokens import ABSENT, AUTH0_USER_ID, DOMAIN
from tests.kit.forged_action_tokens.changes import change_time
from tests.kit.forged_action_tokens.kind import Row, now
from tests.kit.token_changes import change_claims

_TIMES: Final[dict[str, Callable[[int], object]]] = {
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

REGISTERED_CLAIMS: Final[dict[str, Row]] = {
    "no iss": change_claims(iss=ABSENT),
    "iss null": change_claims(iss=None),
    "iss empty": change_claims(iss=""),
    "iss with a scheme": change_claims(iss=f"https://{DOMAIN}"),
    "iss with a slash": change_claims(iss=f"{DOMAIN}/"),
    "iss in capitals": change_claims(iss=DOMAIN.upper()),
    "iss a part of ours": change_claims(iss=DOMAIN[:-1]),
    "iss another tenant": change_claims(iss="attacker.eu.auth0.com"),
    "iss a list": change_claims(iss=[DOMAIN]),
    "iss a number": change_claims(iss=1),
    "no sub": change_claims(sub=ABSENT),
    "sub null": change_claims(sub=None),
    "sub empty": change_claims(sub=""),
    "sub a number": change_claims(sub=7),
    "sub a list": change_claims(sub=[AUTH0_USER_ID]),
    "sub of 256 characters": change_claims(sub="s" * 256),
    "no aud": change_claims(aud=ABSENT),
    "aud null": change_claims(aud=None),
    "aud empty": change_claims(aud=""),
    "aud true": change_claims(aud=True),
    "aud a list of the right one": lambda kind: kind.token(aud=[kind.claims()["aud"]]),
    "aud the right one and a space": lambda kind: kind.token(aud=f"{kind.claims()['aud']} "),
    "aud of the resource API": change_claims(aud="https://api.example.com"),
    "aud of a selection token": change_claims(aud="select-organization"),
    **{
        f"{name} {what}": change_time(name, change)
        for name in ("iat", "exp")
        for what, change in _TIMES.items()
    },
    "exp equal to iat": change_time("exp", lambda at: now()),
    "exp before iat": change_time("exp", lambda at: now() - 10),
    "one second more than its lifetime": change_time("exp", lambda at: at + 1),
    "a lifetime of ten years": change_time("exp", lambda at: at + 315_360_000),
    "iat a minute ahead": lambda kind: kind.token(iat=now() + 60, exp=now() + 70),
    "nbf a minute ahead": lambda kind: kind.token(nbf=now() + 60),
    "a minute past exp": lambda kind: kind.token(iat=now() - 80, exp=now() - 60),
}
