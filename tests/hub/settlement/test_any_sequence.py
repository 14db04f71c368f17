"""Whatever households do in whatever order, the books stay true to the chain."""

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.auction import BidError
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.settlement.spot import OrderRefused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.hub.village import Home, Village, copy_of, forget, open_village

REFUSALS = (Overdrawn, OrderRefused, BidError, PaymentRefused)

# Mostly those with panels sell and those without buy, at limits that often cross; but anybody may do anything.
anybody = st.integers(0, 3)
seller = st.sampled_from([0, 0, 1, 1, 2])
buyer = st.sampled_from([2, 2, 3, 3, 0])
wh = st.sampled_from([100, 101, 333, 500, 1_000])
ask = st.sampled_from([7, 1_000, 1_003, 1_500])
offer = st.sampled_from([1_000, 1_003, 1_500, 3_001])
given_wh = st.sampled_from([3_000, 801, 0, -1_500])
taken_wh = st.sampled_from([-2_000, -701, -1, 0])

period = st.tuples(st.just("period"), given_wh, given_wh, taken_wh, taken_wh, st.booleans())
prices = st.tuples(st.just("prices"), anybody, st.none() | ask, st.none() | offer)
sale = st.tuples(st.just("sell"), seller, wh, ask, st.booleans())
purchase = st.tuples(st.just("buy"), buyer, wh, offer, st.booleans())
cancellation = st.tuples(st.just("cancel"), anybody, st.integers(0, 9))
auction = st.tuples(st.just("auction"), seller, wh, ask)
bid = st.tuples(st.just("bid"), buyer, st.integers(0, 1), offer)
allowance = st.tuples(st.just("allow"), buyer, st.sampled_from([1, 600, 5_000]))
payout = st.tuples(st.just("pay_out"), anybody, st.none() | st.integers(10, 300))
promise = st.tuples(st.just("ahead"), seller, buyer, wh, ask, offer)
partners = st.tuples(st.just("partners"), anybody, anybody)
wait = st.tuples(st.just("wait"), st.integers(1, 40))
chain = st.tuples(st.just("chain"))
expiry = st.tuples(st.just("expiry"))
step = st.one_of(
    period, prices, sale, sale, purchase, purchase, cancellation, auction, bid, bid,
    allowance, payout, wait, chain, chain, expiry, promise, promise, partners,
)  # fmt: skip


class Life:
    """Carries out random steps; what the hub refuses in words is part of life."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.orders: list[UUID] = []
        self.auctions: list[UUID] = []

    def home(self, number: object) -> Home:
        assert isinstance(number, int)
        return self.village.homes[number]

    async def do(self, step: tuple[object, ...]) -> None:
        village, until = self.village, self.village.now + timedelta(minutes=20)
        try:
            match step:
                case ("period", int(a), int(b), int(c), int(d), silent):
                    nets = {"h-001": a, "h-002": b, "h-003": c, "h-004": d}
                    await village.end_period(nets, silent=("h-001",) if silent else ())
                case ("prices", who, int() | None as sell, int() | None as buy):
                    await village.standing(self.home(who), sell=sell, buy=buy)
                case ("sell", who, int(much), int(limit), short):
                    order = await village.sell_order(
                        self.home(who), much, limit, valid_until=until if short else None
                    )
                    await village.send(self.home(who), order)
                    self.orders.append(order.id)
                case ("buy", who, int(much), int(limit), short):
                    answer = await village.buy(self.home(who), much, limit, valid_until=until if short else None)
                    self.orders.append(UUID(answer["order"]))
                case ("cancel", who, int(which)) if self.orders:
                    await village.cancel(self.home(who), self.orders[which % len(self.orders)])
                case ("auction", who, int(much), int(limit)):
                    self.auctions.append(await village.start_auction(self.home(who), much, limit, minutes=25))
                    self.orders.append(self.auctions[-1])
                case ("bid", who, int(which), int(limit)) if self.auctions:
                    await village.bid(self.home(who), self.auctions[which % len(self.auctions)], limit)
                case _:
                    await self._do_else(step)
        except REFUSALS:
            pass

    async def _do_else(self, step: tuple[object, ...]) -> None:
        village = self.village
        match step:
            case ("ahead", one, other, int(much), int(ask), int(offer)):
                period = village.period_after(2)
                sale = await village.sell_ahead(self.home(one), period, much, ask)
                self.orders.append(UUID(sale["order"]))
                purchase = await village.buy_ahead(self.home(other), period, much, offer)
                self.orders.append(UUID(purchase["order"]))
            case ("partners", one, other):
                await village.choose(self.home(one), self.home(other))
                await village.choose(self.home(other), self.home(one))
            case ("allow", who, int(much)):
                await village.allow(self.home(who), much)
            case ("pay_out", who, int() | None as kes):
                await village.pay_out(self.home(who), kes)
            case ("wait", int(minutes)):
                await self.wait(minutes)
            case ("chain",):
                await village.chain_works()
            case ("expiry",):
                await village.localnet.tick(200)

    async def wait(self, minutes: int) -> None:
        self.village.now += timedelta(minutes=minutes)
        await self.village.advance()


async def live(folder: Path, steps: list[tuple[object, ...]]) -> None:
    async with open_village(folder) as village:
        for home in village.homes:
            await village.fund(home, 10_000)
        # So that there is something to sell from the start, and somebody to buy what comes.
        await village.end_period({"h-001": 3_000, "h-002": 2_000})
        await village.standing(village.amina, sell=1_000)
        await village.standing(village.chebet, buy=1_500)
        life = Life(village)
        for one in steps:
            await life.do(one)
            balances = await village.trial_balance()
            assert all(balance >= 0 for account, balance in balances.items() if ":" in account), balances
        await village.advance()
        await village.chain_works()
        await village.advance()
        await village.chain_works()
        await village.check()


def agree(founded: Path, steps: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = copy_of(founded, Path(scratch) / "village")
        asyncio.run(live(folder, steps))
        forget(folder)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=3, max_size=14))
def test_books_and_chain_agree_after_any_sequence(founded: Path, steps: list[tuple[object, ...]]) -> None:
    agree(founded, steps)


@pytest.mark.parametrize("founded", ["postgresql"], indirect=True)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, min_size=3, max_size=14))
def test_books_and_chain_agree_on_postgresql_too(founded: Path, steps: list[tuple[object, ...]]) -> None:
    agree(founded, steps)
