"""Clears a period on columns: orders come as arrays, trades go as arrays, and names matter only for who trades.

Nothing is decided here that `period` does not decide in the same way on plain numbers; a test holds both together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import eq
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from energy_swap_hub.market.clearing import Clearing
from energy_swap_hub.market.sharing import share_equally
from energy_swap_hub.market.trade import Trade, middle

type Names = NDArray[np.object_]
type Numbers = NDArray[np.int64]
type Places = NDArray[np.intp]

_WH_BITS: Final = 32  # an order's limit and Wh are sorted as one number of 64 bits
MOST_WH: Final = 2**_WH_BITS - 1  # of one order
MOST_CENTS: Final = 2**30
MOST_ORDERS: Final = 2**30  # what they sum up to stays within 64 bits
_AT_HAND: Final = 4_096  # trades


class SeveralOrdersError(ValueError):
    """A household has two orders that could trade: columns are for households with one order each."""


class TooLargeError(ValueError):
    """Columns do not hold such numbers; the text names the limits."""


@dataclass(frozen=True, slots=True, eq=False)
class OrderColumns:
    """Orders of one period as columns: the household, whether it sells, its Wh and its limit (cents per kWh).

    The four belong together by place, in any order. Raise ValueError if they are not equally long or a number is
    negative, `TooLargeError` if one is too large.
    """

    households: Names
    is_sale: NDArray[np.bool_]
    wh: Numbers
    limits: Numbers

    def __post_init__(self) -> None:
        if not len(self.households) == len(self.is_sale) == len(self.wh) == len(self.limits):
            raise ValueError("the columns of orders are not equally long")
        if not len(self.households):
            return
        if self.wh.min() < 0 or self.limits.min() < 0:
            raise ValueError("an order has no negative Wh or limit")
        if self.wh.max() > MOST_WH or self.limits.max() > MOST_CENTS or len(self.wh) > MOST_ORDERS:
            raise TooLargeError(
                f"columns hold {MOST_ORDERS} orders of up to {MOST_WH} Wh at up to {MOST_CENTS} cents/kWh each"
            )


@dataclass(frozen=True, slots=True, eq=False)
class TradeColumns(Sequence[Trade]):
    """Trades as columns: ``sellers`` and ``buyers`` are places among the orders' households, ``wh`` the energy.

    A list of trades to whoever reads it, in which each is made when it is looked at.
    """

    households: Names
    sellers: Places
    buyers: Places
    wh: Numbers

    def __len__(self) -> int:
        return len(self.wh)

    @overload
    def __getitem__(self, place: int) -> Trade: ...
    @overload
    def __getitem__(self, place: slice) -> TradeColumns: ...
    def __getitem__(self, place: int | slice) -> Trade | TradeColumns:
        if isinstance(place, slice):
            return TradeColumns(self.households, self.sellers[place], self.buyers[place], self.wh[place])
        seller, buyer = self.households[self.sellers[place]], self.households[self.buyers[place]]
        return Trade(seller, buyer, int(self.wh[place]))

    def __iter__(self) -> Iterator[Trade]:
        # In parts, so that a name is still at hand when it becomes part of a trade.
        for start in range(0, len(self), _AT_HAND):
            part = slice(start, start + _AT_HAND)
            sellers = self.households[self.sellers[part]].tolist()
            buyers = self.households[self.buyers[part]].tolist()
            yield from map(Trade, sellers, buyers, self.wh[part].tolist(), strict=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other, strict=True))

    __hash__ = None  # type: ignore[assignment] # as a list's


def clear_columns(orders: OrderColumns, lot: str) -> Clearing:
    """Clear all ``orders`` of one period at one price, by the rules of `period.clear_period`.

    Raise `SeveralOrdersError` if a household has two orders with limits that would trade at the price: with one
    order each, the rule against self-trade and equal shares per household need no look at anybody twice.
    """
    wanted = orders.wh > 0
    asks = _Line(orders, np.flatnonzero(wanted & orders.is_sale), 1)
    bids = _Line(orders, np.flatnonzero(wanted & ~orders.is_sale), -1)
    volume, low, high = _crossing(asks, bids)
    if not volume:
        nobody = np.empty(0, np.intp)
        nothing = TradeColumns(orders.households, nobody, nobody, np.empty(0, np.int64))
        return Clearing(None, asks.total, bids.total, 0, nothing)
    price = middle(low, high)
    sellers, sold = asks.filled(price, volume, lot)
    buyers, bought = bids.filled(price, volume, lot)
    places = np.concatenate((sellers, buyers))
    places.sort()  # names lie in memory as they came
    if len(set(orders.households[places].tolist())) < len(places):
        raise SeveralOrdersError("columns are for households with one order each")
    sold_until, bought_until = sold.cumsum(), bought.cumsum()
    # Wherever a seller or a buyer is done, a trade ends.
    ends = np.concatenate((sold_until, bought_until))
    ends.sort()
    wh = np.diff(ends, prepend=0)
    is_end = wh > 0
    ends, wh = ends[is_end], wh[is_end]
    trades = TradeColumns(
        orders.households, sellers[sold_until.searchsorted(ends)], buyers[bought_until.searchsorted(ends)], wh
    )
    return Clearing(price, asks.total, bids.total, volume, trades)


class _Line:
    """One side of a book in line: best limit first, of equal limits the smaller order, of equal orders by name.

    ``ranks`` are the limits, negative for bids, so that they rise along either line.
    """

    __slots__ = ("households", "places", "ranks", "sign", "total", "until", "wh")

    def __init__(self, orders: OrderColumns, places: Places, sign: int) -> None:
        self.households, self.sign = orders.households, sign
        keys = (orders.limits[places] * sign << _WH_BITS) + orders.wh[places]
        order = keys.argsort()
        keys = keys[order]
        self.places = places[order]
        self.ranks = keys >> _WH_BITS
        self.wh = keys & MOST_WH
        self.until = self.wh.cumsum()  # Wh up to and with each
        self.total = int(self.until[-1]) if len(places) else 0

    def at(self, place: int) -> int:
        """Return the limit at a place in the line."""
        return int(self.ranks[place]) * self.sign

    def filled(self, price: int, volume: int, lot: str) -> tuple[Places, Numbers]:
        """Return who may trade at ``price``, in line, and the Wh each trades of ``volume``.

        Limits better than the price are filled in full; those at it share what is left in equal rounds.
        """
        better, end = self.ranks.searchsorted([price * self.sign, price * self.sign + 1]).tolist()
        places, filled = self.places[:end], self.wh[:end]
        self._sort_equal_by_name(places, end)
        if better < end and volume < self.until[end - 1]:
            names = self.households[places[better:]].tolist()
            left = volume - (int(self.until[better - 1]) if better else 0)
            shares = share_equally(left, dict(zip(names, filled[better:].tolist(), strict=True)), lot)
            filled[better:] = [shares.get(name, 0) for name in names]
        return places, filled

    def _sort_equal_by_name(self, places: Places, end: int) -> None:
        is_equal = (self.ranks[1:end] == self.ranks[: end - 1]) & (self.wh[1:end] == self.wh[: end - 1])
        if not is_equal.any():
            return
        edges = np.flatnonzero(np.diff(is_equal, prepend=False, append=False))
        for first, last in edges.reshape(-1, 2).tolist():
            equal = places[first : last + 1].tolist()
            places[first : last + 1] = sorted(equal, key=self.households.__getitem__)


def _crossing(asks: _Line, bids: _Line) -> tuple[int, int, int]:
    """Return volume, lowest and highest clearing price; three zeros when the best bid is below the best ask."""
    # What each seller could find: the demand at its limit or above.
    demand = np.concatenate(([0], bids.until))[bids.ranks.searchsorted(-asks.ranks, "right")]
    sellers = int(np.count_nonzero(asks.until - asks.wh < demand))
    if not sellers:
        return 0, 0, 0
    volume = min(int(asks.until[sellers - 1]), int(demand[sellers - 1]))
    low, high = asks.at(sellers - 1), bids.at(int(bids.until.searchsorted(volume)))
    # The best of whom something is left.
    ask, bid = int(asks.until.searchsorted(volume, "right")), int(bids.until.searchsorted(volume, "right"))
    if bid < len(bids.places):
        low = max(low, bids.at(bid))
    if ask < len(asks.places):
        high = min(high, asks.at(ask))
    return volume, low, high
