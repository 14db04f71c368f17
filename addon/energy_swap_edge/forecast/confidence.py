"""How far to trust a forecast: the product of three measured terms, and beside it what its courses say."""

import math
from datetime import datetime
from typing import Final

import numpy as np

from .history import Weather
from .household import Floats
from .learning import HomeModel, Skill

_DAY: Final = 24
_HALVING_HOURS: Final = 48.0  # of the weather's age


def seed_percent(model: HomeModel, weather: Weather | None, now: datetime) -> int:
    """Return accuracy x reliability x freshness in percent.

    accuracy: mean of 1 - Σ|error| / Σ|value| of consumption and production in the home's back-test, a day ahead;
    reliability: the share of hours inside their 80 % band there, over 0.8 (1 at most);
    freshness: 1 for weather just issued, half for each 48 hours of its age; 1 without weather, whose absence the
    accuracy of that tier already shows. What is not measured yet counts one half.
    """
    made = model.sky_production if weather is not None and model.sky_production is not None else model.production
    accuracy = _mean(model.consumption.accuracy, made.accuracy)
    reliability = min(_mean(_reliable(model.consumption), _reliable(made)), 1.0)
    freshness = 1.0
    if weather is not None and weather.issued_at is not None:
        age = max((now - weather.issued_at).total_seconds() / 3600, 0.0)
        freshness = 0.5 ** (age / _HALVING_HOURS)
    return round(100 * accuracy * reliability * freshness)


def calibrated_percent(production: Floats, consumption: Floats) -> int:
    """Return how often the next day's surplus falls within a quarter of the figure that is shown, in percent.

    ``production`` and ``consumption`` are courses of two days in Wh. Where hardly any surplus is expected, a
    sixteenth of the expected consumption stands in for a quarter of it.
    """
    half = production.shape[1] // 2
    net = production[:, :half] - consumption[:, :half]
    surplus = np.maximum(net, 0).sum(axis=1)
    room = 0.25 * max(float(surplus.mean()), 0.25 * float(consumption[:, :half].sum(axis=1).mean()), 1.0)
    return round(100 * float((np.abs(surplus - surplus.mean()) <= room).mean()))


def _reliable(skill: Skill) -> float:
    return skill.covered / 0.8


def _mean(*values: float) -> float:
    known = [0.5 if math.isnan(one) else max(one, 0.0) for one in values]
    return sum(known) / len(known)
