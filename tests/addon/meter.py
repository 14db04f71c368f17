"""A meter for tests: real keys, real frames."""

import time
from datetime import UTC, datetime

from energy_swap_protocol.reading import Reading, ReadingFlag, frame_to_text, sign_reading
from nacl.signing import SigningKey

_NO_FLAGS = ReadingFlag(0)


class Meter:
    """Signs readings one minute apart, ending about now, and remembers nothing else."""

    def __init__(self, seed: int = 1, start: int | None = None) -> None:
        self.key = SigningKey(bytes([seed]) * 32)
        self.public_key = bytes(self.key.verify_key)
        self.start = int(time.time()) - 3600 if start is None else start
        self.sequence = 0

    @property
    def hex(self) -> str:
        return self.public_key.hex()

    def topic(self, name: str) -> str:
        return f"energy_swap/{self.hex}/{name}"

    def next_frame(self, flags: ReadingFlag = _NO_FLAGS) -> bytes:
        """The next minute: 20 Wh exported, 5 imported, 30 generated."""
        self.sequence += 1
        n = self.sequence
        reading = Reading(self.public_key, n, self.start + 60 * n, 20 * n, 5 * n, 30 * n, flags)
        return sign_reading(reading, self.key)

    def next_text(self) -> str:
        return frame_to_text(self.next_frame())


def now() -> datetime:
    return datetime.now(UTC)
