"""Open-Meteo's forecast API: free without a key for non-commercial use, with attribution (CC BY 4.0)."""

import math
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import aiohttp
import msgspec
import numpy as np

from energy_swap_edge.forecast.history import HOUR, Weather
from energy_swap_edge.forecast.household import Floats

from .source import WeatherError

FREE_URL: Final = "https://api.open-meteo.com"
_RADIATION: Final = ("shortwave_radiation", "direct_normal_irradiance", "diffuse_radiation", "precipitation")
_AT_THE_HOUR: Final = ("temperature_2m", "cloud_cover", "relative_humidity_2m", "wind_speed_10m")
_DAYS: Final = 4
_TIMEOUT: Final = aiohttp.ClientTimeout(total=20)
_MOST_BYTES: Final = 1_000_000

type _Values = list[float | None]


class _Hourly(msgspec.Struct, frozen=True):
    time: Annotated[list[int], msgspec.Meta(min_length=2, max_length=1000)]
    shortwave_radiation: _Values
    direct_normal_irradiance: _Values | None = None
    diffuse_radiation: _Values | None = None
    precipitation: _Values | None = None
    temperature_2m: _Values | None = None
    cloud_cover: _Values | None = None
    relative_humidity_2m: _Values | None = None
    wind_speed_10m: _Values | None = None


class _Answer(msgspec.Struct, frozen=True):
    hourly: _Hourly


class OpenMeteo:
    """One place's forecast. ``url`` is the free service, a paid one (with ``api_key``) or one's own server."""

    name = "Open-Meteo"

    def __init__(
        self,
        session: aiohttp.ClientSession,
        latitude: float,
        longitude: float,
        *,
        url: str = FREE_URL,
        api_key: str | None = None,
    ) -> None:
        self._session = session
        self._url = f"{url.rstrip('/')}/v1/forecast"
        # Two decimals are a kilometre: enough for the weather, and less than the household's address.
        self._query: dict[str, str | int] = {
            "latitude": f"{latitude:.2f}",
            "longitude": f"{longitude:.2f}",
            "hourly": ",".join((*_RADIATION, *_AT_THE_HOUR)),
            "timeformat": "unixtime",
            "timezone": "GMT",
            "past_days": 1,
            "forecast_days": _DAYS,
        }
        if api_key is not None:
            self._query["apikey"] = api_key

    async def fetch(self, now: datetime) -> Weather:
        """Return yesterday's to the third day's weather by the hour; raise `WeatherError`."""
        try:
            async with self._session.get(self._url, params=self._query, timeout=_TIMEOUT) as answer:
                body = await answer.content.read(_MOST_BYTES)
                if answer.status != 200:
                    raise WeatherError(f"{self.name} answers {answer.status}", _seconds(answer.headers))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WeatherError(f"{self.name} cannot be reached ({type(error).__name__})") from error
        return self.read(body, now)

    def read(self, body: bytes, now: datetime) -> Weather:
        """Return the weather in an answer; raise `WeatherError` if it is not one."""
        try:
            hourly = msgspec.json.decode(body, type=_Answer).hourly
        except msgspec.MsgspecError as error:
            raise WeatherError(f"{self.name} answers something else: {error}") from error
        steps = np.diff(hourly.time)
        if (steps != HOUR).any() or hourly.time[0] % HOUR:
            raise WeatherError(f"{self.name} answers other times than full hours in order")
        count = len(hourly.time)
        columns: dict[str, Floats] = {}
        for name in (*_RADIATION, *_AT_THE_HOUR):
            given: _Values | None = getattr(hourly, name)
            if given is None:
                continue
            if len(given) != count:
                raise WeatherError(f"{self.name} answers {len(given)} values of {name} for {count} hours")
            line = np.array([math.nan if one is None else one for one in given])
            # Radiation and rain are those of the hour that ends at the time given, the rest is of that moment.
            columns[name] = np.append(line[1:], math.nan) if name in _RADIATION else line
        if np.isnan(columns["shortwave_radiation"]).all():
            raise WeatherError(f"{self.name} answers no shortwave_radiation")
        start = datetime.fromtimestamp(hourly.time[0], UTC)
        return Weather(start, columns, "live", self.name, now)


def _seconds(headers: object) -> float | None:
    given = getattr(headers, "get", dict[str, str]().get)("Retry-After")
    try:
        return min(max(float(given), 0.0), timedelta(days=1).total_seconds()) if given is not None else None
    except ValueError:
        return None
