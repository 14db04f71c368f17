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


class _Resting(msgspec.Struct, gc=False, eq=False):
    """An order in the book and the Wh left of it; None once it is filled or cancelled."""

    order: SpotOrder | None
    left: int

    def as_left(self) -> SpotOrder:
        order = self.order
        assert order is not None
        return order if self.left == order.wh else replace(order, wh=self.left)


class _Half:
    """One side of the book: its limits in order, and under each limit the orders in order of their number.

    A limit's rank is higher the better it is: the limit of a buy order, the negative limit of a sell order.
    """

    __slots__ = ("levels", "ranks")

    def __init__(self) -> None:
        self.ranks: list[int] = []  # ascending, so the best is last
        self.levels: dict[int, list[_Resting]] = {}

    def sweep(self) -> None:
        """Drop what is cancelled."""
        left = ((rank, [resting for resting in level if resting.order]) for rank, level in self.levels.items())
        self.levels = {rank: level for rank, level in left if level}
        self.ranks = sorted(self.levels)

    def best_first(self) -> Iterator[list[_Resting]]:
        """Yield what is left under each limit."""
        for rank in reversed(self.ranks):
            if level := [resting for resting in self.levels[rank] if resting.order]:
                yield level


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
        # By the integer of an order's id, whose hash is cheaper than the id's.
        self._resting: dict[int, _Resting] = {}
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
        if order.side is Side.SELL:
            own, opposite, rank = self._sells, self._buys, -order.limit
        else:
            own, opposite, rank = self._buys, self._sells, order.limit
        fills: list[Fill] = []
        left = order.wh
        if opposite.ranks and opposite.ranks[-1] >= -rank:
            left = self._match(order, opposite, -rank, now, fills)
        self._last_number = number
        if left:
            self._resting[order_id] = resting = _Resting(order, left)
            level = own.levels.get(rank)
            if level is None:
                insort(own.ranks, rank)
                own.levels[rank] = [resting]
            else:
                level.append(resting)
        return fills

    def _match(self, order: SpotOrder, opposite: _Half, worst: int, now: datetime, fills: list[Fill]) -> int:
        """Trade ``order`` with the ranks from ``worst`` of ``opposite``, add the ``fills``, return the Wh left."""
        household, is_sale, left = order.household, order.side is Side.SELL, order.wh
        is_choosy = order.post_only or order.seller is not None or order.minimum_reputation > 0
        ranks = opposite.ranks
        place = len(ranks) - 1
        while left and place >= 0 and (rank := ranks[place]) >= worst:
            level = opposite.levels[rank]
            seen = cancelled = 0
            kept: list[_Resting] = []
            for resting in level:
                seen += 1
                met = resting.order
                if met is None:
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
                    kept.append(resting)
                    continue
                wh = resting.left
                if wh > left:
                    resting.left = wh - left
                    wh = left
                    seen -= 1
                else:
                    del self._resting[met.id.int]
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

    def _sweep(self) -> None:
        """Drop all that is cancelled from the levels."""
        self._sells.sweep()
        self._buys.sweep()
        self._cancelled = 0

    def cancel(self, order: UUID) -> SpotOrder:
        """Take an order out of the book and return it with the Wh that were left of it.

        Raise `NotRestingError` if it does not rest here.
        """
        resting = self._resting.pop(order.int, None)
        if resting is None:
            raise NotRestingError(f"order {order} is not in the book")
        cancelled = resting.as_left()
        resting.order = None
        self._cancelled += 1
        if self._cancelled > 3 * len(self._resting) + 100:
            self._sweep()
        return cancelled

    def expire(self, now: datetime) -> list[SpotOrder]:
        """Take out all orders no longer valid at ``now`` and return them, by number, with the Wh left of each."""
        resting = [resting.as_left() for resting in self._resting.values()]
        gone = sorted((o for o in resting if not o.is_valid_at(now)), key=lambda order: order.number)
        for order in gone:
            self.cancel(order.id)
        return gone

    def get(self, order: UUID) -> SpotOrder:
        """Return a resting order with the Wh that are left of it, or raise `NotRestingError`."""
        resting = self._resting.get(order.int)
        if resting is None:
            raise NotRestingError(f"order {order} is not in the book")
        return resting.as_left()

    def best(self, side: Side, now: datetime) -> Best | None:
        """Return the best limit of the orders on ``side`` that are valid at ``now``, None if there are none."""
        for level in self._half(side).best_first():
            valid = [order for resting in level if (order := resting.as_left()).is_valid_at(now)]
            if valid:
                return Best(valid[0].limit, sum(order.wh for order in valid))
        return None

    def resting(self, side: Side) -> list[SpotOrder]:
        """Return the orders of ``side`` in the order in which they would trade, with the Wh that are left."""
        return list(self.best_first(side))

    def best_first(self, side: Side) -> Iterator[SpotOrder]:
        """Yield what `resting` returns, for who needs only the first; the book must not change meanwhile."""
        for level in self._half(side).best_first():
            for resting in level:
                yield resting.as_left()

    def _half(self, side: Side) -> _Half:
        return self._sells if side is Side.SELL else self._buys
