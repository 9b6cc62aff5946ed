"""
Attacker: an attacker from the internet, who knows the tenant's public keys.
Wants: to pass with a forged access token whose header chooses the algorithm or the key.
Stopped by: `org_guard/access_token.py` `_require_header` `_require_signature`

The guard takes the algorithm from its code and the key from the tenant's key set. A header with any
member besides `alg`, `typ` and `kid` is refused, so the guard never fetches a key from its address.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey

from local_stack import access_tokens
from local_stack.access_tokens import segment, sign, valid_header
from tests.kit.key_endpoint import Endpoint, jwks
from tests.kit.target import Target

STRANGER = "the-attackers-key"


@pytest.fixture
def target(standing_target: Target) -> Target:
    """The shared API: no test here changes a row."""
    return standing_target


@pytest.fixture
def hideout() -> Iterator[Endpoint]:
    """The attacker's own server, with their own key set."""
    endpoint = Endpoint(jwks(access_tokens.jwk(STRANGER)))
    yield endpoint
    endpoint.close()


def test_a_token_signed_by_hmac_with_the_public_key_is_refused(
    target: Target, keys_url: str
) -> None:
    """HS256, HS384 and HS512, with each form of the key that a library might use as the secret."""
    served = httpx2.get(keys_url, trust_env=False).content
    [jwk] = json.loads(served)["keys"]
    public = RSAKey.import_key(jwk).public_key
    pems = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
    ]
    secrets = [
        *pems,
        *(pem.strip() for pem in pems),
        *(pem.replace(b"\n", b"\r\n") for pem in pems),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        served,
        json.dumps(jwk).encode(),
        json.dumps(jwk, separators=(",", ":")).encode(),
        jwk["n"].encode(),
        base64.urlsafe_b64decode(jwk["n"] + "=="),
        jwk["kid"].encode(),
        b"",
    ]
    assert len(set(secrets)) == len(secrets)
    assert target.get("/me").status_code == 200
    for secret in secrets:
        for algorithm in ("HS256", "HS384", "HS512"):
            header = segment(valid_header(alg=algorithm))
            signed = f"{header}.{segment(target.claims())}"
            digest = hmac.new(secret, signed.encode(), getattr(hashlib, f"sha{algorithm[2:]}"))
            assert_refused(target, f"{signed}.{segment(digest.digest())}")


def test_a_token_that_says_alg_none_is_refused(target: Target) -> None:
    """With an empty signature, without one, and with the signature of a valid token."""
    valid = target.token()
    assert target.get("/me", token=valid).status_code == 200
    for algorithm in ("none", "None", "NONE", "nOnE", "", "null", None, "RS0", ["none", "RS256"]):
        unsigned = f"{segment(valid_header(alg=algorithm))}.{segment(target.claims())}"
        for token in (f"{unsigned}.", unsigned, f"{unsigned}.{valid.rpartition('.')[2]}"):
            assert_refused(target, token)


def test_a_good_signature_under_another_algorithms_name_is_refused(target: Target) -> None:
    """The signature is RSA with SHA-256 by the tenant's key; only `alg` is wrong."""
    assert target.get("/me", token=sign(valid_header(), target.claims())).status_code == 200
    for algorithm in ("RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "RS256 "):
        assert_refused(target, sign(valid_header(alg=algorithm), target.claims()))


def test_a_token_that_brings_its_own_key_is_refused_and_nothing_is_fetched(
    target: Target, hideout: Endpoint
) -> None:
    """The key is in `jwk` or `x5c`, or its address is in `jku`, `x5u` or `kid`."""
    key = access_tokens.jwk(STRANGER)
    spki = (
        access_tokens.private_key(STRANGER)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    certificate = base64.b64encode(spki).decode()
    headers: list[dict[str, object]] = [
        {"jwk": key},
        {"jwk": key, "kid": STRANGER},
        {"jku": hideout.url},
        {"jku": hideout.url, "kid": STRANGER},
        {"x5u": hideout.url},
        {"x5c": [certificate]},
        {"x5t": "x5t", "x5c": [certificate], "kid": STRANGER},
        {"kid": hideout.url},
        {"kid": STRANGER},
        {"kid": key},
        {"kid": "/dev/null"},
        {"kid": Path(__file__).as_uri()},
        {"jku": hideout.url, "crit": ["jku"]},
        {"iss": hideout.url},
    ]
    assert target.get("/me").status_code == 200
    for changes in headers:
        # Signed with the attacker's key, then with the tenant's: the header alone is refused, too.
        assert_refused(target, sign(valid_header(**changes), target.claims(), key=STRANGER))
        if changes.keys() != {"kid"}:
            assert_refused(target, sign(valid_header(**changes), target.claims()))
    assert_refused(target, sign(claims=target.claims(), key=STRANGER))
    assert hideout.requests == []
    assert target.get("/me").status_code == 200


def test_an_issuer_of_the_attacker_is_refused_and_its_keys_are_not_fetched(
    target: Target, hideout: Endpoint
) -> None:
    """The guard compares `iss` with the configured issuers and does not look for keys there."""
    issuer = hideout.url.removesuffix(".well-known/jwks.json")
    header = valid_header(kid=STRANGER)
    assert target.get("/me").status_code == 200
    for key in (STRANGER, access_tokens.KID):
        assert_refused(target, sign(header, target.claims() | {"iss": issuer}, key=key))
        assert_refused(target, sign(claims=target.claims() | {"iss": issuer}, key=key))

    assert hideout.requests == []


def assert_refused(target: Target, token: str) -> None:
    """Require a 401 with the text that every bad token gets."""
    answer = target.get("/me", token=token)
    assert answer.status_code == 401, token
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.get_json()["code"] == "invalid_token"
