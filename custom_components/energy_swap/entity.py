"""What all entities of an edge have in common."""

from collections.abc import Callable
from typing import override

from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .coordinator import EnergySwapCoordinator
from .state import State


class EnergySwapEntity(CoordinatorEntity[EnergySwapCoordinator]):
    """One value of the edge's state, shown only while it is true."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: EnergySwapCoordinator,
        description: EntityDescription,
        available_fn: Callable[[State], bool],
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
