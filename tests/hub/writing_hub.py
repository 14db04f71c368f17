"""A process that posts to a ledger and prints what it was told is durable, until it is killed."""

import asyncio
import sys
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path

from energy_swap_hub import ledger
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.storage import Database
from sqlalchemy import Connection

NOW = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)


def top_up_and_hold(connection: Connection, receipt: str) -> None:
    account = ledger.kes("h-001")
    postings = [Posting(account, 100), Posting(ledger.TRUST_CASH, -100)]
    ledger.post(connection, "village", Entry("mpesa", receipt, NOW, "top-up", postings))
    ledger.hold(connection, "village", f"order:{receipt}", account, 40, at=NOW, text="order")


async def one_writer(database: Database, name: int) -> None:
    for number in count():
        receipt = f"{name}-{number}"
        await database.write(partial(top_up_and_hold, receipt=receipt))
        print(receipt, flush=True)  # noqa: T201


async def main(where: Path | str) -> None:
    database = Database.open(where)
    await asyncio.gather(*(one_writer(database, name) for name in range(8)))


if __name__ == "__main__":
    there = sys.argv[1]
    asyncio.run(main(there if there.startswith("postgresql:") else Path(there)))
