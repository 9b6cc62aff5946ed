"""Whether two names of organizations look alike; pure."""

import re
from collections.abc import Iterable
from unicodedata import combining, normalize

# Letters of other scripts that look like a Latin one. Not complete: a warning, not a check.
_LOOKS_LIKE = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0456\u0458\u0455"
    "\u03b1\u03b2\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7\u0131" + "0158|",
    "abekmhopctyxijs" + "abeikvoptuxi" + "olsbl",
)
_BETWEEN = re.compile(r"[\W_]+")


def find_lookalike(name: str, others: Iterable[str]) -> str | None:
    """Return the first of *others* that a person could take for *name*."""
    skeleton = _make_skeleton(name)
    return next((other for other in others if _make_skeleton(other) == skeleton), None)


def _make_skeleton(name: str) -> str:
    """Leave out case, marks, blanks and punctuation; write look-alikes as the Latin letter."""
    plain = "".join(one for one in normalize("NFKD", name.casefold()) if not combining(one))
    return _BETWEEN.sub("", plain.translate(_LOOKS_LIKE)) or name
