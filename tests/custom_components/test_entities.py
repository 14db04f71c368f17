"""What the entities show, and when they rather show nothing."""

import pytest

from tests.custom_components.household import Household

pytestmark = pytest.mark.asyncio(loop_scope="session")

POWER = {"surplus_power", "net_power", "generation_power"}
METER = POWER | {"relay", "connection"}
SUGGESTED = {"suggested_sell_price", "suggested_buy_price"}
MONEY = {"kes_balance", "kes_held"}
OF_A_DAY_OR_MONTH = {"earned_today", "saved_today", "earned_month", "saved_month", "spent_today"}
TOKENS = {"token_balance", "token_held"}
CHANGES_AT_THE_HUB = (
    MONEY
    | OF_A_DAY_OR_MONTH
    | TOKENS
    | SUGGESTED
    | {"clearing_price", "price_against_week", "reputation", "open_orders", "pay_out"}
)
EVENTS = {"settlement", "order", "trade", "payment", "price_alert", "meter_alert"}
MOMENTS = {"pay_out"} | EVENTS  # when it was pressed or told last, which Home Assistant remembers by its name
EXPECTED = {
    "surplus_today",
    "surplus_remaining",
    "surplus_tomorrow",
    "surplus_next_hour",
    "production_today",
    "production_tomorrow",
}


async def unavailable(household: Household) -> set[str]:
    return {key for key, state in (await household.states()).items() if state == "unavailable"}


async def test_the_state_of_the_edge_is_shown_in_the_units_people_use(household: Household) -> None:
    states = await household.states()
    for key in MOMENTS:
        del states[key]
    assert states == {
        "surplus_power": "1850",
        "net_power": "-1850",
        "generation_power": "2600",
        "exported_energy": "412.345",
        "imported_energy": "198.76",
        "generated_energy": "655.02",
        "consumed_energy": "441.435",
        "sold_energy": "310.4",
        "bought_energy": "12.075",
        "surplus_today": "9.4",
        "surplus_remaining": "4.1",
        "surplus_tomorrow": "8.3",
        "surplus_next_hour": "1.25",
        "production_today": "14.2",
        "production_tomorrow": "12.9",
        "forecast_confidence": "82",
        "recommendation": "sell",
        "earned_today": "42.1",
        "saved_today": "3.8",
        "earned_month": "610.5",
        "saved_month": "99",
        "spent_today": "12.5",
        "kes_held": "50",
        "token_held": "0.5",
        "price_against_week": "-15",
        "reputation": "97.5",
        "open_orders": "1",
        "last_decision": "2026-11-20T09:50:00+00:00",
        "alerts": "0",
        "relay": "on",
        "connection": "on",
        "auto_sell": "on",
        "strategy": "forecast_limits",
        "reserve": "1.5",
        "daily_cap": "200.0",
        "kes_balance": "1234.5",
        "token_balance": "7.25",
        "clearing_price": "17.35",
        "suggested_sell_price": "15.2",
        "suggested_buy_price": "19.05",
        "sell_limit": "14.0",
        "buy_limit": "22.5",
        "last_settlement": "2026-11-20T11:30:00+00:00",
        "membership": "admitted",
        "readings_waiting": "0",
        "hub_connection": "on",
        "meter": "on",
    }


@pytest.mark.parametrize(
    ("keys", "device_class", "state_class", "unit"),
    [
        (POWER, "power", "measurement", "W"),
        (
            {"exported_energy", "imported_energy", "generated_energy", "sold_energy", "bought_energy"},
            "energy",
            "total_increasing",
            "kWh",
        ),
        ({"consumed_energy"}, "energy", "total", "kWh"),
        (EXPECTED, "energy", None, "kWh"),
        (MONEY, "monetary", "total", "KES"),
        (OF_A_DAY_OR_MONTH, "monetary", None, "KES"),
        (TOKENS, None, "total", "kWh"),
        ({"forecast_confidence", "price_against_week", "reputation"}, None, None, "%"),
        ({"recommendation"}, "enum", None, None),
        ({"reserve"}, "energy", None, "kWh"),
        ({"daily_cap"}, "monetary", None, "KES"),
        ({"clearing_price"}, None, "measurement", "KES/kWh"),
        ({"sell_limit", "buy_limit"}, None, None, "KES/kWh"),
        (SUGGESTED, None, None, "KES/kWh"),
        ({"last_settlement"}, "timestamp", None, None),
        ({"hub_connection", "meter"}, "connectivity", None, None),
    ],
)
async def test_dashboards_and_statistics_can_tell_what_a_value_is(
    household: Household, keys: set[str], device_class: str | None, state_class: str | None, unit: str | None
) -> None:
    for key in keys:
        attributes = await household.attributes(key)
        assert attributes.get("device_class") == device_class
        assert attributes.get("state_class") == state_class
        assert attributes.get("unit_of_measurement") == unit


