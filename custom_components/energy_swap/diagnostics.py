"""What to attach to a bug report: the state and the link, without who and how much."""

from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_HOST, CONF_TOKEN
from homeassistant.core import HomeAssistant

from .coordinator import EnergySwapConfigEntry

# Keys, the token and the name say who this is; money, orders and sentences about them are nobody else's business.
PRIVATE = {
    CONF_HOST,
    CONF_TOKEN,
    "key",
    "wallet",
    "orders",
    "auctions",
    "ahead_orders",
    "contracts",
    "partners",
    "earnings",
    "earned_cents",
    "paid_cents",
    "spent_today_cents",
    "sentence",
    "reason",
    "phone",
}


async def async_get_config_entry_diagnostics(_hass: HomeAssistant, entry: EnergySwapConfigEntry) -> dict[str, Any]:
    """Return the diagnostics of one edge."""
    coordinator = entry.runtime_data
    return {
        "entry": async_redact_data(dict(entry.data), PRIVATE),
        "options": dict(entry.options),
        "subentries": [subentry.subentry_type for subentry in entry.subentries.values()],
        "edge_version": coordinator.info.edge_version,
        "connected": coordinator.last_update_success,
        "state": async_redact_data(dict(coordinator.data), PRIVATE),
    }
