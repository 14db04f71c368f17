"""What the database keeps only encrypted: sealed with a secret of the hub that is not in the database."""

import hashlib
import os
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class Seal:
    """Seals and opens text for one ``purpose``; what was sealed for another does not open."""

    def __init__(self, secret: bytes, purpose: bytes) -> None:
        if len(secret) != 32:
            raise ValueError("the secret that seals has 32 bytes")
        self._cipher = AESGCM(hashlib.sha256(purpose + secret).digest())

    def close(self, text: str) -> bytes:
        """Return ``text`` encrypted, different each time."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), None)

    def open(self, sealed: bytes) -> str:
        """Return the text in ``sealed``."""
        return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
