"""From bands hour by hour to whole courses of days: past days lend how surprises go together."""

from typing import Final

import numpy as np

from .household import Floats
from .recent import LEVELS

_EXTENDED: Final = (0.005, *LEVELS, 0.995)
_MIDDLE: Final = LEVELS.index(0.5)
_TRUST_HOURS: Final = 150.0  # of back-test, from which on the home's own errors count more than the usual
_TAIL_DAYS: Final = 10.0  # of back-test, that count as much as the usual tail
_HALVING_DAYS: Final = 30.0
_LEAST_COURSES: Final = 5
_EVEN: Final = np.repeat((np.arange(20.0) + 0.5)[:, None] / 20, 24, axis=1)
_LOW, _HIGH = LEVELS.index(0.1), LEVELS.index(0.9)


def placed(actual: Floats, spread: Floats) -> Floats:
    """Return where each actual value lay in its ``spread`` (a row per level): 0 below all of it, 1 above."""
    whole = _extended(spread)
    levels = np.array(_EXTENDED)
    below = (actual[None] > whole).sum(axis=0)
    low, high = np.clip(below - 1, 0, len(levels) - 1), np.clip(below, 0, len(levels) - 1)
    at = np.arange(len(actual))
    gap = whole[high, at] - whole[low, at]
    share = np.where(gap > 0, (actual - whole[low, at]) / np.maximum(gap, 1e-12), 0.5)
    place = levels[low] + np.clip(share, 0, 1) * (levels[high] - levels[low])
    flat = whole[-1] - whole[0] <= 1e-9
    made: Floats = np.where(np.isnan(actual) | np.isnan(spread).any(axis=0), np.nan, np.where(flat, 0.5, place))
    return made


def drawn(spread: Floats, places: Floats) -> Floats:
    """Return the values that lie at ``places`` (courses by hours) in ``spread`` (levels by hours)."""
    whole = _extended(spread)
    levels = np.array(_EXTENDED)
    high = np.clip(np.searchsorted(levels, places), 1, len(levels) - 1)
    share = (np.clip(places, levels[0], levels[-1]) - levels[high - 1]) / (levels[high] - levels[high - 1])
    hours = np.arange(places.shape[1])[None]
    made: Floats = whole[high - 1, hours] * (1 - share) + whole[high, hours] * share
    return made


def widened(spread: Floats, factors: tuple[float, float]) -> Floats:
    """Return ``spread`` with its distances below and above the median times ``factors``, not below zero."""
    middle = spread[_MIDDLE]
    away = spread - middle
    made: Floats = np.maximum(middle + np.where(away < 0, away * factors[0], away * factors[1]), 0.0)
    return made


def stretched(courses: Floats, spread: Floats, factor: float) -> Floats:
    """Return ``courses`` with their distances above the median of ``spread`` times ``factor``."""
    above = np.maximum(courses - spread[_MIDDLE], 0.0)
    made: Floats = courses + (factor - 1) * above
    return made


def tail_factor(actual: Floats, spread: Floats, places: Floats) -> float:
    """Return by how much courses above the median must stretch so that their mean is that of what happened.

    From a back-test of whole days, hour after hour: the courses of each day are the ``places`` of the days before
    it, laid through its ``spread``; while there are few, even ones. Later days count more; near 1 with few days.
    """
    days = len(actual) // 24
    real, where, bands = actual.reshape(days, 24), places.reshape(days, 24), spread.reshape(len(spread), days, 24)
    is_whole = ~np.isnan(where).any(axis=1) & ~np.isnan(real).any(axis=1)
    missed = above = counted = 0.0
    for day in np.flatnonzero(is_whole):
        before = where[:day][is_whole[:day]]
        courses = drawn(bands[:, day], before if len(before) >= _LEAST_COURSES else _EVEN)
        weight = 0.5 ** ((days - day) / _HALVING_DAYS)
        missed += weight * float(real[day].sum() - courses.mean(axis=0).sum())
        above += weight * float(np.maximum(courses - bands[_MIDDLE, day], 0.0).mean(axis=0).sum())
        counted += weight
    if above <= 0:
        return 1.0
    return float(np.clip(1 + missed / above * counted / (counted + _TAIL_DAYS), 0.5, 2.0))


def width_factors(actual: Floats, spread: Floats, usual: float) -> tuple[float, float]:
    """Return by how much the bands below and above the median must grow so that each side holds four fifths.

    Measured on the hours where the band has a width; with few of them the factors stay near the ``usual`` one.
    """
    sides = []
    for edge, sign in ((_LOW, -1.0), (_HIGH, 1.0)):
        away = (actual - spread[_MIDDLE]) * sign
        width = (spread[edge] - spread[_MIDDLE]) * sign
        use = ~np.isnan(away) & (away > 0) & (width > 1e-6)
        count = int(use.sum())
        needed = float(np.quantile(away[use] / width[use], 0.8)) if count >= 24 else usual
        sides.append(float(np.clip((count * needed + _TRUST_HOURS * usual) / (count + _TRUST_HOURS), 0.4, 3.0)))
    return sides[0], sides[1]


def _extended(spread: Floats) -> Floats:
    first = np.maximum(spread[0] - 1.2 * (spread[1] - spread[0]), 0.0)
    last = spread[-1] + 1.6 * (spread[-1] - spread[-2])
    return np.maximum.accumulate(np.vstack([first, spread, last]), axis=0)
