"""Pay out all the money that can be paid out, and place a standing offer now."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .commands import carry_out
from .const import STANDING_OFFER
from .coordinator import EnergySwapConfigEntry
from .entity import EnergySwapEntity
from .offer_entities import offer_buttons
from .state import is_hub_connected

PARALLEL_UPDATES = 0

PAY_OUT = ButtonEntityDescription(key="pay_out", translation_key="pay_out")


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the buttons of one edge and of its standing offers."""
    async_add_entities([EnergySwapPayOut(entry.runtime_data, PAY_OUT, is_hub_connected)])
    for subentry_id, subentry in entry.subentries.items():
        if subentry.subentry_type == STANDING_OFFER:
            async_add_entities(offer_buttons(entry.runtime_data, subentry), config_subentry_id=subentry_id)


class EnergySwapPayOut(EnergySwapEntity, ButtonEntity):
    """Sends the household's free money to its own phone."""

    @override
    async def async_press(self) -> None:
        await carry_out(self.coordinator, "pay_out", {}, self._context)
