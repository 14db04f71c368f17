import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from energy_swap_daraja_simulator import Simulator
from energy_swap_daraja_simulator.control import Subscriber
from energy_swap_daraja_simulator.credential import new_key
from energy_swap_demo.broker import free_port
from energy_swap_hub import ledger
from energy_swap_hub.ledger import PAYOUT_PENDING, TRUST_CASH, Overdrawn
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.mpesa.charges import Charges
from energy_swap_hub.mpesa.tables import payout, reconciliation
from energy_swap_hub.settlement.payouts import most_kes, payable_kes
from energy_swap_hub.settlement.words import EAST_AFRICA
from energy_swap_protocol.message import TopUp

from tests.hub.village import MPESA, OPENED, PERIOD, Home, Village, community, copy_of, open_village


class Town:
    """A village whose phones are those of a Daraja simulator, over HTTP."""

    def __init__(self, village: Village, simulator: Simulator) -> None:
        self.village = village
        self.simulator = simulator

    async def until(self, is_true: Callable[[], Awaitable[bool]]) -> None:
        """Let time run until something is so."""
        end = self.village.now + timedelta(hours=2)
        while not await is_true():
            assert self.village.now < end, "it did not happen"
            self.village.now += timedelta(seconds=0.5)
            await asyncio.sleep(0.005)

    async def top_up(self, home: Home, kes: int) -> None:
        await self.village.send(home, TopUp(**self.village.head(), kes=kes))
        await self.settled()

    async def settled(self) -> None:
        """Wait until no payment is open."""

        async def nothing_open() -> bool:
            return not await self.village.read(lambda c: self.village.mpesa.open_payments(c, "kisima"))

        await self.until(nothing_open)

    def at_mpesa_cents(self) -> int:
        return self.simulator.books.balance_cents("utility") + self.simulator.books.balance_cents("charges")

    def behaves(self, home: Home, behaviour: str) -> None:
        self.simulator.books.change("UPDATE subscriber SET behaviour = ? WHERE phone = ?", behaviour, home.phone)


@pytest.fixture(scope="session")
def private_key_pem() -> bytes:
    return new_key()


@pytest.fixture
async def town(founded: Path, tmp_path: Path, private_key_pem: bytes) -> AsyncIterator[Town]:
    """The village beside a simulator; only David has no phone there. At the end both must agree about the cash."""
    now = [OPENED + timedelta(minutes=1)]
    villages: list[Village] = []
    async with AsyncExitStack() as stack:
        simulator = Simulator(
            clock=lambda: villages[0].now if villages else now[0], private_key_pem=private_key_pem
        )
        server = TestServer(simulator.application())
        await server.start_server()
        stack.callback(simulator.close)
        stack.push_async_callback(server.close)
        port, business = free_port(), simulator.business
        mpesa = replace(
            MPESA,
            base_url=str(server.make_url("")).rstrip("/"),
            callback_base_url=f"http://127.0.0.1:{port}",
            short_code=int(business.short_code),
            passkey=business.passkey,
            consumer_key=business.consumer_key,
            consumer_secret=business.consumer_secret,
            initiator=business.initiator,
            initiator_password=business.initiator_password,
            certificate_pem=simulator.certificate_pem,
        )
        village = await stack.enter_async_context(
            open_village(copy_of(founded, tmp_path / "village"), now=now[0], mpesa=mpesa)
        )
        villages.append(village)
        for home in village.homes[:3]:
            simulator.control.add_subscriber(Subscriber(phone=home.phone, name=home.name, balance_kes=5_000))
        hub = web.Application()
        hub.add_routes(village.mpesa.routes())
        hub_server = TestServer(hub, port=port)
        await hub_server.start_server()
        stack.push_async_callback(hub_server.close)
        task = asyncio.create_task(village.mpesa.run())
        yield (made := Town(village, simulator))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await village.check()
        assert -await village.balance(TRUST_CASH) == made.at_mpesa_cents()


