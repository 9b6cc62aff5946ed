"""
Forged and malformed access tokens: each row is one thing an attacker does to a token that is valid
without it.

A row takes the kind of token to begin with: one of two designs in one of Auth0's two dialects. One
file a family of forgeries; next to them stand harmless differences, which must pass.
"""

from typing import Final

from tests.kit.forged_access_tokens.algorithms import ALGORITHMS
from tests.kit.forged_access_tokens.all_organizations import FORGED_PERMISSIONS
from tests.kit.forged_access_tokens.bound_and_delegated import BOUND_AND_DELEGATED
from tests.kit.forged_access_tokens.client import CLIENT
from tests.kit.forged_access_tokens.harmless import (
    VALID,
    VALID_ORGANIZATIONS,
    VALID_PERMISSIONS,
    Valid,
)
from tests.kit.forged_access_tokens.header_members import HEADER_MEMBERS
from tests.kit.forged_access_tokens.issuer_and_audience import ISSUER_AND_AUDIENCE
from tests.kit.forged_access_tokens.json_texts import JSON
from tests.kit.forged_access_tokens.kind import ATTACKER, KINDS, PERMISSIONS, Kind, Row, signature
from tests.kit.forged_access_tokens.organizations import FORGED_ORGANIZATIONS
from tests.kit.forged_access_tokens.other_tokens import OTHER_TOKENS
from tests.kit.forged_access_tokens.person import PERSON
from tests.kit.forged_access_tokens.raw_strings import RAW
from tests.kit.forged_access_tokens.scope_and_permissions import SCOPE_AND_PERMISSIONS
from tests.kit.forged_access_tokens.signatures import SIGNATURES
from tests.kit.forged_access_tokens.times import TIMES

__all__ = [
    "ATTACKER",
    "FAMILIES",
    "FORGED",
    "FORGED_ORGANIZATIONS",
    "FORGED_PERMISSIONS",
    "KINDS",
    "PERMISSIONS",
    "SIGNATURES",
    "Kind",
    "Row",
    "rows_for",
    "signature",
    "valid_rows_for",
]

# For every kind of token; in the order in which `access_token.py` itself has most to say about.
FAMILIES: Final = (
    ISSUER_AND_AUDIENCE,
    TIMES,
    PERSON,
    CLIENT,
    BOUND_AND_DELEGATED,
    SCOPE_AND_PERMISSIONS,
    OTHER_TOKENS,
    ALGORITHMS,
    HEADER_MEMBERS,
    SIGNATURES,
    JSON,
    RAW,
)
FORGED: Final[dict[str, Row]] = {name: row for rows in FAMILIES for name, row in rows.items()}


def rows_for(kind: Kind) -> dict[str, Row]:
    """Every forgery of this kind of token."""
    return FORGED | (FORGED_ORGANIZATIONS if kind.one_organization else FORGED_PERMISSIONS)


def valid_rows_for(kind: Kind) -> dict[str, Valid]:
    """Every harmless difference of this kind of token."""
    return VALID | (VALID_ORGANIZATIONS if kind.one_organization else VALID_PERMISSIONS)
