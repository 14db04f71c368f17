"""Hand the forecast of Home Assistant's own weather to the edge, for when its own source does not answer."""

from datetime import datetime, timedelta
from typing import Final

from homeassistant.components.weather.const import DOMAIN as WEATHER
from homeassistant.components.weather.const import SERVICE_GET_FORECASTS
from homeassistant.const import ATTR_ENTITY_ID, UnitOfTemperature
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util.unit_conversion import TemperatureConverter

from .api import EdgeError
from .const import CONF_WEATHER, LOGGER
from .coordinator import EnergySwapConfigEntry

EVERY: Final = timedelta(minutes=30)
_KEPT: Final = ("datetime", "condition", "temperature", "cloud_coverage", "humidity")
_MOST_HOURS: Final = 72


@callback
def async_tell_weather(hass: HomeAssistant, entry: EnergySwapConfigEntry) -> None:
    """Tell the edge now and each half hour, as long as the household is set up and a weather is chosen."""
    entity_id = entry.options.get(CONF_WEATHER)
    if not entity_id:
        return

    async def tell(_now: datetime | None = None) -> None:
        try:
            await _tell(hass, entry, entity_id)
        except (
            HomeAssistantError,
            EdgeError,
        ) as err:  # away, or without an hourly forecast: in half an hour again
            LOGGER.debug("The edge was not told the weather of %s: %s", entity_id, err)

    entry.async_on_unload(async_track_time_interval(hass, tell, EVERY))
    entry.async_create_background_task(hass, tell(), f"weather of {entity_id}")


async def _tell(hass: HomeAssistant, entry: EnergySwapConfigEntry, entity_id: str) -> None:
    answer = await hass.services.async_call(
        WEATHER,
        SERVICE_GET_FORECASTS,
        {ATTR_ENTITY_ID: entity_id, "type": "hourly"},
        blocking=True,
        return_response=True,
    )
    told = (answer or {}).get(entity_id)
    hours = told.get("forecast") if isinstance(told, dict) else None
    if not isinstance(hours, list) or not hours:
        LOGGER.debug("%s has no hourly forecast", entity_id)
        return
    kept = [{key: one[key] for key in _KEPT if key in one} for one in hours[:_MOST_HOURS] if isinstance(one, dict)]
    for one in kept:
        if isinstance(degrees := one.get("temperature"), int | float):
            unit = hass.config.units.temperature_unit
            one["temperature"] = round(TemperatureConverter.convert(degrees, unit, UnitOfTemperature.CELSIUS), 1)
    await entry.runtime_data.command("report_weather", {"forecast": kept})
