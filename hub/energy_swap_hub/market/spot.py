"""The spot market: a continuous book of limit orders, matched by price, then by time of placing."""

from bisect import insort
from collections.abc import Iterator
from copy import replace
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from energy_swap_hub.market.trade import Side

__all__ = ["Best", "Book", "Fill", "NotRestingError", "Side", "SpotOrder", "WouldTradeError"]

FULL_REPUTATION: Final = 10_000  # basis points
_SELL: Final = Side.SELL  # a name of our own is looked up faster than a member


class NotRestingError(LookupError):
    """The book holds no such order: it is unknown, filled, cancelled or expired."""


class WouldTradeError(ValueError):
    """A post-only order would trade at once with a resting order at ``cents_per_kwh``; it was not placed."""

    def __init__(self, order: SpotOrder, cents_per_kwh: int) -> None:
        word = "below" if order.side == Side.BUY else "above"
        super().__init__(f"at {order.limit} the order would trade at once: choose a limit {word} {cents_per_kwh}")
        self.cents_per_kwh = cents_per_kwh


class SpotOrder(msgspec.Struct, frozen=True, gc=False):
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
        if self.side.__class__ is not Side:
            raise ValueError(f"an order's side is one of Side, not {self.side!r}")
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


def _may_trade(order: SpotOrder, resting: SpotOrder, now: datetime) -> bool:
    """Whether ``resting`` is valid and both accept each other; then a post-only order raises `WouldTradeError`."""
    if not (resting.is_valid_at(now) and order.accepts(resting) and resting.accepts(order)):
        return False
    if order.post_only:
        raise WouldTradeError(order, resting.limit)
    return True


@dataclass(frozen=True, slots=True)
class Best:
    """The best limit on one side, and how many Wh are offered (wanted) at it."""

    cents_per_kwh: int
    wh: int


