"""Extra meters: what a part of the house (a pump, a tenant's flat) costs, by an energy sensor that it has."""

from collections.abc import Mapping
from typing import Any, Final, override

from homeassistant.components.sensor import RestoreSensor, SensorDeviceClass, SensorEntity, SensorStateClass
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    CONF_ENTITY_ID,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfEnergy,
)
from homeassistant.core import Event, EventStateChangedData, State, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util.unit_conversion import EnergyConverter

from .amounts import CENTS_PER_KES
from .const import KES
from .coordinator import EnergySwapCoordinator
from .entity import subentry_device
from .state import is_hub_connected, value

CONF_GRID_PRICE: Final = "grid_price"


class ExtraMeterCost(RestoreSensor):
    """What went through an extra meter, at today's price: the neighbours' if there is one, else the grid's.

    An estimate while it runs: which of the house's kWh came from whom is only known for the house as a whole.
    """

    _attr_has_entity_name = True
    _attr_should_poll = False
    _attr_translation_key = "extra_meter_cost"
    _attr_device_class = SensorDeviceClass.MONETARY
    _attr_state_class = SensorStateClass.TOTAL
    _attr_native_unit_of_measurement = KES
    _attr_suggested_display_precision = 2

    def __init__(self, coordinator: EnergySwapCoordinator, subentry: ConfigSubentry) -> None:
        self._coordinator = coordinator
        self._meter: str = subentry.data[CONF_ENTITY_ID]
        self._grid_price: float = subentry.data[CONF_GRID_PRICE]
        self._cost = 0.0
        self._kwh: float | None = None
        self._attr_unique_id = f"{coordinator.info.edge_id}_{subentry.subentry_id}_cost"
        self._attr_device_info = subentry_device(coordinator, subentry, "Extra meter")

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        if (before := await self.async_get_last_sensor_data()) is not None and isinstance(
            before.native_value, int | float
        ):
            self._cost = float(before.native_value)
        if (state := self.hass.states.get(self._meter)) is not None:
            self._kwh = _kwh(state)
        self.async_on_remove(async_track_state_change_event(self.hass, self._meter, self._measured))

    @property
    @override
    def native_value(self) -> float:
        return round(self._cost, 2)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        return {"price": self._price(), "meter": self._meter}

    @callback
    def _measured(self, event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        kwh = None if state is None else _kwh(state)
        if kwh is None:
            return
        # A meter that shows less than before was replaced or set to zero: it counts from there.
        if self._kwh is not None and kwh > self._kwh:
            self._cost += (kwh - self._kwh) * self._price()
        self._kwh = kwh
        self.async_write_ha_state()

    def _price(self) -> float:
        """Return what a kWh costs now, in KES."""
        state = self._coordinator.data
        cents = value("market", "clearing_cents_per_kwh")(state) if is_hub_connected(state) else None
        return self._grid_price if cents is None else cents / CENTS_PER_KES


def _kwh(state: State) -> float | None:
    """Return what an energy sensor shows, None if it shows nothing."""
    if state.state in {STATE_UNKNOWN, STATE_UNAVAILABLE}:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if unit not in EnergyConverter.VALID_UNITS:
        return None
    try:
        return EnergyConverter.convert(float(state.state), unit, UnitOfEnergy.KILO_WATT_HOUR)
    except ValueError:
        return None


def extra_meter_sensors(coordinator: EnergySwapCoordinator, subentry: ConfigSubentry) -> list[SensorEntity]:
    """Return the sensors of an extra meter."""
    return [ExtraMeterCost(coordinator, subentry)]
