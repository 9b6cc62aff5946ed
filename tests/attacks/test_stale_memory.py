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


def test_a_remembered_token_is_refused_once_it_has_expired(target: Target) -> None:
    """The leeway of 30 s is the same as for a new token."""
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


def test_a_removed_member_with_a_remembered_token_is_refused_at_the_next_request(
    target: Target,
) -> None:
    """The token passes again after the member was added again."""
    token = target.token("sue", "abc-inc")
    for role, status in (("member", 200), (None, 403), ("member", 200), (None, 403)):
        target.api.set_role("sue", "abc-inc", role)
        for _ in range(2):
            assert target.get("/projects", token=token).status_code == status


def test_a_string_that_differs_from_the_remembered_token_is_refused(target: Target) -> None:
    """Whether the header, the claims, the signature or the length differs."""
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


def test_a_refused_token_stays_refused_between_good_ones(target: Target) -> None:
    """It does not change which person the good ones stand for."""
    good, bad = target.token(), sign(claims=target.claims("ann", "solo-works"), key="another")
    for _ in range(3):
        assert target.get("/me", token=bad).status_code == 401
        assert target.get("/me", token=good).get_json()["email"] == "joe@example.com"


def test_each_remembered_token_is_answered_for_its_own_person(target: Target) -> None:
    """In any order of requests."""
    people = [("joe", "abc-inc"), ("sue", "abc-inc"), ("ann", "solo-works"), ("joe", "xyz-travel")]
    tokens = {(login, slug): target.token(login, slug) for login, slug in people}
    for _ in range(3):
        for (login, slug), token in tokens.items():
            me = target.get("/me", token=token, slug=slug).get_json()
            assert (me["email"], me["organization"]["slug"]) == (f"{login}@example.com", slug)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """The tenant's key endpoint; the test sets its answer."""
    running = Endpoint(jwks(jwk(), jwk("the-next-key")))
    yield running
    running.close()


@pytest.mark.parametrize("design", ["C", "D"])
def test_a_remembered_token_is_refused_once_its_key_is_withdrawn(
    stack: Stack, endpoint: Endpoint, design: str
) -> None:
    """The memory is emptied when the keys change, before its minute is over."""
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
