"""Measures the market's core beside what others reach: clearing a period, and the spot book."""

import argparse
import gc
import random
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import batched
from time import perf_counter, process_time

import msgspec
import pyorderbook
from energy_swap_hub.market.bulk import clear_columns
from energy_swap_hub.market.fees import Tariff, bill
from energy_swap_hub.market.period import PeriodOrder, Side, clear_period, columns
from energy_swap_hub.market.spot import Book, NotRestingError, SpotOrder
from energy_swap_hub.market.trade import Trade

SEED = 20261120
NOW = datetime(2026, 11, 20, tzinfo=UTC)
BIDS, ASKS = (800, 2500), (500, 2200)
LIVE, EVENTS = 5_000, 100_000
BATCH = 500  # events that are handed to the book together
SIZES = (100, 1_000, 10_000, 100_000)
# What others reach on such a book, in orders per second, on a quiet machine with two cores. Exact clearing at one
# price: ASSUME, ASSUME, lemlab, lemlab. From the order to trade objects: gsy-e. One order at a time:
# lightmatchingengine.
PEERS_CLEAR = (1_110_000, 254_000, 120_000, 110_000)
PEERS_WHOLE = (9_400, 5_200, 3_000, None)
PEERS_BOOK = (502_000, 312_000, 172_000, 100_000)
TARGET_CLEAR = (1_200_000, 4_000_000, 4_000_000, 4_000_000)
TARGET_EVENTS = 2_000_000

type Event = SpotOrder | int  # an order to place, or the number of one to cancel


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of the processor and of the clock."""

    cpu: float
    wall: float


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
    book, numbers = Book(), list[int]()
    first: list[SpotOrder] = []
    events: list[Event] = []
    resting = number = 0
    while len(events) < EVENTS:
        if len(first) == LIVE and chance.random() < 0.3:
            place = _take_any(numbers, chance)
            while not _rests(book, place):  # filled meanwhile
                place = _take_any(numbers, chance)
            book.cancel(place)
            events.append(place)
            resting -= 1
            continue
        number += 1
        side = chance.choice(list(Side))
        # A book that is full gets orders that may cross, any other gets orders that rest.
        bids, asks = (BIDS, ASKS) if resting > LIVE else ((800, 1449), (1550, 2200))
        order = SpotOrder(
            number,
            f"h-{chance.randrange(2000)}",
            side,
            chance.randint(50, 5000),
            chance.randint(*(bids if side is Side.BUY else asks)),
        )
        fills = book.place(order, NOW)
        resting += (sum(fill.wh for fill in fills) < order.wh) - len(fills)
        if fills:
            # The last order met may have something left.
            resting += _rests(book, fills[-1].resting)
        numbers.append(number)
        if len(first) < LIVE:
            first.append(order)
        else:
            events.append(order)
    return first, events


def _take_any(numbers: list[int], chance: random.Random) -> int:
    place = chance.randrange(len(numbers))
    numbers[place], numbers[-1] = numbers[-1], numbers[place]
    return numbers.pop()


def _rests(book: Book, number: int) -> bool:
    try:
        book.get(number)
    except NotRestingError:
        return False
    return True


def read(trades: Iterable[Trade]) -> None:
    """Look at each trade once, as whoever bills and stores them does."""
    deque(trades, maxlen=0)


def clear_whole(orders: Sequence[PeriodOrder], tariff: Tariff) -> None:
    """Validate the orders anew, clear them, and turn the trades into cents."""
    clearing = clear_period([PeriodOrder(o.household, o.side, o.wh, o.limit) for o in orders], "p")
    bill(clearing.trades, clearing.cents_per_kwh or 0, tariff)


def as_spot_orders(orders: Sequence[PeriodOrder]) -> list[SpotOrder]:
    """Return a period's book as orders to place one at a time."""
    return [SpotOrder(number, o.household, o.side, o.wh, o.limit) for number, o in enumerate(orders)]


def run_book(first: Sequence[SpotOrder], events: Sequence[Event]) -> Took:
    """Return what our book takes for ``events``."""
    book = Book()
    book.apply(first, NOW)
    batches = list(batched(events, BATCH, strict=False))
    start = now()
    for batch in batches:
        book.apply(batch, NOW)
    return since(start)


def run_pyorderbook(first: Sequence[SpotOrder], events: Sequence[Event]) -> Took:
    """Return what pyorderbook takes for ``events``; it does not look at households, so its trades may be more."""
    book = pyorderbook.Book()
    orders: dict[int, pyorderbook.Order] = {}
    for event in (*first, *events):
        if isinstance(event, SpotOrder):
            side = pyorderbook.Side.ASK if event.side == Side.SELL else pyorderbook.Side.BID
            orders[event.number] = pyorderbook.Order(side, "eKWh", event.limit, event.wh)
    for event in first:
        book.match(orders[event.number])
    steps = [(isinstance(e, SpotOrder), orders[e.number if isinstance(e, SpotOrder) else e]) for e in events]
    start = now()
    for is_order, order in steps:
        if is_order:
            book.match(order)
        elif book.get_order(order.id):
            book.cancel(order)
    return since(start)


