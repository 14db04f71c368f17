"""Advice on limits: what the week's prices and the energy there is now suggest to sellers and buyers.

Advice only: nothing here clears a market, and nobody has to follow it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.market.pricing import risk_adjusted_price, token_price

PERIODS_NEEDED: Final = 12
"""Fewer periods with a price say too little: at half hours, 12 are the trade of one sunny day."""

SIGMA: Final = 0.25
"""How far a suggested limit stands off the expected price, as a share of it, for volatility = liquidity."""


@dataclass(frozen=True, slots=True)
class PastPeriod:
    """A cleared period: its price (None: nothing was traded), and the Wh that were offered, wanted and traded."""

    cents_per_kwh: int | None
    supply_wh: int
    demand_wh: int
    traded_wh: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The Wh that are offered and wanted now."""

    supply_wh: int
    demand_wh: int


class Sentence(StrEnum):
    """What guidance says in one sentence; pages have the words."""

    TOO_LITTLE_DATA = "too_little_data"  # numbers: periods, needed
    NO_ROOM = "no_room"  # with its fees, no price is better than the grid for both sides
    NOTHING_RECENT = "nothing_recent"  # the week has prices, but nobody knows what is offered and wanted now
    ABOVE_WEEK = "above_week"  # numbers: percent
    LIKE_WEEK = "like_week"
    BELOW_WEEK = "below_week"  # numbers: percent


@dataclass(frozen=True, slots=True)
class Guidance:
    """Suggested limits and the week's average in cents per kWh; what is not known is None.

    ``now_against_week_percent`` compares the price to be expected now with the average: -15 is 15 % below.
    """

    sentence: Sentence
    numbers: Mapping[str, int] = field(default_factory=dict)
    suggested_sell: int | None = None
    suggested_buy: int | None = None
    week_average: int | None = None
    now_against_week_percent: int | None = None


def guide(week: Sequence[PastPeriod], now: Balance | None, tariff: Tariff) -> Guidance:
    """Return what to ask and to offer, from the periods of the last week and the balance now (None: not known).

    1. The week's average is the average price, each period counting by the Wh it traded.
    2. The price to expect now is `token_price` of it, with supply + demand as the market's size.
    3. The limits stand off that price by what `risk_adjusted_price` adds to it: the seller's below, the buyer's
       above, so that both still trade on a day that is somewhat different. Volatility is the standard deviation
       of the week's prices (by Wh) over their average, liquidity the share of what could meet that did.
    4. All are clamped to what beats the grid: at least the feed-in tariff, and at most the retail tariff less the
       fees that a buyer pays on top.

    With fewer than `PERIODS_NEEDED` periods that have a price there is only a sentence that says so.
    """
    priced = [(period.cents_per_kwh, period.traded_wh) for period in week if period.cents_per_kwh is not None]
    traded_wh = sum(wh for _, wh in priced)
    if len(priced) < PERIODS_NEEDED or not traded_wh:
        return Guidance(Sentence.TOO_LITTLE_DATA, {"periods": len(priced), "needed": PERIODS_NEEDED})
    average = sum(price * wh for price, wh in priced) / traded_wh
    if now is None:
        return Guidance(Sentence.NOTHING_RECENT, week_average=round(average))
    floor, ceiling = tariff.feed_in_cents_per_kwh, tariff.retail_cents_per_kwh - tariff.fees_cents_per_kwh
    if floor > ceiling:
        return Guidance(Sentence.NO_ROOM, week_average=round(average))

    def better_than_the_grid(cents_per_kwh: float) -> float:
        return min(max(cents_per_kwh, floor), ceiling)

    size_wh = now.supply_wh + now.demand_wh
    expected = average if not size_wh else token_price(average, now.demand_wh, now.supply_wh, size_wh)
    expected = better_than_the_grid(expected)
    variance = sum(wh * (price - average) ** 2 for price, wh in priced) / traded_wh
    could_meet_wh = sum(min(period.supply_wh, period.demand_wh) for period in week)
    dear = risk_adjusted_price(
        expected,
        sigma=SIGMA,
        volatility=math.sqrt(variance) / average if average else 0.0,
        liquidity=traded_wh / could_meet_wh if could_meet_wh else 1.0,
    )
    percent = round(100 * (expected - average) / average) if average else 0
    return Guidance(
        _against_week(percent),
        {"percent": abs(percent)} if percent else {},
        suggested_sell=round(better_than_the_grid(expected - (dear - expected))),
        suggested_buy=round(better_than_the_grid(dear)),
        week_average=round(average),
        now_against_week_percent=percent,
    )


def _against_week(percent: int) -> Sentence:
    if not percent:
        return Sentence.LIKE_WEEK
    return Sentence.ABOVE_WEEK if percent > 0 else Sentence.BELOW_WEEK
