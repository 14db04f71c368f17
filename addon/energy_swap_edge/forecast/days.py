"""The surplus of a whole day, which has its own best forecast: a sum errs otherwise than its hours do."""

from collections.abc import Callable
from typing import Final

import numpy as np

from .experts import shares
from .household import Floats
from .recent import Whole

NAMES: Final = ("line", "median", "mean", "yesterday", "three", "week", "month")
# How much each counts before the home has shown who is right there: a day's surplus persists more than its hours,
# and courses of a few days say little of it.
USUAL_SHARE: Final = np.array([0.52, 0.14, 0.01, 0.19, 0.05, 0.045, 0.045])
# Under forecast weather past days say little, and nothing once there are days enough to learn from.
SKY_SHARE: Final = np.array([0.15, 0.35, 0.4, 0.04, 0.02, 0.02, 0.02])
SKY_LEARNED_SHARE: Final = np.array([0.17, 0.39, 0.44, 0.0, 0.0, 0.0, 0.0])
_RIVALS: Final = (3, 4, 5, 6)
_COURSES: Final = 60
_LEAST_COURSES: Final = 6
_MONTH: Final = 28
_LEAST_DAYS: Final = 5
_TRUST_DAYS: Final = 30.0


def day_opinions(line: Floats, courses: Floats, net: Floats, issue: int, hours: Whole) -> Floats:
    """Return what each of `NAMES` says at hour ``issue`` of the surplus in Wh of ``hours``; NaN: nothing.

    ``line`` is the median forecast of the net in these hours, ``courses`` (rows) are equally likely courses of it;
    ``net`` is the line of past hours.
    """
    back = (hours - issue) // 24 + 1
    at = hours[None] - 24 * (back + np.arange(_MONTH)[:, None])
    known = (at >= 0) & (at < issue)
    past = np.maximum(np.where(known, net[np.clip(at, 0, len(net) - 1)], np.nan), 0).sum(axis=1)
    sums = np.maximum(courses, 0).sum(axis=1)
    return np.array(
        [
            np.maximum(line, 0).sum(),
            _of(np.median, sums),
            _of(np.mean, sums),
            past[0],
            _of(np.mean, past[:3]),
            _of(np.median, past[:7]),
            _of(np.median, past),
        ]
    )


def learn_days(
    lines: Floats, net: Floats, now: int, first: Floats = USUAL_SHARE, usual: Floats = USUAL_SHARE
) -> Floats:
    """Return how much each of `NAMES` counts, from a back-test.

    ``first`` are the shares while days are too few to learn from, ``usual`` those they are drawn to then.
    ``lines`` has the median forecast of the net by past day (rows) and hour; the last day ended at hour ``now``.
    Its courses are the line with what was missed on the days before.
    """
    days = len(lines)
    hours = now - 24 * days + np.arange(24 * days).reshape(-1, 24)
    missed = net[hours] - lines
    known = ~np.isnan(missed).any(axis=1)
    said = []
    for day in range(days):
        before = missed[max(day - _COURSES, 0) : day]
        before = before[known[max(day - _COURSES, 0) : day]]
        courses = lines[day] + (before if len(before) >= _LEAST_COURSES else before[:0])
        said.append(day_opinions(lines[day], courses, net, int(hours[day, 0]), hours[day]))
    if not said:
        return first
    comparable = ~np.isnan(said).any(axis=1)
    real = np.where(comparable, np.maximum(net[hours], 0).sum(axis=1), np.nan)
    age = np.arange(days, 0, -1.0)
    made = shares(np.array(said).T, real, age, usual, _RIVALS, least=_LEAST_DAYS, trust=_TRUST_DAYS)
    return first if made is usual else made


def _of(what: Callable[[Floats], np.floating], values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(what(known)) if len(known) else float("nan")
