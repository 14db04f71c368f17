"""What is known when a forecast is made: where the panels are, the energy of past hours, and the weather."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, Protocol
from zoneinfo import ZoneInfo

import numpy as np

from .household import Floats, Tier

HOUR: Final = 3600
# A gap longer than this says nothing about when within it the energy flowed.
_MAX_GAP_SECONDS: Final = 5400
_MIN_COVERED: Final = 0.8


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


class Registers(Protocol):
    """The meter's cumulative registers in Wh at ``measured_at`` (Unix seconds)."""

    @property
    def measured_at(self) -> int: ...  # noqa: D102
    @property
    def export_wh(self) -> int: ...  # noqa: D102
    @property
    def import_wh(self) -> int: ...  # noqa: D102
    @property
    def generation_wh(self) -> int: ...  # noqa: D102


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


def history_of(registers: Iterable[Registers], now: datetime, start: datetime) -> History:
    """Return the hours from ``start`` to ``now`` of which at least four fifths were measured.

    ``registers`` are in order of time. What flowed between two readings is spread evenly over that time.
    """
    first, last = int(start.timestamp()) // HOUR, int(now.timestamp()) // HOUR
    count = max(last - first, 0)
    flows = np.zeros((3, count))
    covered = np.zeros(count)
    for before, after in pairwise(registers):
        seconds = after.measured_at - before.measured_at
        gained = (
            after.export_wh - before.export_wh,
            after.import_wh - before.import_wh,
            after.generation_wh - before.generation_wh,
        )
        if not 0 < seconds <= _MAX_GAP_SECONDS or min(gained) < 0:
            continue
        at = before.measured_at
        while at < after.measured_at:
            end = min(after.measured_at, (at // HOUR + 1) * HOUR)
            slot = at // HOUR - first
            if 0 <= slot < count:
                covered[slot] += end - at
                flows[:, slot] += np.array(gained) * (end - at) / seconds
            at = end
    known = covered >= _MIN_COVERED * HOUR
    flows = np.where(known, flows * HOUR / np.maximum(covered, 1), np.nan)
    exported, imported, generated = flows
    if np.nansum(generated) > 0:
        production, consumption = generated, np.maximum(generated + imported - exported, 0)
    else:
        production, consumption = np.maximum(exported - imported, 0), np.maximum(imported - exported, 0)
    return History(datetime.fromtimestamp(first * HOUR, UTC), production, consumption)
