"""A process that takes spot orders in groups and prints which ones were answered, until it is killed."""

import asyncio
import sys
from itertools import count
from pathlib import Path
from uuid import UUID, uuid4

from energy_swap_hub.settlement import spot
from energy_swap_hub.storage import Database
from energy_swap_hub.web.message_queue import MessageQueue
from energy_swap_protocol.message import AnyMessage, BuyOrder, CancelOrder, sign_message

from tests.hub.trading import COMMUNITY, NOW, found, head, hub_desk, keys, sale

DESK, CHAIN = hub_desk()
MEMBERS = keys(8)


async def trade(database: Database, queue: MessageQueue, number: int) -> None:
    """Let one household sell, buy and cancel; say of each order and cancellation when it was answered."""
    key = MEMBERS[number]

    async def send(message: AnyMessage, subject: UUID) -> None:
        answer = await queue.receive(sign_message(message, key))
        print(subject, message.__struct_config__.tag, answer["filled_wh"], flush=True)  # noqa: T201

    for turn in count():
        order = uuid4()
        if number % 2:
            await send(BuyOrder(**head(order), wh=100 + turn % 7, at_most=1_000 + turn % 3), order)
            if not turn % 3:
                await cancel(send, order)
        else:
            await send(sale(CHAIN, key, order, 100 + turn % 5, 1_000), order)
            await database.write(lambda c, o=order: spot.locks_final(c, COMMUNITY, {str(o): None}, NOW))  # type: ignore[misc]


async def cancel(send: object, order: UUID) -> None:
    """Take an order back; what is filled already cannot be."""
    try:
        await send(CancelOrder(**head(uuid4()), order=order), order)  # type: ignore[operator]
    except spot.OrderRefused:
        return


async def main(where: Path | str) -> None:
    database = Database.open(where)
    await database.write(lambda c: found(c, CHAIN, MEMBERS, cents=100_000_000, wh=100_000_000))
    queue = MessageQueue(database, DESK, lambda: NOW, lambda: None)
    await asyncio.gather(*(trade(database, queue, number) for number in range(len(MEMBERS))))


if __name__ == "__main__":
    there = sys.argv[1]
    asyncio.run(main(there if there.startswith("postgresql:") else Path(there)))
