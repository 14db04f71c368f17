"""The rest of the day in Amina's Home Assistant: blueprints, money, orders, auctions, a strategy; all parts real.

It goes on where test_home_assistant.py ended, or begins where the community does.
"""

import csv
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from typing import Any

import pytest
import pytest_asyncio
from energy_swap_demo.home_assistant import CommandFailedError
from energy_swap_demo.households import COMMUNITY_START, HOUSEHOLDS

from tests.custom_components.automations import NO_TIME, PHONE, a_switch, by_blueprint, notification, phone, tap

from .conftest import BUYER, SELLER, AminasHouse, complaints, until

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(1500)]

AMINA = HOUSEHOLDS[SELLER - 1]
AFTERNOON = COMMUNITY_START + timedelta(hours=15, minutes=30)
SUNSET = COMMUNITY_START + timedelta(hours=17)  # behind Amina's neighbours' roofs
NIGHT = COMMUNITY_START + timedelta(hours=20, minutes=30)  # half a day after the community began
OUT_OF_REACH = 50  # KES for a kWh: nobody pays that


@pytest_asyncio.fixture(scope="module", loop_scope="package", autouse=True)
async def afternoon(house: AminasHouse) -> AsyncIterator[None]:
    """Let the sun shine until there is energy to trade, with no automation or order of before."""
    await house.play(AFTERNOON)
    for state in await house.home.command("get_states"):
        if state["entity_id"].startswith("automation."):
            await house.home.request("DELETE", f"config/automation/config/{state['attributes']['id']}")
    await house.take_back_all_orders()
    yield


async def test_money_arrives_or_not_and_switches_follow_balance_and_sun(house: AminasHouse) -> None:
    of, home = house.entities, house.home
    async with (
        a_switch(home, "Relay") as relay,
        by_blueprint(
            home,
            "relay_by_prepaid_balance",
            kes_balance=of["kes_balance"],
            relay=relay,
            on_from=300,
            grace=NO_TIME,
        ),
        a_switch(home, "Load", is_on=True) as load,
        by_blueprint(
            home,
            "run_a_load_on_surplus",
            surplus_power=of["surplus_power"],
            load={"entity_id": load},
            on_above=3000,
            off_below=50,
            steady_for=NO_TIME,
        ),
    ):
        before = await house.value("kes_balance")
        await house.neighbourhood.set_habit(AMINA, "cancels")
        await home.call("energy_swap", "top_up", {"amount": 400})
        await house.play_to_next_period()
        assert await house.told("payment", "failed")
        await house.shows("kes_balance", before, within=10)  # more or less by what was sold meanwhile
        await house.neighbourhood.set_habit(AMINA, "pays")
        await home.call("energy_swap", "top_up", {"amount": 400})
        await house.play_to_next_period()
        await house.shows("kes_balance", before + 400, within=20)
        await home.wait_for(relay, lambda state: state == "on")
        await house.play(SUNSET)
        await house.shows("surplus_power", Decimal(0))
        await home.wait_for(load, lambda state: state == "off")


async def test_tokens_of_a_neighbour_are_bought(house: AminasHouse) -> None:
    neighbour = house.neighbourhood.edge(await house.richest_neighbour())
    await neighbour.command("sell", wh=100, at_least=900, valid_for_minutes=60)
    tokens = await house.value("token_balance")
    bought = await house.home.call("energy_swap", "buy", {"energy": 0.1, "maximum_price": 16})
    assert bought is not None
    assert bought["filled_wh"] == 100
    await house.shows("token_balance", tokens + Decimal("0.1"))


async def test_an_order_is_seen_and_taken_back(house: AminasHouse) -> None:
    tokens = await house.value("token_balance")
    sale = await house.home.call("energy_swap", "sell", {"energy": 0.1, "minimum_price": OUT_OF_REACH})
    assert sale is not None
    await house.shows("open_orders", Decimal(1))
    await house.shows("token_held", Decimal("0.1"))
    await house.take_back_all_orders()
    await house.shows("token_balance", tokens)
    assert await house.offers() == []
    with pytest.raises(CommandFailedError, match="This order is no longer open"):
        await house.home.call("energy_swap", "cancel_order", {"order": sale["order"]})


