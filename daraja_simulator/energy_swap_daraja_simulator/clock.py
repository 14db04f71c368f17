"""Time as M-Pesa tells it: a clock that may run fast, East Africa Time, and its three spellings."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

type Clock = Callable[[], datetime]

EAT: Final = timezone(timedelta(hours=3), "EAT")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def running_clock(start: datetime, speed: float) -> Clock:
    """Return a clock that shows ``start`` now and from here on runs ``speed`` times as fast as the wall's."""
    origin = time.monotonic()
    return lambda: start + timedelta(seconds=(time.monotonic() - origin) * speed)


class VirtualClock:
    """A clock that stands still until it is told to move on."""

    def __init__(self, start: datetime) -> None:
        """Stand at ``start`` (aware)."""
        self._now = start

    def __call__(self) -> datetime:
        """Return the time."""
        return self._now

    def set(self, time: datetime) -> None:
        """Move to ``time``; one that lies before the present raises `ValueError`."""
        if time < self._now:
            raise ValueError(f"the clock stands at {self._now.isoformat()} and does not run back")
        self._now = time


def to_micros(at: datetime) -> int:
    """Return microseconds since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_micros(micros: int) -> datetime:
    """Return the aware UTC time of ``micros`` since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


def iso(micros: int | None) -> str | None:
    """Return a time as ``2026-11-20T11:30:01+00:00``."""
    return None if micros is None else from_micros(micros).isoformat()


def compact(at: datetime) -> str:
    """Return ``20261120143001``: STK time stamps and metadata."""
    return at.astimezone(EAT).strftime("%Y%m%d%H%M%S")


def dotted(at: datetime) -> str:
    """Return ``20.11.2026 14:30:01``: B2C results."""
    return at.astimezone(EAT).strftime("%d.%m.%Y %H:%M:%S")


def with_false_z(at: datetime) -> str:
    """Return ``2026-11-20T14:30:01Z``: Pull rows, which say Z and mean Nairobi."""
    return at.astimezone(EAT).strftime("%Y-%m-%dT%H:%M:%SZ")
