"""Standing offers and extra meters."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant, State
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    mock_restore_cache,
    mock_restore_cache_with_extra_data,
)

from custom_components.energy_swap.offers import StandingOffer
from tests.custom_components.contract_edge import ORDER, ContractEdge
from tests.custom_components.inside.conftest import EDGE_ID, TOKEN

EVENING = {"side": "sell", "energy": 1500, "price": 1425, "time": "17:00:00", "minutes": 90}
EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def part(kind: str, title: str, **data: Any) -> ConfigSubentryData:
    return ConfigSubentryData(data=data, subentry_type=kind, title=title, unique_id=None)


@pytest.fixture
def with_parts(hass: HomeAssistant, edge: ContractEdge) -> MockConfigEntry:
    """A household with an offer for each evening, one for no Sunday, and a pump."""
    entry = MockConfigEntry(
        domain="energy_swap",
        title="Amina's house",
        unique_id=EDGE_ID,
        data={"host": "127.0.0.1", "port": edge.port, "token": TOKEN},
        subentries_data=[
            part("standing_offer", "Evening sale", **EVENING, days=EVERY_DAY),
            part("standing_offer", "Morning purchase", **{**EVENING, "side": "buy"}, days=[]),
            part("extra_meter", "Pump", entity_id="sensor.pump_energy", grid_price=25.0),
        ],
    )
    entry.add_to_hass(hass)
    return entry


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


def state(hass: HomeAssistant, entity_id: str) -> State:
    found = hass.states.get(entity_id)
    assert found is not None
    return found


async def until_commands(edge: ContractEdge, count: int) -> None:
    async with asyncio.timeout(60):
        while len(edge.commands) < count:
            await asyncio.sleep(0.01)


def test_an_offer_knows_when_it_is_placed_next() -> None:
    offer = StandingOffer("sell", 1500, 1425, 90, time(17), frozenset({"mon", "fri"}))
    friday_noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert offer.next_after(friday_noon) == datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert offer.next_after(friday_noon.replace(hour=17)) == datetime(2026, 11, 23, 17, tzinfo=UTC)
    never = StandingOffer("sell", 1500, 1425, 90, time(17), frozenset())
    assert never.next_after(friday_noon) is None


async def test_an_offer_is_placed_when_it_is_due_and_switched_on(
    hass: HomeAssistant, with_parts: MockConfigEntry, edge: ContractEdge
) -> None:
    await set_up(hass, with_parts)
    assert state(hass, "sensor.morning_purchase_next_placement").state == "unknown"
    due = dt_util.parse_datetime(state(hass, "sensor.evening_sale_next_placement").state, raise_on_error=True)
    async_fire_time_changed(hass, due + timedelta(seconds=1), fire_all=True)
    await until_commands(edge, 1)
    await hass.async_block_till_done()
    assert edge.commands == [{"command": "sell", "wh": 1500, "at_least": 1425, "valid_for_minutes": 90}]
    outcome = state(hass, "sensor.evening_sale_last_placement")
    assert (outcome.state, outcome.attributes["order"]) == ("placed", ORDER)

    await hass.services.async_call(
        "switch", "turn_off", {"entity_id": "switch.evening_sale_active"}, blocking=True
    )
    assert state(hass, "sensor.evening_sale_next_placement").state == "unknown"
    async_fire_time_changed(hass, due + timedelta(days=1, seconds=1), fire_all=True)
    await hass.async_block_till_done()
    assert len(edge.commands) == 1
    await hass.services.async_call("switch", "turn_on", {"entity_id": "switch.evening_sale_active"}, blocking=True)
    assert state(hass, "sensor.evening_sale_next_placement").state != "unknown"
    await hass.config_entries.async_unload(with_parts.entry_id)


async def test_an_offer_that_is_refused_says_why(
    hass: HomeAssistant, with_parts: MockConfigEntry, edge: ContractEdge
) -> None:
    await set_up(hass, with_parts)
    edge.refusal = {"code": "not_enough", "message": "only 0.3 kWh are free"}
    press = {"entity_id": "button.evening_sale_place_now"}
    with pytest.raises(ServiceValidationError, match=r"only 0\.3 kWh"):
        await hass.services.async_call("button", "press", press, blocking=True)
    outcome = state(hass, "sensor.evening_sale_last_placement")
    assert outcome.state == "refused"
    assert "only 0.3 kWh" in outcome.attributes["reason"]

    edge.refusal = {"code": "hub_unreachable", "message": "away"}
    due = dt_util.parse_datetime(state(hass, "sensor.evening_sale_next_placement").state, raise_on_error=True)
    async_fire_time_changed(hass, due + timedelta(seconds=1), fire_all=True)
    await until_commands(edge, 2)
    await hass.async_block_till_done()
    assert state(hass, "sensor.evening_sale_last_placement").state == "failed"
    await hass.config_entries.async_unload(with_parts.entry_id)


async def test_an_offer_stays_switched_off_over_a_restart(
    hass: HomeAssistant, with_parts: MockConfigEntry
) -> None:
    mock_restore_cache(hass, [State("switch.evening_sale_active", "off")])
    await set_up(hass, with_parts)
    assert state(hass, "switch.evening_sale_active").state == "off"
    assert state(hass, "switch.morning_purchase_active").state == "on"
    await hass.config_entries.async_unload(with_parts.entry_id)


async def test_a_part_is_a_device_behind_the_edge_and_goes_with_it(
    hass: HomeAssistant, with_parts: MockConfigEntry, device_registry: dr.DeviceRegistry
) -> None:
    from custom_components.energy_swap import async_remove_config_entry_device

    await set_up(hass, with_parts)
    devices = dr.async_entries_for_config_entry(device_registry, with_parts.entry_id)
    (edge,) = [device for device in devices if device.via_device_id is None]
    assert {device.name for device in devices} == {"Amina's house", "Evening sale", "Morning purchase", "Pump"}
    assert {device.via_device_id for device in devices} == {None, edge.id}
    for device in devices:
        assert not await async_remove_config_entry_device(hass, with_parts, device)
    stale = device_registry.async_get_or_create(
        config_entry_id=with_parts.entry_id, identifiers={("energy_swap", f"{EDGE_ID}_gone")}
    )
    assert await async_remove_config_entry_device(hass, with_parts, stale)
    await hass.config_entries.async_unload(with_parts.entry_id)


async def test_an_extra_meter_costs_what_the_moment_costs(
    hass: HomeAssistant, with_parts: MockConfigEntry, edge: ContractEdge
) -> None:
    def measure(energy: Any, unit: str = "kWh") -> None:
        hass.states.async_set("sensor.pump_energy", str(energy), {"unit_of_measurement": unit})

    measure(100)
    mock_restore_cache_with_extra_data(
        hass,
        [(State("sensor.pump_cost", "12.5"), {"native_value": 12.5, "native_unit_of_measurement": "KES"})],
    )
    await set_up(hass, with_parts)
    assert state(hass, "sensor.pump_cost").state == "12.5"
    measure(102)  # 2 kWh at KES 17.35
    await hass.async_block_till_done()
    assert state(hass, "sensor.pump_cost").state == "47.2"
    measure(103_000, "Wh")  # 1 kWh more
    measure("unavailable")
    measure("nonsense")
    measure(1, "m³")
    await hass.async_block_till_done()
    assert state(hass, "sensor.pump_cost").state == "64.55"

    await edge.change(market={**edge.state["market"], "clearing_cents_per_kwh": None})
    async with asyncio.timeout(60):
        while state(hass, "sensor.amina_s_house_clearing_price").state != "unknown":
            await asyncio.sleep(0.01)
    measure(0)  # a new meter
    measure(1)  # 1 kWh of the grid at KES 25
    await hass.async_block_till_done()
    cost = state(hass, "sensor.pump_cost")
    assert (cost.state, cost.attributes["price"]) == ("89.55", 25.0)
    hass.states.async_remove("sensor.pump_energy")
    await hass.async_block_till_done()
    assert state(hass, "sensor.pump_cost").state == "89.55"
    await hass.config_entries.async_unload(with_parts.entry_id)
