"""Measure how many payments a second go from wish to booked: STK push, callback, query, ledger; and payouts.

The simulator runs in a process of its own, in memory; the hub's room, ledger and database run here. Both clocks
run ten times as fast as the wall's, for nobody wants to wait for people who type their PIN.
"""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

from aiohttp import web
from aiohttp.test_utils import unused_port
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.business import Business
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_hub import ledger
from energy_swap_hub.membership.tables import household
from energy_swap_hub.mpesa import MPesa, MPesaConfig
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.settlement.payouts import book_pay_out
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, event, insert

from tests.benchmarks.place import place

START: Final = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
SPEED: Final = 10
COMMUNITY: Final = "village"
TOP_UP_KES: Final = 900
PAYOUT_KES: Final = 100  # travels free: it tests no tariff


@dataclass(frozen=True, slots=True)
class Run:
    """What payments took: seconds of the clock, CPU seconds of the hub's process and of the simulator's."""

    payments: int
    seconds: float
    cpu: float
    simulator_cpu: float = 0


def clock_from(origin: float) -> Callable[[], datetime]:
    """Return the clock of both processes: the machine's, faster."""
    return lambda: START + timedelta(seconds=(time.monotonic() - origin) * SPEED)


def phone(number: int) -> str:
    return f"2547{number:08d}"


