"""What a strategy would have brought in the past: the same rules as now, and never a look ahead.

What it assumes, and where it flatters or is unfair: one household's orders do not move the price; of a period's
surplus and shortage as much finds a neighbour as it did for all; an offer of tokens is taken only in a period
whose price reached it, and only by demand that nobody had met. Today's tariffs hold for all of the past. What
is left in tokens at the end is worth the feed-in tariff.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final
from zoneinfo import ZoneInfo

from energy_swap_protocol.units import cost_cents

from energy_swap_edge.adviser.prices import PastPrice, PriceBand, Tariffs, expected_prices

from .strategies import Moment, Strategy, standing_limits

_DAY: Final = 86_400
_WEEK: Final = 7 * _DAY
# What the household's next day may need beyond the mean of its last week.
_CAUTION: Final = 1.3


@dataclass(frozen=True, slots=True)
class PastPeriod:
    """A period as it was: the household's net export (below zero: import) and what all traded.

    Wh, cents per kWh.
    """

    start: int
    minutes: int
    net_wh: int
    cents_per_kwh: int | None
    traded_wh: int
    supply_wh: int
    demand_wh: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What does not change within a simulation."""

    tariffs: Tariffs
    sell_at_least: int | None
    buy_at_most: int | None
    reserve_wh: int
    battery_wh: int
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a strategy and the household's own limits would have brought beyond the utility alone, in cents."""

    earned_cents: int
    baseline_cents: int
    days: int

    @property
    def gain_cents(self) -> int:
        """What the strategy would have brought more than the limits as they are."""
        return self.earned_cents - self.baseline_cents

    def result(self) -> dict[str, Any]:
        """Return the answer of the command."""
        return {
            "earned_cents": self.earned_cents,
            "baseline_cents": self.baseline_cents,
            "gain_cents": self.gain_cents,
            "days": self.days,
            "sentence": self._sentence(),
        }

    def _sentence(self) -> str:
        gain = self.gain_cents / 100
        than = f"KES {abs(gain):.0f} {'more' if gain >= 0 else 'less'} than your limits as they are"
        return (
            f"In the last {self.days} days this would have earned you KES "
            f"{self.earned_cents / 100:.0f} beyond the "
            f"utility alone, {than}."
        )


def simulate(strategy: Strategy, past: Sequence[PastPeriod], first: int, terms: Terms) -> Simulation:
    """Return what ``strategy`` would have brought from ``first`` on.

    ``past`` is in order and may begin earlier.
    """
    end = past[-1].start + past[-1].minutes * 60 if past else first
    days = max(round((end - max(first, past[0].start)) / _DAY), 0) if past else 0
    alone = _live(None, past, first, terms)
    return Simulation(
        _live(strategy, past, first, terms) - alone, _live(standing_limits, past, first, terms) - alone, days
    )


def _live(strategy: Strategy | None, past: Sequence[PastPeriod], first: int, terms: Terms) -> int:
    """Return the cents that the household would have ended with; None trades with the utility only."""
    tokens = cents = 0
    prices = [
        PastPrice(one.start, one.cents_per_kwh, one.minutes) for one in past if one.cents_per_kwh is not None
    ]
    bands: dict[int, PriceBand] = {}
    for number, one in enumerate(past):
        if one.start < first:
            continue
        if strategy is None:
            rate = terms.tariffs.feed_in if one.net_wh > 0 else terms.tariffs.retail
            cents += cost_cents(one.net_wh, rate)
            continue
        if one.start not in bands:
            bands = _expected(prices, one, terms)
        moment = _moment(past[:number], bands, one, tokens, terms)
        wanted = strategy(moment)
        if wanted.offer is not None:
            offered, tokens, earned = _offered(one, wanted.offer.wh, wanted.offer.at_least, tokens)
            cents += earned if offered else 0
        if one.net_wh > 0:
            sold = _sold(one, wanted.sell_at_least)
            cents += cost_cents(sold, one.cents_per_kwh or 0)
            tokens += one.net_wh - sold
        else:
            need = -one.net_wh
            own = min(tokens, need)
            tokens -= own
            bought = _bought(one, need - own, wanted.buy_at_most)
            cents -= cost_cents(bought, (one.cents_per_kwh or 0) + terms.tariffs.fees)
            cents -= cost_cents(need - own - bought, terms.tariffs.retail)
    return cents + cost_cents(tokens, terms.tariffs.feed_in)


def _expected(prices: Sequence[PastPrice], first: PastPeriod, terms: Terms) -> dict[int, PriceBand]:
    """Return the expectation of two days from ``first`` on, in periods as long, made from what was known then."""
    start, periods = first.start, 2 * _DAY // (first.minutes * 60)
    bands = expected_prices(
        [one for one in prices if one.start < start],
        start,
        minutes=first.minutes,
        periods=periods,
        tariffs=terms.tariffs,
        zone=terms.zone,
    )
    # It is made anew after a day, so that a whole day ahead is always in it.
    return {band.start: band for band in bands if band.start < start + _DAY}


def _moment(
    before: Sequence[PastPeriod], bands: dict[int, PriceBand], one: PastPeriod, tokens: int, terms: Terms
) -> Moment:
    since = one.start - _WEEK
    week = []
    for period in reversed(before):
        if period.start < since:
            break
        week.append(period)
    days = max(sum(period.minutes for period in week) * 60 / _DAY, 1.0)
    short = sum(max(-period.net_wh, 0) for period in week)
    paid = [(p.cents_per_kwh, p.minutes) for p in week if p.cents_per_kwh is not None]
    own_use = round(short / days * _CAUTION)
    lacking = max(round(short / days) - max(tokens - terms.reserve_wh, 0), 0)
    later = [band.p50 for band in bands.values() if band.start >= one.start]
    price = bands[one.start]
    return Moment(
        sell_at_least=terms.sell_at_least,
        buy_at_most=terms.buy_at_most,
        price=price,
        best_later=max(later),
        week_average=round(fmean((cents for cents, _ in paid), (m for _, m in paid))) if paid else None,
        tariffs=terms.tariffs,
        tokens_wh=tokens,
        reserve_wh=terms.reserve_wh,
        own_use_wh=own_use,
        battery_wh=terms.battery_wh,
        lacking_wh=lacking,
        lacking_price=min(max(later) + terms.tariffs.fees, terms.tariffs.retail) if lacking else 0,
    )


def _sold(one: PastPeriod, limit: int | None) -> int:
    if limit is None or one.cents_per_kwh is None or limit > one.cents_per_kwh or not one.supply_wh:
        return 0
    return min(one.net_wh * one.traded_wh // one.supply_wh, one.net_wh)


def _bought(one: PastPeriod, need: int, limit: int | None) -> int:
    if limit is None or one.cents_per_kwh is None or limit < one.cents_per_kwh or not one.demand_wh:
        return 0
    return min(need * one.traded_wh // one.demand_wh, need)


def _offered(one: PastPeriod, wh: int, at_least: int, tokens: int) -> tuple[int, int, int]:
    """Return what of an offer is taken, the tokens left, and what was earned."""
    unmet = max(one.demand_wh - one.traded_wh, 0)
    if one.cents_per_kwh is None or at_least > one.cents_per_kwh:
        return 0, tokens, 0
    taken = min(wh, tokens, unmet)
    return taken, tokens - taken, cost_cents(taken, at_least)
