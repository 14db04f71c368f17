"""What is known of homes in general, shipped with the package, so that the first day's forecast is useful."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from .household import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """Learned from other homes by ``script/train-forecast-prior``; quantiles have a row per level of `LEVELS`.

    ``consumption`` is relative to a home's mean hour, by kind of day (working day, weekend) and hour;
    ``production`` relative to what the panels would make under a clear sky; ``physics_ratio`` relative to what
    physics says for the forecast weather; ``places`` are courses of surprises (day,
    hour from midnight, consumption and production).
    """

    consumption: Floats
    production: Floats
    physics_ratio: float
    places: Floats


@cache
def shipped_prior() -> Prior:
    """Return the prior in the package."""
    with files(__package__).joinpath("prior.npz").open("rb") as opened, np.load(opened) as data:
        return Prior(
            data["consumption"].astype(np.float64),
            data["production"].astype(np.float64),
            float(data["physics_ratio"]),
            data["places"].astype(np.float64),
        )
