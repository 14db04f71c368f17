"""The entities of a standing offer: its switch, how it went last, when it is placed next, and placing it now."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.button import ButtonEntity
from homeassistant.components.sensor import SensorDeviceClass, SensorEntity
from homeassistant.components.switch import SwitchEntity
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import STATE_OFF, EntityCategory
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.restore_state import RestoreEntity

from .coordinator import EnergySwapCoordinator
from .entity import subentry_device
from .offers import OfferDesk

OUTCOMES = ["placed", "refused", "failed"]


class _OfferEntity(Entity):
    """Part of one standing offer."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, coordinator: EnergySwapCoordinator, subentry: ConfigSubentry, key: str) -> None:
        self._desk: OfferDesk = coordinator.offers[subentry.subentry_id]
        self._attr_translation_key = key
        self._attr_unique_id = f"{coordinator.info.edge_id}_{subentry.subentry_id}_{key}"
        self._attr_device_info = subentry_device(coordinator, subentry, "Standing offer")

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self._desk.async_listen(self.async_write_ha_state))


class OfferSwitch(_OfferEntity, SwitchEntity, RestoreEntity):
    """Whether the offer is placed when it is due."""

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        if (before := await self.async_get_last_state()) is not None:
            self._desk.switch(is_on=before.state != STATE_OFF)

    @property
    @override
    def is_on(self) -> bool:
        return self._desk.is_on

    @override
    async def async_turn_on(self, **_kwargs: Any) -> None:
        self._desk.switch(is_on=True)

    @override
    async def async_turn_off(self, **_kwargs: Any) -> None:
        self._desk.switch(is_on=False)


class OfferOutcome(_OfferEntity, SensorEntity):
    """How the last placement went."""

    _attr_device_class = SensorDeviceClass.ENUM
    _attr_options = OUTCOMES
    _unrecorded_attributes = frozenset({"at", "order", "reason"})

    @property
    @override
    def native_value(self) -> str | None:
        return None if self._desk.last is None else self._desk.last.outcome

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        last = self._desk.last
        return None if last is None else {"at": last.at, "order": last.order, "reason": last.reason}


class OfferNext(_OfferEntity, SensorEntity):
    """When the offer is placed next."""

    _attr_device_class = SensorDeviceClass.TIMESTAMP
    _attr_entity_category = EntityCategory.DIAGNOSTIC

    @property
    @override
    def native_value(self) -> Any:
        return self._desk.next_at


class OfferButton(_OfferEntity, ButtonEntity):
    """Places the offer now."""

    @override
    async def async_press(self) -> None:
        await self._desk.place()


def offer_sensors(coordinator: EnergySwapCoordinator, subentry: ConfigSubentry) -> list[SensorEntity]:
    """Return the sensors of a standing offer."""
    return [
        OfferOutcome(coordinator, subentry, "offer_outcome"),
        OfferNext(coordinator, subentry, "offer_next"),
    ]


def offer_switches(coordinator: EnergySwapCoordinator, subentry: ConfigSubentry) -> list[SwitchEntity]:
    """Return the switch of a standing offer."""
    return [OfferSwitch(coordinator, subentry, "offer")]


def offer_buttons(coordinator: EnergySwapCoordinator, subentry: ConfigSubentry) -> list[ButtonEntity]:
    """Return the button of a standing offer."""
    return [OfferButton(coordinator, subentry, "offer_now")]
