"""Simple forecasts of one quantity, side by side: each is hard to beat somewhere; together they guard the rest."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from .grid import Grid
from .household import Floats
from .recent import LEVELS, Lags, Whole, lags, quantiles, weights

CONSUMPTION_NAMES: Final = (
    "recent_2",
    "recent_6",
    "recent_15",
    "recent_60",
    "yesterday",
    "last_week",
    "usual",
    "level",
)
PRODUCTION_NAMES: Final = ("sky_1", "sky_2", "sky_4", "sky_15", "hour_4", "yesterday", "usual", "clearness")
# How much each counts before the home has shown who is right there.
CONSUMPTION_SHARE: Final = np.array([0.26, 0.26, 0.22, 0.04, 0.02, 0.02, 0.03, 0.15])
PRODUCTION_SHARE: Final = np.array([0.15, 0.06, 0.14, 0.18, 0.02, 0.12, 0.03, 0.3])
_MIDDLE: Final = (0.5,)
_LIKE: Final = 0.5  # what a weekend says of a working day, against another working day
_NEIGHBOUR: Final = 0.45
_DAY_RATIO: Final = (0.05, 3.0)  # within which a day is believed to be like the one before
_LOW_SUN: Final = 0.02  # of the brightest hour: below, a ratio to the clear sky means nothing


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """Point forecasts in Wh, a row per expert; ``quantiles`` has a row per level of `LEVELS`; NaN: no opinion."""

    points: Floats
    quantiles: Floats


def consumption_experts(grid: Grid, issues: Whole, targets: Whole) -> Opinions:
    """Return what recent days say of the consumption in the hours ``targets``, as known at ``issues``."""
    of = lags(grid.consumption, issues, targets, grid.is_weekend, neighbours=True)
    usual = np.where(of.is_like & ~of.is_neighbour[:, None], 1.0, 0.0)
    points = [
        quantiles(of.values, weights(of, memory, like=_LIKE, neighbour=_NEIGHBOUR), _MIDDLE)[0]
        for memory in (2.0, 6.0, 15.0, 60.0)
    ]
    points += [
        of.values[0],
        _last_week(grid.consumption, issues, targets),
        quantiles(of.values, usual, _MIDDLE)[0],
        points[2] * _level(grid, issues),
    ]
    spread = quantiles(of.values, weights(of, 15.0, like=_LIKE, neighbour=_NEIGHBOUR), LEVELS)
    return Opinions(np.array(points), spread)


def consumption_surprises(grid: Grid, issues: Whole, targets: Whole) -> Floats:
    """Return the quantiles of consumption in recent days about their median in Wh, a row per level of `LEVELS`.

    An hour's neighbours count as what they were above or below their own usual: the slope between hours is no
    surprise, and with many homes together it is larger than what is.
    """
    of = lags(grid.consumption, issues, targets, grid.is_weekend, neighbours=True)
    own, *others = np.split(of.values, 3)
    ones = np.ones_like(own)
    middle = quantiles(own, ones, _MIDDLE)[0]
    known = (~np.isnan(own)).sum(axis=0)
    level = [own]
    for one in others:
        slope = np.nan_to_num(middle - quantiles(one, ones, _MIDDLE)[0])
        level.append(np.maximum(one + slope * known / (known + 1), 0.0))
    counted = weights(of, 15.0, like=_LIKE, neighbour=_NEIGHBOUR)
    spread = quantiles(np.concatenate(level), counted, LEVELS)
    made: Floats = spread - spread[LEVELS.index(0.5)]
    return made


def production_experts(grid: Grid, issues: Whole, targets: Whole) -> Opinions:
    """Return what recent days say of the production in the hours ``targets``, as known at ``issues``.

    The ``sky`` experts take the ratio to the clear sky of the panels, so that the days may grow or shrink.
    """
    of = lags(grid.production, issues, targets, grid.is_weekend, neighbours=False)
    low = _LOW_SUN * max(float(grid.clear_wh.max()), 1e-9)
    to_clear = np.where(grid.clear_wh > low, grid.production / np.maximum(grid.clear_wh, low), np.nan)
    by_ratio = lags(to_clear, issues, targets, grid.is_weekend, neighbours=False)
    ratio = by_ratio.values
    clear = np.where(grid.is_dark[targets], 0.0, grid.clear_wh[targets])

    def by_sky(memory: float, levels: tuple[float, ...]) -> Floats:
        scaled = quantiles(ratio, weights(of, memory, like=1, neighbour=1), levels) * clear
        plain = quantiles(of.values, weights(of, memory, like=1, neighbour=1), levels)
        return np.where(clear > low, np.where(np.isnan(scaled), plain, scaled), plain)

    points = [by_sky(memory, _MIDDLE)[0] for memory in (1.0, 2.0, 4.0, 15.0)]
    points += [
        quantiles(of.values, weights(of, 4.0, like=1, neighbour=1), _MIDDLE)[0],
        of.values[0],
        quantiles(of.values, np.ones_like(of.values), _MIDDLE)[0],
    ]
    points.append(_good(by_ratio) * _clearness(grid, to_clear, issues) * clear)
    made, spread = np.array(points), by_sky(8.0, LEVELS)
    dark = grid.is_dark[targets]
    return Opinions(np.where(dark, 0.0, made), np.where(dark, 0.0, spread))


def _level(grid: Grid, issues: Whole) -> Floats:
    """Return the consumption of the day before each issue against what was usual for its hours until then."""
    each, which = np.unique(issues, return_inverse=True)
    hours = np.maximum(each[:, None] - 24 + np.arange(24), 0).ravel()
    of = lags(grid.consumption, np.repeat(each - 24, 24), hours, grid.is_weekend, neighbours=True)
    usual = quantiles(of.values, weights(of, 15.0, like=_LIKE, neighbour=_NEIGHBOUR), _MIDDLE)[0]
    return _day_ratio(grid.consumption[hours], usual)[which]


def _clearness(grid: Grid, ratio: Floats, issues: Whole) -> Floats:
    """Return the production of the day before each issue against what its hours make on good days of late."""
    each, which = np.unique(issues, return_inverse=True)
    hours = (each[:, None] + np.arange(24)).ravel()
    good = _good(lags(ratio, np.repeat(each, 24), hours, grid.is_weekend, neighbours=False))
    before = np.maximum(hours - 24, 0)
    return _day_ratio(grid.production[before], good * np.where(grid.is_dark, 0.0, grid.clear_wh)[before])[which]


def _good(of: Lags) -> Floats:
    made: Floats = quantiles(of.values, weights(of, 8.0, like=1, neighbour=1), (0.7,))[0]
    return made


def _day_ratio(real: Floats, usual: Floats) -> Floats:
    """Return the sum of ``real`` over that of ``usual`` by days of 24 hours, within bounds; 1 where unknown."""
    known = ~np.isnan(real) & ~np.isnan(usual)
    above, below = (np.where(known, one, 0.0).reshape(-1, 24).sum(axis=1) for one in (real, usual))
    made: Floats = np.where(below > 0, np.clip(above / np.maximum(below, 1e-9), *_DAY_RATIO), 1.0)
    return made


def blended(opinions: Floats, share: Floats) -> Floats:
    """Return the mean of the experts' points by their ``share``, of those that have an opinion."""
    counted = np.where(np.isnan(opinions), 0.0, share[:, None])
    total = counted.sum(axis=0)
    mean = (np.nan_to_num(opinions) * counted).sum(axis=0) / np.maximum(total, 1e-12)
    return np.where(total > 0, mean, np.nan)


