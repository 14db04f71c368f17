"""The signed reading: a 144-byte frame of a meter's cumulative registers (layout in docs/architecture.md)."""

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntFlag
from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

MAGIC: Final = b"ESR1"
FRAME_BYTES: Final = 144
SIGNED_BYTES: Final = 80
_LAYOUT: Final = struct.Struct("<4s32sQQQQQI")


class FrameError(ValueError):
    """These bytes are no reading; the message says why."""


class ReadingFlag(IntFlag):
    """What a meter says about a reading."""

    CLOCK_NOT_SYNCHRONISED = 1
    REGISTER_EPOCH_STARTED = 2
    TAMPER = 4
    SENSOR_FAULT = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """One snapshot of a meter's cumulative registers.

    ``meter`` is the meter's 32-byte Ed25519 public key, ``sequence`` never repeats, ``measured_at`` is in
    whole Unix seconds, the registers are Wh since the register epoch began.
    """

    meter: bytes
    sequence: int
    measured_at: int
    export_wh: int
    import_wh: int
    generation_wh: int
    flags: ReadingFlag = ReadingFlag(0)

    @property
    def time(self) -> datetime:
        """``measured_at`` as an aware UTC time."""
        return datetime.fromtimestamp(self.measured_at, UTC)

    def signed_bytes(self) -> bytes:
        """Return the 80 bytes that the signature covers."""
        return _LAYOUT.pack(
            MAGIC, self.meter, self.sequence, self.measured_at,
            self.export_wh, self.import_wh, self.generation_wh, self.flags,
        )  # fmt: skip


def sign_reading(reading: Reading, key: SigningKey) -> bytes:
    """Return the 144-byte frame of ``reading``; its ``meter`` must be the public half of ``key``."""
    if bytes(key.verify_key) != reading.meter:
        raise ValueError("a reading is signed with the key of its own meter")
    body = reading.signed_bytes()
    return body + key.sign(body).signature


def decode_frame(frame: bytes) -> Reading:
    """Return the reading in ``frame`` after checking length, magic and signature; raise `FrameError` else."""
    if len(frame) != FRAME_BYTES:
        raise FrameError(f"a reading has {FRAME_BYTES} bytes, not {len(frame)}")
    magic, meter, sequence, measured_at, export_wh, import_wh, generation_wh, flags = _LAYOUT.unpack(
        frame[:SIGNED_BYTES]
    )
    if magic != MAGIC:
        raise FrameError(f"a reading begins with {MAGIC!r}, not {magic!r}")
    if max(measured_at, export_wh, import_wh, generation_wh, sequence) >= 2**63:
        raise FrameError("a register, time or sequence of 2^63 or more is out of range")
    if flags >= 2**4:
        raise FrameError(f"unknown flags {flags:#x}; update the hub or check the meter's firmware")
    try:
        VerifyKey(meter).verify(frame[:SIGNED_BYTES], frame[SIGNED_BYTES:])
    except BadSignatureError:
        raise FrameError("the signature does not belong to this reading") from None
    return Reading(meter, sequence, measured_at, export_wh, import_wh, generation_wh, ReadingFlag(flags))


def frame_to_text(frame: bytes) -> str:
    """Return the frame as MQTT and JSON carry it: base64url without padding (192 characters)."""
    return base64.urlsafe_b64encode(frame).decode().rstrip("=")


def frame_from_text(text: str) -> bytes:
    """Return the bytes of a frame written by `frame_to_text`; raise `FrameError` when it is not base64url."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error, ValueError:
        raise FrameError("a reading is base64url text") from None
