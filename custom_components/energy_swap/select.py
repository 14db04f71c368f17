"""How the edge's trader goes about it."""

from typing import override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .commands import carry_out
from .coordinator import EnergySwapConfigEntry
from .entity import EnergySwapEntity
from .state import is_trader_known, value

PARALLEL_UPDATES = 0

STRATEGY = SelectEntityDescription(key="strategy", translation_key="strategy")


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the select of one edge."""
    async_add_entities([EnergySwapStrategy(entry.runtime_data, STRATEGY, is_trader_known)])


class EnergySwapStrategy(EnergySwapEntity, SelectEntity):
    """The trader's strategy; which ones there are, the edge says."""

    @property
    @override
    def options(self) -> list[str]:
        return value("trader", "strategies")(self.coordinator.data) or []

    @property
    @override
    def current_option(self) -> str | None:
        strategy: str | None = value("trader", "strategy")(self.coordinator.data)
        return strategy

    @override
    async def async_select_option(self, option: str) -> None:
        await carry_out(self.coordinator, "set_strategy", {"strategy": option}, self._context)
