from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from energy_swap_hub.ledger import FEES, GRID
from energy_swap_hub.mpesa import PaymentRefused
from energy_swap_hub.mpesa.tables import payment_intent
from energy_swap_hub.settlement import spot_tables, tables
from energy_swap_hub.settlement.notifications import notifications_after
from energy_swap_hub.settlement.settings import Change, Prices, change_settings
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_protocol.message import BuyOrder

from tests.hub.village import VILLAGE, Home, Village


@pytest.fixture
async def sellers(village: Village) -> Village:
    """Amina and Brian have tokens to sell; nobody has money."""
    for seller in (village.amina, village.brian):
        await village.standing(seller, sell=None)
    await village.end_period({village.amina.id: 3_000, village.brian.id: 2_000})
    assert [await village.wh(seller) for seller in (village.amina, village.brian)] == [3_000, 2_000]
    return village


async def purchase(village: Village, buyer: Home, wh: int, at_most: int, **wishes: Any) -> dict[str, Any]:
    return await village.send(buyer, BuyOrder(**village.head(), wh=wh, at_most=at_most, pay="mpesa", **wishes))


async def pays(village: Village, buyer: Home, order: dict[str, Any], cents: int | None = None) -> None:
    """M-Pesa tells that the prompt was answered with the PIN."""
    await village.database.write(
        lambda c: village.payments.received(
            c,
            community_id=VILLAGE,
            household_id=buyer.id,
            cents=order["kes"] * 100 if cents is None else cents,
            receipt=uuid4().hex[:10].upper(),
            at=village.now,
            purpose=f"order:{order['order']}",
        )
    )
    await village.chain_works()


async def refuses(village: Village, buyer: Home, order: dict[str, Any]) -> None:
    """M-Pesa tells that the prompt was refused, or that its time is over."""
    await village.database.write(
        lambda c: village.payments.receive_failed(
            c,
            community_id=VILLAGE,
            household_id=buyer.id,
            intent_id=order["intent"],
            reason="cancelled",
            purpose=f"order:{order['order']}",
        )
    )
    await village.chain_works()


