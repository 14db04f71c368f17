"""Measures the market's core: clearing a period, and the events of the spot book."""

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from heapq import heappop, heappush
from time import perf_counter
from uuid import UUID

from energy_swap_hub.market.period import PeriodOrder, Side, clear_period
from energy_swap_hub.market.spot import Book, NotRestingError, SpotOrder

SEED = 20261120
NOW = datetime(2026, 11, 20, tzinfo=UTC)
BIDS, ASKS = (800, 2500), (500, 2200)
LIVE, EVENTS = 5_000, 100_000

type Event = SpotOrder | UUID  # an order to place, or the id of one to cancel


def period_book(size: int) -> list[PeriodOrder]:
    """Return the random book that the market's figures are stated for."""
    chance = random.Random(SEED)
    sides = [Side.BUY, Side.SELL] * (size // 2)
    chance.shuffle(sides)
    return [
        PeriodOrder(
            f"h-{number:06}",
            side,
            chance.randint(50, 5000),
            chance.randint(*(BIDS if side is Side.BUY else ASKS)),
        )
        for number, side in enumerate(sides)
    ]


def volume_only(orders: Sequence[PeriodOrder]) -> int:
    """Return the Wh that cross: the baseline of a clearing."""
    asks = sorted((order.limit, order.wh) for order in orders if order.side == Side.SELL)
    bids = sorted(((order.limit, order.wh) for order in orders if order.side == Side.BUY), reverse=True)
    volume = ask = bid = offered = wanted = 0
    while ask < len(asks) and bid < len(bids) and asks[ask][0] <= bids[bid][0]:
        wh = min(asks[ask][1] - offered, bids[bid][1] - wanted)
        volume, offered, wanted = volume + wh, offered + wh, wanted + wh
        if offered == asks[ask][1]:
            ask, offered = ask + 1, 0
        if wanted == bids[bid][1]:
            bid, wanted = bid + 1, 0
    return volume


def spot_events() -> tuple[list[SpotOrder], list[Event]]:
    """Return the orders that fill the book, and the events that are measured; every cancel finds its order."""
    chance = random.Random(SEED)
    book, ids = Book(), list[UUID]()
    first: list[SpotOrder] = []
    events: list[Event] = []
    resting = number = 0
    while len(events) < EVENTS:
        if len(first) == LIVE and chance.random() < 0.3:
            order_id = _take_any(ids, chance)
            while not _rests(book, order_id):  # filled meanwhile
                order_id = _take_any(ids, chance)
            book.cancel(order_id)
            events.append(order_id)
            resting -= 1
            continue
        number += 1
        side = chance.choice(list(Side))
        # A book that is full gets orders that may cross, any other gets orders that rest.
        bids, asks = (BIDS, ASKS) if resting > LIVE else ((800, 1449), (1550, 2200))
        order = SpotOrder(
            UUID(int=chance.getrandbits(128)),
            f"h-{chance.randrange(2000)}",
            side,
            chance.randint(50, 5000),
            chance.randint(*(bids if side is Side.BUY else asks)),
            number,
        )
        fills = book.place(order, NOW)
        resting += (sum(fill.wh for fill in fills) < order.wh) - len(fills)
        if fills:
            # The last order met may have something left.
            resting += _rests(book, fills[-1].resting)
        ids.append(order.id)
        if len(first) < LIVE:
            first.append(order)
        else:
            events.append(order)
    return first, events


def _take_any(ids: list[UUID], chance: random.Random) -> UUID:
    place = chance.randrange(len(ids))
    ids[place], ids[-1] = ids[-1], ids[place]
    return ids.pop()


def _rests(book: Book, order_id: UUID) -> bool:
    try:
        book.get(order_id)
    except NotRestingError:
        return False
    return True


def run_book(first: Sequence[SpotOrder], events: Sequence[Event]) -> float:
    """Return the seconds that our book takes for ``events``."""
    book = Book()
    for order in first:
        book.place(order, NOW)
    place, cancel = book.place, book.cancel
    start = perf_counter()
    for event in events:
        if isinstance(event, SpotOrder):
            place(event, NOW)
        else:
            cancel(event)
    return perf_counter() - start


def run_heaps(first: Sequence[SpotOrder], events: Sequence[Event]) -> float:
    """Return the seconds that two heaps of tuples take for the same: the baseline of the book."""
    heaps: dict[bool, list[tuple[int, int, int]]] = {True: [], False: []}
    left: dict[int, int] = {}
    # In a heap's own words: is it a sale, the limit with the best lowest, its number, its id.
    words = [
        (e.side == Side.SELL, e.limit if e.side == Side.SELL else -e.limit, e.number, e.id.int, e.wh)
        if isinstance(e, SpotOrder)
        else e.int
        for e in (*first, *events)
    ]
    start = perf_counter()
    for place, word in enumerate(words):
        if place == len(first):
            start = perf_counter()
        if isinstance(word, int):
            left.pop(word, None)
            continue
        is_sale, limit, number, order_id, wh = word
        opposite = heaps[not is_sale]
        while wh and opposite and opposite[0][0] <= -limit:
            other = opposite[0][2]
            there = left.get(other, 0)
            if there > wh:
                left[other] = there - wh
                wh = 0
                break
            wh -= there
            left.pop(other, None)
            heappop(opposite)
        if wh:
            left[order_id] = wh
            heappush(heaps[is_sale], (limit, number, order_id))
    return perf_counter() - start


def best(repeat: int, run: Callable[[], float]) -> float:
    """Return the shortest of ``repeat`` runs, in seconds."""
    return min(run() for _ in range(repeat))


def best_on(repeat: int, run: Callable[[Sequence[PeriodOrder]], object], orders: Sequence[PeriodOrder]) -> float:
    """Return the shortest of ``repeat`` calls of ``run`` on ``orders``, in seconds."""

    def once() -> float:
        start = perf_counter()
        run(orders)
        return perf_counter() - start

    return best(repeat, once)


def report(name: str, size: int, unit: str, ours: float, baseline: float) -> None:
    """Write one line."""
    sys.stdout.write(f"{name:<15}{size:>8,}  {size / ours:>12,.0f} {unit}/s   ratio {baseline / ours:.2f}\n")


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7, help="runs of each measurement; the best one counts")
    repeat: int = parser.parse_args().repeat
    for size in (100, 1_000, 10_000, 100_000):
        orders = period_book(size)
        runs = repeat * max(1, 10_000 // size)
        for name in ("clear", "clear shuffled"):
            if name == "clear shuffled":
                random.Random(SEED).shuffle(orders)
            ours = best_on(runs, partial(clear_period, lot="p"), orders)
            report(name, size, "orders", ours, best_on(runs, volume_only, orders))
    first, events = spot_events()
    ours = best(repeat, lambda: run_book(first, events))
    report("spot", len(events), "events", ours, best(repeat, lambda: run_heaps(first, events)))


if __name__ == "__main__":
    main()
