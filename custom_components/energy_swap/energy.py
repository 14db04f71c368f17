"""The solar forecast that the Energy dashboard draws beside what was produced."""

from collections import defaultdict

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .api import EdgeError
from .const import DOMAIN, LOGGER
from .coordinator import EnergySwapConfigEntry


async def async_get_solar_forecast(
    hass: HomeAssistant, config_entry_id: str
) -> dict[str, dict[str, float | int]] | None:
    """Return the production that the edge expects, in Wh per hour by the hour's beginning."""
    entry: EnergySwapConfigEntry | None = hass.config_entries.async_get_entry(config_entry_id)
    if entry is None or entry.domain != DOMAIN or entry.state is not ConfigEntryState.LOADED:
        return None
    try:
        forecast = await entry.runtime_data.records.forecast()
    except EdgeError as err:
        LOGGER.debug("No forecast for the Energy dashboard: %s", err)
        return None
    hours: defaultdict[str, float] = defaultdict(float)
    for period in forecast.get("periods", []):
        start = dt_util.utc_from_timestamp(period["start"])
        hour = start.replace(minute=0, second=0, microsecond=0)
        hours[hour.isoformat()] += (period.get("production_wh") or {}).get("p50") or 0
    return {"wh_hours": dict(hours)}