async def test_an_auction_is_won_and_another_one_sold(house: AminasHouse) -> None:
    """Both end with the running period; who bids most has the tokens then."""
    seller = await house.richest_neighbour()
    neighbour, buyer = house.neighbourhood.edge(seller), house.neighbourhood.edge(BUYER)
    theirs = await neighbour.command("start_auction", wh=100, start_price=900, minutes=10)
    own = await house.home.call(
        "energy_swap", "start_auction", {"energy": 0.1, "start_price": 10, "duration": "00:10:00"}
    )
    assert own is not None
    bid = await house.home.call("energy_swap", "bid", {"auction": theirs["auction"], "price": 14})
    assert bid is not None
    await buyer.command("bid", auction=own["auction"], price=1_300)

    async def is_leading() -> bool:
        market = await house.home.call("energy_swap", "get_market", {})
        assert market is not None
        return any(one["id"] == theirs["auction"] and one.get("leading") for one in market["auctions"])

    await until(is_leading)
    before = await house.at_the_hub()
    await house.play_to_next_period()
    rows = (await house.neighbourhood.console.get("trades?limit=50"))["trades"]
    # The neighbourhood's own auction of the afternoon may have been between the same two.
    sold = {(row["seller"], row["buyer"], row["wh"]) for row in rows if row["market"] == "auction"}
    assert (await house.household_of(seller), house.household, 100) in sold
    assert (house.household, await house.household_of(BUYER), 100) in sold
    after = await house.at_the_hub()
    assert after["sold_wh"] >= before["sold_wh"] + 100
    await house.shows("sold_energy", Decimal(after["sold_wh"]) / 1000)


async def test_a_standing_offer_and_an_extra_meter_are_added_and_work(house: AminasHouse) -> None:
    home = house.home
    offer = {
        "name": "Each evening",
        "side": "sell",
        "energy": 0.1,
        "price": OUT_OF_REACH,
        "time": "17:00:00",
        "days": ["mon"],
        "minutes": 60,
    }
    flat = {"name": "Flat", "entity_id": house.entities["consumed_energy"], "grid_price": 21}
    button = await add_part(house, "standing_offer", offer, "offer_now")
    cost = await add_part(house, "extra_meter", flat, "extra_meter_cost")
    # With the second part the first one was set up anew.
    await home.wait_for(button, lambda state: state != "unavailable")
    await home.call("button", "press", {"entity_id": button}, with_response=False)
    order = await house.offers_at(OUT_OF_REACH * 100)
    assert order["wh"] == 100
    await home.wait_for(cost, lambda state: state[0].isdigit())
    await house.take_back_all_orders()


async def add_part(house: AminasHouse, kind: str, answer: dict[str, Any], key: str) -> str:
    """Add a standing offer or an extra meter; return its entity ``key`` once the entry is set up with it."""
    home, flow = house.home, "config/config_entries/subentries/flow"
    step = await home.request("POST", flow, {"handler": [house.entry_id, kind]})
    step = await home.request("POST", f"{flow}/{step['flow_id']}", answer)
    assert step["type"] == "create_entry", step

    async def entity() -> str | None:
        return (await home.entities(house.entry_id, also_disabled=True)).get(key)

    entity_id = await until(entity)
    await home.wait_for(entity_id, lambda state: state != "unavailable")
    return entity_id


async def has_payment_open(house: AminasHouse) -> bool:
    return bool((await house.neighbourhood.console.get("overview"))["payments_open"])


