"""What prices may do and what the neighbours are to each other: three numbers beside the suggested limits.

Advice only, as `guidance`: nothing here clears a market.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.guidance import PERIODS_NEEDED, Balance, PastPeriod
from energy_swap_hub.market.pricing import HOURS_A_DAY, Contribution, dynamic_price, impact_score, optimal_price

SCARCITY: Final = 0.5
"""How much of the average price is added where twice as much is wanted as offered; near balance as in guidance."""

SWAY: Final = 0.25
"""How much of the standard deviation of the week's prices is added."""

NETWORK: Final = -0.1
"""The exponent if every household traded with every other: many neighbours to choose from make prices lower."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is not known is None or empty; prices are cents per kWh.

    ``worth_now``: what a kWh that is saved or given now is worth. ``by_hour``: the price to expect at each local
    hour of a usual day, from 0. ``given_percent``: what neighbours had to give for what others lacked.
    """

    worth_now: int | None = None
    by_hour: tuple[int, ...] = ()
    given_percent: int | None = None

    @property
    def dearest_hour(self) -> int | None:
        """The hour with the highest price to expect."""
        return self.by_hour.index(max(self.by_hour)) if self.by_hour else None

    @property
    def cheapest_hour(self) -> int | None:
        """The hour with the lowest price to expect."""
        return self.by_hour.index(min(self.by_hour)) if self.by_hour else None


def look_ahead(
    week: Sequence[tuple[datetime, PastPeriod]], now: Balance | None, density: float, tariff: Tariff
) -> Outlook:
    """Return the outlook from the last week's periods with their starts in local time, and the balance ``now``.

    ``density`` is the share of all pairs of households that traded lately, 0 to 1.

    1. ``given_percent`` is `impact_score`: what was offered of what was wanted, each period counting by the Wh
       that were wanted in it.
    2. With `PERIODS_NEEDED` periods that have a price: ``worth_now`` is `optimal_price` on the week's average
       (by Wh), with `SCARCITY` of it for alpha and `SWAY` for beta.
    3. ``by_hour`` is `dynamic_price` on that average, with `NETWORK` for alpha. The wave is highest at the hour
       that was dearest in the week, and as high as the dearest hour stands over the middle of it and the cheapest.
    4. Prices are clamped to what beats the grid, as suggested limits are; where nothing does, there are none.
    """
    wanted_wh = sum(period.demand_wh for _, period in week)
    given = impact_score(
        Contribution(period.demand_wh / wanted_wh, period.supply_wh, period.demand_wh)
        for _, period in week
        if period.demand_wh
    )
    percent = round(100 * given) if wanted_wh else None
    priced = [
        (start.hour, period.cents_per_kwh, period.traded_wh)
        for start, period in week
        if period.cents_per_kwh is not None and period.traded_wh
    ]
    floor, ceiling = tariff.feed_in_cents_per_kwh, tariff.retail_cents_per_kwh - tariff.fees_cents_per_kwh
    if len(priced) < PERIODS_NEEDED or floor > ceiling:
        return Outlook(given_percent=percent)

    def better_than_the_grid(cents_per_kwh: float) -> int:
        return round(min(max(cents_per_kwh, floor), ceiling))

    traded_wh = sum(wh for _, _, wh in priced)
    average = sum(price * wh for _, price, wh in priced) / traded_wh
    deviation = math.sqrt(sum(wh * (price - average) ** 2 for _, price, wh in priced) / traded_wh)
    worth = None
    if now is not None:
        worth = better_than_the_grid(
            optimal_price(
                average, now.demand_wh, now.supply_wh, alpha=SCARCITY * average, beta=SWAY, volatility=deviation
            )
        )
    dearest, sway = _wave(priced)
    by_hour = (
        dynamic_price(average, alpha=NETWORK, density=density, beta=sway, hour=hour - dearest + HOURS_A_DAY / 4)
        for hour in range(HOURS_A_DAY)
    )
    return Outlook(worth, tuple(map(better_than_the_grid, by_hour)), percent)


def _wave(priced: Sequence[tuple[int, int, int]]) -> tuple[int, float]:
    """Return the dearest hour and half the distance to the cheapest, as a share of the middle between them."""
    wh: defaultdict[int, int] = defaultdict(int)
    cents: defaultdict[int, int] = defaultdict(int)
    for hour, price, traded_wh in priced:
        wh[hour] += traded_wh
        cents[hour] += price * traded_wh
    prices = {hour: cents[hour] / wh[hour] for hour in sorted(wh)}
    dearest = max(prices, key=lambda hour: prices[hour])
    high, low = prices[dearest], min(prices.values())
    return dearest, (high - low) / (high + low) if high else 0.0
