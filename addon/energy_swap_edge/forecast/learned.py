"""Boosted trees that learn from the home what physics and recent days leave: shade, dirt, habits."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .grid import Grid
from .household import Floats
from .recent import LEVELS, Whole
from .threads import one_thread

_LOW, _HIGH = LEVELS.index(0.1), LEVELS.index(0.9)
_QUANTILES: Final = (0.1, 0.5, 0.9)
_FOLDS: Final = 3
_NORMAL: Final = np.array(  # of `LEVELS`, in units of the 90 % level
    [-1.2835, -1, -0.6567, -0.4092, -0.1977, 0, 0.1977, 0.4092, 0.6567, 1, 1.2835]
)
LEAST_HOURS: Final = 24 * 6  # of daylight with weather, to learn from


def _trees(quantile: float, rows: int, rounds: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(
        loss="quantile",
        quantile=quantile,
        max_iter=rounds,
        learning_rate=0.08,
        max_leaf_nodes=12 if rows > 1500 else 6,
        min_samples_leaf=20,
        max_features=0.35,
        l2_regularization=3.0,
        early_stopping=False,
        random_state=0,
    )


@dataclass(frozen=True, slots=True, eq=False)
class SkyModel:
    """Production from forecast weather: three boosted quantiles and the plain ratio to physics they start from."""

    trees: tuple[Any, ...]
    ratio: float
    days: float  # of light that the trees have seen

    def quantiles(self, grid: Grid, targets: Whole) -> Floats:
        """Return the quantiles of production in Wh, a row per level of `LEVELS`."""
        features = sky_features(grid)[targets]
        physics = self.ratio * grid.columns["physics_wh"][targets]
        if self.trees:
            with one_thread():
                low, middle, high = np.sort(np.array([one.predict(features) for one in self.trees]), axis=0)
        else:
            low, middle, high = 0.4 * physics, physics, 1.4 * physics
        return _spread(low, middle, high, grid.is_dark[targets])


def _spread(low: Floats, middle: Floats, high: Floats, is_dark: NDArray[np.bool_]) -> Floats:
    rows = [middle + np.where(z < 0, middle - low, high - middle) * z for z in _NORMAL]
    return np.where(is_dark, 0.0, np.maximum(np.array(rows), 0.0))


def sky_features(grid: Grid) -> NDArray[np.float32]:
    """Return what the trees see of each hour: weather now and around, sun, physics, and the day as a whole."""
    assert grid.sky is not None
    columns = dict(grid.columns)
    clearness, physics = columns["clearness"], columns["physics_wh"]
    seen: list[Floats] = [
        grid.sky.global_wm2,
        grid.sky.plane_wm2,
        grid.sky.elevation,
        grid.sky.azimuth,
        grid.clear_wh,
        *(columns[name] for name in sorted(columns)),
    ]
    for step in (-2, -1, 1, 2):
        seen += [_shifted(clearness, step), _shifted(physics, step)]
        if "cloud_cover" in columns:
            seen.append(_shifted(columns["cloud_cover"], step))
    seen.append((_shifted(clearness, -1) + clearness + _shifted(clearness, 1)) / 3)
    day = (grid.first + np.arange(len(physics)) + grid.hour[0] - grid.first % 24) // 24
    day -= day.min()
    for one in (clearness, physics, *(columns[name] for name in _BY_DAY if name in columns)):
        seen.append(_by_day(one, day))
    seen.append(grid.hour.astype(np.float64))
    return np.column_stack(seen).astype(np.float32)


_BY_DAY: Final = ("shortwave_radiation", "cloud_cover", "relative_humidity_2m", "precipitation")


def _shifted(values: Floats, step: int) -> Floats:
    moved = np.roll(values, -step)
    if step > 0:
        moved[-step:] = np.nan
    else:
        moved[:-step] = np.nan
    return moved


def _by_day(values: Floats, day: Whole) -> Floats:
    known = ~np.isnan(values)
    total = np.bincount(day, np.where(known, values, 0.0), minlength=int(day.max()) + 1)
    mean: Floats = (total / np.maximum(np.bincount(day, known, minlength=int(day.max()) + 1), 1))[day]
    return mean


def learn_sky(grid: Grid, usual_ratio: float) -> tuple[SkyModel | None, Floats]:
    """Return the model of production under forecast weather, and its quantiles for past hours it had not seen.

    The latter come from models that each left out every third week, so they may be compared with what happened.
    None (and NaN) without weather in the past. With few days only the ratio to physics is learned.
    """
    unseen = np.full((len(LEVELS), len(grid.hour)), np.nan)
    if not grid.columns:
        return None, unseen
    past = np.arange(len(grid.hour)) < grid.now
    rows = np.flatnonzero(past & ~grid.is_dark & ~np.isnan(grid.production) & grid.has_weather)
    ratio = usual_ratio
    if len(rows) > 0:
        made, physics = grid.production[rows].sum(), grid.columns["physics_wh"][rows].sum()
        prior = 24 * 0.2 * float(grid.clear_wh.max())  # a day of usual weather
        ratio = float((made + usual_ratio * prior) / max(physics + prior, 1e-9))
    if len(rows) < LEAST_HOURS:
        model = SkyModel((), ratio, 0.0)
        unseen[:, rows] = model.quantiles(grid, rows)
        return model, unseen
    features = sky_features(grid)
    days = len(np.unique((grid.first + rows) // 24))
    rounds = 150 if len(rows) > 1500 else 80
    week = (grid.first + rows) // 168 % _FOLDS

    def fitted(use: NDArray[np.bool_]) -> tuple[Any, ...]:
        made = [_trees(level, int(use.sum()), rounds) for level in _QUANTILES]
        with one_thread():
            return tuple(one.fit(features[rows[use]], grid.production[rows[use]]) for one in made)

    for fold in range(_FOLDS):
        held = week == fold
        if not held.any() or held.all():
            continue
        part = SkyModel(fitted(~held), ratio, days)
        unseen[:, rows[held]] = part.quantiles(grid, rows[held])
    unseen[:, np.flatnonzero(past & grid.is_dark)] = 0.0
    return SkyModel(fitted(np.ones(len(rows), bool)), ratio, days), unseen
