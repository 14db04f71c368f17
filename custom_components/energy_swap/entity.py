"""What all entities of an edge have in common."""

from collections.abc import Callable
from typing import override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import EnergySwapCoordinator
from .state import State, always


class EnergySwapEntity(CoordinatorEntity[EnergySwapCoordinator]):
    """One value of the edge's state, shown only while it is true."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: EnergySwapCoordinator,
        description: EntityDescription,
        available_fn: Callable[[State], bool] = always,
    ) -> None:
        super().__init__(coordinator)
        self.entity_description = description
        self._available_fn = available_fn
        self._attr_unique_id = f"{coordinator.info.edge_id}_{description.key}"
        self._attr_device_info = coordinator.device_info()

    @property
    @override
    def available(self) -> bool:
        return super().available and self._available_fn(self.coordinator.data)


def subentry_device(coordinator: EnergySwapCoordinator, subentry: ConfigSubentry, model: str) -> DeviceInfo:
    """Describe a standing offer or an extra meter as a device of its own, behind the edge."""
    return DeviceInfo(
        identifiers={(DOMAIN, f"{coordinator.info.edge_id}_{subentry.subentry_id}")},
        name=subentry.title,
        manufacturer="Energy Swap",
        model=model,
        via_device_id=coordinator.device_id,
    )