async def test_a_purchase_is_settled_with_the_money_that_the_phone_sends(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    dear = await village.sell(village.amina, 1_000, 1_500)
    cheap = await village.sell(village.brian, 1_000, 1_000)
    order = await purchase(village, buyer, 1_500, 1_500)
    # 1 kWh at KES 10 and 0.5 kWh at KES 15, each with KES 2 of fees: KES 12 and 8.50, as whole KES 21.
    assert (order["status"], order["filled_wh"], order["kes"]) == ("pending_payment", 0, 21)
    assert [(await village.order(o))["status"] for o in (cheap, dear)] == ["reserved", "open"]
    assert (await village.order(dear))["remaining_wh"] == 500
    [intent] = [row for row in await village.rows(payment_intent) if row["purpose"] != "top_up"]
    assert (intent["kes"], intent["household_id"]) == (21, buyer.id)

    await pays(village, buyer, order)
    assert await village.wh(buyer) == 1_500
    assert await village.cents(buyer) == 50, "what was paid above the price stays in the wallet"
    assert (await village.cents(village.brian), await village.cents(village.amina)) == (1_000, 750)
    assert (await village.order(order["order"]))["status"] == "filled"
    assert [(await village.order(o))["status"] for o in (cheap, dear)] == ["filled", "open"]


async def test_a_purchase_costs_the_fees_of_the_time_it_was_placed(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    dearer = Prices(
        community_fee_cents_per_kwh=100,
        grid_fee_cents_per_kwh=190,
        retail_cents_per_kwh=2_500,
        feed_in_cents_per_kwh=300,
    )
    await village.database.write(
        lambda c: change_settings(
            c,
            village.community,
            Change(tariff=dearer),
            (village.now + timedelta(hours=1)).replace(minute=0, second=0),
            who="office",
            reason="the members decided it",
            now=village.now,
        )
    )
    village.now += timedelta(hours=1)
    sale = await village.sell(village.amina, 1_000, 1_000)
    order = await purchase(village, buyer, 1_000, 1_000)
    assert order["kes"] == 13, "KES 10 and 2.90 of fees"
    await pays(village, buyer, order)
    assert (await village.wh(buyer), await village.cents(buyer)) == (1_000, 10)
    assert (await village.order(sale))["status"] == "filled"
    assert (await village.balance(FEES), await village.balance(GRID)) == (100, 190)


async def told(village: Village, home: Home) -> list[tuple[Any, ...]]:
    """Return what a household was told of its orders."""
    rows = await village.database.read(lambda c: notifications_after(c, VILLAGE, home.id, 0))
    return [
        (row["event"], row["order"], row.get("wh"), row.get("reason"), row["remaining_wh"])
        for row in rows
        if row["event"] in {"order_matched", "order_ended"}
    ]


async def test_both_sides_of_a_purchase_by_mpesa_are_told(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    dear = await village.sell(village.amina, 1_000, 1_500)
    cheap = await village.sell(village.brian, 1_000, 1_000)
    order = (await purchase(village, buyer, 2_500, 1_500))["order"]
    assert [await told(village, home) for home in (buyer, village.amina, village.brian)] == [[], [], []]
    await pays(village, buyer, {"order": order, "kes": 40})
    assert sorted(await told(village, buyer), key=str) == sorted(
        [
            ("order_matched", order, 1_000, None, 1_500),
            ("order_matched", order, 1_000, None, 500),
            ("order_ended", order, None, "part_filled", 500),
        ],
        key=str,
    )
    assert await told(village, village.amina) == [("order_matched", str(dear), 1_000, None, 0)]
    assert await told(village, village.brian) == [("order_matched", str(cheap), 1_000, None, 0)]
    [trade, other] = await village.rows(tables.trade)
    assert trade["reference"] == other["reference"], "what was bought at once is one entry"


async def test_a_buyer_is_told_that_an_unpaid_purchase_ended(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    await village.sell(village.amina, 1_000, 1_000)
    order = await purchase(village, buyer, 1_000, 1_000)
    await refuses(village, buyer, order)
    assert await told(village, buyer) == [("order_ended", order["order"], None, "unpaid", 1_000)]
    assert await told(village, village.amina) == []


async def test_an_unpaid_purchase_gives_back_what_it_kept_and_nobody_lost_a_place(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    first = await village.sell(village.amina, 1_000, 1_000)
    order = await purchase(village, buyer, 1_000, 1_000)
    second = await village.sell(village.brian, 1_000, 1_000)
    await refuses(village, buyer, order)
    assert (await village.order(order["order"]))["status"] == "unpaid"
    assert [(await village.order(o))["status"] for o in (first, second)] == ["open", "open"]
    await village.fund(village.david, 10_000)
    await village.buy(village.david, 1_000, 1_000)
    await village.chain_works()
    assert [(await village.order(o))["status"] for o in (first, second)] == ["filled", "open"]


async def test_a_sale_that_comes_back_meets_who_came_meanwhile(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    sale = await village.sell(village.amina, 1_000, 1_000)
    order = await purchase(village, buyer, 1_000, 1_000)
    await village.fund(village.david, 10_000)
    waiting = await village.buy(village.david, 400, 1_200)
    assert waiting["filled_wh"] == 0
    await refuses(village, buyer, order)
    assert (await village.order(waiting["order"]))["trades"] == [
        {"wh": 400, "cents_per_kwh": 1_200, "seller": "h-001", "buyer": "h-004"}
    ]
    assert (await village.order(sale))["remaining_wh"] == 600


@pytest.mark.parametrize("is_paid", [True, False])
async def test_a_sale_that_is_taken_back_meanwhile_still_owes_what_is_kept_for_a_buyer(
    sellers: Village, is_paid: bool
) -> None:
    village, buyer = sellers, sellers.chebet
    sale = await village.sell(village.amina, 2_000, 1_000)
    order = await purchase(village, buyer, 500, 1_000)
    await village.cancel(village.amina, sale)
    await village.chain_works()
    assert await village.wh(village.amina) == 2_500
    await (pays if is_paid else refuses)(village, buyer, order)
    assert await village.wh(village.amina) == (2_500 if is_paid else 3_000)
    assert await village.wh(buyer) == (500 if is_paid else 0)
    assert (await village.order(sale))["status"] == "cancelled"


@pytest.mark.parametrize("is_paid", [True, False])
async def test_a_sale_whose_time_passes_while_the_buyer_pays(sellers: Village, is_paid: bool) -> None:
    village, buyer = sellers, sellers.chebet
    sale = await village.sell(village.amina, 1_000, 1_000, valid_until=village.now + timedelta(minutes=3))
    order = await purchase(village, buyer, 1_000, 1_000)
    village.now += timedelta(minutes=4)
    await village.advance()
    await (pays if is_paid else refuses)(village, buyer, order)
    assert (await village.order(sale))["status"] == ("filled" if is_paid else "expired")
    assert await village.wh(village.amina) == (2_000 if is_paid else 3_000)


async def test_two_buyers_pay_for_parts_of_one_sale(sellers: Village) -> None:
    village = sellers
    sale = await village.sell(village.amina, 1_000, 1_000)
    one = await purchase(village, village.chebet, 600, 1_000)
    other = await purchase(village, village.david, 600, 1_000)
    assert (await village.order(sale))["status"] == "reserved"
    await refuses(village, village.chebet, one)
    await pays(village, village.david, other)
    assert (await village.order(other["order"]))["status"] == "part_filled"
    assert (await village.order(sale))["remaining_wh"] == 600
    assert [await village.wh(home) for home in (village.chebet, village.david)] == [0, 400]


async def test_too_little_money_buys_nothing_and_stays_in_the_wallet(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    sale = await village.sell(village.amina, 1_000, 1_000)
    order = await purchase(village, buyer, 1_000, 1_000)
    await pays(village, buyer, order, cents=1_100)
    assert (await village.order(order["order"]))["status"] == "unpaid"
    assert (await village.order(sale))["remaining_wh"] == 1_000
    assert await village.cents(buyer) == 1_100


async def test_an_outcome_told_again_changes_nothing(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    await village.sell(village.amina, 1_000, 1_000)
    order = await purchase(village, buyer, 1_000, 1_000)
    await pays(village, buyer, order)
    await refuses(village, buyer, order)
    await pays(village, buyer, order)
    assert await village.wh(buyer) == 1_000
    assert await village.cents(buyer) == order["kes"] * 100, "the second payment is money like any other"


async def test_what_was_kept_survives_a_restart(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    sale = await village.sell(village.amina, 1_000, 1_000)
    order = await purchase(village, buyer, 300, 1_000)
    await village.database.write(lambda c: c.info.clear())  # as a new process finds it
    with pytest.raises(OrderRefused, match="best offer in the book is 700 Wh at 1000"):
        await purchase(village, village.david, 500, 900)
    await pays(village, buyer, order)
    assert (await village.order(sale))["remaining_wh"] == 700


async def test_a_refused_purchase_leaves_nothing_behind(sellers: Village) -> None:
    village, buyer = sellers, sellers.chebet
    with pytest.raises(OrderRefused, match="nothing is for sale now"):
        await purchase(village, buyer, 1_000, 1_000)
    sale = await village.sell(village.amina, 2_000, 1_000)
    for wishes, words in (
        ({"post_only": True}, "post_only: an order paid by M-Pesa buys at once"),
        ({"valid_until": int(village.now.timestamp()) + 600}, "valid_until: an order paid by M-Pesa buys at once"),
        ({"seller": "h-002"}, "nobody who accepts this order sells to you at 1000"),
    ):
        with pytest.raises(OrderRefused, match=words):
            await purchase(village, buyer, 1_000, 1_000, **wishes)
    with pytest.raises(OrderRefused, match="nobody who accepts this order"):
        await purchase(village, village.amina, 1_000, 1_000)
    order = await purchase(village, buyer, 500, 1_000)
    with pytest.raises(PaymentRefused):  # one open prompt per phone
        await purchase(village, buyer, 500, 1_000)
    with pytest.raises(OrderRefused, match="pending_payment; the prompt is on your phone"):
        await village.cancel(buyer, order["order"])
    assert (await village.order(sale))["remaining_wh"] == 1_500
    assert len([r for r in await village.rows(spot_tables.reservation) if r["state"] == "held"]) == 1
    assert (await village.wallet(buyer))["kes_held_cents"] == 0
