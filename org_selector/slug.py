"""The slug of a new organization, made from its name; pure."""

import re
from unicodedata import normalize

MAX_LENGTH = 63  # characters, as in a host name
FALLBACK = "organization"  # for a name without a Latin letter or a digit
_OTHER = re.compile(r"[^a-z0-9]+")


def make_slug(name: str) -> str:
    """
    Return letters, digits and single hyphens that resemble *name*.

    Not checked: that no other organization has it, and that it is not shaped like an id. Postgres
    adds a number where that is so.
    """
    latin = normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return _OTHER.sub("-", latin).strip("-")[:MAX_LENGTH].rstrip("-") or FALLBACK
