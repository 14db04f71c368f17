"""What the edge learns of its home at night: whom to believe, how wrong it will be, how surprises go together."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from .courses import placed, tail_factor, widened, width_factors
from .days import SKY_LEARNED_SHARE, SKY_SHARE, learn_days
from .experts import (
    CONSUMPTION_SHARE,
    PRODUCTION_SHARE,
    Opinions,
    blended,
    consumption_experts,
    consumption_surprises,
    production_experts,
    shares,
)
from .grid import Grid
from .habits import HabitModel, learn_habits
from .household import Floats
from .learned import SkyModel, learn_sky
from .nowcast import Nowcasts, learn_nowcasts
from .prior import Prior
from .recent import LEVELS, Whole

BACK_TEST_DAYS: Final = 90
_LOW, _MIDDLE, _HIGH = LEVELS.index(0.1), LEVELS.index(0.5), LEVELS.index(0.9)
_WIDTH_DAYS: Final = 60
# By how much raw bands are usually too narrow, and over the days learned from by how much more: quantiles of few
# days lie within what happens (of trees too). Those of consumption have been widened for it by then.
_CONSUMPTION_WIDTH: Final = (1.0, 0.0)
_PRODUCTION_WIDTH: Final = (1.25, 0.8)
_SKY_WIDTH: Final = (0.97, 12.6)
_RATIO_WIDTH: Final = (0.95, 0.0)  # of the wide bands about the mere ratio to physics
_FEW_DAYS: Final = 2.0  # over the days known: by how much more a quantile of recent days lies within what happens
_MOST_WIDTH: Final = 2.0
_PRIOR_DAYS: Final = 0.9  # at which the home's own days count as much as the prior, which a week outweighs
_TYPICAL_WH: Final = 300.0  # an hour's consumption of a home of which nothing is known


@dataclass(frozen=True, slots=True, eq=False)
class Skill:
    """How one quantity was forecast in the back-test, a day ahead.

    ``share`` of the experts; ``widths`` by which the raw bands grow below and above the median to hold what they
    say; ``accuracy`` is 1 - Σ|error| / Σ|value| and ``covered`` the share of hours in the 80 % band (NaN: not
    known yet); ``places`` where each past hour lay in its band, by hour of the grid.
    """

    share: Floats
    widths: tuple[float, float]
    accuracy: float
    covered: float
    places: Floats
    nowcasts: Nowcasts
    tail: float


@dataclass(frozen=True, slots=True, eq=False)
class HomeModel:
    """What was learned by ``trained_at``; ``first`` is the Unix hour at which the skills' places begin."""

    trained_at: datetime
    first: int
    consumption: Skill
    production: Skill  # from historical patterns alone
    sky_production: Skill | None  # from forecast weather
    sky: SkyModel | None
    habits: HabitModel | None
    day_share: Floats  # of what forecasts the surplus of a whole day, `days.NAMES`
    sky_day_share: Floats | None


