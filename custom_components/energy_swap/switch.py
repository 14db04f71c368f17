"""Selling by itself, the household's own connection and each standing offer: on or off."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .commands import carry_out
from .const import DOMAIN, STANDING_OFFER
from .coordinator import EnergySwapConfigEntry
from .entity import EnergySwapEntity
from .offer_entities import offer_switches
from .state import is_connection_known, is_trader_known, value

PARALLEL_UPDATES = 0

AUTO_SELL = SwitchEntityDescription(key="auto_sell", translation_key="auto_sell")
# A configuration entity: "switch everything off in this area" must not cut the house off.
CONNECTION = SwitchEntityDescription(
    key="connection", translation_key="connection", entity_category=EntityCategory.CONFIG
)
# Why the community keeps a connection open that the household wants closed.
STAYS_OFF = frozenset({"prepaid_used_up", "connection_ended"})


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the switches of one edge and of its standing offers."""
    async_add_entities(
        [
            EnergySwapAutoSell(entry.runtime_data, AUTO_SELL, is_trader_known),
            EnergySwapConnection(entry.runtime_data, CONNECTION, is_connection_known),
        ]
    )
    for subentry_id, subentry in entry.subentries.items():
        if subentry.subentry_type == STANDING_OFFER:
            async_add_entities(offer_switches(entry.runtime_data, subentry), config_subentry_id=subentry_id)


class EnergySwapAutoSell(EnergySwapEntity, SwitchEntity):
    """Whether the edge may sell by itself; shown as the edge has it, never before."""

    @property
    @override
    def is_on(self) -> bool | None:
        is_on: bool | None = value("trader", "auto_sell")(self.coordinator.data)
        return is_on

    @override
    async def async_turn_on(self, **_kwargs: Any) -> None:
        await carry_out(self.coordinator, "set_auto_sell", {"on": True}, self._context)

    @override
    async def async_turn_off(self, **_kwargs: Any) -> None:
        await carry_out(self.coordinator, "set_auto_sell", {"on": False}, self._context)


class EnergySwapConnection(EnergySwapEntity, SwitchEntity):
    """The household's connection as its meter says that it is; off is a wish on which the hub decides."""

    @property
    @override
    def is_on(self) -> bool | None:
        is_on: bool | None = value("relay", "is_closed")(self.coordinator.data)
        return is_on

    @override
    async def async_turn_on(self, **_kwargs: Any) -> None:
        answer = await carry_out(self.coordinator, "switch_connection", {"on": True}, self._context)
        if (reason := answer.get("reason")) in STAYS_OFF:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key=f"stays_off_{reason}")

    @override
    async def async_turn_off(self, **_kwargs: Any) -> None:
        await carry_out(self.coordinator, "switch_connection", {"on": False}, self._context)
