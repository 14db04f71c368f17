"""The spot market: a continuous book of limit orders, matched by price, then by time of placing."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from energy_swap_hub.market.trade import Side

__all__ = ["Best", "Book", "Fill", "NotRestingError", "Side", "SpotOrder", "WouldTradeError"]

FULL_REPUTATION: Final = 10_000  # basis points


class NotRestingError(LookupError):
    """The book holds no such order: it is unknown, filled, cancelled or expired."""


class WouldTradeError(ValueError):
    """A post-only order would trade at once with a resting order at ``cents_per_kwh``; it was not placed."""

    def __init__(self, order: SpotOrder, cents_per_kwh: int) -> None:
        word = "below" if order.side == Side.BUY else "above"
        super().__init__(f"at {order.limit} the order would trade at once: choose a limit {word} {cents_per_kwh}")
        self.cents_per_kwh = cents_per_kwh


@dataclass(frozen=True, slots=True)
class SpotOrder:
    """A wish to sell (buy) ``wh`` (> 0) at ``limit`` cents per kWh or more (less).

    ``number`` counts the orders of the book as they were placed and decides among equal limits. From
    ``valid_until`` on the order trades no more; None: until cancelled.

    What else it may say: a buy order may name the one ``seller`` it trades with. ``reputation`` is the household's
    own score when it placed the order, and ``minimum_reputation`` the least score it trades with, both in basis
    points (0 to 10,000). A ``post_only`` order is refused rather than trade at once; once it rests it trades like
    any other.
    """

    id: UUID
    household: str
    side: Side
    wh: int
    limit: int
    number: int
    valid_until: datetime | None = None
    seller: str | None = None
    reputation: int = 0
    minimum_reputation: int = 0
    post_only: bool = False

    def __post_init__(self) -> None:
        if self.wh <= 0 or self.limit < 0:
            raise ValueError(f"an order needs at least 1 Wh and no negative limit: {self}")
        if self.seller is not None and (self.side == Side.SELL or self.seller == self.household):
            raise ValueError(f"only a buy order names a seller, and not its own household: {self}")
        if not (0 <= self.reputation <= FULL_REPUTATION and 0 <= self.minimum_reputation <= FULL_REPUTATION):
            raise ValueError(f"a reputation is 0 to {FULL_REPUTATION} basis points: {self}")

    def is_valid_at(self, now: datetime) -> bool:
        """Whether the order may still trade."""
        return self.valid_until is None or now < self.valid_until

    def accepts(self, other: SpotOrder) -> bool:
        """Whether this order may trade with ``other``, of the other side, whatever the limits."""
        return (
            self.household != other.household
            and (self.seller is None or self.seller == other.household)
            and self.minimum_reputation <= other.reputation
        )


class Fill(msgspec.Struct, frozen=True, gc=False):
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

    __slots__ = ("levels", "limits", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = 1 if side == Side.SELL else -1  # the best limit is the lowest ask, or the highest bid
        self.limits: list[int] = []  # limit * sign, ascending: best first
        self.levels: dict[
            int, dict[int, SpotOrder]
        ] = {}  # limit * sign -> number -> order; a dict keeps the places

    def add(self, order: SpotOrder) -> None:
        key = order.limit * self.sign
        level = self.levels.get(key)
        if level is None:
            insort(self.limits, key)
            self.levels[key] = {order.number: order}
        else:
            level[order.number] = order

    def remove(self, order: SpotOrder) -> None:
        key = order.limit * self.sign
        level = self.levels[key]
        del level[order.number]
        if not level:
            del self.levels[key]
            del self.limits[bisect_left(self.limits, key)]

    def orders(self) -> Iterator[SpotOrder]:
        """Yield the orders as they were placed, best first."""
        for key in self.limits:
            yield from self.levels[key].values()


class Book:
    """The open orders of one community's spot market.

    A new order meets the best resting orders of the other side first and, at the same limit, the one placed first;
    each trade is at the resting order's limit. What is left rests. Orders that do not accept each other are passed
    over and stay: those of one household, which never trades with itself; those of sellers whom a buy order has
    not chosen; those with too low a reputation. So valid orders whose limits cross rest side by side only if they
    do not accept each other. An order that is no longer valid is passed over too, until `expire` removes it.

    The same book comes back by placing, after `expire`, what rests again in order of number: nothing of it trades.
    """

    def __init__(self) -> None:
        self._sells, self._buys = _Half(Side.SELL), _Half(Side.BUY)
        # What rests, as it was placed, by the integer of its id, whose hash is cheaper than the id's.
        self._orders: dict[int, SpotOrder] = {}
        self._left: dict[int, int] = {}  # number -> Wh left of an order that was filled in part
        self._last_number: int | None = None

    def place(self, order: SpotOrder, now: datetime) -> list[Fill]:
        """Match ``order`` at ``now``, let the rest of it rest, and return the fills in the order they happened.

        Raise `WouldTradeError` if a post-only order would trade, ValueError if the order's id rests already, its
        number is not above all before it, or it is expired.
        """
        if order.id.int in self._orders:
            raise ValueError(f"order {order.id} is in the book already")
        if self._last_number is not None and order.number <= self._last_number:
            raise ValueError(f"order number {order.number} does not follow {self._last_number}")
        if order.valid_until is not None and not order.is_valid_at(now):
            raise ValueError(f"order {order.id} expired at {order.valid_until}")
        if order.side == Side.SELL:
            own, opposite = self._sells, self._buys
        else:
            own, opposite = self._buys, self._sells
        fills: list[Fill] = []
        left = order.wh
        if opposite.limits and opposite.limits[0] <= order.limit * opposite.sign:
            fills, left = self._match(order, opposite, now)
        self._last_number = order.number
        if left:
            own.add(order)
            self._orders[order.id.int] = order
            if fills:
                self._left[order.number] = left
        return fills

    def _match(self, order: SpotOrder, opposite: _Half, now: datetime) -> tuple[list[Fill], int]:
        """Trade ``order`` with what rests in ``opposite``; return the fills and the Wh left of the order."""
        is_sale, household = order.side == Side.SELL, order.household
        is_choosy = order.seller is not None or order.minimum_reputation > 0
        left, worst = order.wh, order.limit * opposite.sign
        fills: list[Fill] = []
        filled: list[SpotOrder] = []
        for key in opposite.limits:
            if key > worst or not left:
                break
            for resting in opposite.levels[key].values():
                other = resting.household
                if other == household or (resting.valid_until is not None and now >= resting.valid_until):
                    continue
                if (is_choosy or resting.seller is not None or resting.minimum_reputation) and not (
                    order.accepts(resting) and resting.accepts(order)
                ):
                    continue
                if order.post_only:
                    raise WouldTradeError(order, resting.limit)
                there = self._left.get(resting.number, resting.wh)
                wh = min(left, there)
                seller, buyer = (household, other) if is_sale else (other, household)
                fills.append(Fill(order.id, resting.id, seller, buyer, wh, resting.limit))
                left -= wh
                if wh == there:
                    filled.append(resting)
                else:
                    self._left[resting.number] = there - wh
                if not left:
                    break
        for resting in filled:
            opposite.remove(resting)
            del self._orders[resting.id.int]
            self._left.pop(resting.number, None)
        return fills, left

    def cancel(self, order: UUID) -> SpotOrder:
        """Take an order out of the book and return it with the Wh that were left of it.

        Raise `NotRestingError` if it does not rest here.
        """
        resting = self._orders.pop(order.int, None)
        if resting is None:
            raise NotRestingError(f"order {order} is not in the book")
        (self._sells if resting.side == Side.SELL else self._buys).remove(resting)
        wh = self._left.pop(resting.number, None)
        return resting if wh is None else replace(resting, wh=wh)

    def expire(self, now: datetime) -> list[SpotOrder]:
        """Take out all orders no longer valid at ``now`` and return them, by number, with the Wh left of each."""
        gone = [order for order in self._orders.values() if not order.is_valid_at(now)]
        return [self.cancel(order.id) for order in sorted(gone, key=lambda order: order.number)]

    def get(self, order: UUID) -> SpotOrder:
        """Return a resting order with the Wh that are left of it, or raise `NotRestingError`."""
        resting = self._orders.get(order.int)
        if resting is None:
            raise NotRestingError(f"order {order} is not in the book")
        return self._as_left(resting)

    def best(self, side: Side, now: datetime) -> Best | None:
        """Return the best limit of the orders on ``side`` that are valid at ``now``, None if there are none."""
        half = self._half(side)
        for key in half.limits:
            valid = [order for order in half.levels[key].values() if order.is_valid_at(now)]
            if valid:
                return Best(key * half.sign, sum(self._left.get(order.number, order.wh) for order in valid))
        return None

    def resting(self, side: Side) -> list[SpotOrder]:
        """Return the orders of ``side`` in the order in which they would trade, with the Wh that are left."""
        return [self._as_left(order) for order in self._half(side).orders()]

    def _half(self, side: Side) -> _Half:
        return self._sells if side == Side.SELL else self._buys

    def _as_left(self, order: SpotOrder) -> SpotOrder:
        wh = self._left.get(order.number)
        return order if wh is None else replace(order, wh=wh)
