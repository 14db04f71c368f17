"""What a kWh is expected to cost, period by period, from the community's own past; with its measured error."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean
from typing import Final
from zoneinfo import ZoneInfo

DAY: Final = 86_400
_LEARNED_DAYS: Final = 28
_TESTED_DAYS: Final = 7
# Prices of fewer days than this say nothing of a period of the day by themselves.
_FEWEST: Final = 4
_RECENT_DAYS: Final = 7


@dataclass(frozen=True, slots=True)
class Tariffs:
    """Cents per kWh: what the utility asks and pays, and the fees on top of a neighbour's price."""

    retail: int
    feed_in: int
    fees: int

    @property
    def highest(self) -> int:
        """The most that a buyer gains by paying a neighbour; never below what the utility pays."""
        return max(self.retail - self.fees, self.feed_in)


@dataclass(frozen=True, slots=True)
class PastPrice:
    """The clearing price of the period of ``minutes`` that began at ``start`` (Unix seconds), cents per kWh."""

    start: int
    cents_per_kwh: int
    minutes: int = 30


@dataclass(frozen=True, slots=True)
class PriceBand:
    """Cents per kWh: below ``p10`` once in ten times, below ``p50`` every other time; from ``samples`` prices."""

    start: int
    p10: int
    p50: int
    p90: int
    samples: int


@dataclass(frozen=True, slots=True)
class PriceError:
    """How good a day-ahead expectation was in the last week, each day made from what was known at its start.

    ``mean_cents`` is the mean absolute error of ``p50``, ``covered_percent`` how often the price lay in the
    band of 80 %, ``tested`` how many prices were compared. None: not enough of a past.
    """

    mean_cents: float | None
    covered_percent: float | None
    tested: int


def expected_prices(
    past: Sequence[PastPrice], now: int, *, minutes: int, periods: int, tariffs: Tariffs, zone: ZoneInfo
) -> list[PriceBand]:
    """Return the expectation for the ``periods`` that begin with the one of ``now``.

    The prices of the same time of day in the last four weeks, newer ones counting more; where there are fewer than
    four, of an hour around; then those of the last week; then only what feed-in and retail tariff leave room for.
    """
    seconds = minutes * 60
    known = [one for one in past if now - _LEARNED_DAYS * DAY <= one.start < now]
    first = now // seconds * seconds
    by_time = _by_time_of_day(known, seconds, zone)
    recent = [one for one in known if one.start >= now - _RECENT_DAYS * DAY]
    bands = []
    for number in range(periods):
        start = first + number * seconds
        found = _like(by_time, _time_of_day(start, seconds, zone), seconds) or recent
        bands.append(_band(start, found, now) if len(found) >= _FEWEST else _room(start, tariffs))
    return bands


def measured_error(
    past: Sequence[PastPrice], now: int, *, minutes: int, tariffs: Tariffs, zone: ZoneInfo
) -> PriceError:
    """Return the error of `expected_prices` in the last seven days, made as if each day's start were now."""
    seconds = minutes * 60
    errors: list[float] = []
    inside = 0
    for day in range(_TESTED_DAYS, 0, -1):
        made_at = (now - day * DAY) // seconds * seconds
        known = [one for one in past if one.start < made_at]
        if len(known) < _FEWEST:
            continue
        bands = expected_prices(
            known, made_at, minutes=minutes, periods=DAY // seconds, tariffs=tariffs, zone=zone
        )
        expected = {band.start: band for band in bands}
        for one in past:
            band = expected.get(one.start)
            if band is not None and one.start < now:
                errors.append(abs(one.cents_per_kwh - band.p50))
                inside += band.p10 <= one.cents_per_kwh <= band.p90
    if not errors:
        return PriceError(None, None, 0)
    return PriceError(round(fmean(errors), 1), round(100 * inside / len(errors), 1), len(errors))


def _by_time_of_day(known: Sequence[PastPrice], seconds: int, zone: ZoneInfo) -> dict[int, list[PastPrice]]:
    found: dict[int, list[PastPrice]] = {}
    for one in known:
        for at in range(one.start, one.start + one.minutes * 60, seconds):  # of a longer period more than one
            found.setdefault(_time_of_day(at, seconds, zone), []).append(one)
    return found


def _time_of_day(at: int, seconds: int, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    return (local.hour * 3600 + local.minute * 60) // seconds


def _like(by_time: dict[int, list[PastPrice]], time_of_day: int, seconds: int) -> list[PastPrice]:
    same = by_time.get(time_of_day, [])
    if len(same) >= _FEWEST:
        return same
    around = range(-(3600 // seconds), 3600 // seconds + 1)
    found = [one for step in around for one in by_time.get((time_of_day + step) % (DAY // seconds), [])]
    return found if len(found) >= _FEWEST else []


def _band(start: int, found: Sequence[PastPrice], now: int) -> PriceBand:
    """Return the weighted quantiles of past prices; a week-old price counts half as much as one of today."""
    weighted = sorted((one.cents_per_kwh, 0.5 ** ((now - one.start) / (7 * DAY))) for one in found)
    p10, p50, p90 = _quantiles(weighted)
    return PriceBand(start, p10, p50, p90, len(found))


def _quantiles(weighted: Sequence[tuple[int, float]]) -> Iterator[int]:
    total = sum(weight for _, weight in weighted)
    for share in (0.1, 0.5, 0.9):
        reached = 0.0
        chosen = weighted[-1][0]
        for price, weight in weighted:
            reached += weight
            if reached >= share * total:
                chosen = price
                break
        yield chosen


def _room(start: int, tariffs: Tariffs) -> PriceBand:
    low, high = tariffs.feed_in, tariffs.highest
    return PriceBand(start, low, (low + high) // 2, high, 0)
