"""The weather that is handed to the edge."""

import asyncio
from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall, SupportsResponse
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed

from tests.custom_components.contract_edge import ContractEdge

NOON = {"datetime": "2026-11-20T12:00:00+00:00", "condition": "sunny", "temperature": 77, "wind_speed": 3.0}
ONE = {"datetime": "2026-11-20T13:00:00+00:00", "condition": "rainy", "cloud_coverage": 90}


async def set_up(hass: HomeAssistant, entry: MockConfigEntry, **options: Any) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, options=options)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=False)


def tells(hass: HomeAssistant, answer: dict[str, Any]) -> None:
    async def get_forecasts(call: ServiceCall) -> dict[str, Any]:
        assert call.data == {"entity_id": "weather.home", "type": "hourly"}
        return answer

    hass.services.async_register(
        "weather", "get_forecasts", get_forecasts, supports_response=SupportsResponse.ONLY
    )


async def told(edge: ContractEdge) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while not edge.commands:
            edge.command_came.clear()
            await edge.command_came.wait()
    return edge.commands[-1]


async def test_the_edge_is_told_the_hours_of_the_chosen_weather_now_and_each_half_hour(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    hass.config.units = US_CUSTOMARY_SYSTEM
    tells(hass, {"weather.home": {"forecast": [NOON, ONE]}})
    await set_up(hass, entry, weather="weather.home")
    wanted = {
        "command": "report_weather",
        "forecast": [
            {"datetime": NOON["datetime"], "condition": "sunny", "temperature": 25.0},
            {"datetime": ONE["datetime"], "condition": "rainy", "cloud_coverage": 90},
        ],
    }
    assert await told(edge) == wanted
    edge.commands.clear()
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=31))
    assert await told(edge) == wanted
    await hass.config_entries.async_unload(entry.entry_id)


async def test_a_weather_that_is_away_or_tells_no_hours_is_asked_again_later(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    await set_up(hass, entry, weather="weather.home")  # nothing has registered the action yet
    for hours in (None, [], [NOON, ONE]):
        assert edge.commands == []
        tells(hass, {} if hours is None else {"weather.home": {"forecast": hours}})
        async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=31))
        await hass.async_block_till_done(wait_background_tasks=False)
    assert (await told(edge))["command"] == "report_weather"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_without_a_choice_nothing_is_told(
    hass: HomeAssistant, entry: MockConfigEntry, edge: ContractEdge
) -> None:
    tells(hass, {"weather.home": {"forecast": [NOON, ONE]}})
    await set_up(hass, entry)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(minutes=31))
    await hass.async_block_till_done(wait_background_tasks=False)
    assert edge.commands == []
    await hass.config_entries.async_unload(entry.entry_id)
