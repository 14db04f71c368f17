"""Home Assistant's own weather entity as a source: whoever speaks with Home Assistant hands its forecast in."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from energy_swap_edge.forecast.history import HOUR, Weather
from energy_swap_edge.forecast.household import Floats

from .source import WeatherError

_COLUMNS: Final = {
    "temperature": "temperature_2m",
    "cloud_coverage": "cloud_cover",
    "humidity": "relative_humidity_2m",
    "precipitation": "precipitation",
}
# Cloud cover in percent, of the conditions that Home Assistant's weather entities know, where none is given.
_CLOUDS: Final = {
    "sunny": 5, "clear-night": 5, "windy": 30, "partlycloudy": 45, "windy-variant": 60, "cloudy": 90, "fog": 90,
    "rainy": 95, "pouring": 100, "lightning": 95, "lightning-rainy": 98, "snowy": 98, "snowy-rainy": 98,
    "hail": 98,
}  # fmt: skip
_MOST_HOURS: Final = 240


class HomeAssistantWeather:
    """Holds what was handed in last: the ``forecast`` list of the action weather.get_forecasts, by the hour."""

    name = "Home Assistant"

    def __init__(self) -> None:
        self._newest: Weather | None = None

    def put(self, forecast: Sequence[Mapping[str, Any]], now: datetime) -> None:
        """Take a forecast handed in at ``now``; raise `WeatherError` if it is none."""
        self._newest = weather_of(forecast, now)

    async def fetch(self, now: datetime) -> Weather:
        """Return what was handed in; raise `WeatherError` if nothing was, or nothing of it lies ahead."""
        newest = self._newest
        if newest is None:
            raise WeatherError("Home Assistant has not told its weather")
        hours = len(next(iter(newest.columns.values())))
        if newest.start.timestamp() + hours * HOUR <= now.timestamp():
            raise WeatherError("Home Assistant's weather is over")
        return newest


def weather_of(forecast: Sequence[Mapping[str, Any]], now: datetime) -> Weather:
    """Return hourly weather from entries with ``datetime`` and any of temperature, cloud_coverage, humidity,
    precipitation, condition; raise `WeatherError` naming what is wrong.
    """  # noqa: D205
    rows: dict[int, Mapping[str, Any]] = {}
    for entry in forecast[:_MOST_HOURS]:
        try:
            moment = datetime.fromisoformat(str(entry["datetime"]))
        except (KeyError, ValueError) as error:
            raise WeatherError("an entry's datetime is an ISO time such as 2026-11-20T06:00:00+00:00") from error
        if moment.tzinfo is None:
            raise WeatherError("an entry's datetime needs its offset, such as +00:00")
        rows[int(moment.timestamp()) // HOUR] = entry
    if len(rows) < 2:
        raise WeatherError("a forecast has at least two hours")
    first, last = min(rows), max(rows)
    if last - first > _MOST_HOURS:
        raise WeatherError(f"a forecast spans at most {_MOST_HOURS} hours")
    columns: dict[str, Floats] = {
        name: np.array([_value(rows.get(hour, {}), key) for hour in range(first, last + 1)])
        for key, name in _COLUMNS.items()
    }
    clouds = columns["cloud_cover"]
    guessed = [_CLOUDS.get(str(rows.get(hour, {}).get("condition")), math.nan) for hour in range(first, last + 1)]
    columns["cloud_cover"] = np.where(np.isnan(clouds), np.array(guessed, dtype=np.float64), clouds)
    if np.isnan(columns["cloud_cover"]).all():
        raise WeatherError("a forecast needs cloud_coverage or condition")
    return Weather(datetime.fromtimestamp(first * HOUR, UTC), columns, "live", HomeAssistantWeather.name, now)


def _value(entry: Mapping[str, Any], key: str) -> float:
    given = entry.get(key)
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else math.nan
