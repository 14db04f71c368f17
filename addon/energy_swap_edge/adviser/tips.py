"""How this home could pay less, from its own last weeks: when it uses energy, and what it uses when all sleep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import fmean, median
from typing import Any, Final
from zoneinfo import ZoneInfo

from energy_swap_protocol.units import cost_cents

_FEWEST_DAYS: Final = 7
_DAYS_A_MONTH: Final = 30
_SMALLEST_GAIN_CENTS: Final = 2_000  # a month: a tip for less is noise
_SHIFTABLE: Final = 0.3  # of what is bought in the dearest hours; the rest is light and supper
_NIGHT: Final = range(1, 5)
_QUIET_W: Final = 150  # a fridge, a router and a meter


@dataclass(frozen=True, slots=True)
class Hour:
    """What flowed in the hour that begins at ``start`` (Unix seconds), in Wh."""

    start: int
    export_wh: int
    import_wh: int
    generation_wh: int

    @property
    def used_wh(self) -> int:
        """What the home used: from the panels and from outside."""
        return max(self.generation_wh + self.import_wh - self.export_wh, 0)


@dataclass(frozen=True, slots=True)
class Tip:
    """A way to pay less; ``numbers`` show where its sentence comes from."""

    key: str
    sentence: str
    numbers: dict[str, Any]


def saving_tips(hours: Sequence[Hour], *, retail: int, earned_per_kwh: int, zone: ZoneInfo) -> list[Tip]:
    """Return tips, the one that saves most first. Cents per kWh: ``retail``, and what a sold kWh earns."""
    days: dict[object, dict[int, Hour]] = {}
    for one in hours:
        local = datetime.fromtimestamp(one.start, UTC).astimezone(zone)
        days.setdefault(local.date(), {})[local.hour] = one
    whole = [by_hour for by_hour in days.values() if len(by_hour) == 24]
    if len(whole) < _FEWEST_DAYS:
        return []
    tips = [
        tip
        for tip in (_shift(whole, retail, earned_per_kwh), _night(whole, retail))
        if tip is not None and tip.numbers["saves_cents_a_month"] >= _SMALLEST_GAIN_CENTS
    ]
    return sorted(tips, key=lambda tip: -tip.numbers["saves_cents_a_month"])


def _shift(whole: Sequence[dict[int, Hour]], retail: int, earned_per_kwh: int) -> Tip | None:
    """Use energy when the panels leave some over rather than when it must be bought."""
    bought = [fmean(day[hour].import_wh for day in whole) for hour in range(24)]
    spare = [fmean(day[hour].export_wh for day in whole) for hour in range(24)]
    evening = max(range(17, 21), key=lambda hour: sum(bought[hour : hour + 3]))
    noon = max(range(8, 15), key=lambda hour: sum(spare[hour : hour + 3]))
    wh = round(min(sum(bought[evening : evening + 3]) * _SHIFTABLE, sum(spare[noon : noon + 3])))
    saves = cost_cents(wh, retail - earned_per_kwh) * _DAYS_A_MONTH
    if wh <= 0 or saves <= 0:
        return None
    lacking, left = sum(bought[evening : evening + 3]), sum(spare[noon : noon + 3])
    sentence = (
        f"Between {evening:02}:00 and {evening + 3:02}:00 you buy {lacking / 1000:.1f} kWh "
        f"a day, and between {noon:02}:00 and {noon + 3:02}:00 your panels leave {left / 1000:.1f}"
        f" kWh over. Ironing, pumping or washing at noon would save about KES {saves / 100:.0f} a month."
    )
    numbers = {
        "bought_wh_a_day": round(sum(bought[evening : evening + 3])),
        "spare_wh_a_day": round(sum(spare[noon : noon + 3])),
        "shifted_wh_a_day": wh,
        "saves_cents_a_month": saves,
        "from": noon,
        "until": noon + 3,
    }
    return Tip("use_at_noon", sentence, numbers)


def _night(whole: Sequence[dict[int, Hour]], retail: int) -> Tip | None:
    """Find what runs all night."""
    watts = round(median(day[hour].used_wh for day in whole for hour in _NIGHT))
    spare_wh = max(watts - _QUIET_W, 0) * 24
    saves = cost_cents(spare_wh, retail) * _DAYS_A_MONTH // 2  # half of it by day comes from the panels
    if not spare_wh:
        return None
    sentence = (
        f"Between 01:00 and 05:00 your home uses {watts} W all the time; a home with a fridge and a "
        "router needs about "
        f"{_QUIET_W} W. Finding what runs would save up to KES {saves / 100:.0f} a month."
    )
    return Tip("night_load", sentence, {"watts": watts, "quiet_watts": _QUIET_W, "saves_cents_a_month": saves})