def run_heaps(first: Sequence[SpotOrder], events: Sequence[Event]) -> Took:
    """Return what two heaps of tuples take for the same: the baseline of the book."""
    heaps: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
    left: dict[int, int] = {}
    # In a heap's own words: is it a sale, the limit with the best lowest, its number, its Wh.
    words = [
        (e.side == Side.SELL, e.limit if e.side == Side.SELL else -e.limit, e.number, e.wh)
        if isinstance(e, SpotOrder)
        else e
        for e in (*first, *events)
    ]
    start = now()
    for place, word in enumerate(words):
        if place == len(first):
            start = now()
        if isinstance(word, int):
            left.pop(word, None)
            continue
        is_sale, limit, number, wh = word
        opposite = heaps[not is_sale]
        while wh and opposite and opposite[0][0] <= -limit:
            other = opposite[0][1]
            there = left.get(other, 0)
            if there > wh:
                left[other] = there - wh
                wh = 0
                break
            wh -= there
            left.pop(other, None)
            heappop(opposite)
        if wh:
            left[number] = wh
            heappush(heaps[is_sale], (limit, number))
    return since(start)


def now() -> Took:
    """Return the processor's and the clock's time."""
    return Took(process_time(), perf_counter())


def since(start: Took) -> Took:
    """Return what passed since."""
    return Took(process_time() - start.cpu, perf_counter() - start.wall)


def best(repeat: int, run: Callable[[], Took]) -> Took:
    """Return the least of ``repeat`` runs, of each time for itself."""
    # What earlier measurements left alive is nothing of this one's, and the collector would look through it.
    gc.collect()
    gc.freeze()
    runs = [run() for _ in range(repeat)]
    return Took(min(took.cpu for took in runs), min(took.wall for took in runs))


def best_of(repeat: int, size: int, run: Callable[[], object]) -> Took:
    """Return what one call of ``run`` takes at best; small ones are called often enough for the clocks."""
    calls = max(1, 1_000 // size)

    def once() -> Took:
        start = now()
        for _ in range(calls):
            run()
        took = since(start)
        return Took(took.cpu / calls, took.wall / calls)

    return best(repeat * max(3, 20_000 // size), once)


def report(
    name: str, size: int, ours: Took, *, baseline: Took, peer: float | None = None, target: int | None = None
) -> None:
    """Write one line."""
    rate = size / ours.cpu
    cells = [
        f"{name:<16}{size:>8,}{rate:>13,.0f}{size / ours.wall:>13,.0f}{baseline.cpu / ours.cpu:>10.2f}",
        f"{rate / peer:>9.1f}x" if peer else f"{'':>10}",
        f"{target:>12,} {'reached' if rate >= target else 'missed'}" if target else "",
    ]
    sys.stdout.write("".join(cells).rstrip() + "\n")


def clearing(size: int, place: int, repeat: int) -> None:
    """Measure a book of ``size`` orders."""
    orders = period_book(size)
    tariff = Tariff(NOW, 50, 100, 2100, 800)
    for is_shuffled in (False, True):
        if is_shuffled:
            # In random order, but made in that order, as messages and rows are.
            random.Random(SEED).shuffle(orders)
            orders = msgspec.json.decode(msgspec.json.encode(orders), type=list[PeriodOrder])
        book = columns(orders)
        baseline = best_of(repeat, size, lambda: volume_only(orders))  # noqa: B023
        for name, run, peers, targets in (
            ("columns", lambda: clear_columns(book, "p"), PEERS_CLEAR, TARGET_CLEAR),  # noqa: B023
            ("clearing", lambda: clear_period(orders, "p"), PEERS_CLEAR, TARGET_CLEAR),  # noqa: B023
            ("and read", lambda: read(clear_period(orders, "p").trades), PEERS_CLEAR, TARGET_CLEAR),  # noqa: B023
            ("orders to bills", lambda: clear_whole(orders, tariff), PEERS_WHOLE, None),  # noqa: B023
        ):
            took = best_of(repeat, size, run)
            report(
                f"{name}{'*' if is_shuffled else ''}",
                size,
                took,
                baseline=baseline,
                peer=peers[place],
                target=targets[place] if targets else None,
            )


def many_events(repeat: int) -> None:
    """Measure a book of many orders, while new objects still lie side by side in this process's memory."""
    first, events = spot_events()
    theirs = best(2, lambda: run_pyorderbook(first, events))
    ours = best(repeat, lambda: run_book(first, events))
    heaps = best(repeat, lambda: run_heaps(first, events))
    report("events", EVENTS, ours, baseline=heaps, peer=EVENTS / theirs.cpu, target=TARGET_EVENTS)


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7, help="runs of each measurement; the best one counts")
    repeat: int = parser.parse_args().repeat
    heads = f"{'':<16}{'orders':>8}{'per CPU s':>13}{'per s':>13}{'baseline':>10}{'peer':>10}{'target':>12}"
    sys.stdout.write(heads + "\n")
    many_events(repeat)
    for place, size in enumerate(SIZES):
        clearing(size, place, repeat)
    for size, peer in zip(SIZES, PEERS_BOOK, strict=True):
        orders = as_spot_orders(period_book(size))
        repeats = repeat * max(1, 10_000 // size)
        ours = best(repeats, lambda: run_book([], orders))  # noqa: B023
        report("book", size, ours, baseline=best(repeats, lambda: run_heaps([], orders)), peer=peer)  # noqa: B023


if __name__ == "__main__":
    main()
