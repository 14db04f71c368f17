from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from energy_swap_hub import ledger
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.market.fees import Tariff
from energy_swap_hub.settlement import spot_tables
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_protocol.message import BuyOrder, SellOrder
from energy_swap_protocol.transaction import TransactionError, lock_message

from tests.hub.village import FEES, OPENED, Village, community, copy_of, open_village

MONEY = 100_000


@pytest.fixture
async def village(village: Village) -> Village:
    """The village after a period: Amina has 3 kWh and Brian 1 kWh to sell, the others have money."""
    await village.end_period({village.amina.id: 3_000, village.brian.id: 1_000})
    for home in (village.chebet, village.david):
        await village.fund(home, MONEY)
    return village


async def test_a_sale_waits_for_the_chain_then_two_buyers_fill_it_in_parts_and_the_rest_comes_back(
    village: Village,
) -> None:
    amina, chebet, david = village.amina, village.chebet, village.david
    sale = await village.sell_order(amina, 2_500, at_least=1_500)
    assert (await village.send(amina, sale))["status"] == "pending_lock"
    assert (await village.wallet(amina))["ekwh_held_wh"] == 2_500
    early = await village.buy(chebet, 100, at_most=2_000)
    assert (early["status"], early["trades"]) == ("open", []), "tokens that are not in escrow cannot be sold"
    await village.cancel(chebet, early["order"])

    await village.chain_works()
    assert (await village.order(sale.id))["status"] == "open"
    first = await village.buy(chebet, 1_000, at_most=1_500)
    assert (first["status"], first["filled_wh"]) == ("filled", 1_000)
    second = await village.buy(david, 800, at_most=1_500)
    assert second["trades"] == [
        {"wh": 800, "cents_per_kwh": 1_500, "seller": amina.id, "buyer": david.id},
    ]
    assert (await village.order(sale.id))["remaining_wh"] == 700
    await village.chain_works()
    assert (await village.on_chain(chebet), await village.on_chain(david)) == (1_000, 800)

    assert (await village.cancel(amina, sale.id))["status"] == "cancelled"
    await village.chain_works()
    wallet = await village.wallet(amina)
    assert (wallet["ekwh_wh"], wallet["ekwh_held_wh"], wallet["kes_cents"]) == (1_200, 0, 1_500 + 1_200)
    assert await village.on_chain(amina) == 1_200
    assert await village.cents(chebet) == MONEY - 1_500 - FEES
    assert await village.cents(david) == MONEY - 1_200 - FEES * 8 // 10


async def test_a_sale_whose_lock_expires_is_refused_and_the_tokens_are_free(village: Village) -> None:
    sale = await village.sell_order(village.amina, 2_000, at_least=1_500)
    await village.send(village.amina, sale)
    await village.localnet.tick(200)
    await village.chain.send_waiting()
    assert (await village.order(sale.id))["status"] == "refused"
    wallet = await village.wallet(village.amina)
    assert (wallet["ekwh_wh"], wallet["ekwh_held_wh"]) == (3_000, 0)
    await village.sell(village.amina, 2_000, at_least=1_500)


@pytest.mark.parametrize("wrong", ["other amount", "other order", "other key", "not a transaction"])
async def test_a_lock_that_is_not_this_sales_is_refused_and_nothing_is_left(village: Village, wrong: str) -> None:
    amina, brian = village.amina, village.brian
    good = await village.sell_order(amina, 1_000, at_least=1_500)
    info = await village.info()
    match wrong:
        case "other amount":
            lock = amina.sign(lambda chain: lock_message(chain, amina.pubkey, 900, good.id), info)
        case "other order":
            lock = amina.sign(lambda chain: lock_message(chain, amina.pubkey, 1_000, UUID(int=7)), info)
        case "other key":
            lock = brian.sign(lambda chain: lock_message(chain, brian.pubkey, 1_000, good.id), info)
        case _:
            lock = "AAAA"
    with pytest.raises(TransactionError):
        await village.send(amina, SellOrder(**village.head(good.id), wh=1_000, at_least=1_500, lock=lock))
    assert (await village.wallet(amina))["ekwh_held_wh"] == 0
    assert await village.rows(spot_tables.spot_order) == []
    await village.send(amina, good)
    await village.chain_works()


