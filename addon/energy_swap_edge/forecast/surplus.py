"""How much surplus a household will have today: from its own past days, or from the sun where there are none.

Plain functions; floats are allowed here and nowhere else in the edge. Surplus is what the export register gains:
the mean of past exports is the mean of the surplus; a difference of mean production and mean load would not be.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Final, Literal
from zoneinfo import ZoneInfo

SLOT_SECONDS: Final = 900
SLOTS_PER_DAY: Final = 86_400 // SLOT_SECONDS
HISTORY_DAYS: Final = 14
_MIN_DAYS: Final = 2
# A gap longer than this says nothing about when within it the energy flowed.
_MAX_GAP_SECONDS: Final = 3600
_MIN_COVERED: Final = 0.8

# The stated assumptions of the prior tier.
PERFORMANCE_RATIO: Final = 0.75  # wiring, heat, dirt, inverter
CLEARNESS: Final = 0.75  # a usual day against a clear one
TYPICAL_LOAD_W: Final = 300.0  # what a household with solar uses by day


@dataclass(frozen=True, slots=True)
class Sample:
    """The export register in Wh at ``measured_at`` (Unix seconds)."""

    measured_at: int
    export_wh: int


@dataclass(frozen=True, slots=True)
class Site:
    """Where the panels are and how large; degrees north and east positive, ``longitude`` None: by time zone."""

    zone: ZoneInfo
    rated_pv_w: int
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class SurplusForecast:
    """Expected surplus of the local day, measured part included, and of the rest of it."""

    surplus_today_wh: int
    surplus_remaining_wh: int
    tier: Literal["history", "prior"]


type Slots = Mapping[date, Mapping[int, float]]


def forecast_surplus(samples: Sequence[Sample], now: datetime, site: Site) -> SurplusForecast | None:
    """Return the forecast at ``now``, or None without two past days and without a latitude.

    ``samples`` are in order of time; the best resolution that is used is a quarter of an hour.
    """
    local = now.astimezone(site.zone)
    days = exports_by_slot(samples, site.zone)
    past = {day: slots for day, slots in days.items() if day < local.date()}
    expected = mean_day(past)
    tier: Literal["history", "prior"] = "history"
    if expected is None:
        expected, tier = prior_day(local.date(), site), "prior"
    if expected is None:
        return None
    remaining = remaining_wh(expected, local)
    measured = measured_today_wh(samples, local)
    return SurplusForecast(round(measured + remaining), round(remaining), tier)


def exports_by_slot(samples: Iterable[Sample], zone: ZoneInfo) -> Slots:
    """Return the Wh exported in each quarter of an hour of each local day, where enough of it was measured."""
    exported: defaultdict[tuple[date, int], float] = defaultdict(float)
    covered: defaultdict[tuple[date, int], float] = defaultdict(float)
    for before, after in pairwise(samples):
        seconds = after.measured_at - before.measured_at
        gained = after.export_wh - before.export_wh
        if not 0 < seconds <= _MAX_GAP_SECONDS or gained < 0:
            continue
        start = before.measured_at
        while start < after.measured_at:
            # Offsets of time zones are multiples of a quarter of an hour, so slots align with Unix time.
            end = min(after.measured_at, (start // SLOT_SECONDS + 1) * SLOT_SECONDS)
            slot = _slot(datetime.fromtimestamp(start, zone))
            exported[slot] += gained * (end - start) / seconds
            covered[slot] += end - start
            start = end
    days: defaultdict[date, dict[int, float]] = defaultdict(dict)
    for (day, number), seconds_covered in covered.items():
        if seconds_covered >= _MIN_COVERED * SLOT_SECONDS:
            days[day][number] = exported[day, number] * SLOT_SECONDS / seconds_covered
    return days


def mean_day(days: Slots) -> list[float] | None:
    """Return the mean Wh of each slot over past ``days``; None unless every slot was measured on two of them."""
    means = []
    for slot in range(SLOTS_PER_DAY):
        known = [slots[slot] for slots in days.values() if slot in slots]
        if len(known) < _MIN_DAYS:
            return None
        means.append(sum(known) / len(known))
    return means


def prior_day(day: date, site: Site) -> list[float] | None:
    """Return the Wh of each slot of a usual day at this latitude, less a typical load; None without a latitude."""
    if site.latitude is None:
        return None
    midnight = datetime(day.year, day.month, day.day, tzinfo=site.zone)
    surplus = []
    for slot in range(SLOTS_PER_DAY):
        middle = midnight + timedelta(seconds=(slot + 0.5) * SLOT_SECONDS)
        sun = clear_sky_w_per_m2(middle, site.latitude, site.longitude)
        produced_w = site.rated_pv_w * sun / 1000 * PERFORMANCE_RATIO * CLEARNESS
        surplus.append(max(produced_w - TYPICAL_LOAD_W, 0.0) * SLOT_SECONDS / 3600)
    return surplus


def clear_sky_w_per_m2(time: datetime, latitude: float, longitude: float | None) -> float:
    """Return the global irradiance on the ground under a clear sky (Haurwitz), 0 by night.

    Without a ``longitude`` the sun is taken to culminate at noon of the aware ``time``'s zone.
    """
    offset = time.utcoffset() or timedelta(0)
    noon_shift_hours = 0.0 if longitude is None else longitude / 15 - offset.total_seconds() / 3600
    hour = time.hour + time.minute / 60 + time.second / 3600 + noon_shift_hours
    declination = math.radians(-23.44) * math.cos(math.tau * (time.timetuple().tm_yday + 10) / 365.25)
    height = math.sin(math.radians(latitude)) * math.sin(declination) + math.cos(
        math.radians(latitude)
    ) * math.cos(declination) * math.cos(math.radians(15 * (hour - 12)))
    if height <= 0.01:
        return 0.0
    return 1098 * height * math.exp(-0.057 / height)


def remaining_wh(expected: Sequence[float], local: datetime) -> float:
    """Return what ``expected`` has left from the ``local`` time to midnight, the current slot in proportion."""
    second = local.hour * 3600 + local.minute * 60 + local.second
    slot, into = divmod(second, SLOT_SECONDS)
    return expected[slot] * (1 - into / SLOT_SECONDS) + sum(expected[slot + 1 :])


def measured_today_wh(samples: Sequence[Sample], local: datetime) -> float:
    """Return what the export register gained since local midnight.

    Across midnight, only the part of a gain that fits today by time counts; a fall of the register counts nothing.
    """
    midnight = int(local.replace(hour=0, minute=0, second=0, microsecond=0).timestamp())
    total = 0.0
    for before, after in pairwise(samples):
        seconds, gained = after.measured_at - before.measured_at, after.export_wh - before.export_wh
        if after.measured_at <= midnight or seconds <= 0 or gained < 0:
            continue
        total += gained * (after.measured_at - max(before.measured_at, midnight)) / seconds
    return total


def _slot(local: datetime) -> tuple[date, int]:
    return local.date(), (local.hour * 3600 + local.minute * 60) // SLOT_SECONDS
