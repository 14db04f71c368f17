"""Periods: half-open market time units, aligned to UTC."""

from collections.abc import Iterator
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
    def minutes(self) -> int:
        """How long it lasts, in minutes."""
        return int(self.length.total_seconds()) // 60

    @property
    def id(self) -> str:
        """Name in keys and memos: the start as ``2026-11-20T11:30Z``."""
        return period_id(self.start)


def period_id(start: datetime) -> str:
    """Return the id of the period that begins at the aware UTC ``start``, whatever its length."""
    return start.strftime("%Y-%m-%dT%H:%MZ")


def period_at(time: datetime, length: timedelta) -> Period:
    """Return the period of ``length`` that contains the aware ``time``."""
    seconds = int(length.total_seconds())
    start = int(time.timestamp()) // seconds * seconds
    return Period(datetime.fromtimestamp(start, UTC), length)


def period_named(name: str, length: timedelta) -> Period:
    """Return the period of ``length`` whose id is ``name``; raise ValueError, saying what would be one."""
    start = _start_named(name)
    around = period_at(start, length)
    if around.start != start:
        minutes = int(length.total_seconds()) // 60
        raise ValueError(f"no period of {minutes} minutes starts at {name}; one starts at {around.id}")
    return around


def _start_named(name: str) -> datetime:
    try:
        return datetime.strptime(name, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{name} names no period; write it like 2026-11-20T11:30Z") from None


@dataclass(frozen=True, slots=True)
class PeriodCalendar:
    """All periods of a community: those of ``first`` length, and of others from the times of ``changes`` on.

    ``changes`` are in the order of time, each from a midnight UTC on: every length divides a day, so no period
    lies across a change.
    """

    first: timedelta
    changes: tuple[tuple[datetime, timedelta], ...] = ()

    def __post_init__(self) -> None:
        for length in (self.first, *(length for _, length in self.changes)):
            if length not in {timedelta(minutes=m) for m in LENGTHS_MINUTES}:
                raise ValueError(f"a period lasts 15, 30 or 60 minutes, not {length}")
        times = [since for since, _ in self.changes]
        for since in times:
            if since.utcoffset() != timedelta(0) or since.timestamp() % 86_400:
                raise ValueError(f"the length of periods changes at a midnight UTC, not at {since.isoformat()}")
        if sorted(set(times)) != times:
            raise ValueError("changes of the length of periods are told in order, one for each time")

    def length_at(self, time: datetime) -> timedelta:
        """Return the length of the period that contains the aware ``time``."""
        length = self.first
        for since, changed in self.changes:
            if time < since:
                break
            length = changed
        return length

    def at(self, time: datetime) -> Period:
        """Return the period that contains the aware ``time``."""
        return period_at(time, self.length_at(time))

    def named(self, name: str) -> Period:
        """Return the period whose id is ``name``; raise ValueError, saying what would be one."""
        return period_named(name, self.length_at(_start_named(name)))

    def starting(self, start: datetime) -> Period:
        """Return the period that begins at ``start``; raise ValueError when none does."""
        return Period(start, self.length_at(start))

    def after(self, period: Period, count: int = 1) -> Period:
        """Return the period that follows ``period``, or the one ``count`` later."""
        for _ in range(count):
            period = self.at(period.end)
        return period

    def before(self, period: Period, count: int = 1) -> Period:
        """Return the period that ``period`` follows, or the one ``count`` earlier."""
        for _ in range(count):
            period = self.at(period.start - timedelta(microseconds=1))
        return period

    def between(self, since: datetime, until: datetime) -> Iterator[Period]:
        """Yield the periods that begin in ``[since, until)``, the first one first."""
        period = self.at(since)
        if period.start < since:
            period = self.after(period)
        while period.start < until:
            yield period
            period = self.after(period)
