"""The strategies: each looks at the moment before a period and says the limits, an offer of tokens, and why.

The household's own limits bind every strategy: none sells below the one or buys above the other, and on a side on
which the household keeps out, so does the strategy.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from energy_swap_edge.adviser.prices import PriceBand, Tariffs

LEAST_OFFER_WH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is known before a period. Wh, cents per kWh.

    ``lacking_wh`` is what the next day is expected to need beyond own tokens and ``lacking_price`` what a kWh
    of it is expected to cost, fees included (0: nothing lacks). ``own_use_wh`` is what the household will need
    itself in the next day, cautiously; ``battery_wh`` how much of that its battery covers. ``best_later`` is
    the best price expected within the next day, ``week_average`` the mean of the last week's prices, or None.
    """

    sell_at_least: int | None
    buy_at_most: int | None
    price: PriceBand
    best_later: int
    week_average: int | None
    tariffs: Tariffs
    tokens_wh: int
    reserve_wh: int
    own_use_wh: int
    battery_wh: int
    lacking_wh: int
    lacking_price: int


@dataclass(frozen=True, slots=True)
class Offer:
    """Tokens to sell on the spot market."""

    wh: int
    at_least: int


@dataclass(frozen=True, slots=True)
class Because:
    """A reason for programs that say it in other words: its ``key`` and figures, their units in their names."""

    key: str
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a strategy wants for a period; ``reason`` is plain sentences, ``because`` the same for programs."""

    sell_at_least: int | None
    buy_at_most: int | None
    reason: str
    because: tuple[Because, ...]
    offer: Offer | None = None


type Strategy = Callable[[Moment], Decision]


def standing_limits(moment: Moment) -> Decision:
    """Keep to the household's own limits, whatever is expected."""
    because = _because("own_limits")
    return Decision(moment.sell_at_least, moment.buy_at_most, "Your own limits, as they are.", because)


def forecast_limits(moment: Moment) -> Decision:
    """Do not sell what will have to be bought back dearer within a day."""
    sell = moment.sell_at_least
    if sell is not None and moment.lacking_wh > 0 and moment.lacking_price > max(sell, moment.price.p50):
        reason = (
            f"Within a day you will need {_kwh(moment.lacking_wh)} more than you have, at about "
            f"{_kes(moment.lacking_price)} per kWh: what you make now is sold only for that."
        )
        because = _because("needed_soon", lacking_wh=moment.lacking_wh, price_cents=moment.lacking_price)
        return Decision(moment.lacking_price, moment.buy_at_most, reason, because)
    reason = "Nothing that you sell now will have to be bought back dearer."
    return Decision(sell, moment.buy_at_most, reason, _because("not_needed_soon"))


def sell_above_reserve(moment: Moment) -> Decision:
    """Offer the tokens that neither the next day nor the reserve needs, at the best price expected in a day."""
    return _with_offer(moment, moment.own_use_wh)


def battery_aware(moment: Moment) -> Decision:
    """Like `sell_above_reserve`, but what the battery will give need not be kept in tokens."""
    return _with_offer(moment, max(moment.own_use_wh - moment.battery_wh, 0))


def never_below_average(moment: Moment) -> Decision:
    """Sell only at the last week's average price or above; keep tokens until then."""
    sell, average = moment.sell_at_least, moment.week_average
    if sell is None or average is None or average <= sell:
        reason = "Your own limit is at or above the week's average."
        return Decision(sell, moment.buy_at_most, reason, _because("limit_above_average"))
    reason = f"Not below the week's average of {_kes(average)} per kWh."
    return Decision(average, moment.buy_at_most, reason, _because("not_below_average", average_cents=average))


STRATEGIES: Final[dict[str, Strategy]] = {
    "standing_limits": standing_limits,
    "forecast_limits": forecast_limits,
    "sell_above_reserve": sell_above_reserve,
    "battery_aware": battery_aware,
    "never_below_average": never_below_average,
}


def _with_offer(moment: Moment, kept_wh: int) -> Decision:
    spare = moment.tokens_wh - moment.reserve_wh - kept_wh
    if moment.sell_at_least is None or spare < LEAST_OFFER_WH:
        reason = f"No tokens to spare: {_kwh(kept_wh)} for your own use and {_kwh(moment.reserve_wh)} in reserve."
        because = _because("none_to_spare", own_use_wh=kept_wh, reserve_wh=moment.reserve_wh)
        return Decision(moment.sell_at_least, moment.buy_at_most, reason, because)
    price = max(moment.sell_at_least, moment.best_later, moment.tariffs.feed_in, 1)
    reason = (
        f"{_kwh(spare)} of your tokens are beyond your own use ({_kwh(kept_wh)}) and your reserve "
        f"({_kwh(moment.reserve_wh)}): offered at {_kes(price)} per kWh, the best price expected within a day."
    )
    because = _because(
        "some_to_spare", spare_wh=spare, own_use_wh=kept_wh, reserve_wh=moment.reserve_wh, price_cents=price
    )
    return Decision(moment.sell_at_least, moment.buy_at_most, reason, because, Offer(spare, price))


def _because(key: str, **numbers: int) -> tuple[Because, ...]:
    return (Because(key, numbers),)


def _kwh(wh: int) -> str:
    return f"{wh / 1000:.1f} kWh"


def _kes(cents: int) -> str:
    return f"KES {cents / 100:.2f}"
