"""One RSA key of the tenant, in the forms that Auth0 publishes: JWK, certificate, thumbprint."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

KEY_BITS = 2048
CERTIFICATE_LIFETIME = timedelta(days=5000)
CERTIFICATE_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local-tenant")])


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair, its `kid` in the headers of tokens, and its self-signed certificate."""

    kid: str
    private: rsa.RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate = field(repr=False)

    @classmethod
    def new(cls) -> Self:
        """Generate a key; this is slow."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(CERTIFICATE_NAME)
            .issuer_name(CERTIFICATE_NAME)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + CERTIFICATE_LIFETIME)
            .sign(private, hashes.SHA256())
        )
        return cls(secrets.token_urlsafe(16), private, certificate)

    @property
    def pem(self) -> str:
        """The certificate as PEM, with CRLF line ends as in Auth0's samples."""
        return self.certificate.public_bytes(Encoding.PEM).decode().strip().replace("\n", "\r\n")

    @property
    def thumbprint(self) -> str:
        """The SHA-1 of the certificate in upper-case hexadecimal digits."""
        return self._sha1().hex().upper()

    def public_jwk(self) -> dict[str, Any]:
        """Return the public key as Auth0 does (RFC 7517 section 4, RFC 7518 section 6.3)."""
        numbers = self.private.public_key().public_numbers()
        der = self.certificate.public_bytes(Encoding.DER)
        return {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": self.kid,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
            "x5t": _base64url(self._sha1()),
            "x5c": [base64.b64encode(der).decode()],
        }

    def _sha1(self) -> bytes:
        der = self.certificate.public_bytes(Encoding.DER)
        return hashlib.sha1(der, usedforsecurity=False).digest()


def _number(value: int) -> str:
    return _base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