class _Half:
    """One side of the book: its limits in order, and under each limit the orders in order of their number.

    A limit's rank is higher the better it is: the limit of a buy order, the negative limit of a sell order.
    """

    __slots__ = ("levels", "ranks")

    def __init__(self) -> None:
        self.ranks: list[int] = []  # ascending, so the best is last
        self.levels: dict[int, list[SpotOrder]] = {}


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
        self._sells, self._buys = _Half(), _Half()
        # What rests, as it was placed, by the integer of its id, whose hash is cheaper than the id's.
        self._resting: dict[int, SpotOrder] = {}
        self._left: dict[int, int] = {}  # Wh left of what was filled in part, by the same
        # What is cancelled stays in its level until it is met there or swept out: cheaper than to look for it.
        self._cancelled = 0
        self._last_number = -1

    def place(self, order: SpotOrder, now: datetime) -> list[Fill]:
        """Match ``order`` at ``now``, let the rest of it rest, and return the fills in the order they happened.

        Raise `WouldTradeError` if a post-only order would trade, ValueError if the order's id rests already, its
        number is not above all before it, or it is expired.
        """
        order_id, number = order.id.int, order.number
        if order_id in self._resting:
            raise ValueError(f"order {order.id} is in the book already")
        if number <= self._last_number:
            raise ValueError(f"order number {number} does not follow {self._last_number}")
        if order.valid_until is not None and now >= order.valid_until:
            raise ValueError(f"order {order.id} expired at {order.valid_until}")
        if order.side is _SELL:
            own, opposite, rank = self._sells, self._buys, -order.limit
        else:
            own, opposite, rank = self._buys, self._sells, order.limit
        fills: list[Fill] = []
        if opposite.ranks and opposite.ranks[-1] >= -rank:
            left = self._match(order, opposite, -rank, now, fills)
            if left != order.wh:
                if not left:
                    self._last_number = number
                    return fills
                self._left[order_id] = left
        self._last_number = number
        self._resting[order_id] = order
        level = own.levels.get(rank)
        if level is None:
            insort(own.ranks, rank)
            own.levels[rank] = [order]
        else:
            level.append(order)
        return fills

    def _match(self, order: SpotOrder, opposite: _Half, worst: int, now: datetime, fills: list[Fill]) -> int:
        """Trade ``order`` with the ranks from ``worst`` of ``opposite``, add the ``fills``, return the Wh left."""
        household, is_sale, left = order.household, order.side is _SELL, order.wh
        is_choosy = order.post_only or order.seller is not None or order.minimum_reputation > 0
        resting, lefts, ranks = self._resting, self._left, opposite.ranks
        place = len(ranks) - 1
        while left and place >= 0 and (rank := ranks[place]) >= worst:
            level = opposite.levels[rank]
            seen = cancelled = 0
            kept: list[SpotOrder] = []
            for met in level:
                seen += 1
                met_id = met.id.int
                if resting.get(met_id) is not met:
                    cancelled += 1
                    continue
                other = met.household
                if (
                    is_choosy
                    or other == household
                    or met.seller is not None
                    or met.minimum_reputation
                    or (met.valid_until is not None and now >= met.valid_until)
                ) and not _may_trade(order, met, now):
                    kept.append(met)
                    continue
                wh = lefts.pop(met_id, None) or met.wh
                if wh > left:
                    lefts[met_id] = wh - left
                    wh = left
                    seen -= 1
                else:
                    del resting[met_id]
                left -= wh
                seller, buyer = (household, other) if is_sale else (other, household)
                fills.append(Fill(order.id, met.id, seller, buyer, wh, met.limit))
                if not left:
                    break
            self._cancelled -= cancelled
            if seen == len(level) and not kept:
                del opposite.levels[rank], ranks[place]
            elif seen > len(kept):
                level[:seen] = kept
            place -= 1
        return left

    def cancel(self, order: UUID) -> SpotOrder:
        """Take an order out of the book and return it with the Wh that were left of it.

        Raise `NotRestingError` if it does not rest here.
        """
        order_id = order.int
        resting = self._resting.pop(order_id, None)
        if resting is None:
            raise NotRestingError(f"order {order} is not in the book")
        self._cancelled += 1
        if self._cancelled > 3 * len(self._resting) + 100:
            self._sweep()
        left = self._left.pop(order_id, None)
        return resting if left is None else replace(resting, wh=left)

    def expire(self, now: datetime) -> list[SpotOrder]:
        """Take out all orders no longer valid at ``now`` and return them, by number, with the Wh left of each."""
        gone = sorted((o for o in self._resting.values() if not o.is_valid_at(now)), key=lambda o: o.number)
        return [self.cancel(order.id) for order in gone]

    def get(self, order: UUID) -> SpotOrder:
        """Return a resting order with the Wh that are left of it, or raise `NotRestingError`."""
        resting = self._resting.get(order.int)
        if resting is None:
            raise NotRestingError(f"order {order} is not in the book")
        return self._as_left(resting)

    def best(self, side: Side, now: datetime) -> Best | None:
        """Return the best limit of the orders on ``side`` that are valid at ``now``, None if there are none."""
        limit = wh = 0
        for order in self.best_first(side):
            if wh and order.limit != limit:
                break
            if order.is_valid_at(now):
                limit, wh = order.limit, wh + order.wh
        return Best(limit, wh) if wh else None

    def resting(self, side: Side) -> list[SpotOrder]:
        """Return the orders of ``side`` in the order in which they would trade, with the Wh that are left."""
        return list(self.best_first(side))

    def best_first(self, side: Side) -> Iterator[SpotOrder]:
        """Yield what `resting` returns, for who needs only the first; the book must not change meanwhile."""
        half = self._sells if side is _SELL else self._buys
        for rank in reversed(half.ranks):
            for order in half.levels[rank]:
                if self._rests(order):
                    yield self._as_left(order)

    def _rests(self, order: SpotOrder) -> bool:
        """Whether an order of a level is not cancelled; the same id may have come again since."""
        return self._resting.get(order.id.int) is order

    def _as_left(self, order: SpotOrder) -> SpotOrder:
        left = self._left.get(order.id.int)
        return order if left is None else replace(order, wh=left)

    def _sweep(self) -> None:
        """Drop all that is cancelled from the levels."""
        for half in (self._sells, self._buys):
            levels = {rank: [o for o in level if self._rests(o)] for rank, level in half.levels.items()}
            half.levels = {rank: level for rank, level in levels.items() if level}
            half.ranks = sorted(half.levels)
        self._cancelled = 0
