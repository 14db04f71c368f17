"""The spot book makes the same trades as pyorderbook, a book of somebody else's, on orders that both take alike.

That book knows no households, no validity and no choices, so sellers and buyers here are different households and
the orders say nothing more than side, Wh and limit.
"""

import random
from datetime import UTC, datetime
from uuid import UUID

import pyorderbook
from energy_swap_hub.market.spot import Book, NotRestingError, Side, SpotOrder

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ORDERS = 20_000

type Traded = tuple[int, int, int]  # resting order, Wh, cents per kWh


class Theirs:
    """Their book, with our numbers."""

    def __init__(self) -> None:
        self._book = pyorderbook.Book()
        self._theirs: dict[int, pyorderbook.Order] = {}
        self._ours: dict[UUID, int] = {}

    def place(self, order: SpotOrder) -> list[Traded]:
        side = pyorderbook.Side.ASK if order.side == Side.SELL else pyorderbook.Side.BID
        theirs = pyorderbook.Order(side, "eKWh", order.limit, order.wh)
        self._theirs[order.number], self._ours[theirs.id] = theirs, order.number
        blotter = self._book.match(theirs)
        return [
            (self._ours[trade.standing_order_id], trade.fill_quantity, int(trade.fill_price))
            for trade in blotter.trades
        ]

    def cancel(self, number: int) -> int | None:
        """Return the Wh that were left of an order; None if it was not in the book."""
        order = self._theirs.pop(number)
        if self._book.get_order(order.id) is None:
            return None
        self._book.cancel(order)
        return int(order.quantity)

    def resting(self, side: Side) -> list[tuple[int, int, int]]:
        """Return number, Wh and limit of what rests, in the order in which it would trade."""
        levels = self._book.level_map["eKWh"][pyorderbook.Side.ASK if side == Side.SELL else pyorderbook.Side.BID]
        ordered = sorted(levels.items(), reverse=side == Side.BUY)
        return [
            (self._ours[order.id], order.quantity, int(price))
            for price, level in ordered
            for order in level.orders.values()
        ]


def test_the_same_trades_rests_and_cancels(chance: random.Random) -> None:
    ours, theirs = Book(), Theirs()
    numbers: list[int] = []
    trades = cancels = 0
    for number in range(ORDERS):
        side = chance.choice(list(Side))
        limits = (800, 2500) if side == Side.BUY else (500, 2200)
        step = chance.choice([1, 100])  # round limits are equal to many others
        order = SpotOrder(
            number,
            f"{side}er-{chance.randrange(300)}",
            side,
            chance.randint(50, 5000),
            chance.randint(*limits) // step * step,
        )
        fills = ours.place(order, NOW)
        assert [(fill.resting, fill.wh, fill.cents_per_kwh) for fill in fills] == theirs.place(order)
        trades += len(fills)
        numbers.append(order.number)
        if chance.random() < 0.3:
            gone = numbers.pop(-chance.randint(1, min(len(numbers), 50)))
            try:
                left: int | None = ours.cancel(gone).wh
                cancels += 1
            except NotRestingError:
                left = None
            assert left == theirs.cancel(gone)
    assert trades > ORDERS / 4
    assert cancels > ORDERS / 20
    for side in Side:
        assert [(order.number, order.wh, order.limit) for order in ours.resting(side)] == theirs.resting(side)