def shares(
    opinions: Floats,
    actual: Floats,
    age_days: Floats,
    usual: Floats,
    rivals: tuple[int, ...],
    *,
    least: int = 48,
    trust: float = 480.0,
) -> Floats:
    """Return how much each expert counts: the convex mixture of least Σ|error| in a back-test.

    It is drawn to ``usual``, the more the fewer the values (``trust`` of them weigh as much as it does), and what
    is long ago (``age_days``) counts less. Fewer than ``least`` values say nothing. Should the mixture have been
    clearly worse than the best of the ``rivals`` (indices of the simplest experts), that alone counts: a week is
    too short to tell, and believing it then costs more than it saves.
    """
    known = ~np.isnan(actual) & ~np.isnan(opinions[usual > 0]).any(axis=0)
    count = int(known.sum())
    if count < least:
        return usual
    said, true = opinions[usual > 0][:, known], actual[known]
    counted = np.exp2(-age_days[known] / _HALVING_DAYS)
    mixture = _mixture(said, true, counted, usual[usual > 0], _PULL * (1 + trust / count))
    made = np.zeros(len(usual))
    made[usual > 0] = mixture

    def error(points: Floats) -> float:
        return float((np.abs(points - true) * counted).sum())

    rival = min(rivals, key=lambda number: error(opinions[number, known]))
    if error(mixture @ said) > error(opinions[rival, known]) * (1 + least / count):
        return np.where(np.arange(len(usual)) == rival, 1.0, 0.0)
    return made


def _mixture(said: Floats, true: Floats, counted: Floats, usual: Floats, pull: float) -> Floats:
    """Minimise 0.4 Σ|true - mixture| / Σ|true - usual mixture| + pull · KL(mixture, usual).

    By exponentiated gradient steps (Kivinen and Warmuth 1997), of which the mean of the later ones is returned.
    With 0.4, a usual home's share of error, the first term is Σ|error| / Σ|value| there; elsewhere it does not
    depend on where zero lies.
    """
    usual = usual / usual.sum()
    scale = max(float((counted * np.abs(true - usual @ said)).sum()) / 0.4, 1e-9)
    mixture, total = usual.copy(), np.zeros(len(usual))
    for step in range(_STEPS):
        slope = (said * (np.sign(mixture @ said - true) * counted)).sum(axis=1) / scale
        slope += pull * np.log(mixture / usual)
        mixture = np.maximum(mixture * np.exp(-_STRIDE / (1 + 0.15 * step) * (slope - slope @ mixture)), 1e-6)
        mixture /= mixture.sum()
        if step >= _STEPS // 2:
            total += mixture
    made: Floats = total / total.sum()
    return made


_HALVING_DAYS: Final = 45.0
_PULL: Final = 0.03
_STEPS: Final = 150
_STRIDE: Final = 8.0


def _last_week(values: Floats, issues: Whole, targets: Whole) -> Floats:
    back = 168 * ((targets - issues) // 168 + 1)
    at = targets - back
    return np.where(at >= 0, values[np.clip(at, 0, None)], np.nan)
