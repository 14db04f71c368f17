"""The test key pair: a self-signed certificate to encrypt initiator passwords with, and their decryption."""

import base64
import binascii
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Daraja simulator: test certificate")])


def new_key() -> bytes:
    """Return a new RSA 2048 private key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load(pem: bytes) -> rsa.RSAPrivateKey:
    # The key is our own or the caller's: checking its primes each time costs more than all the rest.
    key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the stored key is not an RSA key")
    return key


def certificate(pem: bytes) -> bytes:
    """Return the PEM certificate that belongs to the private key ``pem``."""
    key = _load(pem)
    return (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def decrypt(pem: bytes, security_credential: str) -> str | None:
    """Return the password inside a SecurityCredential (base64 of RSA PKCS#1 v1.5), or ``None`` if it is none."""
    try:
        sealed = base64.b64decode(security_credential, validate=True)
        return _load(pem).decrypt(sealed, padding.PKCS1v15()).decode()
    except binascii.Error, ValueError:
        return None
