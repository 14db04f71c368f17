"""What a household's meter would read at any minute, drawn from its measured hours without losing a watt-hour."""

import csv
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from energy_swap_demo.measured_week import HOURS_PER_WEEK, WEEK_FILE

MINUTES_PER_HOUR: Final = 60
MINUTES_PER_WEEK: Final = HOURS_PER_WEEK * MINUTES_PER_HOUR
MWH_PER_WH: Final = 1000

type Minutes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MeasuredHours:
    """One household's week: 168 hourly energies in Wh, from Monday 00:00 in Nairobi."""

    generation_wh: tuple[int, ...]
    load_wh: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Registers:
    """Cumulative registers as the meter keeps them, in thousandths of a watt-hour.

    A reading shows whole Wh; like in the firmware, what is below one Wh stays in the register.
    """

    export_mwh: int
    import_mwh: int
    generation_mwh: int

    @property
    def export_wh(self) -> int:
        """Whole Wh sent to the neighbourhood."""
        return self.export_mwh // MWH_PER_WH

    @property
    def import_wh(self) -> int:
        """Whole Wh taken from the neighbourhood."""
        return self.import_mwh // MWH_PER_WH

    @property
    def generation_wh(self) -> int:
        """Whole Wh made by the panels."""
        return self.generation_mwh // MWH_PER_WH


@dataclass(frozen=True, slots=True)
class Power:
    """Average power of one minute in milliwatts; ``net_mw`` is positive while the household imports.

    A minute's energy in mWh times 60 is its power in mW, so these numbers hold the registers' growth exactly.
    """

    net_mw: int
    generation_mw: int

    @property
    def net_w(self) -> int:
        """Net power in whole W, rounded towards zero flow."""
        return int(self.net_mw / 1000)

    @property
    def generation_w(self) -> int:
        """Generated power in whole W."""
        return self.generation_mw // 1000


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """A household's registers, minute by minute, for one week that repeats for ever.

    Each array has one more entry than the week has minutes: the value at its end, with which the next begins.
    """

    generation_mwh: Minutes
    load_mwh: Minutes
    export_mwh: Minutes
    import_mwh: Minutes

    def registers_at(self, minute: int) -> Registers:
        """Return the registers ``minute`` (>= 0) minutes after they began at zero, on a Monday at 00:00."""
        return Registers(
            export_mwh=_at(self.export_mwh, minute),
            import_mwh=_at(self.import_mwh, minute),
            generation_mwh=_at(self.generation_mwh, minute),
        )

    def power_at(self, minute: int) -> Power:
        """Return the average power of the minute that begins at ``minute``."""
        begins = minute % MINUTES_PER_WEEK
        generation = int(self.generation_mwh[begins + 1] - self.generation_mwh[begins])
        load = int(self.load_mwh[begins + 1] - self.load_mwh[begins])
        return Power(net_mw=(load - generation) * MINUTES_PER_HOUR, generation_mw=generation * MINUTES_PER_HOUR)


def _at(register: Minutes, minute: int) -> int:
    if minute < 0:
        raise ValueError(f"the registers begin at minute 0, not {minute}")
    weeks, rest = divmod(minute, MINUTES_PER_WEEK)
    return weeks * int(register[-1]) + int(register[rest])


def draw_profile(hours: MeasuredHours) -> Profile:
    """Return the smooth minutes of measured ``hours``; each hour's total is kept to the mWh."""
    generation = _cumulative_minutes(hours.generation_wh)
    load = _cumulative_minutes(hours.load_wh)
    net = np.diff(load) - np.diff(generation)
    return Profile(
        generation_mwh=generation,
        load_mwh=load,
        export_mwh=_summed(np.maximum(-net, 0)),
        import_mwh=_summed(np.maximum(net, 0)),
    )


def _cumulative_minutes(hourly_wh: tuple[int, ...]) -> Minutes:
    """Return the cumulative mWh at each minute, on the monotone curve through the hours' cumulative sums.

    Rounding the cumulative curve, not each minute, carries what one minute loses into the next.
    """
    week = np.asarray(hourly_wh, dtype=np.int64) * MWH_PER_WH
    # Two hours of the neighbouring weeks make the curve as smooth at midnight on Sunday as anywhere.
    around = np.concatenate([week[-2:], week, week[:2]])
    knots = _summed(around) - int(week[-2:].sum())
    hours = np.arange(-2, len(week) + 3, dtype=np.float64)
    curve = PchipInterpolator(hours, knots.astype(np.float64))
    minutes = np.arange(len(week) * MINUTES_PER_HOUR + 1) / MINUTES_PER_HOUR
    rounded: Minutes = np.rint(curve(minutes)).astype(np.int64)
    # A monotone curve in floating point can still dip by its last bit, just where that flips the rounding.
    return np.maximum.accumulate(rounded)


def _summed(steps: Minutes) -> Minutes:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(steps)])


def read_week(path: Path = WEEK_FILE) -> dict[int, MeasuredHours]:
    """Return each household's measured hours from the CSV; raise `ValueError` when a week is not whole."""
    generation: dict[int, dict[int, int]] = {}
    load: dict[int, dict[int, int]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            household, hour = int(row["household"]), int(row["day"]) * 24 + int(row["hour"])
            generation.setdefault(household, {})[hour] = _wh(row["pv_kwh"])
            load.setdefault(household, {})[hour] = _wh(row["load_kwh"])
    for household, by_hour in load.items():
        if sorted(by_hour) != list(range(HOURS_PER_WEEK)):
            raise ValueError(f"household {household} in {path} does not have {HOURS_PER_WEEK} different hours")
    return {
        household: MeasuredHours(
            generation_wh=tuple(generation[household][hour] for hour in range(HOURS_PER_WEEK)),
            load_wh=tuple(load[household][hour] for hour in range(HOURS_PER_WEEK)),
        )
        for household in sorted(load)
    }


def _wh(kwh: str) -> int:
    whole, _, thousandths = kwh.partition(".")
    if len(thousandths) != 3:
        raise ValueError(f"an energy is written with three decimals, not {kwh!r}")
    return int(whole) * 1000 + int(thousandths)


def read_profiles(path: Path = WEEK_FILE) -> dict[int, Profile]:
    """Return every household's profile by its number."""
    return {household: draw_profile(hours) for household, hours in read_week(path).items()}


def minute_index(time: datetime, start: datetime) -> int:
    """Return how many whole minutes after ``start`` (the registers' Monday 00:00) ``time`` is; negative before."""
    return (time - start) // timedelta(minutes=1)
