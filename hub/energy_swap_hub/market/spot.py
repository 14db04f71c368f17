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
    """One side of the book: limits in order, and under each limit the orders in order of their number.

    Orders are known by the integer of their id, whose hash costs nothing.
    """

    __slots__ = ("levels", "limits", "sign")

    def __init__(self, side: Side) -> None:
        self.sign = 1 if side == Side.SELL else -1  # the best limit is the lowest ask, or the highest bid
        self.limits: list[int] = []  # limit * sign, ascending: best first
        self.levels: dict[int, dict[int, int]] = {}  # limit * sign -> order -> Wh left; a dict keeps the places

    def add(self, order: SpotOrder, wh: int) -> None:
        key = order.limit * self.sign
        level = self.levels.get(key)
        if level is None:
            insort(self.limits, key)
            self.levels[key] = {order.id.int: wh}
        else:
            level[order.id.int] = wh

    def remove(self, order: SpotOrder) -> int:
        """Take an order out and return the Wh that were left of it."""
        key = order.limit * self.sign
        level = self.levels[key]
        wh = level.pop(order.id.int)
        if not level:
            self.drop(key)
        return wh

    def drop(self, key: int) -> None:
        """Take an empty level out."""
        del self.levels[key]
        del self.limits[bisect_left(self.limits, key)]

    def items(self) -> Iterator[tuple[int, int]]:
        """Yield each order and the Wh left of it, best first."""
        for key in self.limits:
            yield from self.levels[key].items()


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
        self._orders: dict[int, SpotOrder] = {}  # what rests, as it was placed
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
        is_sale = order.side == Side.SELL
        own, opposite = (self._sells, self._buys) if is_sale else (self._buys, self._sells)
        crossed = bool(opposite.limits) and opposite.limits[0] <= order.limit * opposite.sign
        fills = self._match(order, opposite, now) if crossed else []
        self._last_number = order.number
        left = order.wh - sum([fill.wh for fill in fills]) if fills else order.wh
        if left:
            own.add(order, left)
            self._orders[order.id.int] = order
        return fills

    def _match(self, order: SpotOrder, opposite: _Half, now: datetime) -> list[Fill]:
        """Trade ``order`` with what rests in ``opposite``."""
        is_sale, household = order.side == Side.SELL, order.household
        is_choosy = order.seller is not None or order.minimum_reputation > 0
        orders, left, worst = self._orders, order.wh, order.limit * opposite.sign
        fills: list[Fill] = []
        for key in opposite.limits:
            if key > worst or not left:
                break
            for place, wh in opposite.levels[key].items():
                resting = orders[place]
                other = resting.household
                if other == household or (resting.valid_until is not None and now >= resting.valid_until):
                    continue
                if (is_choosy or resting.seller is not None or resting.minimum_reputation) and not (
                    order.accepts(resting) and resting.accepts(order)
                ):
                    continue
                if order.post_only:
                    raise WouldTradeError(order, resting.limit)
                traded = min(left, wh)
                seller, buyer = (household, other) if is_sale else (other, household)
                fills.append(Fill(order.id, resting.id, seller, buyer, traded, resting.limit))
                left -= traded
                if not left:
                    break
        for fill in fills:
            self._take(opposite, fill)
        return fills

    def _take(self, half: _Half, fill: Fill) -> None:
        """Take what was traded out of the book; what is left of an order keeps its place."""
        key, place = fill.cents_per_kwh * half.sign, fill.resting.int
        level = half.levels[key]
        left = level[place] - fill.wh
        if left:
            level[place] = left
            return
        del level[place], self._orders[place]
        if not level:
            half.drop(key)

    def cancel(self, order: UUID) -> SpotOrder:
        """Take an order out of the book and return it with the Wh that were left of it.

        Raise `NotRestingError` if it does not rest here.
        """
        resting = self._orders.pop(order.int, None)
        if resting is None:
            raise NotRestingError(f"order {order} is not in the book")
        wh = self._half(resting.side).remove(resting)
        return resting if wh == resting.wh else replace(resting, wh=wh)

    def expire(self, now: datetime) -> list[SpotOrder]:
        """Take out all orders no longer valid at ``now`` and return them, by number, with the Wh left of each."""
        gone = [order for order in self._orders.values() if not order.is_valid_at(now)]
        return [self.cancel(order.id) for order in sorted(gone, key=lambda order: order.number)]

    def get(self, order: UUID) -> SpotOrder:
        """Return a resting order with the Wh that are left of it, or raise `NotRestingError`."""
        resting = self._orders.get(order.int)
        if resting is None:
            raise NotRestingError(f"order {order} is not in the book")
        half = self._half(resting.side)
        return replace(resting, wh=half.levels[resting.limit * half.sign][order.int])

    def best(self, side: Side, now: datetime) -> Best | None:
        """Return the best limit of the orders on ``side`` that are valid at ``now``, None if there are none."""
        half = self._half(side)
        for key in half.limits:
            level = half.levels[key].items()
            wh = sum(left for number, left in level if self._orders[number].is_valid_at(now))
            if wh:
                return Best(key * half.sign, wh)
        return None

    def resting(self, side: Side) -> list[SpotOrder]:
        """Return the orders of ``side`` in the order in which they would trade, with the Wh that are left."""
        return [replace(self._orders[number], wh=left) for number, left in self._half(side).items()]

    def _half(self, side: Side) -> _Half:
        return self._sells if side == Side.SELL else self._buys
