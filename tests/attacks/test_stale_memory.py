"""
Attacker: a person whose token the API verified a moment ago and still remembers.
Wants: to pass by that memory after the token, its key or their membership has ended.
Stopped by: `org_guard/verified_tokens.py` `VerifiedTokens`, `org_guard/row_security.py` `select`

The API remembers the claims of exactly this string, for at most a minute and while the keys stay
the same. It compares `exp` at every request, and the database checks the membership at every
request.
"""

import time
from collections.abc import Iterator
from functools import partial

import pytest
import time_machine

from local_stack.access_tokens import jwk, sign, valid_header
from local_stack.stack import Stack
from org_guard import SigningKeys
from tests.kit.key_endpoint import Clock, Endpoint, eventually, jwks
from tests.kit.running_api import run_api
from tests.kit.target import GUARDS, Target

LEEWAY = 30  # seconds
MAX_AGE = 300.0


def test_past_its_end(target: Target) -> None:
    """Leeway is the same for a remembered token as for a new one: half a minute, and not longer."""
    now = int(time.time())
    token = target.token(exp=now + 20)
    for _ in range(2):
        assert target.get("/me", token=token).status_code == 200
    with time_machine.travel(now + 20 + LEEWAY - 2):
        assert target.get("/me", token=token).status_code == 200
    with time_machine.travel(now + 20 + LEEWAY):
        for _ in range(2):
            assert target.get("/me", token=token).status_code == 401
            assert target.get("/me").status_code == 200


def test_after_removal(target: Target) -> None:
    """Remembered or not, the next request asks the database; and asks again when they are back."""
    token = target.token("sue", "abc-inc")
    for role, status in (("member", 200), (None, 403), ("member", 200), (None, 403)):
        target.api.set_role("sue", "abc-inc", role)
        for _ in range(2):
            assert target.get("/projects", token=token).status_code == status


def test_a_string_that_is_nearly_the_remembered_one(target: Target) -> None:
    """Nothing but the whole string is found: no prefix, no other signature, no other claims."""
    token, other = target.token("joe", "abc-inc"), target.token("ann", "solo-works")
    for _ in range(2):
        assert target.get("/me", token=token).status_code == 200
    header, claims, signature = token.split(".")
    for forged in (
        f"{header}.{claims}.{other.rpartition('.')[2]}",
        f"{header}.{other.split('.')[1]}.{signature}",
        f"{header}.{claims}.{signature[:-2]}",
        f"{header}.{claims}.{signature}A",
        f"{header}.{claims}.{signature}=",
        f"{header}.{claims}.{signature[:-4]}AAAA",
        f"{header}.{claims}.",
        f"{header}.{claims}",
        token.swapcase(),
        f"{token}.",
        token * 2,
    ):
        for _ in range(2):
            assert target.get("/me", token=forged).status_code == 401
        assert target.get("/me", token=token).status_code == 200


def test_a_refusal_is_not_remembered_as_a_person(target: Target) -> None:
    """Bad tokens before and between good ones leave nothing behind."""
    good, bad = target.token(), sign(claims=target.claims("ann", "solo-works"), key="another")
    for _ in range(3):
        assert target.get("/me", token=bad).status_code == 401
        assert target.get("/me", token=good).get_json()["email"] == "joe@example.com"


def test_tokens_of_many_people_are_never_mixed_up(target: Target) -> None:
    """Each answer is about the one who asked, whoever asked before."""
    people = [("joe", "abc-inc"), ("sue", "abc-inc"), ("ann", "solo-works"), ("joe", "xyz-travel")]
    tokens = {(login, slug): target.token(login, slug) for login, slug in people}
    for _ in range(3):
        for (login, slug), token in tokens.items():
            me = target.get("/me", token=token, slug=slug).get_json()
            assert (me["email"], me["organization"]["slug"]) == (f"{login}@example.com", slug)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The tenant's key set, in the hands of the test."""
    running = Endpoint(jwks(jwk(), jwk("the-next-key")))
    yield running
    running.close()


@pytest.mark.parametrize("design", ["C", "D"])
def test_after_its_key_was_withdrawn(stack: Stack, endpoint: Endpoint, design: str) -> None:
    """The memory is emptied when the keys change, long before its minute is over."""
    clock = Clock()

    make_guard = partial(GUARDS[design], keys=SigningKeys(endpoint.url, clock=clock))
    with run_api(stack.postgres, endpoint.url, make_guard) as api:
        target = Target(api, design)
        old = target.token()
        for _ in range(2):
            assert target.get("/me", token=old).status_code == 200
        endpoint.answer = jwks(jwk("the-next-key"))
        clock.now += MAX_AGE
        new = sign(valid_header(kid="the-next-key"), target.claims(), key="the-next-key")
        assert target.get("/me", token=new).status_code == 200  # begins the refresh
        eventually(lambda: target.get("/me", token=old).status_code == 401)
        assert target.get("/me", token=new).status_code == 200
        assert target.get("/me", token=target.token()).status_code == 401
