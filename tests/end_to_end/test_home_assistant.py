"""One household's Home Assistant in a real neighbourhood: what its meter, hub and neighbours do, it shows; what it
orders, happens.

The tests follow one day: each begins where the one before ended.
"""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from energy_swap_demo.browser import DESKTOP, PHONE, Browser
from energy_swap_demo.dashboards import make_energy_dashboard
from energy_swap_demo.home_assistant import CommandFailedError
from energy_swap_demo.households import COMMUNITY_START, HOUSEHOLDS
from energy_swap_demo.profile import minute_index
from homeassistant.util.yaml import parse_yaml

from tests.custom_components.automations import NO_TIME, a_switch, by_blueprint, notification, phone, tap
from tests.custom_components.automations import PHONE as NOTIFY

from .conftest import BEGIN, BUYER, PERIOD, ROOT, SELLER, AminasHouse, complaints, until

pytestmark = [pytest.mark.end_to_end, pytest.mark.asyncio(loop_scope="package"), pytest.mark.timeout(1500)]

DOCUMENTATION = ROOT / "docs" / "home-assistant.md"
BEFORE_SURPLUS = COMMUNITY_START + timedelta(hours=11, minutes=30)
WITH_TOKENS = COMMUNITY_START + timedelta(hours=13)
WITH_GUIDANCE = COMMUNITY_START + timedelta(hours=14)
WITH_MORE_TOKENS = COMMUNITY_START + timedelta(hours=15, minutes=20)
OUT_OF_REACH = 50  # KES for a kWh: nobody pays that
LITTLE, LEAST = 5, 1  # KES for a kWh: less than is expected
LAST_MINUTE = minute_index(WITH_TOKENS, COMMUNITY_START)


