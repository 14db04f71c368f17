"""Measures spot orders on their whole way through the hub: from an envelope's bytes to trades that are durable."""

import argparse
import asyncio
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time, thread_time
from typing import Any
from uuid import UUID

import msgspec
from energy_swap_hub import ledger
from energy_swap_hub.chain.community import CommunityChain
from energy_swap_hub.collecting import collect_rarely
from energy_swap_hub.settlement import spot
from energy_swap_hub.settlement.spot_tables import spot_order
from energy_swap_hub.settlement.tables import trade
from energy_swap_hub.storage import Database
from energy_swap_hub.web.message_queue import MessageQueue
from energy_swap_protocol.message import AnyMessage, BuyOrder, Envelope, sign_message
from nacl.signing import SigningKey
from sqlalchemy import Connection, func, select

from tests.benchmarks.place import place
from tests.hub.trading import COMMUNITY, NOW, VILLAGE, found, head, hub_desk, keys, sale

SEED = 20261120
ASKS, BIDS = (900, 1_300), (1_000, 1_500)  # cents per kWh: most that come later trade
WH = (100, 600)
TOGETHER = 64  # locks that become final at once, as many as the chain's sender follows


@dataclass(frozen=True, slots=True)
class Run:
    """What orders took: seconds of the clock, CPU seconds of this process and of its one writing thread."""

    orders: int
    trades: int
    seconds: float
    cpu: float
    writer_cpu: float


def sales(chain: CommunityChain, members: Sequence[SigningKey], count: int, chance: random.Random) -> list[bytes]:
    """Return signed sell orders, each with its signed lock, as they travel."""
    wires = []
    for number in range(count):
        key, order = members[number % len(members)], message_id(number, chance)
        wires.append(wire(sale(chain, key, order, chance.randint(*WH), chance.randint(*ASKS)), key))
    return wires


def purchases(members: Sequence[SigningKey], count: int, chance: random.Random) -> list[bytes]:
    """Return signed buy orders as they travel."""
    wires = []
    for number in range(count):
        order = message_id(number, chance)
        key = members[(number * 7 + 3) % len(members)]
        wires.append(wire(BuyOrder(**head(order), wh=chance.randint(*WH), at_most=chance.randint(*BIDS)), key))
    return wires


def message_id(number: int, chance: random.Random) -> UUID:
    """Return the id of a message as edges make it, of version 7: it begins with its millisecond."""
    milliseconds = int(NOW.timestamp() * 1_000) + number // 5  # 5,000 in a second
    return UUID(int=milliseconds << 80 | chance.getrandbits(128) % 2**80, version=7)


def wire(message: AnyMessage, key: SigningKey) -> bytes:
    """Return a message as an edge posts it."""
    return msgspec.json.encode(sign_message(message, key))


async def send_all(queue: MessageQueue, wires: Sequence[bytes], in_flight: int) -> None:
    """Have as many senders as ``in_flight`` post one after another; each waits for its durable answer."""
    waiting = iter(wires)

    async def sender() -> None:
        for body in waiting:
            answer = await queue.receive(msgspec.json.decode(body, type=Envelope))
            assert "order" in answer

    await asyncio.gather(*(sender() for _ in range(in_flight)))


async def measured(database: Database, orders: int, work: Callable[[], Any]) -> Run:
    """Return what ``work``, which is awaited, took."""

    def look(connection: Connection) -> tuple[int, float]:
        return connection.execute(select(func.count()).select_from(trade)).scalar_one(), thread_time()

    trades, writer_cpu = await database.write(look)
    start, cpu = perf_counter(), process_time()
    await work()
    seconds, used = perf_counter() - start, process_time() - cpu
    trades_after, writer_after = await database.write(look)
    return Run(orders, trades_after - trades, seconds, used, writer_after - writer_cpu)


def confirm(connection: Connection, order_ids: Sequence[str]) -> None:
    """Let sales enter the book as the chain's sender does with locks that became final together."""
    spot.locks_final(connection, COMMUNITY, dict.fromkeys(order_ids), NOW)


async def run(where: Path | str, households: int, orders: int, in_flight: int) -> Iterator[tuple[str, Run]]:
    """Measure on a new database and return a line for each kind of order."""
    chance, members = random.Random(SEED), keys(households)
    desk, chain = hub_desk()
    sells, buys = sales(chain, members, orders // 2, chance), purchases(members, orders - orders // 2, chance)
    database = Database.open(where)
    groups: list[int] = []
    queue = MessageQueue(database, desk, lambda: NOW, lambda: groups.append(1))
    try:
        await database.write(lambda c: found(c, chain, members, cents=100_000_000, wh=100_000_000))
        await queue.start_checker()  # as in a hub that had a busy moment before
        collect_rarely()
        sold = await measured(database, len(sells), lambda: send_all(queue, sells, in_flight))
        pending = await database.read(
            lambda c: list(c.execute(select(spot_order.c.id).order_by(spot_order.c.number)).scalars())
        )

        async def confirm_all() -> None:
            for first in range(0, len(pending), TOGETHER):
                await database.write(lambda c, f=first: confirm(c, pending[f : f + TOGETHER]))  # type: ignore[misc]

        locked = await measured(database, len(pending), confirm_all)
        sell_groups = len(groups)
        bought = await measured(database, len(buys), lambda: send_all(queue, buys, in_flight))
        lie = await database.read(lambda c: ledger.first_lie(c, VILLAGE))
        assert lie is None, lie
    finally:
        await queue.close()
        await database.close()
    runs = (sold, locked, bought)
    total = Run(
        orders,
        bought.trades,
        sum(r.seconds for r in runs),
        sum(r.cpu for r in runs),
        sum(r.writer_cpu for r in runs),
    )
    return iter(
        [
            (f"sell ({len(sells) / sell_groups:.0f} a group)", sold),
            ("sell enters the book", locked),
            (f"buy ({len(buys) / (len(groups) - sell_groups):.0f} a group)", bought),
            ("all of it", total),
        ]
    )


def report(lines: Iterator[tuple[str, Run]]) -> None:
    """Write a table."""
    names = ("orders", "trades", "orders/s", "trades/s", "CPU us/order", "of these writer")
    sys.stdout.write(f"{'':<22}" + "".join(f"{name:>{len(name) + 2}}" for name in names) + "\n")
    for name, r in lines:
        figures = (
            f"{r.orders:,}",
            f"{r.trades:,}",
            f"{r.orders / r.seconds:,.0f}",
            f"{r.trades / r.seconds:,.0f}",
            f"{r.cpu / r.orders * 1e6:,.0f}",
            f"{r.writer_cpu / r.orders * 1e6:,.0f}",
        )
        columns = (f"{figure:>{len(above) + 2}}" for figure, above in zip(figures, names, strict=True))
        sys.stdout.write(f"{name:<22}" + "".join(columns) + "\n")


def main() -> None:
    """Measure on one database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not SQLite")
    parser.add_argument("--households", type=int, default=1_000)
    parser.add_argument("--orders", type=int, default=10_000, help="half of them sell, half buy")
    parser.add_argument(
        "--in-flight", type=int, default=1_024, help="how many orders wait for their answer at once"
    )
    asked = parser.parse_args()
    with place(postgresql=asked.postgresql, is_durable=True) as where:
        report(asyncio.run(run(where, asked.households, asked.orders, asked.in_flight)))


if __name__ == "__main__":
    main()
