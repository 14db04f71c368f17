"""The demo's time: one clock that its processes share through a memory-mapped file and that never runs back."""

import mmap
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_BYTES: Final = 8
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class SharedClock:
    """Simulated time in a file of 8 bytes: microseconds since 1970, little-endian.

    One process sets it, all read it. The file is the state: whoever opens it again goes on at the time where
    the demo stopped. Calling the clock gives the time, so it is a `Clock`.
    """

    def __init__(self, memory: mmap.mmap) -> None:
        """Take a mapped file; use `create` or `open`."""
        if sys.byteorder != "little":
            raise RuntimeError("the shared clock needs a little-endian machine")
        self._memory = memory
        # One aligned 8-byte load or store: no other process ever sees half a time.
        self._view = memoryview(memory).cast("q")

    @classmethod
    def create(cls, path: Path, start: datetime) -> Self:
        """Return the clock in ``path``; a new one stands at ``start``, an existing one where it stood."""
        if not path.exists():
            partial = path.with_suffix(".new")
            partial.write_bytes(_microseconds(start).to_bytes(_BYTES, "little", signed=True))
            partial.replace(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the clock in ``path``; raise `FileNotFoundError` or `ValueError` when there is none."""
        if path.stat().st_size != _BYTES:
            raise ValueError(f"{path} is no clock: it has {path.stat().st_size} bytes, not {_BYTES}")
        with path.open("r+b") as file:
            return cls(mmap.mmap(file.fileno(), _BYTES))

    def now(self) -> datetime:
        """Return the time, aware UTC."""
        return _EPOCH + self._view[0] * _MICROSECOND

    def __call__(self) -> datetime:
        """Return the time, as `now`."""
        return self.now()

    def set(self, time: datetime) -> None:
        """Move the clock to ``time``; raise `ValueError` when that lies before the present."""
        microseconds = _microseconds(time)
        if microseconds < self._view[0]:
            raise ValueError(f"the clock stands at {self.now()} and does not run back to {time}")
        self._view[0] = microseconds

    def close(self) -> None:
        """Write the time to the disk and let the file go."""
        self._view.release()
        self._memory.flush()
        self._memory.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _microseconds(time: datetime) -> int:
    if time.tzinfo is None:
        raise ValueError("a time without its time zone means nothing; use an aware datetime")
    return (time - _EPOCH) // _MICROSECOND
