"""Is the hub there, is the meter heard, is the relay closed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.binary_sensor import BinarySensorEntity, BinarySensorEntityDescription
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnergySwapConfigEntry
from .entity import EnergySwapEntity
from .state import State, always, is_confirmed, is_hub_connected, is_meter_heard, is_relay_known, value

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class EnergySwapBinarySensorDescription(BinarySensorEntityDescription):
    """A yes or no taken from the edge's state."""

    value_fn: Callable[[State], bool | None]
    available_fn: Callable[[State], bool] = always
    attributes_fn: Callable[[State], Mapping[str, Any]] | None = None


def _relay(state: State) -> Mapping[str, Any]:
    return {
        "reason": value("relay", "reason")(state),
        "protected": value("relay", "protected")(state),
        "confirmed": is_confirmed(state),
    }


DESCRIPTIONS = (
    EnergySwapBinarySensorDescription(
        key="hub_connection",
        translation_key="hub_connection",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=is_hub_connected,
    ),
    EnergySwapBinarySensorDescription(
        key="meter",
        translation_key="meter",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=is_meter_heard,
    ),
    EnergySwapBinarySensorDescription(
        key="relay",
        translation_key="relay",
        device_class=BinarySensorDeviceClass.POWER,
        value_fn=value("relay", "is_closed"),
        available_fn=is_relay_known,
        attributes_fn=_relay,
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the binary sensors of one edge."""
    async_add_entities(
        EnergySwapBinarySensor(entry.runtime_data, description, description.available_fn)
        for description in DESCRIPTIONS
    )


class EnergySwapBinarySensor(EnergySwapEntity, BinarySensorEntity):
    """A yes or no of the edge."""

    entity_description: EnergySwapBinarySensorDescription

    @property
    @override
    def is_on(self) -> bool | None:
        return self.entity_description.value_fn(self.coordinator.data)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        attributes_fn = self.entity_description.attributes_fn
        return None if attributes_fn is None else attributes_fn(self.coordinator.data)
