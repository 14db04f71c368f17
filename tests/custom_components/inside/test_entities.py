"""Every entity as a household sees it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.translation import async_get_translations
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed
from syrupy.assertion import SnapshotAssertion

from tests.custom_components.contract_edge import ContractEdge

AT_THE_METER = {"surplus_power", "net_power", "generation_power", "consumption_power", "relay", "connection"}
AT_THE_HUB = {
    "kes_balance",
    "kes_held",
    "token_balance",
    "token_held",
    "earned_today",
    "saved_today",
    "earned_month",
    "saved_month",
    "spent_today",
    "clearing_price",
    "suggested_sell_price",
    "suggested_buy_price",
    "best_sell_price",
    "best_buy_price",
    "week_average_price",
    "price_against_week",
    "reputation",
    "open_orders",
    "pay_out",
}
OF_THE_TRADER = {"auto_sell", "strategy", "reserve", "daily_cap"}
OFF_BY_DEFAULT = {
    "consumption_power",
    "consumption_today",
    "seed_confidence",
    "forecast_source",
    "best_sell_price",
    "best_buy_price",
    "week_average_price",
}

pytestmark = pytest.mark.usefixtures("all_enabled")


def states(hass: HomeAssistant, household: MockConfigEntry) -> dict[str, str]:
    entries = er.async_entries_for_config_entry(er.async_get(hass), household.entry_id)
    found = {entry.translation_key: hass.states.get(entry.entity_id) for entry in entries}
    return {str(key): state.state for key, state in found.items() if state is not None}


async def until(hass: HomeAssistant, household: MockConfigEntry, key: str, wanted: str) -> dict[str, str]:
    """Wait until what the edge has sent is shown."""
    async with asyncio.timeout(60):
        while (found := states(hass, household))[key] != wanted:
            await asyncio.sleep(0.01)
    return found


async def test_every_entity_is_as_it_was(
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    household: MockConfigEntry,
    snapshot: SnapshotAssertion,
) -> None:
    entries = er.async_entries_for_config_entry(entity_registry, household.entry_id)
    assert len(entries) == 61
    for entry in sorted(entries, key=lambda entry: entry.entity_id):
        assert hass.states.get(entry.entity_id) == snapshot(name=entry.entity_id)
        assert (entry.entity_category, entry.unique_id, entry.translation_key) == snapshot(
            name=f"{entry.entity_id}-registered"
        )


async def test_what_an_older_edge_does_not_send_is_unknown_or_away(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    for part in ("guidance", "advice", "earnings", "trader", "reputation", "alerts", "relay"):
        del edge.state[part]
    for field in list(edge.state["forecast"]):
        if field not in {"surplus_today_wh", "surplus_remaining_wh", "tier", "made_at"}:
            del edge.state["forecast"][field]
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    found = states(hass, entry)
    assert {key for key, state in found.items() if state == STATE_UNAVAILABLE} == OF_THE_TRADER | {
        "relay", "connection",
    }  # fmt: skip
    unknown = {key for key, state in found.items() if state == STATE_UNKNOWN}
    assert {"recommendation", "reputation", "earned_today", "forecast_confidence", "alerts"} <= unknown
    assert found["surplus_today"] == "9.4"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_each_source_takes_only_its_own_away(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.change(meter={**edge.state["meter"], "status": "silent"})
    found = await until(hass, household, "meter", "off")
    # Power is what the trader's advice and the wallet do not depend on, and the other way round.
    assert {key for key, state in found.items() if state == STATE_UNAVAILABLE} == AT_THE_METER

    await edge.change(meter={**edge.state["meter"], "status": "live"})
    await edge.change(hub={"status": "unreachable", "since": 1795168800, "queue": 3})
    found = await until(hass, household, "hub_connection", "off")
    assert {key for key, state in found.items() if state == STATE_UNAVAILABLE} == AT_THE_HUB
    assert found["surplus_power"] == "1850"
    assert found["recommendation"] == "sell"

    await edge.stop()
    found = await until(hass, household, "surplus_power", STATE_UNAVAILABLE)
    assert set(found.values()) == {STATE_UNAVAILABLE}


async def test_words_of_a_later_edge_are_unknown_and_not_wrong(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.change(
        advice={**edge.state["advice"], "action": "wait"},
        forecast={**edge.state["forecast"], "tier": "oracle"},
        membership="paused",
    )
    found = await until(hass, household, "recommendation", STATE_UNKNOWN)
    assert (found["forecast_source"], found["membership"]) == (STATE_UNKNOWN, STATE_UNKNOWN)


async def test_the_advice_says_why_how_much_and_until_when(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    state = hass.states.get("sensor.amina_s_house_recommendation")
    assert state is not None
    assert state.attributes["reason"].startswith("Sell 1.2 kWh now")
    assert (state.attributes["energy"], state.attributes["price"], state.attributes["gain"]) == (1.2, 15.2, 6.4)

    await edge.change(advice=None, reputation=None, trader={**edge.state["trader"], "last": None})
    await until(hass, household, "recommendation", STATE_UNKNOWN)
    bare = {**edge.state["forecast"]}
    advice = {"action": "hold", "sentence": "Nothing to gain now.", "key": "hold", "numbers": {}, "made_at": 1}
    await edge.change(advice=advice, forecast=bare)
    await until(hass, household, "recommendation", "hold")
    state = hass.states.get("sensor.amina_s_house_recommendation")
    assert state is not None
    assert (state.attributes["energy"], state.attributes["until"]) == (None, None)


async def test_the_reason_is_said_in_the_language_of_the_household(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    hass.config.language = "sw"
    await async_get_translations(hass, "sw", "common", ["energy_swap"])
    await edge.change(advice={**edge.state["advice"], "gain_cents": 700})

    def shown() -> str:
        state = hass.states.get("sensor.amina_s_house_recommendation")
        assert state is not None
        return str(state.attributes["reason"])

    async with asyncio.timeout(60):
        while shown() != "Uza sasa: jirani analipa KES 15.20 kwa kWh. kWh 1.2, faida KES 7.00.":
            await asyncio.sleep(0.01)
    await edge.change(advice={**edge.state["advice"], "key": "of_the_future"})
    async with asyncio.timeout(60):
        while not shown().startswith("Sell 1.2 kWh now"):
            await asyncio.sleep(0.01)


async def test_alerts_are_said_in_the_language_of_the_household(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    hass.config.language = "sw"
    await async_get_translations(hass, "sw", "common", ["energy_swap"])

    def alert(key: str, **numbers: Any) -> dict[str, Any]:
        return {"key": key, "sentence": f"{key} in English", "since": 1, "numbers": numbers}

    told = [
        alert("soiling", percent_of_before=82, by_hour={"12": 82}),
        alert("clock_off", hub_offset_seconds=-90),
        alert("clock_off", meter_offset_seconds=61),
        alert("clock_off"),
        alert("shading", start=3),  # of an edge of another age
        {"key": "eclipse", "sentence": "The sun is gone.", "since": 1},
    ]
    await edge.change(alerts=told)
    await until(hass, household, "alerts", "6")
    state = hass.states.get("sensor.amina_s_house_equipment_alerts")
    assert state is not None
    soiling, edges, meters, unknown, shading, eclipse = state.attributes["alerts"]
    assert "asilimia 82 ya awali" in soiling
    assert "kwa sekunde 90." in edges
    assert "kwa sekunde 61:" in meters
    assert unknown.startswith("Mita haijui saa")
    assert (shading, eclipse) == ("shading in English", "The sun is gone.")
    issue = ir.async_get(hass).async_get_issue("energy_swap", f"equipment_soiling_{household.entry_id}")
    assert issue is not None
    assert issue.translation_placeholders == {"name": "Amina's house", "alert": soiling}


async def test_little_changes_of_power_wait_and_jumps_do_not(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    power = edge.state["power"]
    await edge.change(power={**power, "surplus_w": 1_860, "net_w": -1_860})
    await edge.change(
        hub={**edge.state["hub"], "queue": 5}
    )  # everything else is shown at once, beside the old power
    found = await until(hass, household, "readings_waiting", "5")
    assert (found["surplus_power"], found["net_power"]) == ("1850", "-1850")

    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=11))
    found = await until(hass, household, "surplus_power", "1860")
    assert found["net_power"] == "-1860"

    await edge.change(power={**power, "surplus_w": 2_400, "net_w": -2_400})
    await until(hass, household, "surplus_power", "2400")

    await edge.change(power={**power, "surplus_w": 2_410, "net_w": -2_410})
    await edge.change(hub={**edge.state["hub"], "queue": 6})
    await until(hass, household, "readings_waiting", "6")
    await edge.stop()  # what waits to be shown is forgotten with the connection
    await until(hass, household, "surplus_power", STATE_UNAVAILABLE)


async def test_switch_select_and_numbers_ask_the_edge_and_show_its_word(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    house = "amina_s_house"
    for domain, action, entity, fields in (
        ("switch", "turn_off", "sell_by_itself", {}),
        ("switch", "turn_on", "sell_by_itself", {}),
        ("select", "select_option", "strategy", {"option": "never_below_average"}),
        ("number", "set_value", "reserve", {"value": 2.5}),
        ("number", "set_value", "reserve", {"value": 0}),
        ("number", "set_value", "daily_spending_cap", {"value": 350}),
    ):
        target = {"entity_id": f"{domain}.{house}_{entity}"}
        await hass.services.async_call(domain, action, target | fields, blocking=True)
    assert edge.commands == [
        {"command": "set_auto_sell", "on": False},
        {"command": "set_auto_sell", "on": True},
        {"command": "set_strategy", "strategy": "never_below_average"},
        {"command": "set_reserve", "wh": 2500},
        {"command": "set_reserve", "wh": 0},
        {"command": "set_daily_cap", "kes": 350},
    ]
    found = await until(hass, household, "daily_cap", "350.0")
    assert (found["auto_sell"], found["strategy"], found["reserve"]) == ("on", "never_below_average", "0.0")


async def test_the_connection_is_shown_as_the_meter_says_and_switched_as_the_community_decides(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    switch = {"entity_id": "switch.amina_s_house_connection"}
    await hass.services.async_call("switch", "turn_off", switch, blocking=True)
    assert edge.commands[-1] == {"command": "switch_connection", "on": False}
    assert states(hass, household)["connection"] == "on", "the meter has not obeyed yet"
    waiting = {**edge.state["relay"], "wanted": "asked_by_household", "asked_off": True}
    await edge.change(relay=waiting)
    await edge.change(relay={**waiting, "is_closed": False, "reason": "asked_by_household"})
    await until(hass, household, "connection", "off")
    relay = hass.states.get("binary_sensor.amina_s_house_relay")
    assert relay is not None
    assert (relay.attributes["reason"], relay.attributes["confirmed"]) == ("asked_by_household", True)

    await hass.services.async_call("switch", "turn_on", switch, blocking=True)
    edge.stays_off = "prepaid_used_up"
    with pytest.raises(ServiceValidationError, match="prepaid money is used up"):
        await hass.services.async_call("switch", "turn_on", switch, blocking=True)
    assert edge.commands[-1] == {"command": "switch_connection", "on": True}


async def test_noisy_and_special_entities_are_off_by_default(
    hass: HomeAssistant, household: MockConfigEntry
) -> None:
    from custom_components.energy_swap.sensor_table import DESCRIPTIONS

    off = {row.key for row in DESCRIPTIONS if row.entity_registry_enabled_default is False}
    assert off == OFF_BY_DEFAULT
