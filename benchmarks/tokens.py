"""
The cost of verifying an access token: CPU of one thread, divided by that of one RSA verification.

The RSA verification is `cryptography`'s `verify` with key, bytes and padding prepared. Every
candidate is called once before it is measured and must do its job. The key endpoint counts its
requests: refused tokens must cause none. On a busy machine the run takes longer than the cool-down
of the keys (10 s), and then an unknown key causes one more fetch for each cool-down.
"""

import hashlib
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import RSAKey

from benchmarks.report import Line, at_most
from benchmarks.rounds import measure
from local_stack import access_tokens
from local_stack.stack import Stack
from org_guard.access_token import AccessTokenVerifier
from org_guard.errors import GuardError
from org_guard.signing_keys import SigningKeys
from org_guard.verified_tokens import VerifiedTokens

ROUNDS = 11
CALLS = 1_000  # a round
PART = "tokens"
FLOOR = "cryptography: verify"
RANDOM_TEXT_LENGTH = 7_500


class KeyServer:
    """The endpoint of the tenant's keys: its URL, and how often it was `asked`."""

    def __init__(self) -> None:
        self.asked = 0
        self.url = ""


@contextmanager
def serve_keys() -> Iterator[KeyServer]:
    """Serve the tenant's keys on a free port of this machine."""
    server = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked += 1
            body = json.dumps(access_tokens.key_set()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        server.url = f"http://127.0.0.1:{http.server_address[1]}/.well-known/jwks.json"
        try:
            yield server
        finally:
            http.shutdown()


def run(_stack: Stack) -> list[Line]:
    """Measure accepted and refused tokens in the same rounds."""
    with serve_keys() as server:
        keys = SigningKeys(server.url, max_age=86_400)
        verifier = AccessTokenVerifier(
            issuers=[access_tokens.ISSUER],
            audience=access_tokens.AUDIENCE,
            namespace=access_tokens.NAMESPACE,
            keys=keys,
        )
        token = access_tokens.sign()
        verifier.verify(token)
        candidates = _list_candidates(token, verifier, keys, server.url)
        asked = server.asked
        rounds = measure({name: _meter(call) for name, call in candidates.items()}, ROUNDS)
        fetches = server.asked - asked
    goals = {
        "new token": 2.5,
        "the same token again": 0.15,
        "refuse random text": 2.1,
        "refuse a bad signature": 2.1,
        "refuse an unknown key": 2.1,
    }
    lines = [Line(PART, f"floor: {FLOOR}", f"{rounds.median(FLOOR):.1f} us")]
    for name in candidates:
        if name == FLOOR:
            continue
        ratio, note = rounds.ratio(name, FLOOR), f"{rounds.median(name):.1f} us"
        if name in goals:
            lines.append(at_most(PART, name, ratio, goals[name], unit=f" x {FLOOR}", note=note))
        else:
            lines.append(Line(PART, name, f"{ratio:.4g} x {FLOOR}  ({note})"))
    # PyJWKClient fetched the keys once, before the rounds began.
    lines.append(at_most(PART, "key fetches meanwhile", fetches, 0))
    return lines


def _list_candidates(
    token: str, verifier: AccessTokenVerifier, keys: SigningKeys, url: str
) -> dict[str, Callable[[], object]]:
    public, raw = access_tokens.private_key().public_key(), access_tokens.jwk()
    signed, _, last = token.rpartition(".")
    signature, signed_bytes = access_tokens.signature(signed), signed.encode()
    pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
    key = RSAKey.import_key({name: raw[name] for name in ("kty", "n", "e")})
    remembered = VerifiedTokens(verifier, keys)
    client = jwt.PyJWKClient(url)
    audience, issuer = access_tokens.AUDIENCE, access_tokens.ISSUER

    def refused(unverified_token: str) -> Callable[[], object]:
        def call() -> object:
            try:
                verifier.verify(unverified_token)
            except GuardError as error:
                return error
            raise AssertionError("accepted")

        return call

    def with_client() -> object:
        found = client.get_signing_key_from_jwt(token)
        return jwt.decode(token, found, algorithms=["RS256"], audience=audience, issuer=issuer)

    candidates: dict[str, Callable[[], object]] = {
        FLOOR: lambda: public.verify(signature, signed_bytes, pkcs1, sha256),
        "new token": lambda: verifier.verify(token),
        "the same token again": lambda: remembered.verify(token),
        "refuse random text": refused(_random_text()),
        "refuse a bad signature": refused(f"{signed}.{'A' * len(last)}"),
        "refuse an unknown key": refused(
            access_tokens.sign(access_tokens.valid_header(kid="unknown-key"))
        ),
        "for comparison: joserfc": lambda: joserfc_jwt.decode(token, key, algorithms=["RS256"]),
        "for comparison: PyJWT, key object": lambda: jwt.decode(
            token, public, algorithms=["RS256"], audience=audience, issuer=issuer
        ),
        "for comparison: PyJWT and PyJWKClient": with_client,
    }
    for call in candidates.values():
        call()
    return candidates


def _random_text() -> str:
    """Make three valid base64url segments of random bytes, as long as a token may be."""
    digits = hashlib.shake_256(b"rubbish").hexdigest(RANDOM_TEXT_LENGTH // 2)
    third = len(digits) // 3 // 4 * 4
    return ".".join(digits[number * third : (number + 1) * third] for number in range(3))


def _meter(call: Callable[[], object]) -> Callable[[], float]:
    def measure_once() -> float:
        began = time.thread_time_ns()
        for _ in itertools.repeat(None, CALLS):
            call()
        return (time.thread_time_ns() - began) / 1000 / CALLS

    return measure_once
