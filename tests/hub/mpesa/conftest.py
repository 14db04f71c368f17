"""A hub's M-Pesa room beside a real simulator, both in a time that the test moves."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector, web
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_daraja_simulator.credential import new_key
from energy_swap_demo.broker import free_port
from energy_swap_hub import ledger
from energy_swap_hub.ledger import TRUST_CASH
from energy_swap_hub.membership.phone import PhoneBook
from energy_swap_hub.membership.tables import household
from energy_swap_hub.mpesa import MPesa, MPesaConfig, open_payments, payouts
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.mpesa.client import Accepted, DarajaClient
from energy_swap_hub.mpesa.hooks import CONFIRMATION, VALIDATION, callback_url
from energy_swap_hub.mpesa.tables import (
    account_report,
    payment_callback,
    payment_intent,
    payment_receipt,
    payment_reversal,
    payout,
)
from energy_swap_hub.settlement.payers import payer
from energy_swap_hub.settlement.payments import PaymentBook
from energy_swap_hub.settlement.payouts import book_pay_out
from energy_swap_hub.settlement.tables import review
from energy_swap_hub.storage import Database
from energy_swap_hub.storage.engines import sqlite_engines
from sqlalchemy import Connection, delete, insert, select
from yarl import URL

BOOK = PhoneBook(b"p" * 32)
PHONES = {"h-001": "254712345678", "h-002": "254110000002", "h-003": "254799999999"}


@dataclass
class Told:
    """Every outcome that was told, in order."""

    outcomes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answered_about: list[str] = field(default_factory=list)

    def answered(self, connection: Connection, *, community_id: str, subject: str, word: str) -> None:
        assert connection.in_transaction()
        assert community_id
        assert word
        self.answered_about.append(subject)

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


class Door:
    """An application on a port of this machine, as it is in earnest.

    Not a ``TestServer``: that one drops a request whose caller dies, and what was to be done with it.
    """

    def __init__(self, application: web.Application, port: int = 0) -> None:
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.05)
        self.port = port

    async def open(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    def make_url(self, path: str) -> URL:
        return URL(f"http://127.0.0.1:{self.port}{path}")

    async def close(self) -> None:
        await self._runner.cleanup()


class World:
    """The two sides and the time between them."""

    def __init__(self, folder: Path, private_key_pem: bytes, empty: Path) -> None:
        self.now = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
        self.told = Told()
        self.simulator = Simulator(clock=self.clock, private_key_pem=private_key_pem)
        shutil.copyfile(empty, folder / "hub.sqlite")
        self.database = Database(sqlite_engines(folder / "hub.sqlite"))  # of today: nothing is to be migrated
        self._task: asyncio.Task[None] | None = None
        self._hub_server: Door | None = None

    def clock(self) -> datetime:
        return self.now

    async def start(self) -> None:
        self.simulator_server = Door(self.simulator.application())
        await self.simulator_server.open()
        self.hub_port = free_port()  # the same after a restart
        await self.start_hub()
        for phone in (PHONES["h-001"], PHONES["h-002"]):
            self.simulator.control.add_subscriber(Subscriber(phone=phone, name="Amina", balance_kes=5_000))

    async def start_hub(self) -> None:
        """Start a hub process, as it were: everything it knows is in the database."""
        url = f"http://127.0.0.1:{self.hub_port}"
        self.mpesa = self.room(self.config(str(self.simulator_server.make_url("")).rstrip("/"), url))
        application = web.Application()
        application.add_routes(self.mpesa.routes())
        self._hub_server = Door(application, self.hub_port)
        await self._hub_server.open()
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


class Orders:
    """What the market is told about payments for orders."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, object]] = []

    def paid(self, connection: Connection, *, purpose: str, cents: int, **_what: Any) -> None:
        assert connection.in_transaction()
        self.told.append(("paid", purpose, cents))

    def not_paid(self, connection: Connection, *, purpose: str, reason: str, **_what: Any) -> None:
        assert connection.in_transaction()
        self.told.append(("not paid", purpose, reason))


