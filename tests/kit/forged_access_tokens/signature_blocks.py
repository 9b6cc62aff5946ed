"""
What a signature says when the public key is applied to it: the 256 bytes of a block.

RFC 8017 section 9.2 allows one block for a text. The others here are the families of Wycheproof's
tests of RSASSA-PKCS1-v1_5, under a key of our own.
"""

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

from local_stack.access_tokens import private_key, segment
from tests.kit.forged_access_tokens.kind import Kind


@functools.cache
def _numbers() -> Any:
    return private_key().private_numbers()


@functools.cache
def _apply_private_key(message: int) -> int:
    """RSA's private operation on any number (RFC 8017 section 5.2.1, in the fast form)."""
    numbers = _numbers()
    first, second = (
        pow(message, numbers.dmp1, numbers.p),
        pow(message, numbers.dmq1, numbers.q),
    )
    made: int = second + (first - second) * numbers.iqmp % numbers.p * numbers.q
    return made


_HASH: Final[dict[str, Callable[[bytes], bytes]]] = {
    "HASH": lambda text: hashlib.sha256(text).digest(),
    "CUT": lambda text: hashlib.sha256(text).digest()[:-1],
    "LONG": lambda text: hashlib.sha256(text).digest() + b"\0",
    "FLIPPED": lambda text: (
        bytes([hashlib.sha256(text).digest()[0] ^ 1]) + hashlib.sha256(text).digest()[1:]
    ),
    "REVERSED": lambda text: hashlib.sha256(text).digest()[::-1],
    "TWICE": lambda text: hashlib.sha256(hashlib.sha256(text).digest()).digest(),
    "ZEROS": lambda text: bytes(32),
    "MD5": lambda text: hashlib.md5(text, usedforsecurity=False).digest(),
    "SHA1": lambda text: hashlib.sha1(text, usedforsecurity=False).digest(),
    "SHA224": lambda text: hashlib.sha224(text).digest(),
    "SHA384": lambda text: hashlib.sha384(text).digest(),
    "SHA512": lambda text: hashlib.sha512(text).digest(),
    "SHA3": lambda text: hashlib.sha3_256(text).digest(),
}


def sign_block(kind: Kind, block: str) -> str:
    """
    Sign the 256 bytes that *block* describes instead of those of RFC 8017 section 9.2.

    Bytes are hexadecimal, `HASH` and its like stand for a hash of the text, and the byte before
    the asterisk is repeated until there are enough.
    """
    text = kind.unsigned()
    for name, make in _HASH.items():
        block = re.sub(rf"\b{name}\b", make(text.encode()).hex(), block)
    before, _, after = block.partition("*")
    first, last = bytes.fromhex(before), bytes.fromhex(after)
    encoded = first + first[-1:] * (256 - len(first) - len(last)) + last
    assert len(encoded) == 256, block
    made = _apply_private_key(int.from_bytes(encoded, "big"))
    return f"{text}.{segment(made.to_bytes(256, 'big'))}"


SHA256: Final = "06 09 60 86 48 01 65 03 04 02 01"
DIGEST_INFO: Final = f"30 31 30 0d {SHA256} 05 00 04 20 HASH"
RIGHT_BLOCK: Final = f"00 01 ff* 00 {DIGEST_INFO}"

