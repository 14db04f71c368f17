"""Phone numbers: sealed at rest, found by a keyed hash, masked wherever a person or a log sees them."""

import hashlib
import hmac
import os
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class PhoneBook:
    """Seals and opens phone numbers with one 32-byte secret of the hub."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise ValueError("the phone secret has 32 bytes")
        self._cipher = AESGCM(hashlib.sha256(b"phone-seal" + secret).digest())
        self._hash_key = hashlib.sha256(b"phone-hash" + secret).digest()

    def seal(self, phone: str) -> bytes:
        """Return ``phone`` encrypted, different each time."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, phone.encode(), None)

    def open(self, sealed: bytes) -> str:
        """Return the phone number in ``sealed``."""
        return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()

    def hash(self, phone: str) -> bytes:
        """Return the same 32 bytes for the same phone, useless without the hub's secret."""
        return hmac.digest(self._hash_key, phone.encode(), "sha256")


def mask(phone: str) -> str:
    """Return ``2547*****678``: enough to recognise, too little to call."""
    return f"{phone[:4]}*****{phone[-3:]}"
