"""Phone numbers: sealed at rest, found by a keyed hash, masked wherever a person or a log sees them."""

import hashlib
import hmac

from .seal import Seal


class PhoneBook:
    """Seals and opens phone numbers with one 32-byte secret of the hub."""

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(secret, b"phone-seal")
        self._hash_key = hashlib.sha256(b"phone-hash" + secret).digest()

    def seal(self, phone: str) -> bytes:
        """Return ``phone`` encrypted, different each time."""
        return self._seal.close(phone)

    def open(self, sealed: bytes) -> str:
        """Return the phone number in ``sealed``."""
        return self._seal.open(sealed)

    def hash_document(self, kind: str, number: str) -> bytes:
        """Return the same 32 bytes for the same document, useless without the hub's secret."""
        return self.hash(f"document/{kind}/{number}")

    def hash(self, phone: str) -> bytes:
        """Return the same 32 bytes for the same phone, useless without the hub's secret."""
        return hmac.digest(self._hash_key, phone.encode(), "sha256")


def mask(phone: str) -> str:
    """Return ``2547*****678``: enough to recognise, too little to call."""
    return f"{phone[:4]}*****{phone[-3:]}"
