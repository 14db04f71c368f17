"""What is known when a forecast is made: where the panels are, the energy of past hours, and the weather."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from .household import Floats, Tier

HOUR: Final = 3600
_QUARTERS: Final = 4  # of an hour


@dataclass(frozen=True, slots=True)
class Site:
    """Where the panels are and how large.

    Degrees north and east positive; ``tilt`` from level and ``azimuth`` clockwise from north, None: learned.
    """

    zone: ZoneInfo
    rated_w: float
    latitude: float | None = None
    longitude: float | None = None
    tilt: float | None = None
    azimuth: float | None = None


class Quarter(Protocol):
    """Energy in Wh of the quarter of an hour that begins at ``start`` (Unix seconds)."""

    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def export_wh(self) -> int: ...  # noqa: D102
    @property
    def import_wh(self) -> int: ...  # noqa: D102
    @property
    def generation_wh(self) -> int: ...  # noqa: D102
    @property
    def is_estimated(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Energy of whole past hours in Wh, NaN where it is not known; ``start`` is a full hour in UTC.

    Where nothing measures generation, production is what the house exported in the hour and consumption what it
    imported: their difference is still the net, and that is what is traded.
    """

    start: datetime
    production_wh: Floats
    consumption_wh: Floats

    @property
    def end(self) -> datetime:
        """The end of the last hour."""
        return self.start + timedelta(hours=len(self.production_wh))


@dataclass(frozen=True, slots=True, eq=False)
class Weather:
    """Hourly weather as it was forecast, for past hours too; ``start`` is a full hour in UTC, NaN is unknown.

    ``columns`` are named as Open-Meteo names them: shortwave_radiation, direct_normal_irradiance and
    diffuse_radiation in W/m² (means of the hour), temperature_2m in °C, cloud_cover in percent.
    """

    start: datetime
    columns: Mapping[str, Floats] = field(default_factory=dict)
    tier: Tier = "history"
    source: str | None = None
    issued_at: datetime | None = None


NO_WEATHER: Final = Weather(datetime(2000, 1, 1, tzinfo=UTC))


def history_of_quarters(quarters: Sequence[Quarter], now: datetime) -> History:
    """Return the whole hours before ``now`` whose quarters were all measured.

    ``quarters`` are in order of time. A quarter that stands for a gap of the meter says nothing about its own time
    and makes its hour unknown.
    """
    last = int(now.timestamp()) // HOUR
    first = min(quarters[0].start // HOUR, last) if quarters else last
    count = last - first
    flows = np.zeros((3, count))
    measured = np.zeros(count)
    for quarter in quarters:
        hour = quarter.start // HOUR - first
        if hour < count and not quarter.is_estimated:
            measured[hour] += 1
            flows[:, hour] += (quarter.export_wh, quarter.import_wh, quarter.generation_wh)
    exported, imported, generated = np.where(measured == _QUARTERS, flows, np.nan)
    if np.nansum(generated) > 0:
        production, consumption = generated, np.maximum(generated + imported - exported, 0)
    else:
        production, consumption = np.maximum(exported - imported, 0), np.maximum(imported - exported, 0)
    return History(datetime.fromtimestamp(first * HOUR, UTC), production, consumption)
