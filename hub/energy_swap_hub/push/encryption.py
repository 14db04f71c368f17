"""Sealing a message so that only the browser that subscribed can read it (RFC 8291 over RFC 8188, aes128gcm)."""

import base64
import struct
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AUTH_BYTES: Final = 16
SALT_BYTES: Final = 16
POINT_BYTES: Final = 65  # an uncompressed point of P-256
_RECORD: Final = 4096  # every push service takes so much, in one record
_LAST: Final = b"\x02"  # ends the text of the last record; zeros follow


def unpadded(data: bytes) -> str:
    """Return base64url without its padding, as Web Push writes all bytes."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def public_point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as browsers and push services write it: 65 bytes."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def point_key(point: bytes) -> ec.EllipticCurvePublicKey:
    """Return the key of `POINT_BYTES`; raises `ValueError` when they are no point of P-256."""
    if len(point) != POINT_BYTES:
        raise ValueError(f"a public key of P-256 has {POINT_BYTES} bytes, not {len(point)}")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def seal_message(
    text: bytes,
    receiver: bytes,
    auth: bytes,
    *,
    sender: ec.EllipticCurvePrivateKey,
    salt: bytes,
    padded_to: int = 0,
) -> bytes:
    """Return ``text`` for the browser with the key ``receiver`` and the secret ``auth``.

    ``sender`` and ``salt`` are used for this message only. Zeros make the text ``padded_to`` bytes long, so that
    its length tells nothing.
    """
    own = public_point(sender.public_key())
    shared = sender.exchange(ec.ECDH(), point_key(receiver))
    secret = _derived(shared, auth, b"WebPush: info\0" + receiver + own, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    record = (text + _LAST).ljust(padded_to + len(_LAST), b"\0")
    header = salt + struct.pack("!IB", _RECORD, len(own)) + own
    return header + AESGCM(key).encrypt(nonce, record, None)


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
