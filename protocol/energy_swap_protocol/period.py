"""Periods: half-open market time units, aligned to UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LENGTHS_MINUTES = (15, 30, 60)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The time ``[start, start + length)``. ``start`` is aware UTC, a multiple of the length since midnight."""

    start: datetime
    length: timedelta

    def __post_init__(self) -> None:
        if self.length not in {timedelta(minutes=m) for m in LENGTHS_MINUTES}:
            raise ValueError(f"a period lasts 15, 30 or 60 minutes, not {self.length}")
        if self.start.utcoffset() != timedelta(0):
            raise ValueError(f"a period starts at an aware UTC time, not {self.start!r}")
        if int(self.start.timestamp()) % int(self.length.total_seconds()) or self.start.microsecond:
            raise ValueError(f"a period of {self.length} cannot start at {self.start.isoformat()}")

    @property
    def end(self) -> datetime:
        """The first instant after the period."""
        return self.start + self.length

    @property
    def next(self) -> Period:
        """The period that follows."""
        return Period(self.end, self.length)

    @property
    def id(self) -> str:
        """Name in keys and memos: the start as ``2026-11-20T11:30Z``."""
        return self.start.strftime("%Y-%m-%dT%H:%MZ")


def period_at(time: datetime, length: timedelta) -> Period:
    """Return the period of ``length`` that contains the aware ``time``."""
    seconds = int(length.total_seconds())
    start = int(time.timestamp()) // seconds * seconds
    return Period(datetime.fromtimestamp(start, UTC), length)


def period_named(period_id: str, length: timedelta) -> Period:
    """Return the period of ``length`` whose id is ``period_id``; raise ValueError, saying what would be one."""
    try:
        start = datetime.strptime(period_id, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{period_id} names no period; write it like 2026-11-20T11:30Z") from None
    around = period_at(start, length)
    if around.start != start:
        minutes = int(length.total_seconds()) // 60
        raise ValueError(f"no period of {minutes} minutes starts at {period_id}; one starts at {around.id}")
    return around