async def test_a_top_up_is_credited_once_though_its_callback_comes_twice(town: Town) -> None:
    town.simulator.faults.arm("F04")
    await town.top_up(town.village.amina, 350)
    assert await town.village.cents(town.village.amina) == 35_000
    assert town.at_mpesa_cents() == 35_000


async def test_a_cancelled_top_up_moves_nothing_and_the_next_may_begin(town: Town) -> None:
    amina, village = town.village.amina, town.village
    town.behaves(amina, "cancels")
    await village.send(amina, TopUp(**village.head(), kes=100))
    with pytest.raises(PaymentRefused, match="under way"):
        await village.send(amina, TopUp(**village.head(), kes=100))
    await town.settled()
    assert await village.cents(amina) == 0
    town.behaves(amina, "pays")
    await town.top_up(amina, 100)
    assert await village.cents(amina) == 10_000


async def test_a_payout_of_all_keeps_its_fee_back_and_the_cents_that_cannot_be_sent(town: Town) -> None:
    amina, village = town.village.amina, town.village
    await town.top_up(amina, 700)
    await village.send(amina, TopUp(**village.head(), kes=1))
    await town.settled()
    answer = await village.pay_out(amina)
    assert answer["kes"] == 701 - 5
    assert await village.balance(PAYOUT_PENDING) == 70_100
    await town.settled()
    assert (await village.cents(amina), await village.balance(PAYOUT_PENDING)) == (0, 0)
    assert await village.balance(TRUST_CASH) == 0


async def test_a_failed_payout_gives_money_and_fee_back(town: Town) -> None:
    david, village = town.village.david, town.village
    await town.top_up(village.amina, 900)  # so that M-Pesa has what it cannot deliver
    await _give(village, village.amina, david, 80_000)
    await village.pay_out(david, 600)
    assert await village.cents(david) == 80_000 - 60_000 - 500
    await town.settled()
    assert (await village.cents(david), await village.balance(PAYOUT_PENDING)) == (80_000, 0)


async def _give(village: Village, payer: Home, seller: Home, cents: int) -> None:
    """Let money reach ``seller`` as a correction does."""
    postings = [
        ledger.Posting(ledger.kes(payer.id), -cents),
        ledger.Posting(ledger.kes(seller.id), cents),
    ]
    entry = ledger.Entry("correction", "1", village.now, "for the test", postings)
    await village.database.write(lambda c: ledger.post(c, "kisima", entry))


async def test_money_that_is_not_there_or_not_worth_sending_is_not_paid_out(village: Village) -> None:
    amina = village.amina
    await village.fund(amina, 50_000)
    for kes in (9, 1):
        with pytest.raises(PaymentRefused, match="KES 10 or more"):
            await village.pay_out(amina, kes)
    for kes in (501, 500, 496):
        with pytest.raises(Overdrawn):
            await village.pay_out(amina, kes)  # with the fee it is more than the wallet
    assert (await village.pay_out(amina, 495))["kes"] == 495
    with pytest.raises(PaymentRefused, match="KES 0"):
        await village.pay_out(amina)
    await village.pay_out(await _funded(village, village.brian, 1_099))
    assert await village.cents(village.brian) == 99


async def _funded(village: Village, home: Home, cents: int) -> Home:
    await village.fund(home, cents)
    return home


@pytest.fixture
async def evening(founded: Path, tmp_path: Path) -> AsyncIterator[Village]:
    """A village that pays out an hour after it opens, after its second period."""
    async with open_village(copy_of(founded, tmp_path / "evening"), rules=community(payout_hour=13)) as village:
        for seller in (village.amina, village.brian):
            await village.standing(seller, sell=10_000)
        for buyer in (village.chebet, village.david):
            await village.standing(buyer, buy=50_000)
            await village.fund(buyer, 10_000_000)
        yield village
        await village.check()


async def paid_kes(village: Village) -> dict[str, list[int]]:
    paid: dict[str, list[int]] = {}
    for row in await village.rows(payout):
        paid.setdefault(row["household_id"], []).append(row["kes"])
    return paid


