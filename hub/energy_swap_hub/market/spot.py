"""The spot market: a continuous book of limit orders, matched by price, then by time of placing."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from energy_swap_hub.market.trade import Side

__all__ = ["Best", "Book", "Fill", "NotRestingError", "Side", "SpotOrder"]


class NotRestingError(LookupError):
    """The book holds no such order: it is unknown, filled, cancelled or expired."""


@dataclass(frozen=True, slots=True)
class SpotOrder:
    """A wish to sell (buy) ``wh`` (> 0) at ``limit`` cents per kWh or more (less).

    ``number`` counts the orders of the book as they were placed and decides among equal limits. From
    ``valid_until`` on the order trades no more; None: until cancelled.
    """

    id: UUID
    household: str
    side: Side
    wh: int
    limit: int
    number: int
    valid_until: datetime | None = None

    def __post_init__(self) -> None:
        if self.wh <= 0 or self.limit < 0:
            raise ValueError(f"an order needs at least 1 Wh and no negative limit: {self}")

    def is_valid_at(self, now: datetime) -> bool:
        """Whether the order may still trade."""
        return self.valid_until is None or now < self.valid_until


@dataclass(frozen=True, slots=True)
class Fill:
    """``wh`` go from ``seller`` to ``buyer`` at the limit of the ``resting`` order that the new ``taker`` met."""

    taker: UUID
    resting: UUID
    seller: str
    buyer: str
    wh: int
    cents_per_kwh: int


@dataclass(frozen=True, slots=True)
class Best:
    """The best limit on one side, and how many Wh are offered (wanted) at it."""

    cents_per_kwh: int
    wh: int


class _Half:
    """One side of the book: limits in order, and under each limit the orders in order of their number."""

    __slots__ = ("_levels", "_limits", "_sign")

    def __init__(self, side: Side) -> None:
        self._sign = 1 if side == Side.SELL else -1  # the best limit is the lowest ask, or the highest bid
        self._limits: list[int] = []  # limit * sign, ascending: best first
        self._levels: dict[int, dict[UUID, SpotOrder]] = {}

    def add(self, order: SpotOrder) -> None:
        key = order.limit * self._sign
        if key not in self._levels:
            insort(self._limits, key)
            self._levels[key] = {}
        self._levels[key][order.id] = order

    def set_left(self, order: SpotOrder, wh: int) -> None:
        key = order.limit * self._sign
        level = self._levels[key]
        if wh:
            level[order.id] = replace(order, wh=wh)  # keeps its place in the dict, so its priority
            return
        del level[order.id]
        if not level:
            del self._levels[key]
            del self._limits[bisect_left(self._limits, key)]

    def find(self, limit: int, order: UUID) -> SpotOrder:
        return self._levels[limit * self._sign][order]

    def orders(self) -> Iterator[SpotOrder]:
        for key in self._limits:
            yield from self._levels[key].values()

    def crossed_by(self, limit: int) -> Iterator[SpotOrder]:
        """Yield the orders a new order of the other side at ``limit`` can meet, best first."""
        for key in self._limits:
            if key > limit * self._sign:
                return
            yield from self._levels[key].values()

    def best(self, now: datetime) -> Best | None:
        for key in self._limits:
            wh = sum(order.wh for order in self._levels[key].values() if order.is_valid_at(now))
            if wh:
                return Best(key * self._sign, wh)
        return None


class Book:
    """The open orders of one community's spot market.

    A new order meets the best resting orders of the other side first and, at the same limit, the one placed first;
    each trade is at the resting order's limit. What is left rests. A household never trades with itself: its own
    resting orders are passed over and stay, so valid orders whose limits cross rest side by side only if they are
    of the same household. An order that is no longer valid is passed over too, until `expire` removes it.

    The same book comes back by placing, after `expire`, what rests again in order of number: nothing of it trades.
    """

    def __init__(self) -> None:
        self._halves = {side: _Half(side) for side in Side}
        self._sides: dict[UUID, tuple[Side, int]] = {}  # the half and limit where each resting order is
        self._last_number: int | None = None

    def place(self, order: SpotOrder, now: datetime) -> list[Fill]:
        """Match ``order`` at ``now``, let the rest of it rest, and return the fills in the order they happened.

        Raise ValueError if the order's id rests already, its number is not above all before it, or it is expired.
        """
        if order.id in self._sides:
            raise ValueError(f"order {order.id} is in the book already")
        if self._last_number is not None and order.number <= self._last_number:
            raise ValueError(f"order number {order.number} does not follow {self._last_number}")
        if not order.is_valid_at(now):
            raise ValueError(f"order {order.id} expired at {order.valid_until}")
        self._last_number = order.number

        is_sale = order.side == Side.SELL
        opposite = self._halves[Side.BUY if is_sale else Side.SELL]
        left = order.wh
        met: list[tuple[SpotOrder, int]] = []
        for resting in opposite.crossed_by(order.limit):
            if resting.household == order.household or not resting.is_valid_at(now):
                continue
            wh = min(left, resting.wh)
            met.append((resting, wh))
            left -= wh
            if not left:
                break
        fills = []
        for resting, wh in met:
            seller, buyer = (order, resting) if is_sale else (resting, order)
            fills.append(Fill(order.id, resting.id, seller.household, buyer.household, wh, resting.limit))
            opposite.set_left(resting, resting.wh - wh)
            if wh == resting.wh:
                del self._sides[resting.id]
        if left:
            self._halves[order.side].add(replace(order, wh=left))
            self._sides[order.id] = (order.side, order.limit)
        return fills

    def cancel(self, order: UUID) -> SpotOrder:
        """Take an order out of the book and return it with the Wh that were left of it.

        Raise `NotRestingError` if it does not rest here.
        """
        resting = self.get(order)
        self._remove(resting)
        return resting

    def expire(self, now: datetime) -> list[SpotOrder]:
        """Take out all orders no longer valid at ``now`` and return them, by number, with the Wh left of each."""
        gone = [order for side in Side for order in self._halves[side].orders() if not order.is_valid_at(now)]
        for order in gone:
            self._remove(order)
        return sorted(gone, key=lambda order: order.number)

    def get(self, order: UUID) -> SpotOrder:
        """Return a resting order with the Wh that are left of it, or raise `NotRestingError`."""
        if order not in self._sides:
            raise NotRestingError(f"order {order} is not in the book")
        side, limit = self._sides[order]
        return self._halves[side].find(limit, order)

    def best(self, side: Side, now: datetime) -> Best | None:
        """Return the best limit of the orders on ``side`` that are valid at ``now``, None if there are none."""
        return self._halves[side].best(now)

    def resting(self, side: Side) -> list[SpotOrder]:
        """Return the orders of ``side`` in the order in which they would trade, with the Wh that are left."""
        return list(self._halves[side].orders())

    def _remove(self, order: SpotOrder) -> None:
        self._halves[order.side].set_left(order, 0)
        del self._sides[order.id]
