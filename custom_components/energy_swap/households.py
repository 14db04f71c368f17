"""Which household an action is for."""

from typing import Final

import probatio
from homeassistant.const import ATTR_AREA_ID, ATTR_DEVICE_ID, ATTR_ENTITY_ID, ATTR_FLOOR_ID, ATTR_LABEL_ID
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers import service

from .const import DOMAIN
from .coordinator import EnergySwapConfigEntry, EnergySwapCoordinator

ATTR_CONFIG_ENTRY: Final = "config_entry"
_TARGETS: Final = (ATTR_ENTITY_ID, ATTR_DEVICE_ID, ATTR_AREA_ID, ATTR_FLOOR_ID, ATTR_LABEL_ID)

# A household is named by its entry, or by any entity, device, area … of it.
HOUSEHOLD_FIELDS: Final = {probatio.Optional(ATTR_CONFIG_ENTRY): cv.string, **cv.TARGET_SERVICE_FIELDS}


async def async_get_household(hass: HomeAssistant, call: ServiceCall) -> EnergySwapCoordinator:
    """Return the one household that is meant; raises ServiceValidationError if that is not clear."""
    entry_id: str | None = call.data.get(ATTR_CONFIG_ENTRY)
    if entry_id is None and any(call.data.get(target) for target in _TARGETS):
        targeted = await service.async_extract_config_entry_ids(call)
        ours = [
            entry.entry_id for entry in hass.config_entries.async_entries(DOMAIN) if entry.entry_id in targeted
        ]
        if len(ours) != 1:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key="not_one_household",
                translation_placeholders={"count": str(len(ours))},
            )
        (entry_id,) = ours
    entry: EnergySwapConfigEntry = service.async_get_config_entry(hass, DOMAIN, entry_id)
    return entry.runtime_data
