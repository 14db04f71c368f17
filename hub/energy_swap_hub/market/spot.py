"""The spot market: a continuous book of limit orders, matched by price, then by time of placing."""

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from copy import replace
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from energy_swap_hub.market.spot_orders import Fill, NotRestingError, SpotOrder, WouldTradeError
from energy_swap_hub.market.trade import Side

__all__ = ["Best", "Book", "Fill", "NotRestingError", "Side", "SpotOrder", "WouldTradeError"]

_SELL: Final = Side.SELL  # a name of our own is looked up faster than a member

type Outcome = Sequence[Fill] | SpotOrder | None
"""What becomes of an event: an order's fills, or the order that was taken out; None: it did not rest."""


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
        self.ranks: list[int] = []  # of the levels that have orders; ascending, so the best is last
        self.levels: defaultdict[int, list[SpotOrder]] = defaultdict(list)


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
        self._resting: dict[int, SpotOrder] = {}  # by number, as it was placed
        self._left: dict[int, int] = {}  # Wh left of what was filled in part, by number
        # What is cancelled stays in its level until it is met there or swept out: cheaper than to look for it.
        self._cancelled = 0
        self._last_number = -1

    def place(self, order: SpotOrder, now: datetime) -> list[Fill]:
        """Match ``order`` at ``now``, let the rest of it rest, and return the fills in the order they happened.

        Raise `WouldTradeError` if a post-only order would trade, ValueError if its number is not above all before
        it, or it is expired.
        """
        (fills,) = self.apply((order,), now)
        return list(fills)  # type: ignore[arg-type] # an order's outcome

    def cancel(self, number: int) -> SpotOrder:
        """Take an order out of the book and return it with the Wh that were left of it.

        Raise `NotRestingError` if it does not rest here.
        """
        order = self.get(number)
        del self._resting[number]
        self._left.pop(number, None)
        self._cancelled += 1
        self._sweep()
        return order

    def apply(  # noqa: C901, PLR0912, PLR0915 - see below
        self, events: Iterable[SpotOrder | int], now: datetime
    ) -> list[Outcome]:
        """Place each order among ``events`` and take out each that is only named by its number, one after another.

        Return each one's outcome. What `place` refuses is raised here too; all that came before it is done.
        """
        outcomes: list[Outcome] = []
        # One loop that calls nothing of ours: a call costs as much as all else that becomes of an order.
        tell, resting, lefts = outcomes.append, self._resting, self._left
        sells, sell_ranks, buys, buy_ranks = (
            self._sells.levels, self._sells.ranks, self._buys.levels, self._buys.ranks
        )  # fmt: skip
        cancelled, last_number = self._cancelled, self._last_number
        try:
            for event in events:
                if event.__class__ is int:
                    found = resting.pop(event, None)
                    if found is not None:
                        cancelled += 1
                        if event in lefts:
                            found = replace(found, wh=lefts.pop(event))
                    tell(found)
                    continue
                order: SpotOrder = event  # type: ignore[assignment]
                number, wh, is_sale = order.number, order.wh, order.side is _SELL
                if number <= last_number:
                    raise ValueError(f"order number {number} does not follow {last_number}")
                if order.valid_until is not None and now >= order.valid_until:
                    raise ValueError(f"order {number} expired at {order.valid_until}")
                if is_sale:
                    own = sells
                    own_ranks = sell_ranks
                    levels = buys
                    ranks = buy_ranks
                    rank = -order.limit
                else:
                    own = buys
                    own_ranks = buy_ranks
                    levels = sells
                    ranks = sell_ranks
                    rank = order.limit
                if ranks and ranks[-1] >= -rank:
                    left, household = wh, order.household
                    is_choosy = order.post_only or order.seller is not None or order.minimum_reputation > 0
                    fills: list[Fill] = []
                    place, skipped = -1, 0  # of the level from the end, and of the orders of it that stay
                    limit = ranks[-1]
                    level = levels[limit]
                    while True:
                        met = level[skipped]
                        met_number = met.number
                        if met_number not in resting:
                            cancelled -= 1
                            del level[skipped]
                        elif (
                            is_choosy
                            or met.household == household
                            or met.seller is not None
                            or met.minimum_reputation
                            or met.valid_until is not None
                        ) and not _may_trade(order, met, now):
                            skipped += 1
                        else:
                            there = lefts.pop(met_number) if met_number in lefts else met.wh
                            traded = there if there <= left else left  # noqa: FURB136 - a call less
                            fills.append(
                                Fill(number, met_number, household, met.household, traded, limit)
                                if is_sale
                                else Fill(number, met_number, met.household, household, traded, -limit)
                            )
                            left -= traded
                            if there > traded:
                                lefts[met_number] = there - traded
                                break
                            del resting[met_number], level[skipped]
                        if len(level) > skipped:
                            if left:
                                continue
                            break
                        if skipped:
                            place -= 1
                            skipped = 0
                        else:
                            del ranks[place]
                        if not left or len(ranks) < -place:
                            break
                        limit = ranks[place]
                        if limit < -rank:
                            break
                        level = levels[limit]
                    last_number = number
                    tell(fills)
                    if not left:
                        continue
                    if left != wh:
                        lefts[number] = left
                else:
                    last_number = number
                    tell(())
                level = own[rank]
                if not level:
                    insort(own_ranks, rank)
                level.append(order)
                resting[number] = order
        finally:
            self._cancelled, self._last_number = cancelled, last_number
        self._sweep()
        return outcomes

    def expire(self, now: datetime) -> list[SpotOrder]:
        """Take out all orders no longer valid at ``now`` and return them, by number, with the Wh left of each."""
        gone = sorted((o for o in self._resting.values() if not o.is_valid_at(now)), key=lambda o: o.number)
        return [self.cancel(order.number) for order in gone]

    def get(self, number: int) -> SpotOrder:
        """Return a resting order with the Wh that are left of it, or raise `NotRestingError`."""
        order = self._resting.get(number)
        if order is None:
            raise NotRestingError(f"order {number} is not in the book")
        return self._as_left(order)

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
                if order.number in self._resting:
                    yield self._as_left(order)

    def _as_left(self, order: SpotOrder) -> SpotOrder:
        left = self._left.get(order.number)
        return order if left is None else replace(order, wh=left)

    def _sweep(self) -> None:
        """Drop all that is cancelled from the levels, and the levels that have nothing, once it is much."""
        if self._cancelled <= 3 * len(self._resting) + 100:
            return
        for half in (self._sells, self._buys):
            for rank, level in list(half.levels.items()):
                level[:] = [order for order in level if order.number in self._resting]
                if not level:
                    del half.levels[rank]
            half.ranks[:] = sorted(half.levels)
        self._cancelled = 0
