"""Daraja's certificate, with whose key the initiator's password is sealed."""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa


def rsa_key(certificate_pem: bytes) -> rsa.RSAPublicKey:
    """Return the key of a certificate in PEM; raises ValueError for anything else."""
    try:
        key = x509.load_pem_x509_certificate(certificate_pem).public_key()
    except ValueError:
        key = None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError(  # noqa: TRY004 - of what a file holds
            "Daraja's certificate is no X.509 certificate in PEM with an RSA key; take the one for this"
            " environment from Safaricom's developer portal"
        )
    return key
