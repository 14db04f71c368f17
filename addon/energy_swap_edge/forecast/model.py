"""The forecast itself: from history and weather to bands for two days, as pure functions."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from .history import History, Site, Weather
from .household import Band, DayForecast, Floats, HouseholdForecast, PeriodForecast, band
from .surplus import CLEARNESS, PERFORMANCE_RATIO, TYPICAL_LOAD_W, clear_sky_w_per_m2

HORIZON_HOURS: Final = 48
PERIOD: Final = timedelta(minutes=30)
_HOUR: Final = timedelta(hours=1)
_DAYS: Final = 28


@dataclass(frozen=True, slots=True, eq=False)
class HomeModel:
    """What was learned from the home by ``trained_at``."""

    trained_at: datetime


def retrain(history: History, site: Site, weather: Weather, now: datetime) -> HomeModel:
    """Learn from what is known at ``now``; takes seconds, so it runs at night and away from the event loop."""
    del history, site, weather
    return HomeModel(now)


def make_forecast(
    history: History,
    site: Site,
    weather: Weather,
    now: datetime,
    *,
    model: HomeModel | None = None,
    period: timedelta = PERIOD,
) -> HouseholdForecast:
    """Return the forecast for the 48 hours that begin with the period of ``now``.

    ``now`` is aware and in the household's own time zone for its calendar days; ``period`` divides the hour.
    Without a ``model`` only the shipped prior and the home's recent days are used.
    """
    del model
    local = now.astimezone(site.zone)
    start = datetime.fromtimestamp(now.timestamp() // period.total_seconds() * period.total_seconds(), UTC)
    first_hour = start.replace(minute=0, second=0)
    hours = HORIZON_HOURS + (1 if start != first_hour else 0)
    production, consumption = _past_days(history, site, first_hour, hours)
    per_hour = _HOUR // period
    skip = (start - first_hour) // period
    wanted = slice(skip, skip + HORIZON_HOURS * per_hour)
    production = np.repeat(production / per_hour, per_hour, axis=1)[:, wanted]
    consumption = np.repeat(consumption / per_hour, per_hour, axis=1)[:, wanted]
    starts = [start + number * period for number in range(production.shape[1])]
    periods = tuple(
        PeriodForecast(one, period, *_bands(production[:, [number]], consumption[:, [number]]))
        for number, one in enumerate(starts)
    )
    return HouseholdForecast(
        made_at=local,
        tier=weather.tier,
        weather_source=weather.source,
        weather_at=weather.issued_at,
        confidence_percent=50,
        seed_confidence_percent=50,
        periods=periods,
        days=_days(history, site.zone, local.date(), starts, production, consumption),
        production_samples=production,
        consumption_samples=consumption,
    )


def _past_days(history: History, site: Site, first: datetime, hours: int) -> tuple[Floats, Floats]:
    """Return the last days as they were, each a possible course of the next ones; without two days, the prior."""
    ends = (first - history.start) // _HOUR
    rows = []
    for back in range(2, _DAYS + 2):
        at = ends - 24 * back
        if at < 0 or at + hours > len(history.production_wh):
            continue
        course = np.array([history.production_wh[at : at + hours], history.consumption_wh[at : at + hours]])
        if not np.isnan(course).any():
            rows.append(course)
    if len(rows) < 2:
        rows = [np.array([_clear_day(site, first, hours), np.full(hours, TYPICAL_LOAD_W)])] * 2
    courses = np.array(rows)
    return courses[:, 0], courses[:, 1]


def _clear_day(site: Site, first: datetime, hours: int) -> Floats:
    if site.latitude is None:
        return np.zeros(hours)
    middles = [(first + (number + 0.5) * _HOUR).astimezone(site.zone) for number in range(hours)]
    sun = np.array([clear_sky_w_per_m2(one, site.latitude, site.longitude) for one in middles])
    usual: Floats = site.rated_w * sun / 1000 * PERFORMANCE_RATIO * CLEARNESS
    return usual


def _days(
    history: History, zone: ZoneInfo, today: date, starts: list[datetime], production: Floats, consumption: Floats
) -> tuple[DayForecast, ...]:
    days = [one.astimezone(zone).date() for one in starts]
    made = []
    for day in (today, today + timedelta(days=1)):
        columns = [number for number, one in enumerate(days) if one == day]
        known_production, known_consumption = _measured(history, zone, day, starts[0])
        made.append(
            DayForecast(
                day,
                *_bands(production[:, columns], consumption[:, columns], known_production, known_consumption),
            )
        )
    return tuple(made)


def _measured(history: History, zone: ZoneInfo, day: date, until: datetime) -> tuple[Floats, Floats]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    begin = max((midnight - history.start) // _HOUR, 0)
    end = max((until - history.start) // _HOUR, 0)
    return np.nan_to_num(history.production_wh[begin:end]), np.nan_to_num(history.consumption_wh[begin:end])


_NOTHING: Final = np.zeros(0)


def _bands(
    production: Floats, consumption: Floats, measured: Floats = _NOTHING, used: Floats = _NOTHING
) -> tuple[Band, Band, Band, Band]:
    """Return the bands of production, consumption, surplus and shortage over all columns, course by course."""
    net, known = production - consumption, measured - used
    return (
        band(production.sum(axis=1) + measured.sum()),
        band(consumption.sum(axis=1) + used.sum()),
        band(np.maximum(net, 0).sum(axis=1) + np.maximum(known, 0).sum()),
        band(np.maximum(-net, 0).sum(axis=1) + np.maximum(-known, 0).sum()),
    )