def fenced_yaml(beginning: str) -> str:
    """Return the documentation's YAML block that begins so."""
    blocks = re.findall(r"```yaml\n(.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    return next(str(block) for block in blocks if block.startswith(beginning))


async def test_a_paired_home_assistant_shows_the_household_as_the_hub_knows_it(house: AminasHouse) -> None:
    await house.play(BEFORE_SURPLUS)
    await house.shows("membership", "admitted")
    await house.shows("hub_connection", "on")
    await house.shows("meter", "on")
    await house.shows("readings_waiting", Decimal(0))
    amina = HOUSEHOLDS[SELLER - 1]
    assert amina.sell_at_least is not None
    await house.shows("sell_limit", Decimal(amina.sell_at_least) / 100)
    await house.shows("buy_limit", Decimal(amina.buy_at_most) / 100)
    await house.shows("kes_balance", Decimal(0))
    await house.shows("token_balance", Decimal(0))
    await house.shows("surplus_power", Decimal(0))
    assert await house.value("net_power") > 0


async def test_a_limit_set_in_home_assistant_reaches_the_hub(house: AminasHouse) -> None:
    amina = HOUSEHOLDS[SELLER - 1]
    assert amina.sell_at_least is not None
    for cents in (amina.sell_at_least + 25, amina.sell_at_least):
        limit = {"entity_id": house.entities["sell_limit"], "value": cents / 100}
        await house.home.call("number", "set_value", limit, with_response=False)
        hub = await house.at_the_hub()
        assert (hub["sell_at_least"], hub["buy_at_most"]) == (cents, amina.buy_at_most)
        await house.shows("sell_limit", Decimal(cents) / 100)


async def test_states_move_with_the_sun_and_with_every_settled_period(house: AminasHouse) -> None:
    exported_before = await house.value("exported_energy")
    async with (
        a_switch(house.home) as load,
        by_blueprint(
            house.home,
            "run_a_load_on_surplus",
            surplus_power=house.entities["surplus_power"],
            load={"entity_id": load},
            on_above=100,
            off_below=50,
            steady_for=NO_TIME,
        ),
    ):
        await house.play(WITH_TOKENS)
        await house.home.wait_for(load, lambda state: state == "on")

    profile = house.neighbourhood.profiles[SELLER]
    ends = [BEFORE_SURPLUS + n * PERIOD for n in range((WITH_TOKENS - BEFORE_SURPLUS) // PERIOD + 1)]
    registers = house.registers_by_the_meter(ends)
    exported_wh = registers[-1].export_wh - registers[0].export_wh
    assert exported_wh > 300
    # The firmware adds up milliwatts, the profile watts: a register may turn to its next Wh a moment apart.
    expected = [profile.registers_at(minute_index(end, COMMUNITY_START)).export_wh for end in (ends[0], ends[-1])]
    assert abs(exported_wh - (expected[1] - expected[0])) <= 1
    await house.shows("exported_energy", exported_before + Decimal(exported_wh) / 1000)
    power = profile.power_at(LAST_MINUTE)
    assert power.net_w < 0
    # The firmware and the profile round milliwatts each in its own way.
    await house.shows("net_power", Decimal(power.net_w), within=1)
    await house.shows("surplus_power", Decimal(-power.net_w), within=1)
    await house.shows("generation_power", Decimal(power.generation_w), within=1)

    hub = await house.at_the_hub()
    minted_wh = sum(
        max(0, (end.export_wh - start.export_wh) - (end.import_wh - start.import_wh))
        for start, end in pairwise(registers)
    )
    assert hub["sold_wh"] > 0
    assert hub["wallet"]["ekwh_wh"] + hub["sold_wh"] == minted_wh
    await house.shows("token_balance", Decimal(hub["wallet"]["ekwh_wh"]) / 1000)
    await house.shows("sold_energy", Decimal(hub["sold_wh"]) / 1000)
    await house.shows("kes_balance", Decimal(hub["wallet"]["kes_cents"]) / 100)
    clearing = (await house.neighbourhood.console.get("overview"))["clearing"]
    await house.shows("clearing_price", Decimal(clearing["cents_per_kwh"]) / 100)
    await house.shows("last_settlement", (WITH_TOKENS - timedelta(minutes=30)).isoformat())

    async def newest_is_told() -> bool:
        period = (await house.told("settlement", "settled"))["period"]
        return datetime.fromisoformat(period) == WITH_TOKENS - timedelta(minutes=30)

    await until(newest_is_told)


async def test_a_sale_ordered_in_home_assistant_reaches_a_neighbour_and_is_paid(house: AminasHouse) -> None:
    tokens, money = await house.value("token_balance"), await house.value("kes_balance")
    sale = await house.home.call(
        "energy_swap", "sell", {"energy": 0.1, "minimum_price": 11.5, "duration": "02:00:00"}
    )
    assert sale is not None
    assert (sale["remaining_wh"], sale["filled_wh"]) == (100, 0)
    await house.shows("token_balance", tokens - Decimal("0.1"))

    bought = await house.neighbourhood.edge(BUYER).command("buy", wh=100, at_most=1600)
    assert bought["filled_wh"] == 100
    trades = (await house.neighbourhood.console.get("trades?limit=5"))["trades"]
    (trade,) = [trade for trade in trades if trade["market"] == "spot"]
    assert trade["seller"] == house.household
    assert trade["buyer"] == await house.household_of(BUYER)
    assert (trade["wh"], trade["cents_per_kwh"]) == (100, 1150)

    # 0.1 kWh at KES 11.50; what the neighbour pays above that are the community's fees.
    await house.shows("kes_balance", money + Decimal("1.15"))
    await house.shows("token_balance", tokens - Decimal("0.1"))
    hub = await house.at_the_hub()
    await house.shows("sold_energy", Decimal(hub["sold_wh"]) / 1000)
    assert (hub["wallet"]["kes_held_cents"], hub["wallet"]["ekwh_held_wh"]) == (0, 0)


async def test_more_than_the_wallet_holds_cannot_be_sold(house: AminasHouse) -> None:
    tokens = await house.value("token_balance")
    with pytest.raises(CommandFailedError, match=r"You have [\d.]+ kWh to sell and this needs 50 kWh") as refused:
        await house.home.call("energy_swap", "sell", {"energy": 50, "minimum_price": 10})
    assert refused.value.code == "service_validation_error"
    await house.shows("token_balance", tokens)


async def test_the_trader_is_worked_from_home_assistant(house: AminasHouse) -> None:
    await house.use("select", "select_option", "strategy", option="never_below_average")
    await house.shows("strategy", "never_below_average")
    await house.use("number", "set_value", "reserve", value=0.4)
    await house.shows("reserve", Decimal("0.4"))
    await house.use("number", "set_value", "daily_cap", value=150)
    await house.shows("daily_cap", Decimal(150))
    # The edge wants a strategy tried out before it trades by it, and this household has no day of past.
    with pytest.raises(CommandFailedError, match="First look at what this strategy would have brought"):
        await house.use("switch", "turn_on", "auto_sell")
    await house.use("switch", "turn_off", "auto_sell")
    await house.shows("auto_sell", "off")
    with pytest.raises(CommandFailedError, match=r"not a valid option|is not valid for"):
        await house.use("select", "select_option", "strategy", option="get rich")
    with pytest.raises(CommandFailedError, match="when a day of your history is settled"):
        await house.home.call("energy_swap", "simulate_strategy", {"strategy": "never_below_average"})


async def test_what_the_edge_keeps_is_read_in_home_assistant(house: AminasHouse) -> None:
    home = house.home
    start, end = BEGIN - timedelta(hours=1), WITH_TOKENS + timedelta(hours=1)
    span = {"from": start.isoformat(), "to": end.isoformat()}

    async def has_prices() -> bool:  # the edge asks the hub for them after each period
        prices = await home.call("energy_swap", "get_prices", span)
        assert prices is not None
        return any(period["cents_per_kwh"] for period in prices["past"])

    await until(has_prices)
    market = await home.call("energy_swap", "get_market", {})
    assert market is not None
    assert {"book", "trades", "orders", "auctions"} <= set(market)
    days = {"from": BEGIN.date().isoformat(), "to": end.date().isoformat()}
    statement = await home.call("energy_swap", "get_statement", days)
    assert statement is not None
    assert statement["household"] == house.household
    assert statement["totals"]["sold_wh"] > 0
    (home.directory / "www").mkdir(exist_ok=True)
    for kind in ("history", "statement"):
        file = f"www/{kind}.csv"
        table = await home.call("energy_swap", "export_history", {**days, "kind": kind, "file": file})
        assert table is not None
        assert table["rows"] > 0
        assert (home.directory / file).read_bytes().decode() == table["csv"]
    forecast = await home.call("energy_swap", "get_forecast", {})
    assert forecast is not None
    assert any(period["production_wh"]["p90"] > 0 for period in forecast["periods"])

    # The community's first month is not over: its invoice is a draft, which has no number to be saved by.
    invoices = await home.call("energy_swap", "get_invoices", {})
    assert invoices is not None
    (draft,) = invoices["invoices"]
    assert draft["number"] is None
    with pytest.raises(CommandFailedError, match="no invoice yet"):
        await home.call("energy_swap", "save_invoice", {"file": "www/invoice.pdf"})
    with pytest.raises(CommandFailedError, match="knows nothing under this number"):
        await home.call("energy_swap", "save_invoice", {"file": "www/invoice.pdf", "invoice": 99})


async def test_the_energy_dashboard_has_what_was_sold_and_earned(house: AminasHouse) -> None:
    home = house.home
    edge_id = await home.edge_id()
    sold, earned = (f"energy_swap:{edge_id}_{key}" for key in ("sold", "sold_compensation"))
    sold_energy = await house.value("sold_energy")
    assert sold_energy > 0

    async def has_what_was_sold() -> bool:
        found = await home.command(
            "recorder/statistics_during_period",
            start_time=COMMUNITY_START.isoformat(),
            statistic_ids=[sold, earned],
            period="hour",
            types=["sum"],
        )
        if not {sold, earned} <= found.keys() or found[earned][-1]["sum"] <= 0:
            return False
        return abs(Decimal(str(found[sold][-1]["sum"])) - sold_energy) < Decimal("0.0005")

    await until(has_what_was_sold)
    units = {
        row["statistic_id"]: row["statistics_unit_of_measurement"]
        for row in await home.command("recorder/list_statistic_ids", statistic_type="sum")
    }
    assert (units[sold], units[earned]) == ("kWh", "KES")

    await make_energy_dashboard(home, house.entry_id)
    faults = await home.command("energy/validate")
    assert faults["energy_sources"][0] == []  # what is new in the recorder has no statistics in its first minutes

    async def has_forecast() -> bool:
        forecast = (await home.command("energy/solar_forecast")).get(house.entry_id)
        return forecast is not None and sum(forecast["wh_hours"].values()) > 0

    await until(has_forecast)


async def test_money_and_auctions_are_worked_from_home_assistant(house: AminasHouse) -> None:
    home = house.home
    intent = await home.call("energy_swap", "top_up", {"amount": 20})
    assert intent is not None
    auction = await home.call(
        "energy_swap", "start_auction", {"energy": 0.1, "start_price": 11, "duration": "00:30:00"}
    )
    assert auction is not None

    async def own_auction() -> dict[str, Any] | None:  # the edge hears of it from the hub
        market = await home.call("energy_swap", "get_market", {})
        assert market is not None
        return next((offer for offer in market["auctions"] if offer["id"] == auction["auction"]), None)

    assert (await until(own_auction))["mine"]
    with pytest.raises(CommandFailedError, match="your own auction: only neighbours can bid"):
        await home.call("energy_swap", "bid", {"auction": auction["auction"], "price": 12})  # one's own
    limits = {"sell_at_least": 11.5, "buy_at_most": 16}
    await home.call("energy_swap", "set_limits", limits)
    await house.shows("sell_limit", Decimal("11.5"))
    with pytest.raises(CommandFailedError, match=r"You have KES [\d.]+ free and this needs KES 200[\d.]+, fees"):
        await home.call("energy_swap", "pay_out", {"amount": 200_000})


async def test_what_happened_is_told_as_events(house: AminasHouse) -> None:
    """By now periods were settled and an order was matched."""
    for key, event_type in (("trade", "settled"), ("order", "matched")):
        await house.told(key, event_type)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_the_page_tells_the_story_on_desk_and_phone(
    house: AminasHouse, size: tuple[int, int], tmp_path: Path
) -> None:
    money = f"KES {await house.value('kes_balance'):,.2f}"  # nothing is paid while no time passes
    async with Browser() as browser:
        picture = await browser.picture(
            house.home.page,
            tmp_path / "page.png",
            size=size,
            local_storage=await house.home.browser_storage(),
            wait_for=f"text={money}",
        )
    assert picture.errors == ()
    lines = picture.text.splitlines()
    for wanted in ("Your money", "Market", "Forecast", "History", money):
        assert wanted in lines, wanted
    assert picture.path.stat().st_size > 20_000


async def test_energy_is_bought_when_it_is_cheap_against_the_week(house: AminasHouse) -> None:
    of = house.entities
    await house.shows("price_against_week", "unknown")  # too little was traded to compare
    async with by_blueprint(
        house.home,
        "buy_when_cheap",
        price_against_week=of["price_against_week"],
        kes_balance=of["kes_balance"],
        below=5,
        energy=0.1,
        most=16,
    ):
        await house.play(WITH_GUIDANCE)
        order = await house.offers_at(1600, "buy")
    assert order["wh"] == 100
    assert await house.value("price_against_week") <= -5
    await house.take_back_all_orders()


async def test_a_price_far_from_the_weeks_average_is_told(house: AminasHouse) -> None:
    """At noon there is far more to sell than Mwende wants, and she pays what the cheapest neighbour asks."""
    alert = await house.told("price_alert", "alert")
    cents, average = alert["cents_per_kwh"], alert["week_average"]
    assert alert["percent"] == round(100 * (cents - average) / average) <= -15


async def test_what_the_edge_recommends_is_sold_by_itself_or_on_a_tap(house: AminasHouse) -> None:
    of, home = house.entities, house.home
    recommendation, balance = of["recommendation"], of["token_balance"]
    limit = await house.value("sell_limit")
    await home.wait_for(recommendation, lambda state: state == "hold")  # nobody pays Amina's limit
    async with by_blueprint(
        home,
        "sell_by_forecast_and_price",
        recommendation=recommendation,
        balance=balance,
        suggested_price=of["suggested_sell_price"],
        surplus_tomorrow=of["surplus_tomorrow"],
        floor=OUT_OF_REACH,
        reserve=0.2,
        least_tomorrow=0,
    ):
        await house.use("number", "set_value", "sell_limit", value=LITTLE)
        order = await house.offers_at(OUT_OF_REACH * 100)
        await house.shows("token_balance", Decimal("0.2"))
        assert order["wh"] > 100
    await house.take_back_all_orders()
    assert await house.value("token_balance") > Decimal("0.3")
    async with (
        phone(home),
        by_blueprint(home, "ask_before_selling", recommendation=recommendation, balance=balance, notify=NOTIFY),
    ):
        await house.use("number", "set_value", "sell_limit", value=OUT_OF_REACH)
        await home.wait_for(recommendation, lambda state: state == "hold")
        await house.use("number", "set_value", "sell_limit", value=LEAST)
        asked = await notification(home)
        assert asked["title"] == "Sell energy?"
        _, energy, _, _, _, price, *_, sell, _ = asked["message"].split()  # Sell 0.5 kWh at KES 12.4 or more ...
        await tap(home, sell)
        order = await house.offers_at(round(Decimal(price) * 100))
        assert order["wh"] == Decimal(energy) * 1000
    await house.take_back_all_orders()
    await house.use("number", "set_value", "sell_limit", value=float(limit))


async def test_the_automation_of_the_documentation_sells_by_itself(house: AminasHouse) -> None:
    automation = parse_yaml(fenced_yaml("alias: Sell what is left over"))
    assert isinstance(automation, dict)
    await house.home.request("POST", "config/automation/config/sell_left_over", automation)
    await house.play(WITH_MORE_TOKENS)
    await house.home.wait_for(house.entities["token_balance"], lambda state: Decimal(state) < Decimal("0.5"))
    order = await house.offers_at(1200)
    assert await house.offers() == [order]
    assert order["wh"] > 300
    hub = await house.at_the_hub()
    assert hub["wallet"]["ekwh_held_wh"] == order["wh"]
    await house.shows("token_balance", Decimal("0.2"))


async def test_the_documentation_names_every_entity(house: AminasHouse) -> None:
    platforms = "(?:binary_)?sensor|number|button|event|select|switch"
    named = set(re.findall(rf"`((?:{platforms})\.[a-z_]+)`", DOCUMENTATION.read_text()))
    every = set((await house.home.entities(house.entry_id, also_disabled=True)).values())
    assert len(every) > len(house.entities) > 50
    assert named == every


async def test_a_killed_hub_is_shown_as_gone_and_then_as_back(house: AminasHouse) -> None:
    money = await house.value("kes_balance")
    async with house.neighbourhood.without_hub():
        await house.shows("hub_connection", "off")
    await house.shows("hub_connection", "on")
    await house.shows("kes_balance", money)


async def test_home_assistant_logged_nothing_against_the_integration(house: AminasHouse) -> None:
    assert complaints(house.home) == []
