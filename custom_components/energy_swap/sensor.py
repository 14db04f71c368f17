"""Power, energy, money and prices of one household."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfEnergy, UnitOfPower
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import EnergySwapConfigEntry
from .entity import EnergySwapEntity
from .state import State, always, is_hub_connected, is_power_live

PARALLEL_UPDATES = 0

KES = "KES"
KES_PER_KWH = f"{KES}/{UnitOfEnergy.KILO_WATT_HOUR}"


@dataclass(frozen=True, kw_only=True)
class EnergySwapSensorDescription(SensorEntityDescription):
    """A value taken from the edge's state, and when it may be shown."""

    value_fn: Callable[[State], int | str | Decimal | datetime | None]
    available_fn: Callable[[State], bool] = always


def _kwh(wh: int) -> Decimal:
    return Decimal(wh) / 1000


def _kes(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents) / 100


def _power(key: str, value_fn: Callable[[State], int | None]) -> EnergySwapSensorDescription:
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=value_fn,
        available_fn=is_power_live,
    )


def _lifetime_energy(key: str, value_fn: Callable[[State], Decimal | None]) -> EnergySwapSensorDescription:
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENERGY,
        state_class=SensorStateClass.TOTAL_INCREASING,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=value_fn,
    )


def _forecast(key: str, value_fn: Callable[[State], Decimal | None]) -> EnergySwapSensorDescription:
    # An expectation is no total: it has no state class and stays out of the statistics.
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=1,
        value_fn=value_fn,
    )


def _price(
    key: str, value_fn: Callable[[State], Decimal | None], available_fn: Callable[[State], bool]
) -> EnergySwapSensorDescription:
    # Home Assistant has no device class for a price: "monetary" means an amount of money.
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=KES_PER_KWH,
        suggested_display_precision=2,
        value_fn=value_fn,
        available_fn=available_fn,
    )


def _suggestion(key: str, value_fn: Callable[[State], Decimal | None]) -> EnergySwapSensorDescription:
    # Advice is no measurement: like a forecast it has no state class and stays out of the statistics.
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        native_unit_of_measurement=KES_PER_KWH,
        suggested_display_precision=2,
        value_fn=value_fn,
        available_fn=is_hub_connected,
    )


DESCRIPTIONS = (
    _power("surplus_power", lambda state: (p := state["power"]) and p["surplus_w"]),
    _power("net_power", lambda state: (p := state["power"]) and p["net_w"]),
    _power("generation_power", lambda state: (p := state["power"]) and p["generation_w"]),
    _lifetime_energy("exported_energy", lambda state: (m := state["meter"]) and _kwh(m["export_wh"])),
    _lifetime_energy("imported_energy", lambda state: (m := state["meter"]) and _kwh(m["import_wh"])),
    _lifetime_energy("generated_energy", lambda state: (m := state["meter"]) and _kwh(m["generation_wh"])),
    _lifetime_energy("sold_energy", lambda state: (e := state["energy"]) and _kwh(e["sold_wh"])),
    _lifetime_energy("bought_energy", lambda state: (e := state["energy"]) and _kwh(e["bought_wh"])),
    _forecast("surplus_today", lambda state: (f := state["forecast"]) and _kwh(f["surplus_today_wh"])),
    _forecast("surplus_remaining", lambda state: (f := state["forecast"]) and _kwh(f["surplus_remaining_wh"])),
    EnergySwapSensorDescription(
        key="kes_balance",
        translation_key="kes_balance",
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL,
        native_unit_of_measurement=KES,
        suggested_display_precision=2,
        value_fn=lambda state: (w := state["wallet"]) and _kes(w["kes_cents"]),
        available_fn=is_hub_connected,
    ),
    # A balance of tokens, not energy that flowed: as "energy" it would be offered to the Energy dashboard, and
    # "energy_storage" means a battery.
    EnergySwapSensorDescription(
        key="token_balance",
        translation_key="token_balance",
        state_class=SensorStateClass.TOTAL,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=lambda state: (w := state["wallet"]) and _kwh(w["ekwh_wh"]),
        available_fn=is_hub_connected,
    ),
    _price(
        "clearing_price",
        lambda state: (m := state["market"]) and _kes(m["clearing_cents_per_kwh"]),
        is_hub_connected,
    ),
    _suggestion("suggested_sell_price", lambda state: (g := state.get("guidance")) and _kes(g["suggested_sell"])),
    _suggestion("suggested_buy_price", lambda state: (g := state.get("guidance")) and _kes(g["suggested_buy"])),
    EnergySwapSensorDescription(
        key="last_settlement",
        translation_key="last_settlement",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda state: (s := state["last_settlement"]) and datetime.fromisoformat(s["period"]),
    ),
    EnergySwapSensorDescription(
        key="membership",
        translation_key="membership",
        device_class=SensorDeviceClass.ENUM,
        options=["applied", "admitted", "suspended"],
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state: None if state["membership"] == "unknown" else state["membership"],
    ),
    EnergySwapSensorDescription(
        key="readings_waiting",
        translation_key="readings_waiting",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state: state["hub"]["queue"],
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the sensors of one edge."""
    async_add_entities(
        EnergySwapSensor(entry.runtime_data, description, description.available_fn) for description in DESCRIPTIONS
    )


class EnergySwapSensor(EnergySwapEntity, SensorEntity):
    """A value of the edge."""

    entity_description: EnergySwapSensorDescription

    @property
    @override
    def native_value(self) -> int | str | Decimal | datetime | None:
        return self.entity_description.value_fn(self.coordinator.data)
