"""Measure how long the booking of one period takes: readings to ledger, trades and chain intents, durable."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import wraps
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest.mock import patch

import energy_swap_hub.hub  # noqa: F401 - with the hub come all tables
from energy_swap_hub import ledger
from energy_swap_hub.chain.tables import chain_community, chain_household
from energy_swap_hub.config import CommunityConfig
from energy_swap_hub.ledger import Entry, Posting
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.membership.tables import household
from energy_swap_hub.metering.tables import meter_state, reading
from energy_swap_hub.settlement import periods, tables
from energy_swap_hub.settlement.periods import book_next_period
from energy_swap_hub.storage import Database
from solders.pubkey import Pubkey
from sqlalchemy import Connection, func, insert, select

from tests.benchmarks.place import place

VILLAGE: Final = "village"
OPENED: Final = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
LENGTH: Final = timedelta(minutes=30)
STAGES: Final = (
    "readings_are_in",
    "settled_readings",
    "start_at_admission",
    "counts",
    "book_true_ups",
    "settle_period_contracts",
    "take_stands",
    "clear",
    "_record",
    "settle_until",
    "_post",
    "_move_tokens",
)


def community() -> CommunityConfig:
    tariff = Tariff(OPENED - timedelta(days=1), 50, 150, 2_500, 300)
    key = str(Pubkey.new_unique())
    return CommunityConfig(
        id=VILLAGE, name="Village", opened_at=OPENED, approvers=(key,), approvals_needed=1, tariffs=(tariff,)
    )


def build(connection: Connection, count: int, periods_booked: int) -> None:
    """Store ``count`` members, half of them sellers, with a reading a minute in each period."""
    chance = Random(1)
    ids = [f"h-{number:05d}" for number in range(1, count + 1)]
    meters = {home: chance.randbytes(32) for home in ids}
    keys = {home: chance.randbytes(32) for home in ids}
    begun = OPENED - timedelta(days=1)

    def add(table: Any, rows: list[dict[str, Any]]) -> None:
        connection.execute(insert(table), [{"community_id": VILLAGE} | row for row in rows])

    pubkey = str(Pubkey.new_unique())
    chain = dict.fromkeys(("genesis", "mint", "authority", "approvers_authority", "escrow", "hub"), pubkey)
    add(chain_community, [chain | {"verifiers": pubkey, "approvers": pubkey, "needed": 1}])
    add(
        household,
        [
            {
                "id": home, "number": number, "name": home, "key": keys[home], "meter": meters[home],
                "phone_sealed": b"", "phone_hash": chance.randbytes(32), "rated_pv_w": 5_000 * (number % 2),
                "main_breaker_w": 10_000, "status": "admitted", "applied_at": begun, "admitted_at": begun,
            }
            for number, home in enumerate(ids)
        ],
    )  # fmt: skip
    add(
        chain_household,
        [
            {
                "household_id": home, "owner": str(Pubkey.from_bytes(keys[home])),
                "account": str(Pubkey.new_unique()), "nonce_account": pubkey, "nonce": pubkey,
            }
            for home in ids
        ],
    )  # fmt: skip
    for age in range(3):
        add(
            tables.standing_order,
            [
                {
                    "household_id": home, "valid_from": begun + timedelta(hours=age),
                    "sell_at_least": chance.randrange(500, 2_000), "buy_at_most": chance.randrange(800, 2_500),
                }
                for home in ids
            ],
        )  # fmt: skip
    add(tables.burn_allowance, [{"household_id": home, "remaining_wh": 10**9} for home in ids])
    at = int(OPENED.timestamp())
    registers = dict.fromkeys(ids, (100_000, 100_000, 100_000))
    settled = {"sequence": 0, "measured_at": at} | dict.fromkeys(
        ("export_wh", "import_wh", "generation_wh"), 100_000
    )
    add(tables.settled_register, [{"household_id": home, "meter": meters[home]} | settled for home in ids])
    for minute in range(periods_booked * 30 + 1):
        rows = []
        for number, home in enumerate(ids):
            if minute:
                given, taken, made = registers[home]
                grow = chance.randrange(60)
                gives = number % 2
                registers[home] = (given + grow * gives, taken + grow * (1 - gives), made + grow * gives)
            export_wh, import_wh, generation_wh = registers[home]
            rows.append(
                {
                    "measured_at": at + minute * 60, "meter": meters[home], "sequence": minute,
                    "export_wh": export_wh, "import_wh": import_wh, "generation_wh": generation_wh,
                    "frame": chance.randbytes(144),
                }
            )  # fmt: skip
        add(reading, rows)
        last = rows
    without = {"frame"}
    add(
        meter_state,
        [
            {"household_id": home} | {name: value for name, value in row.items() if name not in without}
            for home, row in zip(ids, last, strict=True)
        ],
    )
    top_up = 1_000_000
    postings = [Posting(ledger.kes(home), top_up) for home in ids]
    postings.append(Posting(ledger.TRUST_CASH, -top_up * count))
    ledger.post(connection, VILLAGE, Entry("mpesa", "all", OPENED, "top-up", postings))


@contextmanager
def staged(taken: dict[str, tuple[float, float]]) -> Iterator[None]:
    """Let the stages of the booking tell how long they took: seconds, and CPU seconds."""

    def timed(name: str, stage: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(stage)
        def run(*given: Any, **named: Any) -> Any:
            began, cpu = time.perf_counter(), time.process_time()
            try:
                return stage(*given, **named)
            finally:
                taken[name] = (time.perf_counter() - began, time.process_time() - cpu)

        return run

    with ExitStack() as stack:
        for name in STAGES:
            stack.enter_context(patch.object(periods, name, timed(name, getattr(periods, name))))
        yield


def book_unheard(connection: Connection, periods_booked: int) -> None:
    """Have the first periods booked as if no meter had been heard: what was counted in them is late."""
    nothing = dict.fromkeys(("supply_wh", "demand_wh", "traded_wh"), 0)
    for number in range(periods_booked):
        start = OPENED + number * LENGTH
        row = {
            "community_id": VILLAGE,
            "start": start,
            "state": "settled",
            "booked_at": start + LENGTH,
            "intents": [],
        }
        connection.execute(insert(tables.period).values(row | nothing))


async def measure(where: Path | str, count: int, repeats: int, *, is_late: bool) -> None:
    database = Database.open(where)
    rules = community()
    began = time.perf_counter()
    await database.write(lambda c: build(c, count, repeats))
    if isinstance(where, str):
        await database.write(lambda c: c.exec_driver_sql("ANALYZE"))
    say(f"{count} households built in {time.perf_counter() - began:.1f} s")
    if is_late:
        await database.write(lambda c: book_unheard(c, repeats - 1))
    for number in range(repeats if is_late else 1, repeats + 1):
        now = OPENED + number * LENGTH + timedelta(seconds=30)
        taken: dict[str, tuple[float, float]] = {}
        began, cpu = time.perf_counter(), time.process_time()
        with staged(taken):
            period = await database.write(lambda c, now=now: book_next_period(c, rules, now))  # type: ignore[misc]
        total = (time.perf_counter() - began, time.process_time() - cpu)
        assert period is not None
        taken["commit and the rest"] = (
            total[0] - sum(wall for wall, _ in taken.values()),
            total[1] - sum(cpu for _, cpu in taken.values()),
        )
        say(f"period {period.id}")
        for name, (seconds, cpu_seconds) in [*taken.items(), ("all", total)]:
            say(f"  {name:22}{seconds:8.2f} s {cpu_seconds:8.2f} s CPU")
    trades = await database.read(lambda c: c.execute(select(func.count()).select_from(tables.trade)).scalar_one())
    assert await database.read(lambda c: ledger.first_lie(c, VILLAGE)) is None
    say(f"{trades} trades, the books are sound")
    await database.close()


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=10_000)
    parser.add_argument("--periods", type=int, default=1)
    parser.add_argument("--late", action="store_true", help="all but the last period were booked without readings")
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    with place(postgresql=options.postgresql, is_durable=False) as where:
        asyncio.run(measure(where, options.households, options.periods, is_late=options.late))


if __name__ == "__main__":
    main()
