"""
Attacker: the administrator of a connection of the tenant, who can give its users any address.
Wants: an invitation that was sent to another person's address.
Stopped by: `org_selector/decisions.py` `_find_address` `_trusts`

An address counts if the identity that is used now has proved it, through a trusted connection.
Linked accounts have several identities, and Auth0's profile shows the address of the first.
(Reproduced at commit 3d47401: any trusted connection vouched for the address of the profile.)
"""

from typing import Any

import pytest

from org_selector.decision_table import Choose, Granted
from tests.kit.running_selector import DATABASE_CONNECTION, Selector, describe

BOSS = "boss@example.com"


def identity(connection: str | None, email: str = BOSS, *, verified: bool = True) -> dict[str, Any]:
    """Return one identity of the attacker's account."""
    return {"connection": connection, "email": email, "email_verified": verified}


OWN = identity(DATABASE_CONNECTION, "ann@example.com")
# Name and strategy of the connection used now, the profile's address, and all identities.
CLAIMS: dict[str, tuple[str | None, str, str, list[dict[str, Any]]]] = {
    "an enterprise connection": ("evil", "samlp", BOSS, [identity("evil")]),
    "a linked enterprise account": ("evil", "samlp", "ann@example.com", [OWN, identity("evil")]),
    "a primary profile of an enterprise connection, and an own account": (
        DATABASE_CONNECTION,
        "auth0",
        BOSS,
        [identity("evil"), OWN],
    ),
    "two accounts of one connection": (
        "google-oauth2",
        "google-oauth2",
        BOSS,
        [identity("google-oauth2"), identity("google-oauth2", "ann@gmail.example")],
    ),
    "an address that is not verified": (
        DATABASE_CONNECTION,
        "auth0",
        BOSS,
        [identity(DATABASE_CONNECTION, verified=False)],
    ),
    "a connection that calls itself like google": (
        "google-oauth2-evil",
        "oidc",
        BOSS,
        [identity("google-oauth2-evil")],
    ),
    "no identity at all": (DATABASE_CONNECTION, "auth0", BOSS, []),
    "no connection": (None, "auth0", BOSS, [identity(None)]),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_an_invitation_to_a_claimed_address_does_not_wait_for_the_attacker(
    selector: Selector, claim: str
) -> None:
    """Ann has one organization: she is asked only if an invitation waits for her."""
    connection, strategy, email, identities = CLAIMS[claim]
    selector.invite(BOSS, "abc-inc")
    user = describe("ann", email=email, connection=connection, strategy=strategy)
    claimed = selector.decide("ann", user=user | {"identities": identities})
    assert isinstance(claimed, Granted)

    honest = selector.decide("ann", user=describe("ann", email=BOSS))
    assert isinstance(honest, Choose)
