"""`iat`, `exp` and `nbf`: from when to when the token is good."""

from collections.abc import Callable
from typing import Final

from local_stack.access_tokens import ABSENT
from tests.kit.forged_access_tokens.changes import issue
from tests.kit.forged_access_tokens.kind import Row, now
from tests.kit.token_changes import change_claims, list_claims

_TIMES: Final[dict[str, Callable[[int], object]]] = {
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
# Issued at and expiring after so many seconds from now.
_FROM_NOW: Final = {
    "expired a minute ago": (-660, -60),
    "expired a year ago": (-31_536_600, -31_536_000),
    "issued in a minute": (60, 660),
    "issued tomorrow": (86_400, 87_000),
    "exp equal to iat": (0, 0),
    "exp before iat": (10, -10),
    "a second more than 30 days": (0, 2_592_001),
    "a lifetime of ten years": (0, 315_360_000),
    "issued ten years ago, still good": (-315_360_000, 600),
}


def _change_time(name: str, change: Callable[[int], object]) -> Row:
    return lambda kind: kind.token(**{name: change(kind.claims()[name])})


TIMES: Final[dict[str, Row]] = {
    **{
        f"{name} {what}": _change_time(name, change)
        for name in ("iat", "exp")
        for what, change in _TIMES.items()
    },
    **{what: issue(*seconds) for what, seconds in _FROM_NOW.items()},
    "neither iat nor exp": change_claims(iat=ABSENT, exp=ABSENT),
    "both far beyond": change_claims(iat=10**19 - 600, exp=10**19),
    "both 1e308": change_claims(iat=1e308, exp=1e308),
    "from the beginning to the end of time": change_claims(iat=-1e308, exp=1e308),
    **list_claims("nbf", {"null": None, "zero": 0, "a string": "now", "in the past": 1}),
    "nbf now": lambda kind: kind.token(nbf=now()),
    "nbf in an hour": lambda kind: kind.token(nbf=now() + 3_600),
}