async def test_nobody_sells_more_than_it_has(village: Village) -> None:
    await village.sell(village.amina, 2_000, at_least=1_500)
    with pytest.raises(Overdrawn):
        await village.sell(village.amina, 1_001, at_least=1_500)
    await village.sell(village.amina, 1_000, at_least=1_500)
    with pytest.raises(OrderRefused, match="h-004 is a consumer and can only buy"):
        await village.sell(village.david, 100, at_least=1_500)


async def test_a_better_price_gives_the_rest_of_the_hold_back(village: Village) -> None:
    chebet = village.chebet
    cheap, dear = (
        await village.sell(village.brian, 1_000, at_least=1_000),
        await village.sell(village.amina, 1_000, at_least=1_600),
    )
    bought = await village.buy(chebet, 1_500, at_most=1_800)
    assert [(t["wh"], t["cents_per_kwh"]) for t in bought["trades"]] == [(1_000, 1_000), (500, 1_600)]
    wallet = await village.wallet(chebet)
    assert wallet["kes_held_cents"] == 0
    assert wallet["kes_cents"] == MONEY - (1_000 + FEES) - (1_600 + FEES) // 2
    assert (await village.order(cheap))["status"] == "filled"
    assert (await village.order(dear))["remaining_wh"] == 500
    await village.chain_works()


async def test_a_resting_purchase_keeps_its_money_held_until_it_is_filled(village: Village) -> None:
    chebet = village.chebet
    resting = await village.buy(chebet, 2_000, at_most=1_800)
    wallet = await village.wallet(chebet)
    assert (wallet["kes_cents"], wallet["kes_held_cents"]) == (MONEY - 4_000, 4_000)
    # The sale trades at the limit of the order that rests.
    await village.sell(village.brian, 1_000, at_least=1_000)
    assert await village.cents(village.brian) == 1_800
    assert (await village.wallet(chebet))["kes_held_cents"] == 2_000
    await village.cancel(chebet, resting["order"])
    assert await village.cents(chebet) == MONEY - 2_000
    await village.chain_works()


async def test_a_purchase_beyond_the_wallet_is_refused(village: Village) -> None:
    with pytest.raises(Overdrawn):
        await village.buy(village.chebet, 100_000, at_most=1_800)
    with pytest.raises(Overdrawn):
        await village.buy(village.amina, 100, at_most=1_800)


async def test_fills_in_many_small_parts_never_cost_more_than_was_held(village: Village) -> None:
    """Each part is rounded by itself; what rounds up beyond the hold is the community's."""
    chebet = village.chebet
    resting = await village.buy(chebet, 1_300, at_most=1_316)
    held = (await village.wallet(chebet))["kes_held_cents"]
    for _ in range(13):
        await village.sell(village.amina, 100, at_least=1_000)
    assert (await village.order(resting["order"]))["status"] == "filled"
    wallet = await village.wallet(chebet)
    assert (wallet["kes_cents"], wallet["kes_held_cents"]) == (MONEY - held, 0)
    await village.chain_works()


async def test_orders_expire_on_both_sides(village: Village) -> None:
    until = village.now + timedelta(minutes=10)
    sale = await village.sell(village.amina, 1_000, at_least=2_000, valid_until=until)
    purchase = await village.buy(village.chebet, 1_000, at_most=1_000, valid_until=until)
    village.now = until - timedelta(seconds=1)
    await village.advance()
    assert (await village.order(sale))["status"] == "open"
    village.now = until
    await village.advance()
    assert (await village.order(sale))["status"] == (await village.order(purchase["order"]))["status"] == "expired"
    await village.chain_works()
    assert (await village.wh(village.amina), await village.cents(village.chebet)) == (3_000, MONEY)
    assert await village.on_chain(village.amina) == 3_000
    with pytest.raises(OrderRefused, match="open"):
        await village.cancel(village.amina, sale)


