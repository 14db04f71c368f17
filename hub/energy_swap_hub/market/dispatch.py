"""Where to take energy from when there are several sources: the cheapest mix, with carbon counted as a cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


class NotEnoughCapacityError(ValueError):
    """The sources together cannot deliver what is needed."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source of at most ``capacity_wh`` at ``cents_per_kwh``, emitting ``grams_per_kwh`` of CO2."""

    name: str
    cents_per_kwh: int
    grams_per_kwh: int
    capacity_wh: int

    def __post_init__(self) -> None:
        if self.capacity_wh < 0 or self.grams_per_kwh < 0:
            raise ValueError(f"a source has no negative capacity or carbon: {self}")

    def merit(self, cents_per_kg: int) -> Fraction:
        """Return what one kWh costs in cents when a kilogram of CO2 costs ``cents_per_kg``."""
        return self.cents_per_kwh + Fraction(cents_per_kg * self.grams_per_kwh, 1000)


def dispatch(demand_wh: int, sources: Sequence[Source], *, cents_per_kg: int = 0) -> dict[str, int]:
    """Return the Wh to take from each source, by name: all of ``demand_wh`` at the least cost.

    Minimises ``sum(c_i * x_i + lambda * carbon_i * x_i)`` subject to ``sum(x_i) = demand`` and ``0 <= x_i <=
    capacity_i``, with lambda = ``cents_per_kg``, what a kilogram of CO2 shall count. A source that is not used
    is left out; of equal sources the one named first goes first. A price may be negative.

    This linear program needs no solver: one equation over bounded amounts is solved exactly by merit order,
    filling the cheapest source first. If a dearer source gave 1 Wh while a cheaper one had some left, moving
    that Wh would cost less. So it stays in whole Wh and takes no dependency.

    Raise `NotEnoughCapacityError` if the sources do not suffice; ValueError for a negative demand or price of
    carbon and for two sources of one name.
    """
    if demand_wh < 0 or cents_per_kg < 0:
        raise ValueError(
            f"demand and the price of carbon are not negative: {demand_wh} Wh, {cents_per_kg} cents/kg"
        )
    if len({source.name for source in sources}) < len(sources):
        raise ValueError("two sources have the same name")
    capacity_wh = sum(source.capacity_wh for source in sources)
    if demand_wh > capacity_wh:
        raise NotEnoughCapacityError(f"{demand_wh} Wh are needed and the sources have {capacity_wh} Wh")
    taken = {}
    left = demand_wh
    for source in sorted(sources, key=lambda source: source.merit(cents_per_kg)):
        if wh := min(left, source.capacity_wh):
            taken[source.name] = wh
            left -= wh
    return taken


def dispatch_cents(taken: dict[str, int], sources: Sequence[Source], *, cents_per_kg: int = 0) -> Fraction:
    """Return what a dispatch costs in cents, with carbon, not rounded."""
    merit = {source.name: source.merit(cents_per_kg) for source in sources}
    return sum((merit[name] * Fraction(wh, 1000) for name, wh in taken.items()), start=Fraction(0))