def learn(grid: Grid, prior: Prior, now: datetime) -> HomeModel:
    """Learn from the grid's past; a rolling back-test forecasts each past day from what was known before it."""
    past = grid.now // 24 - 1
    issues, targets = _past_days(grid, min(BACK_TEST_DAYS, past))
    eaten = consumption_experts(grid, issues, targets)
    age = (grid.now - targets) / 24
    habits, unseen_use = learn_habits(grid, past, len(targets) // 24)
    eaten, usual = with_habits(eaten, habits, unseen_use)
    share = shares(eaten.points, grid.consumption[targets], age, usual, (4, 6))
    raw = consumption_spread(grid, eaten, share, issues, targets, prior)
    tested = min(len(targets) // 24, _WIDTH_DAYS)
    usual_width = _usual(_CONSUMPTION_WIDTH, tested)
    consumption = _skill(grid, grid.consumption, targets, raw, share, usual_width)
    made = production_experts(grid, issues, targets)
    light = ~grid.is_dark[targets]
    share = shares(made.points[:, light], grid.production[targets][light], age[light], PRODUCTION_SHARE, (5, 6))
    made_raw = production_spread(grid, made, share, issues, targets, prior)
    production = _skill(grid, grid.production, targets, made_raw, share, _usual(_PRODUCTION_WIDTH, tested))
    sky, unseen = learn_sky(grid, prior.physics_ratio)
    sky_production = sky_day_share = None
    net = grid.production - grid.consumption
    if sky is not None:
        width = _usual(_SKY_WIDTH, sky.days) if sky.trees else _usual(_RATIO_WIDTH, tested)
        sky_production = _skill(grid, grid.production, targets, unseen[:, targets], np.ones(1), width)
        lines = (unseen[:, targets] - raw)[_MIDDLE].reshape(-1, 24)
        sky_day_share = learn_days(lines, net, grid.now, SKY_SHARE, SKY_LEARNED_SHARE)
    day_share = learn_days((made_raw - raw)[_MIDDLE].reshape(-1, 24), net, grid.now)
    return HomeModel(
        now, grid.first, consumption, production, sky_production, sky, habits, day_share, sky_day_share
    )


def with_habits(said: Opinions, habits: HabitModel | None, learned: Floats) -> tuple[Opinions, Floats]:
    """Return the opinions with the ``learned`` one added last, and how much each counts before a back-test."""
    filled = np.where(np.isnan(learned), blended(said.points, CONSUMPTION_SHARE), learned)
    share = 0.0 if habits is None else habits.share
    usual = np.append(CONSUMPTION_SHARE * (1 - share), share)
    return Opinions(np.vstack([said.points, filled]), said.quantiles), usual


def consumption_spread(
    grid: Grid, opinions: Opinions, share: Floats, issues: Whole, targets: Whole, prior: Prior
) -> Floats:
    """Return the raw quantiles of consumption, a row per level: the blend, with the spread of recent days."""
    level = _known_mean(grid.consumption, issues, _TYPICAL_WH)
    usual = prior.consumption[:, grid.is_weekend[targets].astype(int), grid.hour[targets]] * level
    days = _known_days(grid.consumption, issues)
    own = consumption_surprises(grid, issues, targets) * (1 + _FEW_DAYS / np.maximum(days, _FEW_DAYS))
    return _mixed(blended(opinions.points, share), opinions.quantiles[_MIDDLE] + own, usual, days)


def production_spread(
    grid: Grid, opinions: Opinions, share: Floats, issues: Whole, targets: Whole, prior: Prior
) -> Floats:
    """Return the raw quantiles of production from historical patterns, a row per level."""
    usual = prior.production[:, None] * np.where(grid.is_dark[targets], 0.0, grid.clear_wh[targets])
    spread = _mixed(
        blended(opinions.points, share), opinions.quantiles, usual, _known_days(grid.production, issues)
    )
    return np.where(grid.is_dark[targets], 0.0, spread)


def _mixed(point: Floats, spread: Floats, usual: Floats, days: Floats) -> Floats:
    centred = spread - spread[_MIDDLE] + np.where(np.isnan(point), spread[_MIDDLE], point)
    trust = days**2 / (days**2 + _PRIOR_DAYS**2)
    made = np.where(np.isnan(centred), usual, trust * centred + (1 - trust) * usual)
    return np.maximum(made, 0.0)


def _known_days(values: Floats, issues: Whole) -> Floats:
    counted = np.concatenate([[0], np.cumsum(~np.isnan(values))])
    days: Floats = (counted[issues] - counted[np.maximum(issues - 672, 0)]) / 24
    return days


def _known_mean(values: Floats, issues: Whole, otherwise: float) -> Floats:
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
    days = _known_days(values, issues)
    mean = (total[issues] - total[np.maximum(issues - 672, 0)]) / np.maximum(days * 24, 1)
    trust = days / (days + 0.25)
    made: Floats = trust * mean + (1 - trust) * otherwise
    return made


def _past_days(grid: Grid, days: int) -> tuple[Whole, Whole]:
    issues = grid.now - 24 * np.arange(max(days, 0), 0, -1)
    targets = (issues[:, None] + np.arange(24)).ravel()
    return np.repeat(issues, 24), targets


def _usual(width: tuple[float, float], days: float) -> float:
    return min(width[0] + width[1] / max(days, 1.0), _MOST_WIDTH)


def _skill(grid: Grid, actual: Floats, targets: Whole, spread: Floats, share: Floats, usual_width: float) -> Skill:
    true = actual[targets]
    recent = targets >= grid.now - 24 * _WIDTH_DAYS
    widths = width_factors(np.where(recent, true, np.nan), spread, usual_width)
    spread = widened(spread, widths)
    places = placed(true, spread)
    telling = ~np.isnan(places) & (spread[-1] - spread[0] > 1e-6)
    known = ~np.isnan(true) & ~np.isnan(spread[_MIDDLE])
    total = np.abs(true[known]).sum()
    accuracy = 1 - np.abs(true - spread[_MIDDLE])[known].sum() / total if total > 0 else float("nan")
    inside = (true >= spread[_LOW]) & (true <= spread[_HIGH])
    line = np.full(len(grid.hour), np.nan)
    line[targets] = places
    covered = float(inside[telling].mean()) if telling.any() else float("nan")
    if actual is grid.consumption:
        nowcasts = learn_nowcasts("consumption", true, spread, np.ones(len(targets), bool))
    else:
        nowcasts = learn_nowcasts("production", true, spread, ~grid.is_dark[targets])
    return Skill(share, widths, float(accuracy), covered, line, nowcasts, tail_factor(true, spread, places))
