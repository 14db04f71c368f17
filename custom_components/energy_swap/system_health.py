"""A few lines about each household on Home Assistant's page of system information."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN


@callback
def async_register(_hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:
    """Say where the lines come from."""
    register.async_register_info(system_health_info)


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return whether edges and hubs are reached; with several households, how many of them."""
    entries = hass.config_entries.async_entries(DOMAIN)
    loaded = [entry.runtime_data for entry in entries if entry.state is ConfigEntryState.LOADED]
    connected = [coordinator for coordinator in loaded if coordinator.last_update_success]
    states = [coordinator.data for coordinator in connected]
    settled = [state["last_settlement"]["period"] for state in states if state["last_settlement"] is not None]
    return {
        "households": len(entries),
        "edges_connected": len(connected),
        "edge_versions": ", ".join(sorted({coordinator.info.edge_version for coordinator in loaded})) or "-",
        "hubs_connected": sum(state["hub"]["status"] == "connected" for state in states),
        "readings_waiting": sum(state["hub"]["queue"] for state in states),
        "last_settlement": max(settled, default="-"),
    }
