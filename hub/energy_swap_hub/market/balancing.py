"""What would balance the neighbourhood: when it has energy left, when it lacks some, and what would fill that.

Advice only, from the supply and demand of the last days by hour of day; nothing here clears a market.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Final

from energy_swap_hub.market.dispatch import Source, dispatch
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.guidance import PastPeriod

DAYS_NEEDED: Final = 3
"""An hour of the day counts when it was measured on so many days: less says too little."""

LEAST_WH: Final = 100
"""What a window must have or lack on an average day to be worth a word."""

ROUND_TRIP: Final = Fraction(9, 10)
"""What a battery gives back of what it was charged with."""

HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Window:
    """The hours from ``from_hour`` until ``until_hour`` (1 to 24, may lie beyond midnight), local time.

    ``wh`` is what the neighbourhood has left over, or lacks, in all of them together on an average day.
    """

    from_hour: int
    until_hour: int
    wh: int

    @property
    def hours(self) -> list[int]:
        """The hours of the day that it covers, in their order."""
        length = (self.until_hour - self.from_hour - 1) % HOURS + 1
        return [(self.from_hour + n) % HOURS for n in range(length)]


@dataclass(frozen=True, slots=True)
class Carbon:
    """What a kilogram of CO2 shall count in cents, and what a kWh of the main grid emits in grams."""

    cents_per_kg: int = 0
    grid_grams_per_kwh: int = 0


UNPRICED: Final = Carbon()
"""Carbon does not count: a community that wants it to gives it a price."""


@dataclass(frozen=True, slots=True)
class Balancing:
    """When there is energy left and when some is lacking; None: never worth a word, or nothing is known.

    ``days`` is on how many days the best-known hour was measured; below `DAYS_NEEDED` nothing else is told. For
    the shortage, ``mix`` is the cheapest way to meet all demand of these hours (Wh from ``neighbours``,
    ``battery`` and ``grid``), where the battery is charged with what the neighbourhood has left over at other
    hours. ``worth_cents_per_kwh`` is about what a seller, or whoever saves, would get then.
    """

    days: int
    surplus: Window | None = None
    shortage: Window | None = None
    mix: Mapping[str, int] = field(default_factory=dict)
    worth_cents_per_kwh: int | None = None

    @property
    def battery_wh(self) -> int:
        """What a battery could bring from the surplus into the shortage each day."""
        return self.mix.get("battery", 0)


def suggest(past: Sequence[tuple[datetime, PastPeriod]], tariff: Tariff, carbon: Carbon = UNPRICED) -> Balancing:
    """Return what would balance the neighbourhood, from cleared periods with their starts in local time.

    1. Each hour of the day has an average supply and demand, over the days on which it was measured; hours with
       fewer than `DAYS_NEEDED` are not known.
    2. A window is the hour with the most left over (lacking), with its neighbours as long as they have at least
       half as much; it may go over midnight.
    3. Prices are averages by Wh of what was traded in a window; without any trade the feed-in tariff stands for
       a surplus and the retail tariff less fees for a shortage, which is also the most that is worth paying then.
    4. The mix comes from `dispatch`: neighbours and battery at their price with fees (the battery's divided by
       `ROUND_TRIP`), the main grid at the retail tariff, and carbon as ``carbon`` counts it.
    """
    known = _known_hours(past)
    if not known:
        return Balancing(_most_days(past))
    net = {hour: supply - demand for hour, (supply, demand) in known.items()}
    surplus, shortage = _window(net), _window({hour: -wh for hour, wh in net.items()})
    days = _most_days(past)
    if shortage is None:
        return Balancing(days, surplus)
    most_worth = max(tariff.retail_cents_per_kwh - tariff.fees_cents_per_kwh, 0)
    price = _price(past, shortage.hours)
    worth = most_worth if price is None else min(price, most_worth)
    bought = _price(past, surplus.hours) if surplus is not None else None
    stored = Fraction(tariff.feed_in_cents_per_kwh if bought is None else bought) / ROUND_TRIP
    supply_wh = round(sum(known[hour][0] for hour in shortage.hours))
    demand_wh = round(sum(known[hour][1] for hour in shortage.hours))
    left_over_wh = int(sum(wh for wh in net.values() if wh > 0) * ROUND_TRIP)
    fees = tariff.fees_cents_per_kwh
    sources = [
        Source("neighbours", worth + fees, 0, min(supply_wh, demand_wh)),
        Source("battery", -int(-stored // 1) + fees, 0, left_over_wh),
        Source("grid", tariff.retail_cents_per_kwh, carbon.grid_grams_per_kwh, demand_wh),
    ]
    mix = dispatch(demand_wh, sources, cents_per_kg=carbon.cents_per_kg)
    return Balancing(days, surplus, shortage, mix, worth)


def _known_hours(past: Iterable[tuple[datetime, PastPeriod]]) -> dict[int, tuple[Fraction, Fraction]]:
    """Return the average supply and demand (Wh) of each hour of the day that is known well enough."""
    supply: defaultdict[int, int] = defaultdict(int)
    demand: defaultdict[int, int] = defaultdict(int)
    for start, period in past:
        supply[start.hour] += period.supply_wh
        demand[start.hour] += period.demand_wh
    days = {hour: len(dates) for hour, dates in _dates(past).items()}
    return {
        hour: (Fraction(supply[hour], count), Fraction(demand[hour], count))
        for hour, count in sorted(days.items())
        if count >= DAYS_NEEDED
    }


def _dates(past: Iterable[tuple[datetime, PastPeriod]]) -> dict[int, set[date]]:
    dates: defaultdict[int, set[date]] = defaultdict(set)
    for start, _ in past:
        dates[start.hour].add(start.date())
    return dates


def _most_days(past: Iterable[tuple[datetime, PastPeriod]]) -> int:
    return max((len(dates) for dates in _dates(past).values()), default=0)


def _window(wh: Mapping[int, Fraction]) -> Window | None:
    """Return the hours around the highest that have at least half of it; None where nothing is worth a word."""
    peak = max(wh, key=lambda hour: (wh[hour], -hour))
    if wh[peak] <= 0:
        return None

    def belongs(hour: int) -> bool:
        return wh.get(hour % HOURS, Fraction(0)) * 2 >= wh[peak]

    first = last = peak
    while last - first < HOURS - 1 and belongs(last + 1):
        last += 1
    while last - first < HOURS - 1 and belongs(first - 1):
        first -= 1
    total = round(sum(wh[hour % HOURS] for hour in range(first, last + 1)))
    return Window(first % HOURS, last % HOURS + 1, total) if total >= LEAST_WH else None


def _price(past: Iterable[tuple[datetime, PastPeriod]], hours: Sequence[int]) -> int | None:
    """Return the average price by Wh of what was traded in ``hours``; None without any trade."""
    traded = [
        (period.cents_per_kwh, period.traded_wh)
        for start, period in past
        if start.hour in hours and period.cents_per_kwh is not None and period.traded_wh
    ]
    wh = sum(traded_wh for _, traded_wh in traded)
    return round(Fraction(sum(price * traded_wh for price, traded_wh in traded), wh)) if wh else None
