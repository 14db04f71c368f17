"""Orders for periods to come: who may place them until when, what they hold, and what the gate makes of them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from energy_swap_hub.ledger import Overdrawn
from energy_swap_hub.ledger.tables import hold
from energy_swap_hub.membership.households import by_id
from energy_swap_hub.settlement.ahead_tables import ahead_order, contract
from energy_swap_hub.settlement.gates import close_gate
from energy_swap_hub.settlement.notifications import notifications_after
from energy_swap_hub.settlement.reputation import facts_of
from energy_swap_hub.settlement.spot import OrderRefused
from energy_swap_hub.web.household_view import household_state
from energy_swap_hub.web.market_view import market, period_detail
from energy_swap_protocol.message import BuyAhead
from energy_swap_protocol.period import Period

from tests.hub.village import ALLOWED_WH, FEES, OPENED, PERIOD, VILLAGE, Home, Village

MONEY = 20_000
RETAIL = 2_500


@pytest.fixture
async def village(village: Village) -> Village:
    """The village at 9:01 in the period of 9:00; everybody has money."""
    for home in village.homes:
        await village.fund(home, MONEY)
    return village


def first_open(village: Village) -> Period:
    return village.period_after(2)


async def held(village: Village, home: Home) -> int:
    return (await village.wallet(home))["kes_held_cents"]


async def statuses(village: Village) -> dict[str, tuple[str, int]]:
    return {row["id"]: (row["status"], row["filled_wh"]) for row in await village.rows(ahead_order)}


async def test_orders_hold_what_they_can_cost_and_give_it_back_when_cancelled(village: Village) -> None:
    amina, chebet, period = village.amina, village.chebet, first_open(village)
    sale = await village.sell_ahead(amina, period, 2_000, at_least=1_000)
    assert sale == {
        "id": sale["order"],
        "order": sale["order"],
        "status": "open",
        "period": period.id,
        "filled_wh": 0,
    }
    purchase = await village.buy_ahead(chebet, period, 2_000, at_most=1_500)
    # A kWh that is not delivered costs the seller what the grid costs more than she asked.
    assert await held(village, amina) == 2 * (RETAIL - 1_000 - FEES)
    assert await held(village, chebet) == 2 * (1_500 + FEES)
    for home, order in ((amina, sale), (chebet, purchase)):
        assert (await village.cancel(home, order["order"]))["status"] == "cancelled"
        assert (await village.cents(home), await held(village, home)) == (MONEY, 0)
    with pytest.raises(OrderRefused, match="is cancelled"):
        await village.cancel(amina, sale["order"])
    await village.end_period()
    assert await village.rows(contract) == []


async def test_orders_are_taken_until_the_gate_closes_and_at_most_seven_days_ahead(village: Village) -> None:
    chebet = village.chebet
    with pytest.raises(
        OrderRefused, match=r"taken until 2026-11-20T09:00:00\+00:00; the first open one is .*T10:00Z"
    ):
        await village.buy_ahead(chebet, village.period_after(1), 1_000, 1_500)
    last = village.period_after(2 * 24 * 7)
    await village.buy_ahead(chebet, last, 1_000, 1_500)
    with pytest.raises(OrderRefused, match=f"more than 7 days ahead; the last open one is {last.id}"):
        await village.buy_ahead(chebet, Period(last.end, PERIOD), 1_000, 1_500)
    for odd in ("2026-11-20T12:10Z", "2026-13-20T12:00Z", "9999-12-31T23:30Z"):
        with pytest.raises(OrderRefused, match="period"):
            await village.send(chebet, BuyAhead(**village.head(), period=odd, wh=1_000, at_most=1_500))
    village.now = OPENED + PERIOD - timedelta(seconds=1)
    order = await village.buy_ahead(chebet, Period(OPENED + 2 * PERIOD, PERIOD), 1_000, 1_500)
    village.now += timedelta(seconds=1)
    with pytest.raises(OrderRefused, match="the first open one is 2026-11-20T10:30Z"):
        await village.buy_ahead(chebet, Period(OPENED + 2 * PERIOD, PERIOD), 1_000, 1_500)
    with pytest.raises(OrderRefused, match="binding"):
        await village.cancel(chebet, order["order"])


async def test_an_order_needs_money_allowance_and_one_side(village: Village) -> None:
    brian, chebet, period = village.brian, village.chebet, first_open(village)
    with pytest.raises(Overdrawn, match=r"holds KES 340.00, what it costs at most; free are KES 200.00"):
        await village.buy_ahead(chebet, period, 20_000, 1_500)
    with pytest.raises(Overdrawn, match=r"holds KES 229.90, the buyer's difference if nothing is delivered"):
        await village.sell_ahead(brian, period, 10_000, 1)
    await village.buy_ahead(chebet, period, 30_000, 1)
    with pytest.raises(OrderRefused, match=r"30.000 kWh are bought ahead already; order at most 20000 Wh"):
        await village.buy_ahead(chebet, Period(period.end, PERIOD), ALLOWED_WH - 30_000 + 1, 1)
    with pytest.raises(OrderRefused, match="h-003 is a consumer and can only buy"):
        await village.sell_ahead(chebet, period, 1_000, 2_000)
    await village.buy_ahead(brian, period, 1_000, 1)
    with pytest.raises(OrderRefused, match="either sells or buys: cancel the orders to buy"):
        await village.sell_ahead(brian, period, 1_000, 2_000)
    await village.sell_ahead(brian, Period(period.end, PERIOD), 1_000, 2_000)
    with pytest.raises(OrderRefused, match="has no order"):
        await village.cancel(village.david, (await village.rows(ahead_order))[0]["id"])
    assert len(await village.rows(ahead_order)) == 3


async def test_the_gate_makes_contracts_and_frees_what_they_do_not_need(village: Village) -> None:
    amina, brian, chebet, david = village.homes
    period = first_open(village)
    cheap = await village.sell_ahead(amina, period, 1_000, at_least=900)
    dear = await village.sell_ahead(amina, period, 1_000, at_least=1_300)
    out = await village.sell_ahead(brian, period, 1_000, at_least=2_000)
    first = await village.buy_ahead(chebet, period, 1_500, at_most=1_700)
    none = await village.buy_ahead(david, period, 1_000, at_most=800)
    await village.end_period()
    # Chebet's 1,500 Wh meet all of 900 and half of 1,300: the price is 1,300.
    [made] = await village.rows(contract)
    assert (made["number"], made["seller"], made["buyer"], made["wh"], made["cents_per_kwh"]) == (
        1,
        amina.id,
        chebet.id,
        1_500,
        1_300,
    )
    assert await statuses(village) == {
        cheap["order"]: ("filled", 1_000),
        dear["order"]: ("part_filled", 500),
        out["order"]: ("unfilled", 0),
        first["order"]: ("filled", 1_500),
        none["order"]: ("unfilled", 0),
    }
    told = await village.read(lambda c: notifications_after(c, VILLAGE, chebet.id, 0))
    told = [n for n in told if n["event"] == "contract_made"]
    assert [(n["period"], n["side"], n["wh"], n["cents_per_kwh"]) for n in told] == [
        (period.id, "buy", 1_500, 1_300)
    ]
    # 1.5 x (2,500 - 1,300 - 200) and 1.5 x (1,300 + 200); nothing of those who have no contract.
    assert [await held(village, home) for home in village.homes] == [1_500, 0, 2_250, 0]
    assert [await village.cents(home) for home in village.homes] == [
        MONEY - 1_500,
        MONEY,
        MONEY - 2_250,
        MONEY,
    ]


async def test_a_gate_closes_once_and_not_before_its_time(village: Village) -> None:
    period = first_open(village)
    await village.sell_ahead(village.amina, period, 1_000, at_least=900)
    await village.buy_ahead(village.chebet, period, 1_000, at_most=1_700)

    async def close() -> int:
        return len(await village.database.write(lambda c: close_gate(c, village.community, period, village.now)))

    with pytest.raises(ValueError, match="is open until"):
        await close()
    village.now = OPENED + PERIOD
    assert [await close(), await close()] == [1, 0]
    before = await village.trial_balance()
    await village.end_period()
    assert (await village.trial_balance(), len(await village.rows(contract))) == (before, 1)


async def test_an_hour_of_absence_changes_nothing(village: Village) -> None:
    """A hub that was away at the gate closes it before it books the period."""
    amina, chebet, period = village.amina, village.chebet, first_open(village)
    await village.sell_ahead(amina, period, 1_000, at_least=1_000)
    await village.buy_ahead(chebet, period, 1_000, at_most=1_000)
    for end, given in ((OPENED + PERIOD, 0), (OPENED + 2 * PERIOD, 0), (OPENED + 3 * PERIOD, 1_000)):
        for home in village.homes:
            net = {amina.id: given, chebet.id: -given}.get(home.id, 0)
            await _deliver_at(village, home, end, net)
    await village.advance()
    await village.chain_works()
    assert (await village.cents(amina), await village.cents(chebet)) == (MONEY + 1_000, MONEY - 1_000 - FEES)


async def _deliver_at(village: Village, home: Home, end: datetime, net: int) -> None:
    village.now = max(village.now, end)
    await village.deliver(home, home.measure(end, max(net, 0), max(-net, 0)))


async def test_what_was_kept_and_what_was_not_are_facts(village: Village) -> None:
    amina, brian, chebet, david = village.homes
    period = first_open(village)
    await village.sell_ahead(amina, period, 1_000, at_least=1_000)
    await village.buy_ahead(chebet, period, 1_000, at_most=1_000)
    await village.sell_ahead(brian, Period(period.end, PERIOD), 2_000, at_least=1_000)
    await village.buy_ahead(david, Period(period.end, PERIOD), 2_000, at_most=1_000)
    await village.end_period()
    await village.end_period()
    await village.end_period({amina.id: 700, chebet.id: -1_000})
    await village.end_period({brian.id: 2_000, david.id: -500})
    # Who was there for the other has kept its word, whatever the other did.
    facts = await village.read(lambda c: facts_of(c, VILLAGE, village.now))
    assert {name: (f.contracts, f.promised_wh, f.delivered_wh) for name, f in facts.items()} == {
        amina.id: (1, 1_000, 700),
        chebet.id: (1, 1_000, 1_000),
        brian.id: (1, 2_000, 2_000),
        david.id: (1, 2_000, 500),
    }
    assert [row for row in await village.rows(hold) if row["is_open"]] == []


async def test_contracts_of_several_parties_fill_in_the_order_of_their_numbers(village: Village) -> None:
    amina, brian, chebet, david = village.homes
    period = first_open(village)
    await village.sell_ahead(amina, period, 1_000, at_least=1_000)
    await village.sell_ahead(brian, period, 1_000, at_least=1_000)
    await village.buy_ahead(chebet, period, 1_200, at_most=1_000)
    await village.buy_ahead(david, period, 800, at_most=1_000)
    await village.end_period()
    await village.end_period()
    await village.end_period({amina.id: 1_000, brian.id: 1_000, chebet.id: -1_200, david.id: -800})
    assert [await village.cents(home) - MONEY for home in village.homes] == [
        1_000,
        1_000,
        -1_440,  # 1.2 x 1,200
        -960,  # 0.8 x 1,200
    ]
    assert {(row["delivered_wh"], row["wh"] - row["delivered_wh"]) for row in await village.rows(contract)} == {
        (row["wh"], 0) for row in await village.rows(contract)
    }


async def test_households_and_the_console_see_orders_and_contracts(village: Village) -> None:
    amina, chebet, period = village.amina, village.chebet, first_open(village)
    sale = await village.sell_ahead(amina, period, 1_000, at_least=1_000)
    purchase = await village.buy_ahead(chebet, period, 1_000, at_most=1_000)
    order = {
        "period": period.id,
        "wh": 1_000,
        "limit": 1_000,
        "gate_closes_at": int((OPENED + PERIOD).timestamp()),
    }
    sold = order | {"id": sale["order"], "side": "sell"}
    bought = order | {"id": purchase["order"], "side": "buy"}
    assert await _seen(village, amina) == ([sold], [])
    assert await _seen(village, chebet) == ([bought], [])
    everything = await village.read(lambda c: market(c, village.community, village.now))
    assert sorted(everything["ahead"]["orders"], key=lambda o: str(o["household"])) == [
        sold | {"household": amina.id},
        bought | {"household": chebet.id},
    ]
    await village.end_period()
    made = {"period": period.id, "number": 1, "wh": 1_000, "cents_per_kwh": 1_000}
    unknown = dict.fromkeys(("delivered_wh", "backfill_wh", "spare_wh"))
    assert await _seen(village, amina) == ([], [made | unknown | {"side": "sell", "with": chebet.id}])
    assert await _seen(village, village.brian) == ([], [])
    await village.end_period()
    await village.end_period({amina.id: 700, chebet.id: -1_000})
    delivered = {"delivered_wh": 700, "backfill_wh": 300, "spare_wh": 0}
    assert await _seen(village, chebet) == ([], [made | delivered | {"side": "buy", "with": amina.id}])
    everything = await village.read(lambda c: market(c, village.community, village.now))
    assert everything["ahead"] == {
        "orders": [],
        "contracts": [made | delivered | {"seller": amina.id, "buyer": chebet.id}],
    }
    state = await village.read(
        lambda c: household_state(c, village.community, by_id(c, VILLAGE, chebet.id), village.now)
    )
    # Delivered 0.700 x 1,200 = 840; the seller bears 0.300 x (2,500 - 1,200) = 390.
    last = state["last_settlement"]
    assert (last["bought_wh"], last["sold_wh"], last["paid_cents"], last["earned_cents"]) == (700, 0, 840, 390)
    detail = await village.read(lambda c: period_detail(c, village.community, period.id))
    assert detail["trades"] == [
        {
            "market": "ahead",
            "seller": amina.id,
            "buyer": chebet.id,
            "wh": 700,
            "cents_per_kwh": 1_000,
            "cents": 700,
        }
    ]


async def _seen(village: Village, home: Home) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    state = await village.read(
        lambda c: household_state(c, village.community, by_id(c, VILLAGE, home.id), village.now)
    )
    return state["ahead_orders"], state["contracts"]
