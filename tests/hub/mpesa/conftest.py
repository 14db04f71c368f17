"""A hub's M-Pesa room beside a real simulator, both in a time that the test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_daraja_simulator.credential import new_key
from energy_swap_hub.mpesa import MPesa, MPesaConfig, open_payments
from energy_swap_hub.mpesa.tables import payment_callback, payment_intent, payout
from energy_swap_hub.storage import Database
from sqlalchemy import Connection, select

PHONES = {"h-001": "254712345678", "h-002": "254110000002", "h-003": "254799999999"}


@dataclass
class Told:
    """Every outcome that was told, in order."""

    outcomes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name not in (
            "received",
            "receive_failed",
            "reversed_",
            "reverse_failed",
            "paid_out",
            "pay_out_failed",
            "needs_review",
        ):
            raise AttributeError(name)

        def tell(connection: Connection, **what: Any) -> None:
            assert connection.in_transaction()
            self.outcomes.append((name, what))

        return tell

    def of(self, name: str) -> list[dict[str, Any]]:
        return [what for told, what in self.outcomes if told == name]


class World:
    """The two sides and the time between them."""

    def __init__(self, folder: Path, private_key_pem: bytes) -> None:
        self.now = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
        self.told = Told()
        self.simulator = Simulator(
            clock=self.clock, path=folder / "daraja.sqlite", private_key_pem=private_key_pem
        )
        self.database = Database.open(folder / "hub.sqlite")
        self._task: asyncio.Task[None] | None = None
        self._hub_server: TestServer | None = None

    def clock(self) -> datetime:
        return self.now

    async def start(self) -> None:
        self.simulator_server = TestServer(self.simulator.application())
        await self.simulator_server.start_server()
        self.hub_port = 0
        await self.start_hub()
        for phone in (PHONES["h-001"], PHONES["h-002"]):
            self.simulator.control.add_subscriber(Subscriber(phone=phone, name="Amina", balance_kes=5_000))

    async def start_hub(self) -> None:
        """Start a hub process, as it were: everything it knows is in the database."""
        url = f"http://127.0.0.1:{self.hub_port}"
        config = self.config(str(self.simulator_server.make_url("")).rstrip("/"), url)
        self.mpesa = self.room(config)
        application = web.Application()
        application.add_routes(self.mpesa.routes())
        self._hub_server = TestServer(application, port=self.hub_port or None)
        await self._hub_server.start_server()
        if not self.hub_port:
            self.hub_port = self._hub_server.port or 0
            self.mpesa = self.room(self.config(config.base_url, f"http://127.0.0.1:{self.hub_port}"))
        self._task = asyncio.create_task(self.mpesa.run())

    def config(self, base_url: str, callback_base_url: str) -> MPesaConfig:
        business = self.simulator.business
        return MPesaConfig(
            base_url=base_url,
            callback_base_url=callback_base_url,
            short_code=int(business.short_code),
            passkey=business.passkey,
            consumer_key=business.consumer_key,
            consumer_secret=business.consumer_secret,
            initiator=business.initiator,
            initiator_password=business.initiator_password,
            certificate_pem=self.simulator.certificate_pem,
            hmac_secret=b"0123456789abcdef",
        )

    def room(self, config: MPesaConfig) -> MPesa:
        return MPesa(
            database=self.database,
            config=config,
            events=self.told,
            phone_of=lambda _connection, _community, household: PHONES[household],
            clock=self.clock,
            cadence_seconds=0.01,
        )

    async def stop_hub(self) -> None:
        """Kill the hub: nothing gets a chance to tidy up what it has in hand."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._hub_server is not None:
            await self._hub_server.close()
            self._hub_server = None

    async def stop(self) -> None:
        await self.stop_hub()
        await self.simulator_server.close()
        self.simulator.close()
        await self.database.close()

    async def top_up(self, kes: int = 100, household: str = "h-001") -> str:
        return await self.database.write(
            lambda c: self.mpesa.request_top_up(
                c, community_id="green", household_id=household, phone=PHONES[household], kes=kes, now=self.now
            )
        )

    async def pay_out(self, payout_id: str, kes: int, household: str = "h-001") -> None:
        await self.database.write(
            lambda c: self.mpesa.request_pay_out(
                c,
                community_id="green",
                household_id=household,
                payout_id=payout_id,
                phone=PHONES[household],
                kes=kes,
                now=self.now,
            )
        )

    async def until(self, is_true: Callable[[], bool], *, step: float = 0.5, within_minutes: float = 120) -> None:
        """Let time run until something is so."""
        end = self.now + timedelta(minutes=within_minutes)
        while not is_true():
            assert self.now < end, f"it did not happen; told: {self.told.outcomes}"
            self.now += timedelta(seconds=step)
            await asyncio.sleep(0.005)
        await self.database.write(lambda _connection: None)  # what was told is now on disk, too

    async def pass_time(self, minutes: float, *, step: float = 20) -> None:
        end = self.now + timedelta(minutes=minutes)
        await self.until(lambda: self.now >= end, step=step, within_minutes=minutes + 1)

    async def open(self) -> int:
        return await self.database.read(lambda c: open_payments(c, "green"))

    async def intents(self) -> list[dict[str, Any]]:
        return await self._rows(select(payment_intent))

    async def payouts(self) -> list[dict[str, Any]]:
        return await self._rows(select(payout))

    async def callbacks(self) -> list[dict[str, Any]]:
        """What M-Pesa told about payments; not what it told about its accounts."""
        return await self._rows(select(payment_callback).where(payment_callback.c.channel != "b"))

    async def _rows(self, query: Any) -> list[dict[str, Any]]:
        return await self.database.read(lambda c: [dict(row) for row in c.execute(query).mappings()])

    def utility_cents(self) -> int:
        return self.simulator.books.balance_cents("utility")

    def count(self, kind: str) -> int:
        return int(self.simulator.control.summary()["totals"].get(kind, {"count": 0})["count"])

    def received_cents(self) -> int:
        return sum(what["cents"] for what in self.told.of("received"))

    def behaves(self, behaviour: str, phone: str = PHONES["h-001"]) -> None:
        self.simulator.books.change("UPDATE subscriber SET behaviour = ? WHERE phone = ?", behaviour, phone)


@pytest.fixture(scope="session")
def private_key_pem() -> bytes:
    """One RSA key for all: making one takes long."""
    return new_key()


@pytest.fixture
async def world(tmp_path: Path, private_key_pem: bytes) -> AsyncIterator[World]:
    made = World(tmp_path, private_key_pem)
    await made.start()
    yield made
    await made.stop()
