"""Clears a period: one uniform-price call auction over the orders of all households."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import msgspec
import numpy as np

from energy_swap_hub.market.bulk import OrderColumns, SeveralOrdersError, TooLargeError, clear_columns
from energy_swap_hub.market.clearing import Clearing, Kept
from energy_swap_hub.market.pairing import pair
from energy_swap_hub.market.sharing import share_equally
from energy_swap_hub.market.trade import Side, Trade, middle

__all__ = ["Clearing", "Kept", "PeriodOrder", "Side", "Trade", "clear_period", "middle"]

LARGE: Final = 50  # orders; from about here arrays are faster
_AT_HAND: Final = 2_048  # orders

type _Levels = dict[int, dict[str, int]]  # limit -> household -> Wh


class PeriodOrder(msgspec.Struct, frozen=True, gc=False):
    """A household sells (or buys) up to ``wh`` watt-hours at ``limit`` cents per kWh or more (or less).

    The limit is compared with the clearing price; fees are not part of it. 0 Wh is an order for nothing.
    Raise ValueError for a negative quantity or limit, or a side that is only the word for one.
    """

    household: str
    side: Side
    wh: int
    limit: int

    def __post_init__(self) -> None:
        if self.side.__class__ is not Side:
            raise ValueError(f"{self.household}: an order's side is one of Side, not {self.side!r}")
        if self.wh < 0 or self.limit < 0:
            raise ValueError(f"{self.household}: an order of {self.wh} Wh at {self.limit} cents/kWh is negative")


def clear_period(orders: Sequence[PeriodOrder], lot: str) -> Clearing:
    """Clear all ``orders`` of one period at one price; ``lot`` (the period's id) draws who gets a last odd Wh.

    1. **Volume.** The dearest bids meet the cheapest asks for as long as bid >= ask. This yields the greatest
       welfare (sum of Wh x (bid - ask)) and the greatest volume that any single price can trade.
    2. **Price.** Every price between ``low`` and ``high`` clears the market: ``low`` is the higher of the dearest
       accepted ask and the dearest bid not (fully) accepted, ``high`` the lower of the cheapest accepted bid and
       the cheapest ask not (fully) accepted. The price is the middle, (low + high) / 2, half a cent rounded to
       the even cent: the k-double auction with k = 1/2 (Rustichini, Satterthwaite and Williams, Econometrica 62,
       1994, pp. 1041-1063).
    3. **Who.** Limits strictly better than the price are filled in full. On the longer side the households whose
       limit *is* the price share what is left in equal rounds (`share_equally`).
    4. **With whom.** Both sides stand in line by their best limit, as in 1; of equal limits the smaller quantity
       goes first, of equal quantities the name decides. `pair`: at most sellers + buyers - 1 trades.

    A household may have several orders and stand on both sides. It never trades with itself: the pairing gives its
    energy to others and others' energy to it, and at the marginal limit others come first for what it supplies
    itself. Only what no pairing can place elsewhere it keeps (`Kept`). That happens only if it would buy for as
    much as it would sell for, or more; keeping the energy is then worth what its limits say, so the welfare, own
    use counted, is still the greatest, and of all results with that welfare this one trades most.

    The order of ``orders`` changes nothing.
    """
    if len(orders) >= LARGE:
        # Columns do not serve where a household has several orders, or numbers are huge.
        with suppress(SeveralOrdersError, TooLargeError):
            return clear_columns(columns(orders), lot)
    sells, buys = _levels(orders)
    asks, bids = _by_limit(sells), _by_limit(buys)
    supply, demand = _total(asks), _total(bids)
    crossing = _crossing(asks, bids)
    if crossing is None:
        return Clearing(None, supply, demand, 0, ())
    volume, low, high = crossing
    price = middle(low, high)

    # Only one side can be the longer one. It is filled last, because a household's own sales bear on what it may
    # buy.
    if sum(wh for limit, wh in asks if limit <= price) > volume:
        bought = _fill(buys, Side.BUY, price, volume, {}, lot)
        sold = _fill(sells, Side.SELL, price, volume, bought, lot)
    else:
        sold = _fill(sells, Side.SELL, price, volume, {}, lot)
        bought = _fill(buys, Side.BUY, price, volume, sold, lot)
    kept = _keep_own(sold, bought, volume)
    trades = pair(sold, bought)
    traded = sum(trade.wh for trade in trades)
    assert traded + (kept.wh if kept else 0) == volume <= min(supply, demand)
    return Clearing(price if trades else None, supply, demand, traded, trades, kept)


def columns(orders: Sequence[PeriodOrder]) -> OrderColumns:
    """Return ``orders`` as columns; raise `TooLargeError` if their numbers are too large for that."""
    count, sell = len(orders), Side.SELL
    households, is_sale = np.empty(count, np.object_), np.empty(count, np.bool_)
    wh, limits = np.empty(count, np.int64), np.empty(count, np.int64)
    try:
        # In parts, so that an order is still at hand when its next column is read.
        for start in range(0, count, _AT_HAND):
            part = orders[start : start + _AT_HAND]
            here = slice(start, start + len(part))
            households[here] = [order.household for order in part]
            is_sale[here] = [order.side is sell for order in part]
            wh[here] = np.fromiter([order.wh for order in part], np.int64, len(part))
            limits[here] = np.fromiter([order.limit for order in part], np.int64, len(part))
    except OverflowError:
        raise TooLargeError("a number has more than 64 bits") from None
    return OrderColumns(households, is_sale, wh, limits)


def _levels(orders: Sequence[PeriodOrder]) -> tuple[_Levels, _Levels]:
    """Return the selling and the buying levels."""
    sells: _Levels = {}
    buys: _Levels = {}
    for order in orders:
        wh = order.wh
        if wh:
            levels = sells if order.side == Side.SELL else buys
            level = levels.setdefault(order.limit, {})
            household = order.household
            level[household] = level.get(household, 0) + wh
    return sells, buys


def _by_limit(levels: _Levels) -> list[list[int]]:
    """Return [limit, Wh] of each limit, lowest first."""
    return [[limit, sum(levels[limit].values())] for limit in sorted(levels)]


def _total(by_limit: list[list[int]]) -> int:
    return sum([wh for _, wh in by_limit])


def _crossing(sells: list[list[int]], buys: list[list[int]]) -> tuple[int, int, int] | None:
    """Return volume, lowest and highest clearing price, or None when the best bid is below the best ask."""
    asks = [[limit, wh] for limit, wh in sells]
    bids = [[limit, wh] for limit, wh in reversed(buys)]
    volume = low = high = ask = bid = 0
    while ask < len(asks) and bid < len(bids) and asks[ask][0] <= bids[bid][0]:
        low, high = asks[ask][0], bids[bid][0]
        wh = min(asks[ask][1], bids[bid][1])
        volume += wh
        asks[ask][1] -= wh
        bids[bid][1] -= wh
        ask += not asks[ask][1]
        bid += not bids[bid][1]
    if not volume:
        return None
    # `ask` and `bid` now stand at the best levels of which something is left.
    if bid < len(bids):
        low = max(low, bids[bid][0])
    if ask < len(asks):
        high = min(high, asks[ask][0])
    return volume, low, high


def _fill(
    levels: _Levels, side: Side, price: int, volume: int, opposite: Mapping[str, int], lot: str
) -> dict[str, int]:
    """Return the Wh each household sells (buys) of ``volume``, in line; ``opposite`` is what it buys (sells)."""
    filled: dict[str, int] = {}
    for limit in sorted(levels, reverse=side == Side.BUY):
        if (limit < price) if side == Side.SELL else (limit > price):
            for wh, household in sorted((wh, household) for household, wh in levels[limit].items()):
                filled[household] = filled.get(household, 0) + wh
    marginal = {household: wh for wh, household in sorted((wh, h) for h, wh in levels.get(price, {}).items())}
    left = volume - sum(filled.values())
    # At the margin a household takes only what it can trade with others, for as long as others want the rest.
    with_others = {
        household: max(0, min(wh, volume - opposite.get(household, 0) - filled.get(household, 0)))
        for household, wh in marginal.items()
    }
    shares = share_equally(left, with_others, lot)
    left -= sum(shares.values())
    if left:
        own = {household: wh - shares.get(household, 0) for household, wh in marginal.items()}
        for household, wh in share_equally(left, own, lot).items():
            shares[household] = shares.get(household, 0) + wh
    for household in marginal:
        if wh := shares.get(household, 0):
            filled[household] = filled.get(household, 0) + wh
    return filled


def _keep_own(sold: dict[str, int], bought: dict[str, int], volume: int) -> Kept | None:
    """Take from both sides what a household would have to trade with itself, and return it."""
    # Everybody's sold + bought is twice the volume, so only one household can have more than the volume.
    for household in sold.keys() & bought.keys():
        own = sold[household] + bought[household] - volume
        if own > 0:
            sold[household] -= own
            bought[household] -= own
            return Kept(household, own)
    return None
