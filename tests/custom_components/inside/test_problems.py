"""What a person has to do something about, and mending it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from homeassistant.components.repairs.issue_handler import RepairsFlowManager
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from tests.custom_components.contract_edge import ContractEdge


def issues(hass: HomeAssistant, household: MockConfigEntry) -> set[str]:
    registry = ir.async_get(hass)
    return {
        issue_id.removesuffix(f"_{household.entry_id}")
        for domain, issue_id in registry.issues
        if domain == "energy_swap" and registry.issues[domain, issue_id].active
    }


async def until_issues(hass: HomeAssistant, household: MockConfigEntry, wanted: set[str]) -> None:
    try:
        async with asyncio.timeout(60):
            while issues(hass, household) != wanted:
                await asyncio.sleep(0.01)
    except TimeoutError:
        assert issues(hass, household) == wanted


async def later(hass: HomeAssistant, **time: float) -> None:
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(**time))
    await hass.async_block_till_done()


async def until_state(hass: HomeAssistant, entity_id: str, wanted: str) -> None:
    async with asyncio.timeout(60):
        while (state := hass.states.get(entity_id)) is None or state.state != wanted:
            await asyncio.sleep(0.01)


async def begin_fix(hass: HomeAssistant, household: MockConfigEntry, key: str) -> Any:
    assert await async_setup_component(hass, "repairs", {})
    manager: RepairsFlowManager = hass.data["repairs"]["flow_manager"]
    return manager, await manager.async_init("energy_swap", data={"issue_id": f"{key}_{household.entry_id}"})


async def test_a_healthy_household_has_none(hass: HomeAssistant, household: MockConfigEntry) -> None:
    assert issues(hass, household) == set()


async def test_what_the_state_says_comes_and_goes(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    soiling = {"key": "soiling", "sentence": "The panels give 12 % less than last month.", "since": 1795160000}
    silent = {"key": "meter_silent", "sentence": "The meter is silent.", "since": 1795160000}
    await edge.change(membership="suspended", alerts=[soiling, silent])
    await until_issues(hass, household, {"suspended", "equipment_soiling"})
    issue = ir.async_get(hass).async_get_issue("energy_swap", f"equipment_soiling_{household.entry_id}")
    assert issue is not None
    assert issue.translation_placeholders == {"name": "Amina's house", "alert": soiling["sentence"]}

    worse = {**soiling, "sentence": "The panels give 20 % less than last month."}
    await edge.change(alerts=[worse], membership="admitted", hub={"status": "refused", "since": 1, "queue": 0})
    await until_issues(hass, household, {"hub_refuses", "equipment_soiling"})
    issue = ir.async_get(hass).async_get_issue("energy_swap", f"equipment_soiling_{household.entry_id}")
    assert issue is not None
    assert "20 %" in (issue.translation_placeholders or {})["alert"]

    await edge.change(alerts=[], hub={"status": "connected", "since": 1, "queue": 0})
    await until_issues(hass, household, set())


async def test_an_outage_is_told_only_when_it_lasts(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.change(hub={"status": "unreachable", "since": 1, "queue": 0})
    await edge.change(meter={**edge.state["meter"], "status": "silent"})
    await until_state(hass, "binary_sensor.amina_s_house_meter", "off")
    assert issues(hass, household) == set()
    await later(hass, minutes=16)
    assert issues(hass, household) == {"meter_silent"}
    await later(hass, hours=25)
    assert issues(hass, household) == {"meter_silent", "hub_away"}
    await edge.change(
        hub={"status": "connected", "since": 2, "queue": 0}, meter={**edge.state["meter"], "status": "live"}
    )
    await until_issues(hass, household, set())

    await edge.change(meter={**edge.state["meter"], "status": "silent"})
    await until_state(hass, "binary_sensor.amina_s_house_meter", "off")
    await edge.change(meter={**edge.state["meter"], "status": "live"})
    await until_state(hass, "binary_sensor.amina_s_house_meter", "on")
    await later(hass, minutes=16)
    assert issues(hass, household) == set()


async def test_an_edge_that_moved_is_found_again(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge, unused_tcp_port: int, aiohttp_server: Any
) -> None:
    old_port = edge.port
    await edge.stop()
    await until_state(hass, "sensor.amina_s_house_surplus_power", "unavailable")
    await later(hass, hours=1, seconds=5)
    assert issues(hass, household) == {"edge_away"}

    manager, step = await begin_fix(hass, household, "edge_away")
    assert step["step_id"] == "confirm"
    assert step["description_placeholders"] == {"name": "Amina's house"}
    fix = {"host": "127.0.0.1", "port": old_port}
    shown = await manager.async_configure(step["flow_id"], fix)
    assert shown["errors"] == {"base": "cannot_connect"}

    edge.port = unused_tcp_port
    edge.edge_id = "ffffffffffffffff"
    await edge.start()
    fix["port"] = edge.port
    shown = await manager.async_configure(step["flow_id"], fix)
    assert shown["errors"] == {"base": "wrong_edge"}
    edge.edge_id = "0123456789abcdef"
    shown = await manager.async_configure(step["flow_id"], fix)
    assert shown["type"] == "create_entry"
    await hass.async_block_till_done()
    assert household.data["port"] == unused_tcp_port
    assert household.state is ConfigEntryState.LOADED
    assert issues(hass, household) == set()


async def test_an_edge_of_another_version_is_tried_again_after_its_update(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    edge.api_version = 2
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state.value == "setup_retry"
    assert issues(hass, entry) == {"unsupported_version"}
    manager, step = await begin_fix(hass, entry, "unsupported_version")
    shown = await manager.async_configure(step["flow_id"], {})
    assert shown["errors"] == {"base": "still_unsupported"}
    assert shown["description_placeholders"] == {"name": "Amina's house", "edge": "2", "integration": "1"}
    edge.api_version = 1
    shown = await manager.async_configure(step["flow_id"], {})
    assert shown["type"] == "create_entry"
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    assert issues(hass, entry) == set()
    await hass.config_entries.async_unload(entry.entry_id)


async def test_an_edge_that_becomes_another_version_while_we_watch_is_told(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.stop()
    edge.api_version = 2
    await edge.start()
    await until_issues(hass, household, {"unsupported_version"})
    await edge.stop()
    edge.api_version = 1
    await edge.start()
    await until_issues(hass, household, set())


async def test_a_household_without_limits_takes_the_suggested_ones(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    market = {**edge.state["market"], "sell_at_least": None, "buy_at_most": None}
    await edge.change(market=market)
    await until_issues(hass, household, {"no_limits"})
    manager, step = await begin_fix(hass, household, "no_limits")
    assert step["description_placeholders"] == {"name": "Amina's house", "sell": "15.20", "buy": "19.05"}
    edge.refusal = {"code": "hub_unreachable", "message": "no"}
    shown = await manager.async_configure(step["flow_id"], {})
    assert shown["errors"] == {"base": "limits_not_taken"}
    edge.refusal = None
    shown = await manager.async_configure(step["flow_id"], {})
    assert shown["type"] == "create_entry"
    assert edge.commands[-1] == {"command": "set_limits", "sell_at_least": 1520, "buy_at_most": 1905}
    await until_issues(hass, household, set())


async def test_limits_cannot_be_mended_while_the_household_is_not_set_up(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.change(market={**edge.state["market"], "sell_at_least": None, "buy_at_most": None})
    await until_issues(hass, household, {"no_limits"})
    manager, step = await begin_fix(hass, household, "no_limits")
    await hass.config_entries.async_unload(household.entry_id)
    shown = await manager.async_configure(step["flow_id"], {})
    assert shown["errors"] == {"base": "cannot_connect"}
    assert issues(hass, household) == set()


@pytest.mark.parametrize("part", ["guidance", "market"])
async def test_without_limits_and_advice_there_is_nothing_to_offer(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge, part: str
) -> None:
    edge.state["market"] |= {"sell_at_least": None, "buy_at_most": None}
    edge.state[part] = None
    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert issues(hass, entry) == set()
    await hass.config_entries.async_remove(entry.entry_id)


async def test_an_unclaimed_meter_is_claimed_with_the_code_that_it_shows(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.change(enrolment={"status": "unclaimed"})
    await until_issues(hass, household, {"meter_unclaimed"})
    manager, step = await begin_fix(hass, household, "meter_unclaimed")
    assert step["description_placeholders"] == {"name": "Amina's house"}
    shown = await manager.async_configure(step["flow_id"], {"code": "2048 163"})
    assert shown["errors"] == {"code": "not_a_code"}
    assert edge.commands == [], "what cannot be a code costs none of the five tries"
    for code in ("not_claimed", "meter_unreachable", "hub_unreachable"):
        edge.refusal = {"code": code, "message": "no"}
        shown = await manager.async_configure(step["flow_id"], {"code": "2048 1632"})
        assert shown["errors"] == {"base": code}
    edge.refusal = None
    shown = await manager.async_configure(step["flow_id"], {"code": "2048 1632"})
    assert shown["type"] == "create_entry"
    assert edge.commands[-1] == {"command": "claim_meter", "code": "20481632"}
    await edge.change(enrolment={"status": "claimed"})
    await until_issues(hass, household, set())


async def test_a_meter_is_not_claimed_while_the_household_is_not_set_up(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.change(enrolment={"status": "unclaimed"})
    await until_issues(hass, household, {"meter_unclaimed"})
    manager, step = await begin_fix(hass, household, "meter_unclaimed")
    await edge.stop()
    await until_state(hass, "switch.amina_s_house_connection", "unavailable")
    shown = await manager.async_configure(step["flow_id"], {"code": "20481632"})
    assert shown["errors"] == {"base": "cannot_connect"}
    await hass.config_entries.async_unload(household.entry_id)
    shown = await manager.async_configure(step["flow_id"], {"code": "20481632"})
    assert shown["errors"] == {"base": "cannot_connect"}


async def test_a_meter_that_obeys_another_hub_is_told(
    hass: HomeAssistant, household: MockConfigEntry, edge: ContractEdge
) -> None:
    await edge.change(enrolment={"status": "claimed_elsewhere"})
    await until_issues(hass, household, {"meter_claimed_elsewhere"})
