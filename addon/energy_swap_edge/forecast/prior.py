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
        places = data["places"].astype(np.float64)
        places[:, :, 1] = _within_bands(places[:, :, 1])
        return Prior(
            data["consumption"].astype(np.float64),
            data["production"].astype(np.float64),
            float(data["physics_ratio"]),
            places,
        )


def _within_bands(places: Floats) -> Floats:
    """Return ``places`` drawn to the middle of their bands until four fifths lie in the 80 % band.

    Those homes' bands of production were too narrow for what happened; this home's bands say by themselves how
    wide they are, and courses that go beyond them make too much of every surplus. 0.5 is the night: all is sure.
    """
    away = places - 0.5
    made: Floats = 0.5 + away * min(0.4 / float(np.quantile(np.abs(away[away != 0]), 0.8)), 1.0)
    return made
