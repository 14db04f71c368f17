"""What the same hours of recent days say: medians and quantiles in which newer days and like days count more."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .household import Floats

type Whole = NDArray[np.int64]

LEVELS: Final = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
_DAYS: Final = 28


@dataclass(frozen=True, slots=True, eq=False)
class Lags:
    """Values of the hours a whole number of days before each target, and of their neighbours; rows are days.

    Only hours that had ended at the target's issue are in; what is not known is NaN. ``age`` is in days.
    """

    values: Floats
    age: Whole
    is_like: NDArray[np.bool_]  # of the same kind of day: working day or weekend
    is_neighbour: NDArray[np.bool_]  # an hour earlier or later than the target's own


def lags(
    values: Floats, issues: Whole, targets: Whole, is_weekend: NDArray[np.bool_], *, neighbours: bool
) -> Lags:
    """Return the lags of ``targets`` (hours) as known at ``issues`` (the first unknown hour of each target)."""
    back = np.maximum((targets - issues) // 24 + 1, 1)
    offsets = (0, -1, 1) if neighbours else (0,)
    # A row for each neighbour and day; an hour later may not be over, so that it is looked up a day earlier.
    day = back + np.arange(_DAYS)[:, None]
    found, ages = [], []
    for offset in offsets:
        at = targets + offset - 24 * day
        known = (at >= 0) & (at < issues)
        found.append(np.where(known, values[np.clip(at, 0, len(values) - 1)], np.nan))
        ages.append(day)
    age = np.concatenate(ages)
    then = np.clip(targets - 24 * age, 0, len(is_weekend) - 1)
    return Lags(
        np.concatenate(found),
        age,
        is_weekend[then] == is_weekend[np.clip(targets, 0, len(is_weekend) - 1)],
        np.repeat(np.array([offset != 0 for offset in offsets]), _DAYS),
    )


def weights(of: Lags, memory_days: float, *, like: float, neighbour: float) -> Floats:
    """How much each value counts: e-fold less per ``memory_days``, unlike days and neighbours still less."""
    counted: Floats = np.exp(-of.age / memory_days) * np.where(of.is_like, 1.0, like)
    return counted * np.where(of.is_neighbour, neighbour, 1.0)[:, None]


def quantiles(values: Floats, weight: Floats, levels: tuple[float, ...]) -> Floats:
    """Return the weighted quantiles over rows, one row per level; NaN where nothing is known."""
    unknown = np.isnan(values)
    order = np.argsort(np.where(unknown, np.inf, values), axis=0)
    ranked = np.take_along_axis(values, order, 0)
    share = np.cumsum(np.take_along_axis(np.where(unknown, 0.0, weight), order, 0), axis=0)
    total = share[-1]
    rows = []
    for level in levels:
        first = np.argmax(share >= level * total - 1e-12, axis=0)
        rows.append(np.where(total > 0, np.take_along_axis(ranked, first[None], 0)[0], np.nan))
    return np.array(rows)
