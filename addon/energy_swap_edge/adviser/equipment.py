"""Are the panels well? What they make in clear hours, against what they made before; without weather data.

Clouds make single hours poor, but within some days there are clear ones. So the best hours of the last days are
compared with the best hours of the weeks before, each as a share of what a clear sky gives (`clear_sky_w_per_m2`).
This misses what happens in a week without any sun, and what was wrong from the first day on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from energy_swap_edge.forecast.sun import clear_sky_w_per_m2

type Trouble = Literal["failed_string", "shading", "soiling"]

_DAY: Final = 86_400
_HOUR: Final = 3600
LAST_DAYS: Final = 5
# Single hours have fewer clear days: a shadow is looked for in more of them.
SHADOW_DAYS: Final = 12
_BEFORE_DAYS: Final = 40
_FEWEST_BEFORE: Final = 12  # days
_LOW_SUN_W_PER_M2: Final = 250  # below it a share says little
_FAILED_BELOW: Final = 0.72  # of before: two strings of three are 0.67, three of four 0.75
_SOILED_BELOW: Final = 0.90
_SHADED_BELOW: Final = 0.65
_UNSHADED_ABOVE: Final = 0.88


@dataclass(frozen=True, slots=True)
class Made:
    """What the panels made in the hour that begins at ``start`` (Unix seconds)."""

    start: int
    wh: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What seems to be wrong, in words and in numbers (percent of before, hours of the local day)."""

    trouble: Trouble
    sentence: str
    numbers: dict[str, Any]


def examine(
    made: Sequence[Made], now: int, *, rated_w: int, latitude: float, longitude: float | None, zone: ZoneInfo
) -> Finding | None:
    """Return what is wrong with the panels by the last five days, or None while nothing is or can be said."""
    shares = _shares(made, rated_w, latitude, longitude, zone)
    by_hour = _against_before(shares, now, LAST_DAYS)
    if by_hour is None:
        return None
    ratios = sorted(by_hour.values())
    middle, best = ratios[len(ratios) // 2], ratios[-1]
    percent = round(100 * middle)
    numbers = {"percent_of_before": percent, "by_hour": {str(h): round(100 * r) for h, r in by_hour.items()}}
    if best < _FAILED_BELOW:
        sentence = (
            f"Even in clear hours of the last {LAST_DAYS} days your panels made {percent} % of what "
            "they made before: "
            "a string may have failed. Look at the inverter and its fuses."
        )
        return Finding("failed_string", sentence, numbers)
    if middle < _SOILED_BELOW and best < 0.97:
        sentence = (
            f"In clear hours of the last {LAST_DAYS} days your panels made {percent} % of what they "
            "made before, at "
            "all hours: they may be dirty. Washing them with water in the morning often helps."
        )
        return Finding("soiling", sentence, numbers)
    return _shadow(_against_before(shares, now, SHADOW_DAYS))


def _shadow(by_hour: dict[int, float] | None) -> Finding | None:
    shaded = [hour for hour, ratio in (by_hour or {}).items() if ratio < _SHADED_BELOW]
    if by_hour is None or not 2 <= len(shaded) <= len(by_hour) // 2 or not _is_run(shaded):
        return None
    others = sorted(ratio for hour, ratio in by_hour.items() if hour not in shaded)
    if others[len(others) // 2] < _UNSHADED_ABOVE:
        return None
    first, last = shaded[0], shaded[-1] + 1
    sentence = (
        f"Between {first:02}:00 and {last:02}:00 your panels make much less than before, at other hours as much: "
        "something new throws a shadow then, a tree or a wall."
    )
    by_percent = {str(hour): round(100 * ratio) for hour, ratio in by_hour.items()}
    return Finding("shading", sentence, {"from": first, "until": last, "by_hour": by_percent})


def _against_before(shares: Sequence[_Share], now: int, days: int) -> dict[int, float] | None:
    """Return, by local hour, what was reached in clear hours of the last ``days`` against before; None.

    Too little.
    """
    recent = [one for one in shares if now - days * _DAY <= one.start < now]
    before = [one for one in shares if now - _BEFORE_DAYS * _DAY <= one.start < now - days * _DAY]
    days_before = {one.start // _DAY for one in before}
    if len(days_before) < _FEWEST_BEFORE or len({one.start // _DAY for one in recent}) < days - 1:
        return None
    by_hour: dict[int, float] = {}
    for hour in sorted({one.hour for one in recent}):
        was = _best([one.share for one in before if one.hour == hour], len(days_before))
        now_is = _best([one.share for one in recent if one.hour == hour], days)
        if was is not None and now_is is not None and was > 0.1:
            by_hour[hour] = now_is / was
    return by_hour if len(by_hour) >= 4 else None


@dataclass(frozen=True, slots=True)
class _Share:
    start: int
    hour: int  # local
    share: float  # of what a clear sky gives to the rated power


def _shares(
    made: Sequence[Made], rated_w: int, latitude: float, longitude: float | None, zone: ZoneInfo
) -> list[_Share]:
    found = []
    for one in made:
        middle = datetime.fromtimestamp(one.start + _HOUR // 2, UTC).astimezone(zone)
        sun = clear_sky_w_per_m2(middle, latitude, longitude)
        if sun >= _LOW_SUN_W_PER_M2 and rated_w > 0:
            found.append(_Share(one.start, middle.hour, one.wh / (rated_w * sun / 1000)))
    return found


def _best(shares: Sequence[float], days: int) -> float | None:
    """Return what is reached on a clear day: the highest of few values, the fourth fifth of many."""
    if len(shares) < days * 0.6:
        return None
    ranked = sorted(shares)
    return ranked[-1] if len(ranked) <= SHADOW_DAYS else ranked[int(0.8 * (len(ranked) - 1))]


def _is_run(hours: Sequence[int]) -> bool:
    return list(hours) == list(range(hours[0], hours[-1] + 1))
