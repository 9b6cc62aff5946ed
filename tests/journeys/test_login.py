"""Logins over real HTTP: app, tenant, Action in Node, selector, Postgres."""

import jwt

from local_stack import seed
from local_stack.person import Person
from local_stack.stack import AUDIENCE, NAMESPACE


def test_joe_chooses_xyz_travel_and_both_tokens_name_it(person: Person) -> None:
    """The whole product in one test."""
    person.open_app().log_in("joe@example.com")

    assert person.heading == "Choose an organization"
    assert "ABC Inc" in person.text
    assert "XYZ Travel" in person.text

    tokens = person.choose("XYZ Travel").redeem()
    keys = jwt.PyJWKClient(f"{person.stack.tenant_url}/.well-known/jwks.json")
    access = jwt.decode(
        tokens.access_token,
        keys.get_signing_key_from_jwt(tokens.access_token),
        algorithms=["RS256"],
        audience=AUDIENCE,
        issuer=f"{person.stack.tenant_url}/",
    )

    travel = seed.organization("xyz-travel")
    assert access["sub"] == "auth0|joe"
    assert {name: value for name, value in access.items() if name.startswith(NAMESPACE)} == {
        f"{NAMESPACE}org_id": str(travel.id),
        f"{NAMESPACE}org_role": "member",
    }
    identity = jwt.decode(
        tokens.id_token,
        keys.get_signing_key_from_jwt(tokens.id_token),
        algorithms=["RS256"],
        audience="spa",
        issuer=f"{person.stack.tenant_url}/",
    )
    assert {name: value for name, value in identity.items() if name.startswith(NAMESPACE)} == {
        f"{NAMESPACE}org_id": str(travel.id),
        f"{NAMESPACE}org_slug": "xyz-travel",
        f"{NAMESPACE}org_name": "XYZ Travel",
        f"{NAMESPACE}org_role": "member",
    }
    assert identity["nonce"] == "app-nonce"
    assert person.callback is not None
    assert person.callback["state"] == "app-state"
