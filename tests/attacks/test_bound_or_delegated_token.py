"""
Attacker: a thief of a token that is bound to a key, or an application that acts for a person.
Wants: to send it as a plain bearer token, without the key, and to act as that person.
Stopped by: `org_guard/token_claims.py` `require_plain_bearer`

Auth0 binds a token to a key with `cnf` (DPoP, mTLS), names who acts for a person in `act` (token
exchange, on-behalf-of), and an agent's own token has another `sub_profile` than "user". The API
checks no proof of a key and keeps no record of actors, so it refuses all three. (Reproduced at
commit 3d47401: they were taken as a person's bearer token. Documented by Auth0.)
Sources: RFC 9449 section 6, RFC 8705 section 3, RFC 8693 section 4.1.
"""

import pytest

from tests.kit.target import Target

THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
AGENT = {"sub": "agent@clients"}


@pytest.fixture
def target(standing_target: Target) -> Target:
    """The shared API: no test here changes a row."""
    return standing_target


@pytest.mark.parametrize(
    "claims",
    [
        {"cnf": {"jkt": THUMBPRINT}},
        {"cnf": {"x5t#S256": THUMBPRINT}},
        {"cnf": None},
        {"act": AGENT},
        {"act": {"sub": "one@clients", "act": AGENT}},
        {"act": {}},
        {"sub_profile": "agent"},
        {"sub_profile": ""},
        {"cnf": {"jkt": THUMBPRINT}, "act": AGENT, "sub_profile": "agent"},
    ],
    ids=str,
)
def test_a_bound_or_delegated_token_is_refused_as_a_bearer_token(
    target: Target, claims: dict[str, object]
) -> None:
    """In designs C and D; the same token without these claims, or of a user, passes."""
    assert target.get("/me", token=target.token()).status_code == 200
    assert target.get("/me", token=target.token(sub_profile="user")).status_code == 200

    assert target.get("/me", token=target.token(**claims)).status_code == 401


def test_a_proof_of_a_key_does_not_help_a_bound_token(target: Target) -> None:
    """The API checks no proof; it supports no DPoP."""
    token = target.token(cnf={"jkt": THUMBPRINT})

    for proof in ("e30.e30.e30", ""):
        assert target.get("/me", token=token, headers={"DPoP": proof}).status_code == 401
