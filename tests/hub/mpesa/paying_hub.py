"""Hub processes that carry out one payment each and die by SIGKILL at a chosen step.

This program imports everything once. For each line of JSON on its input it forks a process of its own, which is
quick, and says with which status that one ended. A step is the time before and after each change that is made
durable and each request to M-Pesa; all processes read one clock, eight bytes of a shared file.
"""

import asyncio
import json
import os
import signal
import struct
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from energy_swap_hub.mpesa import MPesa, MPesaConfig, open_payments
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.mpesa.gateway import Gateway
from energy_swap_hub.mpesa.hooks import unprocessed
from energy_swap_hub.mpesa.tables import payment_intent, payout
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.settlement.payouts import book_pay_out
from energy_swap_hub.storage import Database
from energy_swap_hub.storage.engines import sqlite_engines
from sqlalchemy import Connection, func, select

PHONE = "254712345678"


class Steps:
    """Counts the steps and kills the process at one of them (0: at none)."""

    def __init__(self, kill_at: int) -> None:
        self._left = kill_at

    def take(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around[**P, R](self, do: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        async def done(*args: P.args, **kwargs: P.kwargs) -> R:
            self.take()
            result = await do(*args, **kwargs)
            self.take()
            return result

        return done


async def pay(order: dict[str, Any]) -> None:
    """Carry out the ``round``-th payment ``what`` and end when nothing is under way any more."""
    shared = os.open(order["clock"], os.O_RDONLY)

    def clock() -> datetime:
        return datetime.fromtimestamp(struct.unpack("d", os.pread(shared, 8, 0))[0], UTC)

    steps = Steps(order["kill_at"])
    database = Database(sqlite_engines(Path(order["database"])))  # of today: nothing is to be migrated
    database.write = steps.around(database.write)  # type: ignore[method-assign, assignment]
    Gateway._post_with = steps.around(Gateway._post_with)  # type: ignore[method-assign, assignment]
    mpesa = MPesa(
        database=database,
        config=config_of(order),
        events=PaymentBook(clock, lambda _household: None),
        phone_of=lambda *_: PHONE,
        clock=clock,
        cadence_seconds=0.01,
    )
    mpesa._worker._next_look = datetime.max.replace(tzinfo=UTC)  # only the payment is under test here
    application = web.Application()
    application.add_routes(mpesa.routes())
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", order["port"]).start()
    task = asyncio.create_task(mpesa.run())
    await database.write(lambda c: request(c, mpesa, order, clock()))
    while await database.read(lambda c: open_payments(c, "green") or unprocessed(c, 1)):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await runner.cleanup()
    await database.close()


def config_of(order: dict[str, Any]) -> MPesaConfig:
    certificate = Path(order["certificate"]).read_bytes()
    return MPesaConfig(**order["config"], certificate_pem=certificate, hmac_secret=b"0123456789abcdef")


def request(connection: Connection, mpesa: MPesa, order: dict[str, Any], now: datetime) -> None:
    """Ask for this round's payment unless an earlier process did."""
    who: dict[str, Any] = {"community_id": "green", "household_id": "h-001", "phone": PHONE, "now": now}
    table = payout if order["what"] == "payout" else payment_intent
    if connection.execute(select(func.count()).select_from(table)).scalar_one() >= order["round"]:
        return
    if order["what"] == "payout":
        kes, payout_id = order["kes"], f"p-{order['round']}"
        fee = Charges.load().payout_cents(kes, now)
        book_pay_out(connection, "green", "h-001", payout_id, kes=kes, fee_cents=fee, now=now)
        mpesa.request_pay_out(connection, payout_id=payout_id, kes=kes, **who)
    else:
        mpesa.request_top_up(connection, kes=order["kes"], **who)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            asyncio.run(pay(json.loads(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
