"""Power, energy, money, prices, forecasts and advice of one household."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.sensor import SensorEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import EXTRA_METER, STANDING_OFFER
from .coordinator import EnergySwapConfigEntry, EnergySwapCoordinator
from .entity import EnergySwapEntity
from .extra_meter import extra_meter_sensors
from .offer_entities import offer_sensors
from .sensor_table import DESCRIPTIONS, EnergySwapSensorDescription, Value
from .sentences import alert_text, decision_text, reason, reputation_text

PARALLEL_UPDATES = 0


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of one edge, of its standing offers and of its extra meters."""
    async_add_entities(
        SPEAKING.get(description.key, EnergySwapSensor)(entry.runtime_data, description)
        for description in DESCRIPTIONS
    )
    for subentry_id, subentry in entry.subentries.items():
        if subentry.subentry_type == STANDING_OFFER:
            async_add_entities(offer_sensors(entry.runtime_data, subentry), config_subentry_id=subentry_id)
        elif subentry.subentry_type == EXTRA_METER:
            async_add_entities(extra_meter_sensors(entry.runtime_data, subentry), config_subentry_id=subentry_id)


class EnergySwapSensor(EnergySwapEntity, SensorEntity):
    """A value of the edge."""

    entity_description: EnergySwapSensorDescription
    # Sentences and amounts around a value are for people who look now; statistics have their own.
    _unrecorded_attributes = frozenset(
        {"reason", "key", "sentence", "energy", "price", "from", "until", "gain", "alerts", "made_at"}
    )

    def __init__(self, coordinator: EnergySwapCoordinator, description: EnergySwapSensorDescription) -> None:
        super().__init__(coordinator, description, description.available_fn)

    @property
    @override
    def native_value(self) -> Value:
        return self.entity_description.value_fn(self.coordinator.data)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        attributes_fn = self.entity_description.attributes_fn
        return None if attributes_fn is None else attributes_fn(self.coordinator.data)


class EnergySwapRecommendation(EnergySwapSensor):
    """The advice, whose reason is said in the household's language."""

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        attributes, advice = super().extra_state_attributes, self.coordinator.data.get("advice")
        if attributes is None or advice is None:
            return None
        return {**attributes, "reason": reason(self.hass, advice, attributes)}


class EnergySwapReputation(EnergySwapSensor):
    """The reputation, whose reason is said in the household's language."""

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        reputation = self.coordinator.data.get("reputation")
        return None if reputation is None else {"reason": reputation_text(self.hass, reputation)}


class EnergySwapDecision(EnergySwapSensor):
    """The trader's last decision, whose reason is said in the household's language."""

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        trader = self.coordinator.data.get("trader")
        last = None if trader is None else trader["last"]
        return None if last is None else {"reason": decision_text(self.hass, last)}


class EnergySwapAlerts(EnergySwapSensor):
    """What of the equipment needs a look, said in the household's language."""

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        return {"alerts": [alert_text(self.hass, alert) for alert in self.coordinator.data.get("alerts") or []]}


SPEAKING: dict[str, type[EnergySwapSensor]] = {
    "recommendation": EnergySwapRecommendation,
    "reputation": EnergySwapReputation,
    "last_decision": EnergySwapDecision,
    "alerts": EnergySwapAlerts,
}