async def test_home_assistant_finds_no_fault_with_the_statistics(household: Household) -> None:
    assert await household.home.command("recorder/validate_statistics") == {}


async def test_changes_arrive_at_once(household: Household) -> None:
    await household.edge.change(power={"net_w": 420, "surplus_w": 0, "generation_w": 310, "at": 1795168801})
    await household.wait_for("net_power", "420")
    states = await household.states()
    assert (states["surplus_power"], states["generation_power"]) == ("0", "310")
    assert states["exported_energy"] == "412.345"  # what did not change stays


async def test_a_silent_meter_hides_power_and_keeps_the_registers(household: Household) -> None:
    meter = {**household.edge.state["meter"], "status": "silent"}
    await household.edge.change(meter=meter)
    await household.wait_for("meter", "off")
    assert await unavailable(household) == METER
    assert (await household.states())["exported_energy"] == "412.345"

    await household.edge.change(meter={**meter, "status": "live", "export_wh": 412_500})
    await household.wait_for("surplus_power", "1850")
    assert (await household.states())["exported_energy"] == "412.5"


async def test_a_new_meter_is_live_before_its_first_reading(household: Household) -> None:
    await household.edge.change(meter=None)
    await household.wait_for("exported_energy", "unknown")
    states = await household.states()
    assert (states["meter"], states["surplus_power"]) == ("on", "1850")


async def test_a_silent_hub_hides_only_what_may_have_changed_there(household: Household) -> None:
    await household.edge.change(hub={"status": "unreachable", "since": 1795168800, "queue": 12})
    await household.wait_for("hub_connection", "off")
    assert await unavailable(household) == CHANGES_AT_THE_HUB
    states = await household.states()
    assert states["readings_waiting"] == "12"
    assert states["sold_energy"] == "310.4"
    assert states["last_settlement"] == "2026-11-20T11:30:00+00:00"
    assert states["sell_limit"] == "14.0"

    await household.edge.change(hub={"status": "connected", "since": 1795168900, "queue": 0})
    await household.wait_for("kes_balance", "1234.5")


async def test_a_community_without_enough_trade_suggests_nothing(household: Household) -> None:
    nothing = dict.fromkeys(household.edge.state["guidance"])
    await household.edge.change(guidance=nothing)
    await household.wait_for("suggested_sell_price", "unknown")
    assert (await household.states())["suggested_buy_price"] == "unknown"


async def test_an_edge_without_guidance_suggests_nothing(household: Household) -> None:
    await household.edge.stop()
    await household.wait_for("suggested_sell_price", "unavailable")
    del household.edge.state["guidance"]
    await household.edge.start()
    await household.wait_for("suggested_sell_price", "unknown")
    states = await household.states()
    assert (states["suggested_buy_price"], states["clearing_price"]) == ("unknown", "17.35")


async def test_what_is_not_known_yet_is_unknown(household: Household) -> None:
    await household.edge.change(
        power=None,
        meter=None,
        wallet=None,
        energy=None,
        market=None,
        last_settlement=None,
        guidance=None,
        forecast=None,
        membership="unknown",
        advice=None,
        earnings=None,
        reputation=None,
    )
    await household.wait_for("membership", "unknown")
    states = await household.states()
    of_the_trader = {"auto_sell", "strategy", "reserve", "daily_cap", "spent_today", "last_decision"}
    own = {"hub_connection", "readings_waiting", "alerts"}
    for key in states.keys() - METER - MOMENTS - of_the_trader - own:
        assert states[key] == "unknown", key


async def test_an_edge_that_restarts_takes_its_entities_along_and_brings_them_back(household: Household) -> None:
    home, edge = household.home, household.edge
    log = home.log_path.read_text()
    await edge.stop()
    await household.wait_for("surplus_power", "unavailable")
    assert await unavailable(household) == set(household.entities)

    edge.edge_version = "0.1.1"
    edge.state["power"] = {"net_w": -900, "surplus_w": 900, "generation_w": 1500, "at": 1795168900}
    await edge.start()
    await household.wait_for("surplus_power", "900")
    assert await unavailable(household) == set()

    new = home.log_path.read_text().removeprefix(log)
    assert new.count("Lost the edge at") == 1
    assert new.count("Connected to the edge at") == 1
    devices = await home.command("config/device_registry/list")
    device = next(device for device in devices if household.entry_id in device["config_entries"])
    assert (device["name"], device["sw_version"]) == ("Amina's house", "0.1.1")