class Bank(World):
    """A world in which every outcome is booked in a real ledger, and payments by hand are taken."""

    def __init__(self, folder: Path, private_key_pem: bytes, empty: Path, **changes: Any) -> None:
        """``changes`` are those of the configuration; ``empty`` is a database with nothing in it."""
        super().__init__(folder, private_key_pem, empty)
        self.changes = changes
        self.orders = Orders()
        self.book = PaymentBook(self.clock, lambda _household: None, self.orders)
        self.told = self.book  # type: ignore[assignment]

    async def start(self) -> None:
        await self.database.write(self._found)
        await super().start()

    def _found(self, connection: Connection) -> None:
        for number, name in enumerate(PHONES, start=1):
            key = bytes([number]) * 32
            values = {
                "number": number,
                "name": name,
                "key": key,
                "meter": key,
                "phone_sealed": b"",
                "status": "admitted",
            }
            sizes = {
                "rated_pv_w": 0,
                "main_breaker_w": 0,
                "applied_at": self.now,
                "phone_hash": BOOK.hash(PHONES[name]),
            }
            connection.execute(insert(household).values(community_id="green", id=name, **values, **sizes))

    def config(self, base_url: str, callback_base_url: str) -> MPesaConfig:
        return replace(super().config(base_url, callback_base_url), **self.changes)

    def room(self, config: MPesaConfig) -> MPesa:
        self.config_in_use = config
        return MPesa(
            database=self.database,
            config=config,
            events=self.book,
            phone_of=lambda _connection, _community, household: PHONES[household],
            payer_of=lambda connection, account: payer(connection, BOOK, "green", account),
            clock=self.clock,
            cadence_seconds=0.01,
        )

    async def announce_payments_by_hand(self) -> None:
        """Have M-Pesa tell of payments by hand, as the register command does."""
        code = str(self.config_in_use.short_code)
        confirmation, validation = (
            callback_url(self.config_in_use, way, code) for way in (CONFIRMATION, VALIDATION)
        )
        async with ClientSession(connector=TCPConnector(force_close=True)) as session:
            client = DarajaClient(session, self.config_in_use, self.clock)
            answer = await client.register_urls(confirmation_url=confirmation, validation_url=validation)
        assert isinstance(answer, Accepted)

    async def pay_by_hand(self, kes: int, account: str, phone: str = PHONES["h-001"]) -> dict[str, Any]:
        """A person pays from the phone's menu; return how it went at once."""
        url = self.simulator_server.make_url(f"/_simulator/subscribers/{phone}/pay")
        body = {"kes": kes, "account": account}
        async with ClientSession() as session, session.post(url, json=body) as response:
            assert response.status == 201, await response.text()
            return dict(await response.json())

    async def transfer(self, kes: int) -> None:
        """The business moves money into (or out of, below zero) its account by itself."""
        url = self.simulator_server.make_url("/_simulator/transfers")
        async with ClientSession() as session, session.post(url, json={"kes": kes}) as response:
            assert response.status == 200, await response.text()

    async def statement(self) -> bytes:
        """M-Pesa's statement of all days."""
        url = self.simulator_server.make_url("/_simulator/statement.csv")
        async with ClientSession() as session, session.get(url) as response:
            return await response.read()

    async def pay_for(self, order: str, kes: int = 100, *, minutes: float = 10) -> str:
        return await self.database.write(
            lambda c: self.mpesa.request_payment(
                c,
                community_id="green",
                household_id="h-001",
                phone=PHONES["h-001"],
                kes=kes,
                purpose=f"order:{order}",
                now=self.now,
                expires_at=self.now + timedelta(minutes=minutes),
            )
        )

    async def pay_out(self, payout_id: str, kes: int, household: str = "h-001") -> None:
        def change(connection: Connection) -> None:
            fee = Charges.load().payout_cents(kes, self.now)
            book_pay_out(connection, "green", household, payout_id, kes=kes, fee_cents=fee, now=self.now)
            self.mpesa.request_pay_out(
                connection,
                community_id="green",
                household_id=household,
                payout_id=payout_id,
                phone=PHONES[household],
                kes=kes,
                now=self.now,
            )

        await self.database.write(change)

    async def settle(self, *, step: float = 2, within_minutes: float = 120) -> None:
        """Let time run until nothing is under way on either side."""
        end = self.now + timedelta(minutes=within_minutes)
        while await self.open() or await self._is_busy():
            assert self.now < end, f"still open: {await self.whats_open()}"
            self.now += timedelta(seconds=step)
            await asyncio.sleep(0.01)

    async def pass_time(self, minutes: float, *, step: float = 20) -> None:
        """Let time run; at the end both sides have done what was to be done by then."""
        await super().pass_time(minutes, step=step)
        end = self.now + timedelta(minutes=30)
        while await self._is_busy():
            assert self.now < end, f"still busy: {await self.whats_open()}"
            self.now += timedelta(seconds=1)
            await asyncio.sleep(0.01)

    async def whats_open(self) -> list[dict[str, Any]]:
        """What keeps `settle` waiting."""
        ended = ("paid", "failed", "review")
        rows = [*await self.intents(), *await self.payouts(), *await self._rows(select(payment_reversal))]
        news = [row for row in await self.callbacks() if row["processed_at"] is None]
        sent = [dict(row) for row in self.simulator.books.rows("SELECT * FROM delivery WHERE outcome = 'lost'")]
        return [*(row for row in rows if row["state"] not in ended), *news, *sent]

    async def _is_busy(self) -> bool:
        self.simulator.advance()
        return self._is_mpesa_busy() or await self._is_news_waiting()

    def _is_mpesa_busy(self) -> bool:
        books = self.simulator.control.summary(0)
        on_the_way = self.simulator.books.rows("SELECT 1 FROM delivery WHERE outcome = 'lost'")
        return bool(books["open_prompts"] + books["open_payouts"] + books["undelivered"] + len(on_the_way))

    async def _is_news_waiting(self) -> bool:
        row = payment_callback.c
        waiting = select(row.number).where(row.processed_at.is_(None), row.is_held.is_(False))
        return bool(await self._rows(waiting))

    async def look(self) -> None:
        """Let the hourly look at M-Pesa's list and accounts come and go."""
        newest = select(account_report).order_by(account_report.c.number.desc()).limit(1)
        before = await self._rows(newest)
        await self.pass_time(61)
        while (rows := await self._rows(newest)) == before or rows[0]["at"] is None:
            await self.pass_time(0.1, step=1)

    async def balance(self, account: str) -> int:
        return await self.database.read(lambda c: ledger.balance(c, "green", account))

    async def cents(self, name: str = "h-001") -> int:
        return await self.balance(ledger.kes(name))

    async def reviews(self) -> dict[str, str]:
        """The open reviews: subjects by kind."""
        rows = await self._rows(select(review).where(review.c.state == "open"))
        return {row["kind"]: row["subject"] for row in rows}

    async def received(self) -> list[dict[str, Any]]:
        return await self._rows(select(payment_receipt))

    async def state(self) -> str:
        """The state of the only payment asked for."""
        [row] = await self.intents()
        return str(row["state"])

    async def lose(self, cents: int) -> None:
        """Take out of a household's wallet, and of the check at the end, what a forger has put there."""

        def correct(connection: Connection) -> None:
            postings = [ledger.Posting(ledger.kes("h-001"), -cents), ledger.Posting(TRUST_CASH, cents)]
            ledger.post(connection, "green", ledger.Entry("correction", "forged", self.now, "forged", postings))
            connection.execute(delete(payment_receipt))

        await self.database.write(correct)

    def at_mpesa_cents(self) -> int:
        return sum(self.simulator.books.balance_cents(name) for name in ("utility", "working", "charges"))

    async def check(self) -> None:
        """Whatever went wrong: the books are sound and M-Pesa's, and nothing is forgotten."""
        lie = await self.database.read(lambda c: ledger.first_lie(c, "green"))
        assert lie is None, lie
        totals = await self.database.read(lambda c: ledger.trial_balance(c, "green"))
        assert ledger.sums(totals)["KES"] == 0
        assert -totals.get(TRUST_CASH, 0) == self.at_mpesa_cents(), "cash in trust is what M-Pesa holds"
        received = {row["receipt"]: row["kes"] for row in await self.received() if row["kes"]}
        moved = {m["receipt"]: m for m in self.simulator.control.summary(10_000)["movements"]}
        assert received == {m["receipt"]: m["cents"] // 100 for m in moved.values() if m["kind"] == "c2b"}
        subjects = {row["subject"] for row in await self._rows(select(review))}
        stopped = await self.database.read(lambda c: payouts.stopped(c, "green"))
        for rows, key in ((await self.intents(), "intent_id"), (await self.payouts(), "payout_id")):
            for row in rows:
                waits_for_a_person = row[key] in subjects or (row["state"] == "queued" and stopped)
                assert row["state"] in ("paid", "failed") or waits_for_a_person, f"forgotten: {row}"


@pytest.fixture(scope="session")
def private_key_pem() -> bytes:
    """One RSA key for all: making one takes long."""
    return new_key()


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with nothing in it, to be copied: making one takes long, too."""
    path = tmp_path_factory.mktemp("empty") / "hub.sqlite"
    asyncio.run(_make(path))
    return path


async def _make(path: Path) -> None:
    await Database.open(path).close()


@pytest.fixture
async def world(tmp_path: Path, private_key_pem: bytes, empty: Path) -> AsyncIterator[World]:
    made = World(tmp_path, private_key_pem, empty)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def bank(
    tmp_path: Path,
    private_key_pem: bytes,
    empty: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Bank]:
    """A bank whose books must agree with M-Pesa's at the end; a test may change its configuration by parameter."""
    monkeypatch.setattr("energy_swap_daraja_simulator.simulator._CADENCE_SECONDS", 0.01)
    made = Bank(tmp_path, private_key_pem, empty, **getattr(request, "param", {}))
    await made.start()
    yield made
    await made.check()
    await made.stop()
