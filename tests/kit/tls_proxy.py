"""
A server that speaks TLS in front of Postgres, as hosted Postgres does.

The Postgres of these tests has no TLS. So this answers libpq's SSLRequest, does the handshake and
passes everything on to Postgres' socket.
Source: PostgreSQL "Frontend/Backend Protocol", SSL Session Encryption.
"""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


@contextmanager
def serve_tls(upstream: Path, host: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """
    Serve TLS on 127.0.0.1 under a certificate for *host*; yield the port and its authority's file.

    Args:
        upstream: Postgres' socket.
        folder: an empty folder for the certificate.
    """
    certificate, key = _make_certificate(host, folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, context, upstream), daemon=True).start()
        yield listener.getsockname()[1], certificate
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # ends the thread's accept()


def _make_certificate(host: str, folder: Path) -> tuple[Path, Path]:
    """Make a certificate that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True)
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def _accept(listener: socket.socket, context: ssl.SSLContext, upstream: Path) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # the test has ended
        threading.Thread(target=_serve, args=(client, context, upstream), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, upstream: Path) -> None:
    with suppress(OSError), client, socket.socket(socket.AF_UNIX) as postgres:
        client.settimeout(30)
        while client.recv(8, socket.MSG_WAITALL) != _SSL_REQUEST:
            client.sendall(b"N")  # a request for GSS, which libpq may send first
        client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as secure:
            postgres.connect(str(upstream))
            threading.Thread(target=_copy, args=(postgres, secure), daemon=True).start()
            _copy(secure, postgres)


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