BLOCKS: Final[dict[str, str]] = {
    # Around the DigestInfo
    "no zero before the hash": f"00 01 ff* {DIGEST_INFO}",
    "one instead of zero before the hash": f"00 01 ff* 01 {DIGEST_INFO}",
    "two zeros before the hash": f"00 01 ff* 00 00 {DIGEST_INFO}",
    "block type 0": f"00 00 ff* 00 {DIGEST_INFO}",
    "block type 2": f"00 02 ff* 00 {DIGEST_INFO}",
    "block type 2 with other padding": f"00 02 a5* 00 {DIGEST_INFO}",
    "block type 1 with other padding": f"00 01 a5* 00 {DIGEST_INFO}",
    "block type 1 with zeros": f"00 01 00* {DIGEST_INFO}",
    "block type 3": f"00 03 ff* 00 {DIGEST_INFO}",
    "block type of all ones": f"00 ff* 00 {DIGEST_INFO}",
    "no zero at the beginning": f"01 ff* 00 {DIGEST_INFO}",
    "one instead of zero at the beginning": f"01 01 ff* 00 {DIGEST_INFO}",
    "two zeros at the beginning": f"00 00 01 ff* 00 {DIGEST_INFO}",
    "another byte at the beginning of the padding": f"00 01 fe ff* 00 {DIGEST_INFO}",
    "another byte in the padding": f"00 01 ff ff ff 7f ff* 00 {DIGEST_INFO}",
    "another byte at the end of the padding": f"00 01 ff* fe 00 {DIGEST_INFO}",
    "a zero in the padding": f"00 01 ff ff ff ff ff ff ff ff 00 ff* 00 {DIGEST_INFO}",
    "no padding, zeros after the hash": f"00 01 00 {DIGEST_INFO} 00*",
    "one byte of padding, zeros after the hash": f"00 01 ff 00 {DIGEST_INFO} 00*",
    "eight bytes of padding, zeros after the hash": f"00 01 {'ff' * 8} 00 {DIGEST_INFO} 00*",
    "eight bytes of padding, ones after the hash": f"00 01 {'ff' * 8} 00 {DIGEST_INFO} ff*",
    "eight bytes of padding, rubbish after the hash": f"00 01 {'ff' * 8} 00 {DIGEST_INFO} a5*",
    "a byte after the hash": f"00 01 ff* 00 {DIGEST_INFO} 00",
    "two bytes after the hash": f"00 01 ff* 00 {DIGEST_INFO} 05 00",
    "zeros before everything": f"00* 00 01 {'ff' * 8} 00 {DIGEST_INFO}",
    "the hash in the middle": f"00 01 {'ff' * 90} 00 {DIGEST_INFO} a5*",
    "the hash alone": "00* HASH",
    "the hash with padding alone": "00 01 ff* 00 HASH",
    "the DigestInfo alone": f"00* {DIGEST_INFO}",
    "ANSI X9.31": "6b bb* ba HASH 34 cc",
    "ISO 9796-2": "4a bb* ba HASH bc",
    # The DigestInfo itself
    **{
        f"a DigestInfo with {what}": f"00 01 ff* 00 {info}"
        for what, info in {
            "SHA-1": "30 21 30 09 06 05 2b 0e 03 02 1a 05 00 04 14 SHA1",
            "MD5": "30 20 30 0c 06 08 2a 86 48 86 f7 0d 02 05 05 00 04 10 MD5",
            "SHA-224": "30 2d 30 0d 06 09 608648016503040204 05 00 04 1c SHA224",
            "SHA-384": "30 41 30 0d 06 09 608648016503040202 05 00 04 30 SHA384",
            "SHA-512": "30 51 30 0d 06 09 608648016503040203 05 00 04 40 SHA512",
            "SHA3-256": "30 31 30 0d 06 09 608648016503040208 05 00 04 20 SHA3",
            "the name of SHA-1": "30 2d 30 09 06 05 2b 0e 03 02 1a 05 00 04 20 HASH",
            "the name of SHA-512": "30 31 30 0d 06 09 608648016503040203 05 00 04 20 HASH",
            "the name of SHA-512/256": "30 31 30 0d 06 09 608648016503040206 05 00 04 20 HASH",
            "the name of RSA with SHA-256": "30 31 30 0d 06 09 2a864886f70d01010b 05 00 04 20 HASH",
            "SHA-256 and SHA-1's hash": f"30 25 30 0d {SHA256} 05 00 04 14 SHA1",
            "a bit of the hash flipped": f"30 31 30 0d {SHA256} 05 00 04 20 FLIPPED",
            "the hash reversed": f"30 31 30 0d {SHA256} 05 00 04 20 REVERSED",
            "the hash of the hash": f"30 31 30 0d {SHA256} 05 00 04 20 TWICE",
            "zeros for the hash": f"30 31 30 0d {SHA256} 05 00 04 20 ZEROS",
            "the hash cut": f"30 30 30 0d {SHA256} 05 00 04 1f CUT",
            "the hash and a zero": f"30 32 30 0d {SHA256} 05 00 04 21 LONG",
            "no hash": f"30 11 30 0d {SHA256} 05 00 04 00",
            "no octet string": f"30 0f 30 0d {SHA256} 05 00",
            "no algorithm": "30 22 04 20 HASH",
            "no parameters": f"30 2f 30 0b {SHA256} 04 20 HASH",
            "two parameters": f"30 33 30 0f {SHA256} 05 00 05 00 04 20 HASH",
            "parameters that are an empty string": f"30 31 30 0d {SHA256} 04 00 04 20 HASH",
            "parameters that are no ASN.1": f"30 31 30 0d {SHA256} 00 00 04 20 HASH",
            "parameters that hold rubbish": (
                f"30 81b1 30 818c {SHA256} 05 7f {'a5' * 127} 04 20 HASH"
            ),
            "parameters that are a string of rubbish": (
                f"30 81b1 30 818c {SHA256} 04 7f {'a5' * 127} 04 20 HASH"
            ),
            "rubbish after the hash": f"30 41 30 0d {SHA256} 05 00 04 20 HASH {'a5' * 16}",
            "NULL after the hash": f"30 33 30 0d {SHA256} 05 00 04 20 HASH 05 00",
            "its length in two bytes": f"30 8131 30 0d {SHA256} 05 00 04 20 HASH",
            "its length in three bytes": f"30 820031 30 0d {SHA256} 05 00 04 20 HASH",
            "its length in nine bytes": (f"30 880000000000000031 30 0d {SHA256} 05 00 04 20 HASH"),
            "its length wrapped around": (f"30 850100000031 30 0d {SHA256} 05 00 04 20 HASH"),
            "the algorithm's length in two bytes": f"30 32 30 810d {SHA256} 05 00 04 20 HASH",
            "the name's length in two bytes": (
                "30 32 30 0e 06 8109 608648016503040201 05 00 04 20 HASH"
            ),
            "the parameters' length in two bytes": f"30 32 30 0e {SHA256} 05 8100 04 20 HASH",
            "the hash's length in two bytes": f"30 32 30 0d {SHA256} 05 00 04 8120 HASH",
            "the hash's length in three bytes": f"30 33 30 0d {SHA256} 05 00 04 820020 HASH",
            "no length of its own": f"30 80 30 0d {SHA256} 05 00 04 20 HASH 00 00",
            "no length of the algorithm": f"30 33 30 80 {SHA256} 05 00 00 00 04 20 HASH",
            "no length of the hash": f"30 35 30 0d {SHA256} 05 00 24 80 04 20 HASH 00 00",
            "the hash in two pieces": f"30 33 30 0d {SHA256} 05 00 24 22 04 20 HASH",
            "a length one too small": f"30 30 30 0d {SHA256} 05 00 04 20 HASH",
            "a length one too large": f"30 32 30 0d {SHA256} 05 00 04 20 HASH",
            "an algorithm one too short": f"30 31 30 0c {SHA256} 05 00 04 20 HASH",
            "an algorithm one too long": f"30 31 30 0e {SHA256} 05 00 04 20 HASH",
            "a hash one too short": f"30 31 30 0d {SHA256} 05 00 04 1f HASH",
            "a hash one too long": f"30 31 30 0d {SHA256} 05 00 04 21 HASH",
            "a length of zero": f"30 00 30 0d {SHA256} 05 00 04 20 HASH",
            "a set instead of a sequence": f"31 31 30 0d {SHA256} 05 00 04 20 HASH",
            "a set for the algorithm": f"30 31 31 0d {SHA256} 05 00 04 20 HASH",
            "a bit string for the hash": f"30 31 30 0d {SHA256} 05 00 03 20 HASH",
            "a relative name": "30 31 30 0d 0d 09 608648016503040201 05 00 04 20 HASH",
            "a filled-up name": "30 32 30 0e 06 0a 80608648016503040201 05 00 04 20 HASH",
            "a name that goes on": "30 32 30 0e 06 0a 60864801650304020100 05 00 04 20 HASH",
            "an empty name": "30 28 30 04 06 00 05 00 04 20 HASH",
            "a sequence around it": f"30 33 {DIGEST_INFO}",
        }.items()
    },
}
