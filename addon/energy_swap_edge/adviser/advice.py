"""Hold, sell or buy: how much, at which price, when, what it brings, and why; from forecast, prices and tariffs.

The rule compares each thing that could be done with doing nothing, which is what the standing limits do by
themselves: surplus goes out at the feed-in tariff, shortage is bought at what the coming periods are expected to
ask. The best that gains at least a shilling is advised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from energy_swap_protocol.units import affordable_wh, cost_cents

from .battery import Battery, Slot, after_battery
from .prices import PriceBand, Tariffs

type Action = Literal["hold", "sell", "buy"]
LEAST_GAIN_CENTS: Final = 100
LEAST_WH: Final = 50
_DAY: Final = 86_400
# What an own token or a purchase must beat the expectation by, in percent, to be worth a step.
_MARGIN_PERCENT: Final = 3


@dataclass(frozen=True, slots=True)
class Offer:
    """The best offer of one side of the spot market."""

    cents_per_kwh: int
    wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the advice is made from. Wh, cents, cents per kWh, Unix seconds.

    ``slots`` and ``prices`` begin with the running period and are of the same periods. ``reserve_wh`` is what the
    household wants to keep in tokens, whatever is offered; ``lowest_sell`` its own lower limit. What a net-metered
    household exports is the utility's: it has only tokens to sell.
    """

    now: int
    slots: Sequence[Slot]
    prices: Sequence[PriceBand]
    tariffs: Tariffs
    tokens_wh: int
    money_cents: int
    zone: ZoneInfo
    reserve_wh: int = 0
    lowest_sell: int | None = None
    best_sell: Offer | None = None
    best_buy: Offer | None = None
    week_average: int | None = None
    battery: Battery | None = None
    is_net_metered: bool = False


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do from ``start`` until ``end`` (Unix seconds), and what that gains against doing nothing."""

    action: Action
    wh: int
    cents_per_kwh: int | None
    start: int
    end: int
    gain_cents: int
    key: str
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


def advise(situation: Situation) -> Advice:
    """Return the advice for a situation; the same one always gets the same."""
    slots = after_battery(situation.slots, situation.battery)
    needs = _needs(situation, slots)
    found = [
        one
        for one in (_buy(situation, needs), _sell_tokens(situation, needs), _sell_surplus(situation, slots))
        if one is not None and one.gain_cents >= LEAST_GAIN_CENTS
    ]
    if found:
        return max(found, key=lambda one: (one.gain_cents, one.key))
    return _hold(situation, slots, needs)


@dataclass(frozen=True, slots=True)
class _Needs:
    """What the next day lacks and what its energy would cost then."""

    wh: int  # expected
    high_wh: int  # cautious
    cents_per_kwh: int  # what a kWh of it is expected to cost, fees included
    spare_wh: int  # tokens that neither the next day nor the reserve needs
    lacking_wh: int  # what the next day needs and tokens do not cover


def _needs(situation: Situation, slots: Sequence[Slot]) -> _Needs:
    coming = [slot for slot in slots if slot.start < situation.now + _DAY]
    wh = sum(slot.shortage_wh for slot in coming)
    high_wh = max(sum(slot.shortage_high_wh for slot in coming), wh)
    cost = sum(
        slot.shortage_wh * _all_in(price, situation.tariffs)
        for slot, price in zip(coming, situation.prices, strict=False)
    )
    own = max(situation.tokens_wh - situation.reserve_wh, 0)
    return _Needs(
        wh=wh,
        high_wh=high_wh,
        cents_per_kwh=cost // wh if wh else 0,
        spare_wh=max(own - high_wh, 0),
        lacking_wh=max(wh - own, 0),
    )


def _all_in(price: PriceBand, tariffs: Tariffs) -> int:
    """Return what a kWh is expected to cost in a period: a neighbour's with fees, or the utility's."""
    return min(price.p50 + tariffs.fees, tariffs.retail)


def _buy(situation: Situation, needs: _Needs) -> Advice | None:
    """Buy on the spot market now what the next day lacks, if that is cheaper than waiting."""
    offer, tariffs = situation.best_sell, situation.tariffs
    if offer is None:
        return None
    all_in = offer.cents_per_kwh + tariffs.fees
    if all_in * 100 > needs.cents_per_kwh * (100 - _MARGIN_PERCENT):
        return None
    wh = min(needs.lacking_wh, offer.wh, affordable_wh(situation.money_cents, all_in))
    if wh < LEAST_WH:
        return None
    gain = cost_cents(wh, needs.cents_per_kwh) - cost_cents(wh, all_in)
    below = _against_week(offer.cents_per_kwh, situation.week_average)
    why = f"{-below} % below this week's average" if below is not None and below <= -5 else "cheaper than waiting"
    sentence = (
        f"Buy now: {why}. {_kwh(wh)} at {_kes(offer.cents_per_kwh)} per kWh and fees, for the next 24 hours, "
        f"saves {_kes(gain)}."
    )
    numbers = {
        "needed_wh": needs.wh,
        "lacking_wh": needs.lacking_wh,
        "offered_wh": offer.wh,
        "all_in_cents_per_kwh": all_in,
        "expected_cents_per_kwh": needs.cents_per_kwh,
        "against_week_percent": below,
    }
    end = situation.now + 900
    return Advice("buy", wh, offer.cents_per_kwh, situation.now, end, gain, "buy_now", sentence, numbers)


def _sell_tokens(situation: Situation, needs: _Needs) -> Advice | None:
    """Sell spare tokens to the best buyer now, if nothing better is expected within the next day."""
    offer, tariffs = situation.best_buy, situation.tariffs
    if offer is None or offer.cents_per_kwh < _floor(situation):
        return None
    coming = [price.p50 for price in situation.prices if price.start < situation.now + _DAY]
    later = max(coming, default=tariffs.feed_in)
    if offer.cents_per_kwh * 100 < later * (100 - _MARGIN_PERCENT):
        return None
    wh = min(needs.spare_wh, offer.wh)
    if wh < LEAST_WH:
        return None
    gain = cost_cents(wh, offer.cents_per_kwh) - cost_cents(wh, tariffs.feed_in)
    sentence = (
        f"Sell now: a neighbour pays {_kes(offer.cents_per_kwh)} per kWh, and no more is expected in "
        "the next day. "
        f"{_kwh(wh)} of your tokens are beyond your own use and reserve: {_kes(gain)} more than the utility pays."
    )
    numbers = {
        "tokens_wh": situation.tokens_wh,
        "reserve_wh": situation.reserve_wh,
        "own_use_wh": needs.high_wh,
        "best_expected_cents_per_kwh": later,
    }
    end = situation.now + 900
    return Advice("sell", wh, offer.cents_per_kwh, situation.now, end, gain, "sell_tokens", sentence, numbers)


def _sell_surplus(situation: Situation, slots: Sequence[Slot]) -> Advice | None:
    """Sell what the sun will leave over in the next run of hours with a surplus."""
    if situation.is_net_metered:
        return None
    window = _next_window([slot for slot in slots if slot.start < situation.now + _DAY])
    if not window:
        return None
    prices = {price.start: price for price in situation.prices}
    floor = _floor(situation)
    wh, worth = 0, 0
    for slot in window:
        price = prices.get(slot.start)
        if price is not None and price.p50 >= floor:
            wh += slot.surplus_wh
            worth += slot.surplus_wh * price.p50
    if wh < LEAST_WH:
        return None
    price_cents = max(worth // wh, floor)
    gain = cost_cents(wh, price_cents) - cost_cents(wh, situation.tariffs.feed_in)
    start, end = max(window[0].start, situation.now), window[-1].end
    is_now = window[0].start <= situation.now
    when = f"until {_clock(end, situation.zone)}" if is_now else f"after {_clock(start, situation.zone)}"
    sentence = (
        f"{_kwh(wh)} to spare {when}: sell at about {_kes(price_cents)} per kWh, {_kes(gain)} more "
        "than the utility "
        "pays. Your limits do it for you."
    )
    numbers = {
        "surplus_low_wh": sum(slot.surplus_low_wh for slot in window),
        "feed_in_cents_per_kwh": situation.tariffs.feed_in,
        "expected_cents_per_kwh": price_cents,
        "lowest_sell": floor,
    }
    return Advice("sell", wh, price_cents, start, end, gain, "sell_surplus", sentence, numbers)


def _hold(situation: Situation, slots: Sequence[Slot], needs: _Needs) -> Advice:
    coming = [slot for slot in slots if slot.start < situation.now + _DAY]
    numbers = {
        "surplus_wh": sum(slot.surplus_wh for slot in coming),
        "needed_wh": needs.wh,
        "tokens_wh": situation.tokens_wh,
        "spare_wh": needs.spare_wh,
        "expected_cents_per_kwh": needs.cents_per_kwh,
    }
    end = situation.now + 3600
    if situation.tokens_wh > situation.reserve_wh and needs.wh and not needs.spare_wh:
        kept = min(situation.tokens_wh, needs.high_wh)
        key = "keep_for_own_use"
        sentence = f"Hold: your tokens cover {_kwh(kept)} of what you will need yourself in the next 24 hours."
    elif not numbers["surplus_wh"] and needs.lacking_wh:
        key = "nothing_cheaper"
        sentence = (
            f"Hold: you will need about {_kwh(needs.lacking_wh)} in the next 24 hours, and nothing offered now is "
            "cheaper than your limits will find."
        )
    else:
        key = "nothing_to_gain"
        sentence = "Hold: nothing that could be done now brings a shilling more than your limits do."
    return Advice("hold", 0, None, situation.now, end, 0, key, sentence, numbers)


def _next_window(slots: Sequence[Slot]) -> list[Slot]:
    """Return the first run of slots with a surplus; one lean slot within it does not end it."""
    window: list[Slot] = []
    for slot in slots:
        if slot.surplus_wh >= LEAST_WH // 2:
            window.append(slot)
        elif window and slot.start > window[-1].end:
            break
    return window


def _floor(situation: Situation) -> int:
    return max(situation.tariffs.feed_in, situation.lowest_sell or 0, 1)


def _against_week(cents_per_kwh: int, average: int | None) -> int | None:
    return None if not average else round(100 * (cents_per_kwh - average) / average)


def _kwh(wh: int) -> str:
    return f"{wh / 1000:.1f} kWh"


def _kes(cents: int) -> str:
    return f"KES {cents / 100:.2f}"


def _clock(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%H:%M")