async def test_sellers_are_paid_what_they_earned_on_the_evening_once_the_day_is_booked(evening: Village) -> None:
    village = evening
    amina, chebet = village.amina, village.chebet
    await village.fund(amina, 2_000)  # her own top-up stays
    await village.end_period({amina.id: 1_000, chebet.id: -1_000})
    earned = await village.cents(amina) - 2_000
    assert earned == 30_000
    # It is evening, but the last period still waits for a reading.
    village.now = OPENED + 2 * PERIOD + timedelta(minutes=1)
    over = OPENED + 2 * PERIOD
    for home in village.homes[1:]:
        await village.deliver(home, home.measure(over, import_wh=1_000 if home is chebet else 0))
    await village.advance()
    assert await paid_kes(village) == {}
    await village.deliver(amina, amina.measure(over, export_wh=1_000))
    await village.advance()
    await village.advance()
    assert await paid_kes(village) == {amina.id: [595]}
    assert await village.cents(amina) == 2_000
    village.now += timedelta(hours=3)
    await village.advance()
    assert await paid_kes(village) == {amina.id: [595]}
    await village.chain_works()


async def test_what_is_not_worth_its_fee_is_carried_to_the_next_evening(evening: Village) -> None:
    village = evening
    amina, brian, chebet = village.amina, village.brian, village.chebet
    await village.end_period({amina.id: 1_000, brian.id: 4, chebet.id: -1_500})
    await village.end_period()
    assert await paid_kes(village) == {amina.id: [100]}  # of 500; the rest would cost a fee. Brian's 2 are too few
    for _ in range(46):
        village.now += PERIOD
    for home in village.homes:
        await village.report(home)
    village.now += PERIOD
    for home in village.homes:
        await village.report(home, export_wh=210 if home is amina else 0, import_wh=300 if home is chebet else 0)
    await village.advance()
    village.now += timedelta(minutes=30)
    for home in village.homes:
        await village.report(home)
    await village.advance()
    assert (await paid_kes(village))[amina.id] == [100, 500]
    await village.chain_works()


async def test_who_bought_more_than_it_sold_is_not_paid_out(evening: Village) -> None:
    village = evening
    await village.end_period({village.amina.id: 1_000, village.chebet.id: -2_000})
    await village.standing(village.amina, buy=50_000)
    await village.fund(village.amina, 1_000_000)
    await village.end_period({village.brian.id: 4_000, village.amina.id: -4_000})
    assert village.amina.id not in await paid_kes(village)
    assert village.brian.id in await paid_kes(village)


@pytest.mark.parametrize(
    ("cents", "kes"),
    [(999, 0), (1_000, 10), (10_000, 100), (10_099, 100), (50_499, 100), (50_500, 500), (60_000, 595), (-5, 0)],
)
def test_a_scheduled_payout_is_sensible_and_leaves_room_for_its_charge(cents: int, kes: int) -> None:
    assert payable_kes(cents, lambda amount: Charges.load().payout_cents(amount, OPENED)) == kes


def test_the_most_that_can_be_paid_is_the_most() -> None:
    charges = Charges.load()

    def with_charge(kes: int) -> int:
        return kes * 100 + charges.payout_cents(kes, OPENED)

    for cents in (*range(0, 30_000, 37), 150_000, 150_500, 150_501, 500_900, 501_000, 501_100):
        most = most_kes(cents, lambda kes: charges.payout_cents(kes, OPENED))
        assert with_charge(most) <= cents
        assert with_charge(most + 1) > cents


async def test_every_night_the_day_before_is_compared_with_m_pesas_account_of_it(village: Village) -> None:
    await village.advance()
    for day in (21, 22):
        village.now = datetime(2026, 11, day, 1, 0, tzinfo=EAST_AFRICA).astimezone(UTC)
        await village.advance()
    compared = await village.rows(reconciliation)
    assert [row["starts_at"].astimezone(EAST_AFRICA).day for row in compared] == [20, 21]
