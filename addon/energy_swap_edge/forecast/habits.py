"""Consumption learned from the home's own calendar and recent use, as what the experts leave: boosted trees."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .experts import CONSUMPTION_SHARE, Opinions, blended, consumption_experts
from .grid import Grid
from .household import Floats
from .recent import Whole
from .threads import one_thread

LEAST_DAYS: Final = 120  # of past: with fewer the trees learn chance
_FULL_DAYS: Final = 400
_MOST_SHARE: Final = 0.5
_BLOCK_DAYS: Final = 30
_LEAD_HOURS: Final = 48
_CHUNK: Final = 48 * 30  # targets at a time, so that memory stays small
_SPREAD: Final = (1, 3, 7, 9)  # of `LEVELS`


@dataclass(frozen=True, slots=True, eq=False)
class HabitModel:
    """Trees that say what the blend of experts leaves of an hour's consumption, in Wh.

    ``share`` is how much they count before a back-test.
    """

    trees: Any
    share: float

    def opinion(self, grid: Grid, said: Opinions, issues: Whole, learned_at: Whole, targets: Whole) -> Floats:
        """Return the learned consumption in Wh of the hours ``targets`` as known at ``issues``.

        ``said`` is what the experts say at ``issues``. The trees know days only as they look from the hour of
        night at which they learned: ``learned_at``, not after the issue.
        """
        then = said if np.array_equal(issues, learned_at) else consumption_experts(grid, learned_at, targets)
        with one_thread():
            left = self.trees.predict(_features(grid, then.points, then.quantiles, learned_at, targets))
        made: Floats = np.maximum(blended(said.points, CONSUMPTION_SHARE) + left, 0.0)
        return made


def learn_habits(grid: Grid, days: int, tested: int) -> tuple[HabitModel | None, Floats]:
    """Return the model of the last ``days``, and what it said of each hour (NaN: nothing) of the last ``tested``.

    The latter is said by models that had seen only what was before, and of hours at most a day ahead.
    """
    unseen = np.full((tested, 24), np.nan)
    if days < LEAST_DAYS or np.isnan(grid.consumption[: grid.now]).mean() > 0.6:
        return None, unseen.ravel()
    begins = grid.now - 24 * np.arange(days, 0, -1)
    issues = np.repeat(begins, _LEAD_HOURS)
    targets = (begins[:, None] + np.arange(_LEAD_HOURS)).ravel()
    features, base = [], []
    for start in range(0, len(targets), _CHUNK):
        part = slice(start, start + _CHUNK)
        said = consumption_experts(grid, issues[part], targets[part])
        features.append(_features(grid, said.points, said.quantiles, issues[part], targets[part]))
        base.append(blended(said.points, CONSUMPTION_SHARE))
    seen, start_from = np.concatenate(features), np.concatenate(base)
    left = grid.consumption[targets] - start_from
    known = ~np.isnan(left)

    def fitted(before: int) -> Any:
        use = known & (targets < before)
        with one_thread():
            return _trees().fit(seen[use], left[use])

    for begin in range(grid.now - 24 * tested, grid.now, 24 * _BLOCK_DAYS):
        if int((known & (targets < begin)).sum()) < _LEAD_HOURS * LEAST_DAYS // 2:
            continue
        asked = (issues >= begin) & (issues < begin + 24 * _BLOCK_DAYS) & (targets < issues + 24)
        trees = fitted(begin)
        with one_thread():
            said_then = np.maximum(start_from[asked] + trees.predict(seen[asked]), 0.0)
        row = (begin - grid.now) // 24 + tested
        unseen[row : row + _BLOCK_DAYS] = said_then.reshape(-1, 24)
    share = _MOST_SHARE * min((days - LEAST_DAYS / 2) / _FULL_DAYS, 1.0)
    return HabitModel(fitted(grid.now), share), unseen.ravel()


def _trees() -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        loss="absolute_error",
        max_iter=80,
        learning_rate=0.06,
        max_leaf_nodes=12,
        min_samples_leaf=60,
        max_features=0.4,
        l2_regularization=3.0,
        early_stopping=False,
        random_state=0,
    )


def _features(grid: Grid, points: Floats, spread: Floats, issues: Whole, targets: Whole) -> NDArray[np.float32]:
    """Return what the trees see of each hour: the experts, the same hour before, recent use, and the calendar."""
    values = grid.consumption
    known = ~np.isnan(values)
    total = np.concatenate([[0.0], np.cumsum(np.where(known, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])

    def mean(ends: Whole, hours: int) -> Floats:
        last, first = np.clip(ends, 0, None), np.clip(ends - hours, 0, None)
        number = count[last] - count[first]
        made: Floats = np.where(number > 0, (total[last] - total[first]) / np.maximum(number, 1), np.nan)
        return made

    def before(hours: Whole | int) -> Floats:
        at = targets - hours
        made: Floats = np.where((at >= 0) & (at < issues), values[np.clip(at, 0, None)], np.nan)
        return made

    back = (targets - issues) // 24 + 1
    seen = [*points, *(spread[level] for level in _SPREAD)]
    seen += [before(24 * (back + more)) for more in range(3)]
    seen += [before(168), before(336), before(24 * back - 1), before(24 * back + 1)]
    seen += [mean(issues, hours) for hours in (1, 3, 6, 24, 72, 168, 672)]
    first, which = np.unique(issues, return_inverse=True)  # the same for all hours of one issue
    for hours in (3, 6, 24):
        usual = np.array([mean(first - 24 * day, hours) for day in range(1, 15)])
        filled = ~np.isnan(usual)
        level = np.where(filled, usual, 0.0).sum(axis=0) / np.maximum(filled.sum(axis=0), 1)
        seen.append((mean(first, hours) - level)[which])
    day = (grid.first + targets + (grid.hour[0] - grid.first) % 24) // 24
    season = 2 * np.pi * (grid.first + targets) / 24 / 365.25
    seen += [grid.hour[targets], (day + 3) % 7, np.sin(season), np.cos(season), targets - issues]
    if "temperature_2m" in grid.columns:
        seen.append(grid.columns["temperature_2m"][targets])
    return np.column_stack(seen).astype(np.float32)
