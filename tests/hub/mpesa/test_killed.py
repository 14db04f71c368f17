"""A hub process killed with SIGKILL between any two steps of a payment: one credit, one payout, equal books."""

import asyncio
import json
import os
import shutil
import signal
import struct
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_demo.broker import free_port
from energy_swap_hub import ledger
from energy_swap_hub.ledger import PAYOUT_PENDING, TRUST_CASH
from energy_swap_hub.membership.tables import household
from energy_swap_hub.mpesa.tables import payment_intent, payout
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, insert, select

from tests.hub.mpesa.conftest import Door
from tests.hub.mpesa.paying_hub import PHONE

PROGRAM = Path(__file__).with_name("paying_hub.py")


@dataclass
class Killer:
    """The simulator here, the hubs in processes, one clock for all."""

    simulator: Simulator
    clock: int
    now: list[datetime]
    hubs: asyncio.subprocess.Process
    order: dict[str, Any]

    async def run(self, **order: Any) -> int:
        """Let one hub process work until it ends or is killed; return its exit status."""
        assert self.hubs.stdin is not None
        assert self.hubs.stdout is not None
        self.hubs.stdin.write(json.dumps(self.order | order).encode() + b"\n")
        ended = asyncio.ensure_future(self.hubs.stdout.readline())
        began_at = self.now[0]
        while not ended.done():
            # The first minutes decide; what is left open after them waits long for M-Pesa's list.
            step = 2 if self.now[0] - began_at < timedelta(minutes=3) else 60
            self.now[0] += timedelta(seconds=step)
            os.pwrite(self.clock, struct.pack("d", self.now[0].timestamp()), 0)
            await asyncio.sleep(0.01)
        return int(await ended)

    async def pay(self, what: str, kes: int, number: int, kill_at: int) -> bool:
        """Pay, with a hub that is killed at a step and one that takes up what it left; whether it was killed."""
        status = await self.run(what=what, kes=kes, round=number, kill_at=kill_at)
        assert status in (0, -signal.SIGKILL)
        if status:
            assert await self.run(what=what, kes=kes, round=number, kill_at=0) == 0
        return status != 0

    async def books(self) -> dict[str, Any]:
        """What the hubs' database holds; no hub runs now."""

        def read(connection: Connection) -> dict[str, Any]:
            return {
                "lie": ledger.first_lie(connection, "green"),
                "trust": -ledger.balance(connection, "green", TRUST_CASH),
                "pending": ledger.balance(connection, "green", PAYOUT_PENDING),
                "wallet": ledger.balance(connection, "green", ledger.kes("h-001")),
                "intents": list(connection.execute(select(payment_intent.c.state)).scalars()),
                "payouts": list(connection.execute(select(payout.c.state)).scalars()),
            }

        database = Database.open(Path(self.order["database"]))
        found = await database.read(read)
        await database.close()
        return found

    def count(self, kind: str) -> int:
        return len(self.simulator.books.rows("SELECT 1 FROM movement WHERE kind = ?", kind))

    def at_mpesa_cents(self) -> int:
        return self.simulator.books.balance_cents("utility") + self.simulator.books.balance_cents("charges")


@pytest.fixture
async def killer(
    tmp_path: Path, private_key_pem: bytes, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Killer]:
    monkeypatch.setattr("energy_swap_daraja_simulator.simulator._CADENCE_SECONDS", 0.01)
    now = [datetime(2026, 11, 20, 11, 30, tzinfo=UTC)]
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("d", now[0].timestamp()))
    simulator = Simulator(clock=lambda: now[0], private_key_pem=private_key_pem)
    simulator.control.add_subscriber(Subscriber(phone=PHONE, name="Amina", balance_kes=50_000))
    (tmp_path / "certificate").write_bytes(simulator.certificate_pem)
    shutil.copyfile(empty, tmp_path / "hub.sqlite")
    database = Database.open(tmp_path / "hub.sqlite")
    await database.write(_found)
    await database.close()
    server = Door(simulator.application())
    await server.open()
    hubs = await asyncio.create_subprocess_exec(
        sys.executable, PROGRAM, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    port, business = free_port(), simulator.business
    order = {
        "clock": str(clock),
        "database": str(tmp_path / "hub.sqlite"),
        "certificate": str(tmp_path / "certificate"),
        "port": port,
        "config": {
            "base_url": str(server.make_url("")).rstrip("/"),
            "callback_base_url": f"http://127.0.0.1:{port}",
            "short_code": int(business.short_code),
            "passkey": business.passkey,
            "consumer_key": business.consumer_key,
            "consumer_secret": business.consumer_secret,
            "initiator": business.initiator,
            "initiator_password": business.initiator_password,
        },
    }
    shared = os.open(clock, os.O_WRONLY)
    yield Killer(simulator, shared, now, hubs, order)
    os.close(shared)
    assert hubs.stdin is not None
    hubs.stdin.close()
    await hubs.wait()
    await server.close()
    simulator.close()


def _found(connection: Connection) -> None:
    values = {"community_id": "green", "id": "h-001", "number": 1, "name": "Amina", "status": "admitted"}
    keys = {"key": b"k", "meter": b"m", "phone_sealed": b"", "phone_hash": b"h"}
    sizes = {"rated_pv_w": 0, "main_breaker_w": 0, "applied_at": datetime(2026, 11, 20, tzinfo=UTC)}
    connection.execute(insert(household).values(**values, **keys, **sizes))


async def test_a_top_up_is_credited_once_wherever_the_hub_dies(killer: Killer) -> None:
    number = 1
    while await killer.pay("top_up", 100, number, kill_at=number):
        number += 1
    assert number > 10, "it died at every step"
    found = await killer.books()
    assert (found["lie"], len(found["intents"])) == (None, number)
    # Where it died just before the request left, nobody can know that it did not: it is never sent again.
    assert found["intents"].count("review") <= 2
    assert found["intents"].count("paid") == killer.count("c2b") == number - found["intents"].count("review")
    assert found["trust"] == found["wallet"] == killer.at_mpesa_cents() == 10_000 * killer.count("c2b")


async def test_a_payout_is_paid_once_wherever_the_hub_dies(killer: Killer) -> None:
    assert not await killer.pay("top_up", 4_000, 1, kill_at=0)
    number = 1
    while await killer.pay("payout", 110, number, kill_at=number):
        number += 1
    assert number > 10, "it died at every step"
    found = await killer.books()
    assert (found["lie"], found["payouts"], found["pending"]) == (None, ["paid"] * number, 0)
    assert killer.count("b2c") == number
    assert found["trust"] == found["wallet"] == killer.at_mpesa_cents() == 400_000 - 11_500 * number
