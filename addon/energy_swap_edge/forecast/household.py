"""The household's forecast as the rest of the edge sees it: bands per period and per day, and any span between."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

type Floats = NDArray[np.float64]
type Tier = Literal["live", "cached", "history"]


@dataclass(frozen=True, slots=True)
class Band:
    """Energy in Wh: below ``p10`` once in ten times, below ``p50`` every other time; ``mean`` is for sums."""

    p10: float
    p50: float
    p90: float
    mean: float


@dataclass(frozen=True, slots=True)
class PeriodForecast:
    """What flows in the half-open ``[start, start + length)``.

    Surplus is what production has above consumption, shortage what it has below, each 0 or more.
    """

    start: datetime
    length: timedelta
    production_wh: Band
    consumption_wh: Band
    surplus_wh: Band
    shortage_wh: Band


@dataclass(frozen=True, slots=True)
class DayForecast:
    """A day of the household's own calendar; the first day's sums hold what was measured since midnight."""

    day: date
    production_wh: Band
    consumption_wh: Band
    surplus_wh: Band
    shortage_wh: Band


@dataclass(frozen=True, slots=True, eq=False)
class HouseholdForecast:
    """Two days ahead, made at ``made_at`` from what was known then.

    ``tier`` says where the weather came from, ``weather_source`` its name, ``weather_at`` when it was issued.
    ``production_samples`` and ``consumption_samples`` hold one row per equally likely course of the two days and
    one column per period, in Wh: sums over periods and hours are right only when taken row by row.
    """

    made_at: datetime
    tier: Tier
    weather_source: str | None
    weather_at: datetime | None
    confidence_percent: int
    seed_confidence_percent: int
    periods: tuple[PeriodForecast, ...]
    days: tuple[DayForecast, ...]
    production_samples: Floats = field(repr=False)
    consumption_samples: Floats = field(repr=False)

    def surplus_between(self, start: datetime, end: datetime) -> Band:
        """Return the surplus of the periods that lie in ``[start, end)`` together, in Wh."""
        net = self._net(start, end)
        return band(np.maximum(net, 0).sum(axis=1))

    def shortage_between(self, start: datetime, end: datetime) -> Band:
        """Return what production lacks in the periods that lie in ``[start, end)`` together, in Wh."""
        net = self._net(start, end)
        return band(np.maximum(-net, 0).sum(axis=1))

    def _net(self, start: datetime, end: datetime) -> Floats:
        columns = [
            number
            for number, one in enumerate(self.periods)
            if one.start >= start and one.start + one.length <= end
        ]
        net: Floats = self.production_samples[:, columns] - self.consumption_samples[:, columns]
        return net


def quantiles_of(courses: Floats, levels: Sequence[float]) -> Floats:
    """Return the quantiles of equally likely ``courses`` (rows), a row per level.

    The k-th of n holds the share k / (n + 1) of what comes; the usual k / n makes bands that are too narrow. Few
    courses are mostly those of other homes, which lie further apart than a home's own, and stand as they are.
    """
    made: Floats = np.quantile(courses, levels, axis=0, method="weibull" if len(courses) > 30 else "linear")
    return made


def band(samples: Floats) -> Band:
    """Return the band of equally likely ``samples`` in Wh."""
    p10, p50, p90 = quantiles_of(samples, (0.1, 0.5, 0.9))
    return Band(float(p10), float(p50), float(p90), float(samples.mean()))


def as_snapshot(forecast: HouseholdForecast) -> dict[str, Any]:
    """Return the ``forecast`` key of the local API's snapshot: medians, each of its whole span's courses."""
    today, tomorrow = forecast.days[0], forecast.days[1]
    first = forecast.periods[0].start
    return {
        "surplus_today_wh": round(today.surplus_wh.p50),
        "surplus_remaining_wh": round(_rest(forecast, today.day).p50),
        "surplus_tomorrow_wh": round(tomorrow.surplus_wh.p50),
        "surplus_next_hour_wh": round(forecast.surplus_between(first, first + timedelta(hours=1)).p50),
        "production_today_wh": round(today.production_wh.p50),
        "production_tomorrow_wh": round(tomorrow.production_wh.p50),
        "consumption_today_wh": round(today.consumption_wh.p50),
        "consumption_tomorrow_wh": round(tomorrow.consumption_wh.p50),
        "confidence_percent": forecast.confidence_percent,
        "seed_confidence_percent": forecast.seed_confidence_percent,
        "tier": forecast.tier,
        "weather_source": forecast.weather_source,
        "made_at": int(forecast.made_at.timestamp()),
    }


def as_document(forecast: HouseholdForecast) -> dict[str, Any]:
    """Return the answer of ``GET /api/v1/forecast``."""
    return {
        "made_at": int(forecast.made_at.timestamp()),
        "tier": forecast.tier,
        "weather_source": forecast.weather_source,
        "weather_at": None if forecast.weather_at is None else int(forecast.weather_at.timestamp()),
        "confidence_percent": forecast.confidence_percent,
        "seed_confidence_percent": forecast.seed_confidence_percent,
        "periods": [
            {"start": int(one.start.timestamp()), "minutes": int(one.length.total_seconds()) // 60, **_bands(one)}
            for one in forecast.periods
        ],
        "days": [{"day": one.day.isoformat(), **_bands(one)} for one in forecast.days],
    }


def _bands(one: PeriodForecast | DayForecast) -> dict[str, dict[str, int]]:
    named = {
        "production_wh": one.production_wh,
        "consumption_wh": one.consumption_wh,
        "surplus_wh": one.surplus_wh,
        "shortage_wh": one.shortage_wh,
    }
    return {
        name: {"p10": round(it.p10), "p50": round(it.p50), "p90": round(it.p90), "mean": round(it.mean)}
        for name, it in named.items()
    }


def _rest(forecast: HouseholdForecast, day: date) -> Band:
    zone = forecast.made_at.tzinfo
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(days=1)
    return forecast.surplus_between(forecast.periods[0].start, midnight)
