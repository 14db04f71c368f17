"""Energy Swap: a household's part in its neighbourhood's energy market, told by the edge beside Home Assistant."""

from homeassistant.config_entries import SIGNAL_CONFIG_ENTRY_CHANGED, ConfigEntry, ConfigEntryChange
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.dispatcher import async_dispatcher_connect
from homeassistant.helpers.typing import ConfigType

from .const import DOMAIN, STANDING_OFFER
from .coordinator import EnergySwapConfigEntry, EnergySwapCoordinator
from .events import async_forget_events
from .offers import OfferDesk
from .pages import async_hide_page, async_register_frontend, async_show_page
from .problems import Problems
from .read_actions import async_setup_read_actions
from .services import async_setup_services
from .statistics import async_keep_statistics
from .weather import async_tell_weather

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
]

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)


async def async_setup(hass: HomeAssistant, _config: ConfigType) -> bool:
    """Register the actions and the pages; they exist as long as the integration is loaded."""
    async_setup_services(hass)
    async_setup_read_actions(hass)
    await async_register_frontend(hass)
    return True


async def async_setup_entry(hass: HomeAssistant, entry: EnergySwapConfigEntry) -> bool:
    """Connect to one household's edge."""
    coordinator = EnergySwapCoordinator(hass, entry)
    entry.async_on_unload(coordinator.problems.withdraw_all)
    await coordinator.async_config_entry_first_refresh()
    entry.runtime_data = coordinator
    coordinator.async_register_device()
    coordinator.problems.look(coordinator.data)
    for subentry_id, subentry in entry.subentries.items():
        if subentry.subentry_type == STANDING_OFFER:
            coordinator.offers[subentry_id] = OfferDesk(coordinator, subentry)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    async_keep_statistics(hass, entry)
    async_tell_weather(hass, entry)
    for desk in coordinator.offers.values():
        entry.async_on_unload(desk.async_start(hass))
    _reload_when_subentries_change(hass, entry)
    await async_show_page(hass)
    await coordinator.async_start_events()
    return True


async def async_unload_entry(hass: HomeAssistant, entry: EnergySwapConfigEntry) -> bool:
    """Take one household's entities away; the coordinator closes its connection by itself."""
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_entry(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Forget a household; the page goes with the last one."""
    if not hass.config_entries.async_entries(DOMAIN):
        async_hide_page(hass)
    Problems(hass, entry).edge_answers()
    await async_forget_events(hass, entry)


async def async_remove_config_entry_device(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Let a device be removed that the household no longer has."""
    edge = entry.runtime_data.info.edge_id
    known = {edge, *(f"{edge}_{subentry_id}" for subentry_id in entry.subentries)}
    return not any(domain == DOMAIN and name in known for domain, name in device.identifiers)


@callback
def _reload_when_subentries_change(hass: HomeAssistant, entry: EnergySwapConfigEntry) -> None:
    """Set the household up anew when a standing offer or an extra meter was added, changed or removed.

    Options, a new address and a new token reload by themselves; so no update listener is wanted here.
    """
    before = dict(entry.subentries)

    @callback
    def look(change: ConfigEntryChange, changed: ConfigEntry) -> None:
        if change is ConfigEntryChange.UPDATED and changed is entry and dict(entry.subentries) != before:
            hass.config_entries.async_schedule_reload(entry.entry_id)

    entry.async_on_unload(async_dispatcher_connect(hass, SIGNAL_CONFIG_ENTRY_CHANGED, look))