def simulate(pipe: Pipe, origin: float, households: int) -> None:
    """Be M-Pesa until the pipe ends; tell the address and the certificate."""
    logging.disable(logging.WARNING)
    simulator = Simulator(clock=clock_from(origin))
    for number in range(1, households + 1):
        simulator.control.add_subscriber(Subscriber(phone=phone(number), name="Amina", balance_kes=400_000))

    async def serve() -> None:
        runner = web.AppRunner(simulator.application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        pipe.send((runner.addresses[0][1], simulator.certificate_pem))
        while await asyncio.to_thread(pipe.recv) == "cpu":
            pipe.send(process_time())
        await runner.cleanup()

    asyncio.run(serve())


class Book(PaymentBook):
    """The books, which also wake who waits for a household's payment."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        super().__init__(clock, self._booked)
        self._loop = asyncio.get_running_loop()
        self.waiting: dict[str, asyncio.Event] = {}

    def _booked(self, home: str) -> None:
        self._loop.call_soon_threadsafe(self.waiting[home].set)


@dataclass(slots=True)
class Hub:
    """The room and the books."""

    database: Database
    mpesa: MPesa
    book: Book
    clock: Callable[[], datetime]
    homes: dict[str, str]

    async def top_up(self, home: str, number: int) -> None:
        await self._wish(
            home,
            lambda c: self.mpesa.request_top_up(
                c,
                community_id=COMMUNITY,
                household_id=home,
                phone=self.homes[home],
                kes=TOP_UP_KES,
                now=self.clock(),
            ),
        )

    async def pay_out(self, home: str, number: int) -> None:
        payout_id, now = f"p-{number}", self.clock()
        fee = Charges.load().payout_cents(PAYOUT_KES, now)

        def wish(connection: Connection) -> None:
            book_pay_out(connection, COMMUNITY, home, payout_id, kes=PAYOUT_KES, fee_cents=fee, now=now)
            self.mpesa.request_pay_out(
                connection,
                community_id=COMMUNITY,
                household_id=home,
                payout_id=payout_id,
                phone=self.homes[home],
                kes=PAYOUT_KES,
                now=now,
            )

        await self._wish(home, wish)

    async def _wish(self, home: str, change: Callable[[Connection], Any]) -> None:
        """Ask, and wait until the outcome is durable."""
        booked = self.book.waiting[home] = asyncio.Event()
        await self.database.write(change)
        await booked.wait()
        await self.database.write(lambda _connection: None)  # behind the group in which it was booked


async def measured(
    pay: Callable[[str, int], Awaitable[None]], homes: list[str], payments: int, simulator: Pipe
) -> Run:
    """Let every household pay one payment after another."""

    async def simulator_cpu() -> float:
        simulator.send("cpu")
        return float(await asyncio.to_thread(simulator.recv))

    numbers = iter(range(payments))

    async def household_pays(home: str) -> None:
        for number in numbers:
            await pay(home, number)

    theirs = await simulator_cpu()
    start, cpu = perf_counter(), process_time()
    await asyncio.gather(*(household_pays(home) for home in homes))
    seconds, cpu = perf_counter() - start, process_time() - cpu
    return Run(payments, seconds, cpu, await simulator_cpu() - theirs)


async def run(where: Path | str, households: int, payments: int, *, is_durable: bool) -> list[tuple[str, Run]]:
    """Measure on a new database and return a line for each kind of payment."""
    origin = time.monotonic()
    ours, theirs = get_context("spawn").Pipe()
    other = get_context("spawn").Process(target=simulate, args=(theirs, origin, households), daemon=True)
    other.start()
    port, certificate = await asyncio.to_thread(ours.recv)
    database = Database.open(where)
    if not is_durable and isinstance(where, Path):
        engine = database._engines.writer
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        engine.dispose()
    homes = {f"h-{number:03d}": phone(number) for number in range(1, households + 1)}
    await database.write(lambda c: _found(c, list(homes)))
    clock = clock_from(origin)
    application = web.Application()
    runner = web.AppRunner(application, access_log=None)
    book = Book(clock)
    try:
        hub_port = unused_port()
        mpesa = MPesa(
            database=database,
            config=_config(port, hub_port, certificate),
            events=book,
            phone_of=lambda _connection, _community, home: homes[home],
            clock=clock,
        )
        application.add_routes(mpesa.routes())
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", hub_port).start()
        task = asyncio.create_task(mpesa.run())
        hub = Hub(database, mpesa, book, clock, homes)
        names = list(homes)
        await measured(hub.top_up, names, households, ours)  # warm, and everybody has money
        lines = [("top-ups", await measured(hub.top_up, names, payments, ours))]
        lines.append(("payouts", await measured(hub.pay_out, names, payments, ours)))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        lie = await database.read(lambda c: ledger.first_lie(c, COMMUNITY))
        assert lie is None, lie
        total = await database.read(lambda c: -ledger.balance(c, COMMUNITY, ledger.TRUST_CASH))
        assert total == ((payments + households) * TOP_UP_KES - payments * PAYOUT_KES) * 100
    finally:
        await runner.cleanup()
        await database.close()
        ours.send(None)
        other.join()
    return lines


def _config(port: int, hub_port: int, certificate: bytes) -> MPesaConfig:
    business = Business()
    return MPesaConfig(
        base_url=f"http://127.0.0.1:{port}",
        callback_base_url=f"http://127.0.0.1:{hub_port}",
        short_code=int(business.short_code),
        passkey=business.passkey,
        consumer_key=business.consumer_key,
        consumer_secret=business.consumer_secret,
        initiator=business.initiator,
        initiator_password=business.initiator_password,
        certificate_pem=certificate,
        hmac_secret=b"0123456789abcdef",
    )


def _found(connection: Connection, homes: list[str]) -> None:
    same = {"rated_pv_w": 0, "main_breaker_w": 0, "applied_at": START, "phone_sealed": b"", "status": "admitted"}
    for number, home in enumerate(homes, start=1):
        key = number.to_bytes(32)
        values = {"id": home, "number": number, "name": home, "key": key, "meter": key, "phone_hash": key}
        connection.execute(insert(household).values(community_id=COMMUNITY, **values, **same))


def main() -> None:
    """Measure on one database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not SQLite")
    parser.add_argument("--no-fsync", action="store_true", help="do not wait for the disk at a commit")
    parser.add_argument("--households", type=int, default=150, help="each has one payment at a time")
    parser.add_argument("--payments", type=int, default=2_000, help="of each kind")
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    with place(postgresql=asked.postgresql, is_durable=not asked.no_fsync) as where:
        lines = asyncio.run(run(where, asked.households, asked.payments, is_durable=not asked.no_fsync))
    names = ("payments", "seconds", "payments/s", "hub CPU ms", "simulator CPU ms")
    sys.stdout.write(f"{'':<10}" + "".join(f"{name:>{len(name) + 2}}" for name in names) + "\n")
    for name, r in lines:
        figures = (
            f"{r.payments:,}",
            f"{r.seconds:.1f}",
            f"{r.payments / r.seconds:,.0f}",
            f"{r.cpu / r.payments * 1e3:.2f}",
            f"{r.simulator_cpu / r.payments * 1e3:.2f}",
        )
        columns = (f"{figure:>{len(above) + 2}}" for figure, above in zip(figures, names, strict=True))
        sys.stdout.write(f"{name:<10}" + "".join(columns) + "\n")


if __name__ == "__main__":
    main()
