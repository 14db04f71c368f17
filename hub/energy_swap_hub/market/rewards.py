"""Grid rewards: what energy earns that came when the grid needed it, and what a fund can pay of that.

Rewards come out of a community's fund on top of what the market paid, and the market never looks at them.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from energy_swap_hub.market.pricing import grid_reward
from energy_swap_hub.market.sharing import draw


@dataclass(frozen=True, slots=True)
class MeasuredPeriod:
    """What the meters showed in a period: net exports by household and the net imports of all, in Wh.

    ``cents_per_kwh`` is what a kWh earns then at stability index 0. None of them is negative.
    """

    cents_per_kwh: float
    export_wh: Mapping[str, int]
    demand_wh: int

    @property
    def stability_index(self) -> float:
        """How little more energy was needed: see `stability_index`."""
        return stability_index(sum(self.export_wh.values()), self.demand_wh)


@dataclass(frozen=True, slots=True)
class Reward:
    """What a household gave in a day, what that earns, and what the fund can pay of it."""

    household: str
    export_wh: int
    earned_cents: int
    paid_cents: int


def stability_index(supply_wh: int, demand_wh: int) -> float:
    """Return ``100 * supply / (supply + demand)``: 0 where nothing came of what was needed, 100 in plenty.

    50 means that the neighbourhood gave as much as it took. It is 100 where nothing was needed, also without any
    supply. Raise ValueError for negative energy.
    """
    if supply_wh < 0 or demand_wh < 0:
        raise ValueError(f"supply and demand are not negative: {supply_wh} Wh, {demand_wh} Wh")
    return 100 * supply_wh / (supply_wh + demand_wh) if demand_wh else 100.0


def rewards(day: Iterable[MeasuredPeriod], fund_cents: int, lot: str) -> tuple[Reward, ...]:
    """Return what each household that gave energy in the periods of a ``day`` gets, by its name.

    A household earns the sum of `grid_reward` over the periods, rounded once, half-even to the cent. If the fund
    has less than all earned together, everybody gets the same share of it (`share_in_proportion`). The order of
    periods and households changes nothing. Raise ValueError for negative numbers.
    """
    given: dict[str, int] = {}
    worth: dict[str, list[float]] = {}
    for period in day:
        index = period.stability_index
        for household, wh in period.export_wh.items():
            if wh:
                reward = grid_reward(wh / 1000, stability_index=index, time_premium=period.cents_per_kwh)
                given[household] = given.get(household, 0) + wh
                worth.setdefault(household, []).append(reward)
    earned = {household: round(math.fsum(parts)) for household, parts in worth.items()}
    paid = share_in_proportion(fund_cents, earned, lot)
    return tuple(Reward(name, given[name], earned[name], paid[name]) for name in sorted(given))


def share_in_proportion(cents: int, claims: Mapping[str, int], lot: str) -> dict[str, int]:
    """Return what each of the ``claims`` (cents) gets out of ``cents``: all of it, or the same share of it.

    Each gets its share rounded down, and what whole cents leave over goes, one each, to the largest remainders;
    of equal ones to whoever `draw` puts first. Nobody gets more than it claims, and together they get ``cents``
    or all they claim, whichever is less. Raise ValueError for a negative number.
    """
    claimed = sum(claims.values())
    if cents < 0 or any(claim < 0 for claim in claims.values()):
        raise ValueError(f"neither the fund nor a claim is negative: {cents} cents, {claims}")
    if claimed <= cents:
        return dict(claims)
    shares = {name: cents * claim // claimed for name, claim in claims.items()}
    left = cents - sum(shares.values())
    by_remainder = sorted(claims, key=lambda name: (-(cents * claims[name] % claimed), draw(lot, name)))
    for name in by_remainder[:left]:
        shares[name] += 1
    return shares
