"""All that a forecast computes with, on one line of hours: energies, the calendar, the sky and the weather."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from .history import HOUR, History, Site, Weather
from .household import Floats
from .recent import Whole
from .sun import Sky, clear_sky, output_wh, plane_under_clouds, usual_panels

AHEAD: Final = 49  # hours: two days from any moment within the first one
_DARK_WM2: Final = 2.0
_RADIATION: Final = "shortwave_radiation"


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Hours from ``first`` (Unix hours); those from ``now`` on (an index) are not known and are NaN.

    ``clear_wh`` is what the panels would make under a clear sky, None where the place is not known;
    ``columns`` are the weather's, and what follows from it and the sun, NaN where there is none.
    """

    first: int
    now: int
    hour: Whole  # of the local day
    is_weekend: NDArray[np.bool_]
    production: Floats
    consumption: Floats
    sky: Sky | None
    clear_wh: Floats
    is_dark: NDArray[np.bool_]
    columns: Mapping[str, Floats]

    @property
    def has_weather(self) -> NDArray[np.bool_]:
        """Where the weather is known."""
        return ~np.isnan(self.columns["physics_wh"]) if self.columns else np.zeros(len(self.hour), bool)


def grid_of(history: History, site: Site, weather: Weather, now: datetime, days: int) -> Grid:
    """Return the grid of the last ``days`` before the full hour of ``now`` and of the hours ahead of it.

    Nothing of ``history`` at or after that hour is used, whatever it holds.
    """
    now_hour = int(now.timestamp()) // HOUR
    start = int(history.start.timestamp()) // HOUR
    first = min(max(start, now_hour - 24 * days), now_hour)
    length = now_hour - first + AHEAD
    seconds = (first + np.arange(length, dtype=np.int64)) * HOUR
    hour, is_weekend = _calendar(seconds, site.zone)
    known = now_hour - first
    production = _placed(history.production_wh, start, first, length, known)
    consumption = _placed(history.consumption_wh, start, first, length, known)
    sky = None
    clear = np.ones(length)
    is_dark = np.zeros(length, bool)
    columns: dict[str, Floats] = {}
    if site.latitude is not None:
        longitude = _longitude(site, now)
        panels = usual_panels(site.latitude, site.tilt, site.azimuth)
        sky = clear_sky(seconds, site.latitude, longitude, panels)
        clear = output_wh(sky.plane_wm2, np.full(length, np.nan), max(site.rated_w, 1.0))
        is_dark = sky.global_wm2 <= _DARK_WM2
        given = int(weather.start.timestamp()) // HOUR
        columns = {name: _placed(one, given, first, length, length) for name, one in weather.columns.items()}
        columns = _with_radiation(columns, sky)
        if columns:
            clearness = np.clip(columns[_RADIATION] / np.maximum(sky.global_wm2, 15), 0, 1.25)
            plane = plane_under_clouds(seconds, site.latitude, longitude, panels, np.nan_to_num(clearness))
            air = columns.get("temperature_2m", np.full(length, np.nan))
            columns["clearness"] = clearness
            columns["physics_wh"] = np.where(
                np.isnan(clearness), np.nan, output_wh(plane, air, max(site.rated_w, 1.0))
            )
    return Grid(
        first, known, hour, is_weekend, production, consumption, sky, np.maximum(clear, 0), is_dark, columns
    )


def _longitude(site: Site, now: datetime) -> float:
    if site.longitude is not None:
        return site.longitude
    offset = now.astimezone(site.zone).utcoffset() or timedelta(0)
    return offset.total_seconds() / 240  # noon at the zone's noon: 15 degrees an hour


def _with_radiation(columns: dict[str, Floats], sky: Sky) -> dict[str, Floats]:
    """Fill in global irradiance from cloud cover where only that is known (Kasten and Czeplak 1980)."""
    if "cloud_cover" in columns:
        guessed = sky.global_wm2 * (1 - 0.75 * np.clip(columns["cloud_cover"] / 100, 0, 1) ** 3.4)
        radiation = columns.get(_RADIATION)
        columns[_RADIATION] = guessed if radiation is None else np.where(np.isnan(radiation), guessed, radiation)
    return columns if _RADIATION in columns else {}


def _placed(values: Floats, start: int, first: int, length: int, until: int) -> Floats:
    """Return ``values``, that begin at hour ``start``, on a line from ``first``, NaN from ``until`` on."""
    line = np.full(length, np.nan)
    begin, end = max(start, first), min(start + len(values), first + until)
    if end > begin:
        line[begin - first : end - first] = values[begin - start : end - start]
    return line


def _calendar(seconds: NDArray[np.int64], zone: ZoneInfo) -> tuple[Whole, NDArray[np.bool_]]:
    offsets = np.array([_offset(int(one), zone) for one in seconds[::6]], dtype=np.int64)
    local = seconds + np.repeat(offsets, 6)[: len(seconds)]
    days = local // 86_400
    return local % 86_400 // HOUR, (days + 3) % 7 >= 5  # 1970-01-01 was a Thursday


def _offset(second: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset() or timedelta(0)
    return int(offset.total_seconds())