async def test_the_energy_dashboard_has_every_wh_of_the_meter_once(house: AminasHouse) -> None:
    """By now Amina has sold, kept, used and bought tokens, in periods, on the spot market and in an auction."""
    home, edge_id = house.home, await house.home.edge_id()
    sources = [
        f"energy_swap:{edge_id}_{who}_{way}" for who in ("neighbour", "utility") for way in ("import", "export")
    ]
    sources.append(f"energy_swap:{edge_id}_generation")

    days = {"from": COMMUNITY_START.date().isoformat(), "to": house.now.date().isoformat()}
    sums: dict[str, Decimal] = {}
    counted: dict[str, Decimal] = {}

    async def are_whole() -> bool:
        found = await home.command(
            "recorder/statistics_during_period",
            start_time=COMMUNITY_START.isoformat(),
            statistic_ids=sources,
            period="hour",
            types=["sum"],
        )
        sums.update({source: Decimal(str(rows[-1]["sum"])) for source, rows in found.items()})
        history = await home.call("energy_swap", "export_history", days)
        assert history is not None
        rows = list(csv.DictReader(StringIO(history["csv"])))  # with what the household's own meter counted
        for way in ("import", "export", "generation"):
            counted[way] = sum((Decimal(row[f"{way}_wh"]) for row in rows), Decimal(0)) / 1000
        return all(
            sum(kwh for source, kwh in sums.items() if source.endswith(way)) == kwh_counted
            for way, kwh_counted in counted.items()
        )

    with suppress(TimeoutError):
        await until(are_whole)
    for way, kwh in counted.items():
        shares = {source: sums[source] for source in sources if source.endswith(way)}
        assert sum(shares.values()) == kwh > 0, shares
    assert min(sums[source] for source in sources if "neighbour" in source) > 0


async def test_all_is_paid_out_and_the_phone_reminds_to_top_up(house: AminasHouse) -> None:
    home, of = house.home, house.entities
    before = await house.value("kes_balance")
    await home.call("energy_swap", "pay_out", {"amount": 50})
    await house.play_to_next_period()
    assert (await house.told("payment", "paid_out"))["cents"] == 5_000
    await house.shows("kes_balance", before - 50, within=15)  # and M-Pesa's charge, and the period's trade
    async with (
        phone(home),
        by_blueprint(home, "remind_to_top_up", kes_balance=of["kes_balance"], notify=PHONE, below=100, amount=250),
        a_switch(home, "Relay", is_on=True) as relay,
        by_blueprint(
            home,
            "relay_by_prepaid_balance",
            kes_balance=of["kes_balance"],
            relay=relay,
            off_at=50,
            grace=NO_TIME,
        ),
    ):
        await house.use("button", "press", "pay_out")
        await house.play_to_next_period()
        await home.wait_for(relay, lambda state: state == "off")
        shown = await notification(home)
        await tap(home, shown["message"].split()[-1])
        await until(partial(has_payment_open, house))
        await house.play_to_next_period()
        await home.wait_for(relay, lambda state: state == "on")
    assert await house.value("kes_balance") > 200


async def test_the_edge_sells_by_itself_once_its_strategy_was_tried_out(house: AminasHouse) -> None:
    await house.play(NIGHT)
    strategy = "forecast_limits"
    await house.use("select", "select_option", "strategy", option=strategy)

    async def tried() -> dict[str, Any] | None:
        """Try it out, once the edge has fetched its day from the hub."""
        with suppress(CommandFailedError):
            return await house.home.call("energy_swap", "simulate_strategy", {"strategy": strategy})
        return None

    answer = await until(tried)
    assert answer["days"] == 1
    assert "would have earned" in answer["sentence"]
    await house.use("switch", "turn_on", "auto_sell")
    await house.shows("auto_sell", "on")
    await house.play_to_next_period()
    decision = await house.home.wait_for(house.entities["last_decision"], lambda state: state[0].isdigit())
    assert decision["attributes"]["reason"]
    await house.use("switch", "turn_off", "auto_sell")
    await house.shows("auto_sell", "off")


async def test_a_silent_meter_is_told(house: AminasHouse) -> None:
    house.neighbourhood.clock.set(house.now + timedelta(minutes=20))  # and no meter says anything
    state = await house.home.wait_for(house.entities["meter_alert"], lambda state: state[0].isdigit())
    assert state["attributes"]["event_type"] == "silent"
    await house.shows("meter", "off")
    await house.shows("net_power", "unavailable")
    await house.shows("hub_connection", "on")
    assert await house.value("kes_balance") > 0  # each source for itself


async def test_the_evening_left_nothing_in_the_log_against_the_integration(house: AminasHouse) -> None:
    assert complaints(house.home) == []