async def test_a_sale_that_expires_while_the_chain_locks_it_gives_the_tokens_back(village: Village) -> None:
    until = village.now + timedelta(minutes=1)
    sale = await village.sell_order(village.amina, 1_000, at_least=1_000, valid_until=until)
    await village.buy(village.chebet, 1_000, at_most=1_000)
    await village.send(village.amina, sale)
    village.now = until
    await village.chain_works()
    assert (await village.order(sale.id))["status"] == "expired"
    assert (await village.wh(village.amina), await village.on_chain(village.amina)) == (3_000, 3_000)


async def test_a_sale_expires_that_the_chain_still_locked_when_another_order_expired(village: Village) -> None:
    soon, later = (village.now + timedelta(minutes=minutes) for minutes in (1, 10))
    sale = await village.sell_order(village.amina, 1_000, at_least=2_000, valid_until=later)
    await village.send(village.amina, sale)
    await village.buy(village.chebet, 1_000, at_most=1_000, valid_until=soon)
    village.now = soon
    await village.advance()
    await village.chain_works()
    assert (await village.order(sale.id))["status"] == "open"
    village.now = later
    await village.advance()
    assert (await village.order(sale.id))["status"] == "expired"
    await village.chain_works()


async def test_an_order_whose_time_is_over_or_beyond_reason_is_refused(village: Village) -> None:
    for valid_until in (int(village.now.timestamp()), 10**12, 10**18, 10**30, -(10**30)):
        with pytest.raises(OrderRefused, match="valid_until"):
            await village.send(
                village.chebet, BuyOrder(**village.head(), wh=100, at_most=1, valid_until=valid_until)
            )


async def test_an_own_order_is_passed_over(village: Village) -> None:
    amina, brian = village.amina, village.brian
    await village.fund(amina, MONEY)
    own = await village.sell(amina, 1_000, at_least=1_000)
    await village.sell(brian, 1_000, at_least=1_200)
    bought = await village.buy(amina, 1_500, at_most=1_500)
    assert [(trade["seller"], trade["wh"]) for trade in bought["trades"]] == [(brian.id, 1_000)]
    assert (await village.order(own))["status"] == "open"
    await village.chain_works()


async def test_only_the_own_open_order_can_be_cancelled(village: Village) -> None:
    sale = await village.sell(village.amina, 1_000, at_least=1_500)
    with pytest.raises(OrderRefused, match="no order"):
        await village.cancel(village.brian, sale)
    with pytest.raises(OrderRefused, match="no order"):
        await village.cancel(village.amina, UUID(int=3))
    waiting = await village.sell_order(village.brian, 500, at_least=1_500)
    await village.send(village.brian, waiting)
    with pytest.raises(OrderRefused, match="pending_lock"):
        await village.cancel(village.brian, waiting.id)
    await village.chain_works()


@pytest.fixture
async def dearer_village(founded: Path, tmp_path: Path) -> AsyncIterator[Village]:
    """A village whose fees rise a quarter of an hour after the first period."""
    day_before = OPENED - timedelta(days=1)
    tariffs = (
        Tariff(day_before, 50, 150, 2_500, 300),
        Tariff(OPENED + timedelta(minutes=45), 50, 950, 2_500, 300),
    )
    folder = copy_of(founded, tmp_path / "dearer")
    async with open_village(folder, rules=community(tariffs=tariffs)) as village:
        yield village
        await village.check()


async def test_fees_are_those_of_when_the_money_was_held(dearer_village: Village) -> None:
    village = dearer_village
    await village.end_period({village.amina.id: 3_000})
    await village.fund(village.chebet, 1_200)
    await village.buy(village.chebet, 1_000, at_most=1_000)
    village.now += timedelta(minutes=20)
    await village.sell(village.amina, 1_000, at_least=1_000)
    await village.chain_works()
    assert (await village.cents(village.amina), await village.cents(village.chebet)) == (1_000, 0)
    assert await village.balance(ledger.ROUNDING) == 0
