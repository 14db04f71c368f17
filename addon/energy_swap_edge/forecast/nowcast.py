"""What the last hours say of the next ones: a sky or a house that is not as expected stays so for a while."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from .courses import widened, width_factors
from .household import Floats
from .recent import LEVELS, Whole

LEADS: Final = 24  # hours ahead that are corrected
MEMORY: Final = 4  # hours back that are looked at
_MIDDLE: Final = LEVELS.index(0.5)
_STRENGTHS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LASTS: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
_BLOCKS: Final = (0, 1, 2, 3, 6, 12, LEADS)  # of hours ahead, whose bands are as certain
_LEAST_HOURS: Final = 72  # of back-test: fewer say nothing
_LEAST_DAYS: Final = 2.0
_TRUST_DAYS: Final = 8.0  # that count as much as what is usual
_LEAST_WIDTH: Final = 0.4
_MOST_WIDTH: Final = 1.25
_MOST_RATIO: Final = 2.0
_FLOOR: Final = 0.03  # of the brightest hour: what is missed at dawn says little

type Kind = Literal["production", "consumption"]


@dataclass(frozen=True, slots=True, eq=False)
class Nowcast:
    """How much of what was missed in the last hours is expected of each of the next `LEADS` ones, and how surely.

    Production is corrected by a ratio, consumption by Wh, of which ``centre`` are missed anyway (the median of a
    skewed load is below its mean). ``widths``: by what the bands of each hour shrink or grow below and above.
    """

    kind: Kind
    part: Floats
    centre: float
    widths: tuple[tuple[float, float], ...]

    def applied(self, spread: Floats, expected: Floats, actual: Floats) -> Floats:
        """Return ``spread`` (a row per level of `LEVELS`) of the next hours in the light of the last ones.

        ``expected`` is what was forecast for the last `MEMORY` hours, ``actual`` what was measured, in Wh,
        both the last hour first.
        """
        floor = _FLOOR * float(np.max(spread[_MIDDLE], initial=0.0))
        seen = _seen(self.kind, actual[None], expected[None], self.centre, floor)[0]
        made = spread.copy()
        made[:, :LEADS] = _corrected(self.kind, spread[:, :LEADS], seen * self.part)
        for lead, factors in enumerate(self.widths):
            made[:, [lead]] = widened(made[:, [lead]], factors)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Nowcasts:
    """Two of them: ``fresh`` in the hour of the day at which was learned, ``later`` in the others.

    A fresh forecast knows already, by the last hours' use, some of what the one before it missed.
    """

    fresh: Nowcast
    later: Nowcast


_USUAL: Final[dict[Kind, tuple[float, float]]] = {"production": (0.9, 4.0), "consumption": (0.45, 2.0)}
_WEIGHTS: Final[dict[Kind, Floats]] = {
    "production": np.array([0.4**back for back in range(MEMORY)]),
    "consumption": np.array([0.2**back for back in range(MEMORY)]),
}
# By how much the bands of the next hours, by `_BLOCKS`, are too narrow where their narrowing was measured on the
# same days from which it was learned.
_UNSEEN: Final[dict[Kind, tuple[float, ...]]] = {
    "production": (1.2, 1.2, 1.12, 1.0, 1.0, 1.0),
    "consumption": (1.0,) * 6,
}
_USUAL_WIDTHS: Final[dict[Kind, tuple[float, ...]]] = {
    "production": (0.8, 0.92, 1.0, 1.0, 1.0, 1.0),
    "consumption": (0.9, 0.95, 1.0, 1.0, 1.0, 1.0),
}


def learn_nowcasts(kind: Kind, actual: Floats, spread: Floats, tells: NDArray[np.bool_]) -> Nowcasts:
    """Learn from a back-test of whole days: ``actual`` and its forecast ``spread``, hour after hour.

    ``tells`` is where an hour's error says something (not at night for production). What would not have lowered
    the error of the next hours is not done at all.
    """
    missed = (actual - spread[_MIDDLE])[tells]
    known = int((~np.isnan(missed)).sum())
    centre = float(np.nanmean(missed)) if kind == "consumption" and known >= _LEAST_HOURS else 0.0
    issues = np.arange(24, len(actual) - LEADS + 1)
    is_fresh = issues % 24 == 0
    return Nowcasts(
        *(_learned(kind, actual, spread, tells, centre, issues[one]) for one in (is_fresh, ~is_fresh)),
    )


def _learned(
    kind: Kind, actual: Floats, spread: Floats, tells: NDArray[np.bool_], centre: float, issues: Whole
) -> Nowcast:
    usual, said = _decay(*_USUAL[kind]), spread[_MIDDLE]
    before = issues[:, None] - 1 - np.arange(MEMORY)
    ahead = issues[:, None] + np.arange(LEADS)
    true = np.where(tells, actual, np.nan)[ahead]
    days = int((~np.isnan(true)).sum()) / max(true.size, 1) * len(np.unique(issues // 24))
    if days < _LEAST_DAYS:
        return Nowcast(kind, usual, centre, tuple((one, one) for one in _by_lead(_USUAL_WIDTHS[kind])))
    seen = _seen(kind, actual[before], said[before], centre, _FLOOR * float(np.nanmax(said)))

    def error(part: Floats) -> float:
        return float(np.nansum(np.abs(_corrected(kind, said[ahead], seen[:, None] * part) - true)))

    tried = [_decay(strength, lasts) for strength in _STRENGTHS for lasts in _LASTS]
    best = min(tried, key=error)
    part = (days * best + _TRUST_DAYS * usual) / (days + _TRUST_DAYS)
    if error(part) >= error(np.zeros(LEADS)):
        part = np.zeros(LEADS)
    widths = []
    for first, last, width, unseen in zip(_BLOCKS, _BLOCKS[1:], _USUAL_WIDTHS[kind], _UNSEEN[kind], strict=False):
        block, asked = spread[:, ahead[:, first:last]], true[:, first:last].ravel()
        made = _corrected(kind, block, seen[:, None] * part[first:last])
        # Against the bands as they were: those of few days are wide on purpose.
        before_factors = width_factors(asked, block.reshape(len(spread), -1), 1.0)
        factors = width_factors(asked, made.reshape(len(spread), -1), width if part.any() else 1.0)
        low, high = (
            min(max(one / before * unseen, _LEAST_WIDTH), _MOST_WIDTH)
            for one, before in zip(factors, before_factors, strict=True)
        )
        widths.append((low, high))
    return Nowcast(kind, part, centre, tuple(_by_lead(tuple(widths))))


def _seen(kind: Kind, actual: Floats, expected: Floats, centre: float, floor: float) -> Floats:
    """Return what was missed (issues by hours, the last hour first): Wh, or the part of production above 1."""
    known = ~np.isnan(actual) & ~np.isnan(expected)
    weight = _WEIGHTS[kind]
    if kind == "consumption":
        made: Floats = (np.where(known, actual - expected - centre, 0.0) * weight).sum(axis=1) / weight.sum()
        return made
    real, said = ((np.where(known, one, 0.0) * weight).sum(axis=1) + floor for one in (actual, expected))
    ratio: Floats = np.clip(real / np.maximum(said, 1e-9), 0.0, _MOST_RATIO) - 1
    return ratio


def _corrected(kind: Kind, values: Floats, by: Floats) -> Floats:
    return np.maximum(values + by if kind == "consumption" else values * (1 + by), 0.0)


def _decay(strength: float, lasts: float) -> Floats:
    return strength * np.exp(-np.arange(LEADS) / lasts)


def _by_lead[T](blocks: tuple[T, ...]) -> list[T]:
    return [
        one for first, last, one in zip(_BLOCKS, _BLOCKS[1:], blocks, strict=False) for _ in range(first, last)
    ]
