"""What an access token is before anyone changes it, and how it is signed."""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from local_stack import access_tokens
from local_stack.access_tokens import (
    ABSENT,
    KID,
    NAMESPACE,
    ORG_CLAIM,
    ORG_ID,
    rfc9068_claims,
    segment,
    valid_claims,
    valid_header,
)

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
    What an access token is before anyone changes it.

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


# A function, so that every token is fresh.
Row = Callable[[Kind], str]
KINDS: Final = {
    f"{design}, {typ}": Kind(one_organization, typ)
    for design, one_organization in (("one organization", True), ("permissions", False))
    for typ in ("JWT", "at+jwt")
}


def now() -> int:
    """Return the time in whole seconds."""
    return int(time.time())
