"""Who sends a push message: the hub's key, and the token that it signs for each push service (RFC 8292)."""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from .encryption import public_point, unpadded

_VALID: Final = timedelta(hours=12)  # push services refuse more than 24
_RENEWED: Final = timedelta(hours=6)
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


class Vapid:
    """The hub's key for push services, made of 32 secret bytes; ``contact`` is a ``mailto:`` or ``https:``."""

    def __init__(self, secret: bytes, contact: str | None) -> None:
        self._key = ec.derive_private_key(int.from_bytes(secret) % (_ORDER - 1) + 1, ec.SECP256R1())
        self._contact = contact
        self._tokens: dict[str, tuple[str, datetime]] = {}

    @property
    def public_key(self) -> str:
        """The public key as browsers take it, ``applicationServerKey``."""
        return unpadded(public_point(self._key.public_key()))

    def authorization(self, endpoint: str, now: datetime) -> str:
        """Return the ``Authorization`` of a message to ``endpoint``; the same for its service for some hours."""
        parts = urlsplit(endpoint)
        audience = f"{parts.scheme}://{parts.netloc}"
        token, made_at = self._tokens.get(audience, ("", now))
        if not token or not timedelta() <= now - made_at < _RENEWED:
            claims: dict[str, object] = {"aud": audience, "exp": int((now + _VALID).timestamp())}
            if self._contact:
                claims["sub"] = self._contact
            token = jwt.encode(claims, self._key, algorithm="ES256")
            self._tokens[audience] = (token, now)
        return f"vapid t={token}, k={self.public_key}"
