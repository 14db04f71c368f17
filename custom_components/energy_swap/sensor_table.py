"""The table of the sensors: which value of the edge's state each of them shows, as what, and when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from homeassistant.components.sensor import SensorDeviceClass, SensorEntityDescription, SensorStateClass
from homeassistant.const import PERCENTAGE, EntityCategory, UnitOfEnergy, UnitOfPower

from .const import KES, KES_PER_KWH
from .state import State, always, is_hub_connected, is_power_live, value

type Value = int | float | str | Decimal | datetime | None
type Read = Callable[[State], Any]


@dataclass(frozen=True, kw_only=True)
class EnergySwapSensorDescription(SensorEntityDescription):
    """A value taken from the edge's state, what is said beside it, and when it may be shown."""

    value_fn: Callable[[State], Value]
    available_fn: Callable[[State], bool] = always
    attributes_fn: Callable[[State], Mapping[str, Any] | None] | None = None


def _kwh(wh: int | None) -> Decimal | None:
    return None if wh is None else Decimal(wh) / 1000


def _kes(cents: int | None) -> Decimal | None:
    return None if cents is None else Decimal(cents) / 100


def _moment(at: int | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _power(key: str, read: Read, *, is_enabled: bool = True) -> EnergySwapSensorDescription:
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        entity_registry_enabled_default=is_enabled,
        value_fn=read,
        available_fn=is_power_live,
    )


def _lifetime_energy(
    key: str, read: Read, *, state_class: SensorStateClass = SensorStateClass.TOTAL_INCREASING
) -> EnergySwapSensorDescription:
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENERGY,
        state_class=state_class,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=2,
        value_fn=lambda state: _kwh(read(state)),
    )


def _expected(key: str, field: str, *, is_enabled: bool = True) -> EnergySwapSensorDescription:
    # An expectation is no total: it has no state class and stays out of the statistics.
    read = value("forecast", field)
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.ENERGY,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=1,
        entity_registry_enabled_default=is_enabled,
        value_fn=lambda state: _kwh(read(state)),
    )


def _percent(
    key: str,
    read: Read,
    *,
    available_fn: Callable[[State], bool] = always,
    attributes_fn: Callable[[State], Mapping[str, Any] | None] | None = None,
    is_enabled: bool = True,
) -> EnergySwapSensorDescription:
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        entity_registry_enabled_default=is_enabled,
        value_fn=read,
        available_fn=available_fn,
        attributes_fn=attributes_fn,
    )


def _money(key: str, read: Read, *, is_balance: bool = False) -> EnergySwapSensorDescription:
    # What begins anew each day or month is no total either: the long-term statistics of the settlements are exact.
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.MONETARY,
        state_class=SensorStateClass.TOTAL if is_balance else None,
        native_unit_of_measurement=KES,
        suggested_display_precision=2,
        value_fn=lambda state: _kes(read(state)),
        available_fn=is_hub_connected,
    )


def _tokens(key: str, field: str) -> EnergySwapSensorDescription:
    # A balance of tokens, not energy that flowed: as "energy" it would be offered to the Energy dashboard, and
    # "energy_storage" means a battery.
    read = value("wallet", field)
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        state_class=SensorStateClass.TOTAL,
        native_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
        suggested_display_precision=3,
        value_fn=lambda state: _kwh(read(state)),
        available_fn=is_hub_connected,
    )


def _price(
    key: str, read: Read, *, is_measured: bool = False, is_enabled: bool = True
) -> EnergySwapSensorDescription:
    # Home Assistant has no device class for a price ("monetary" means an amount of money), and advice is no
    # measurement: like a forecast it has no state class.
    return EnergySwapSensorDescription(
        key=key,
        translation_key=key,
        state_class=SensorStateClass.MEASUREMENT if is_measured else None,
        native_unit_of_measurement=KES_PER_KWH,
        suggested_display_precision=2,
        entity_registry_enabled_default=is_enabled,
        value_fn=lambda state: _kes(read(state)),
        available_fn=is_hub_connected,
    )


def _one_of(read: Read, options: list[str]) -> Read:
    """Take only what has a text; an edge of the future may say more."""
    return lambda state: known if (known := read(state)) in options else None


def _consumption_w(state: State) -> int | None:
    power = state["power"]
    return None if power is None else power["generation_w"] + power["net_w"]


def _consumed_wh(state: State) -> int | None:
    meter = state["meter"]
    return None if meter is None else meter["generation_wh"] + meter["import_wh"] - meter["export_wh"]


def _best(side: str) -> Read:
    read = value("market", side)
    return lambda state: None if (offer := read(state)) is None else offer["cents_per_kwh"]


def _advice(state: State) -> Mapping[str, Any] | None:
    if (advice := state.get("advice")) is None:
        return None
    return {
        "reason": advice["sentence"],
        "key": advice["key"],
        "energy": None if (wh := advice.get("wh")) is None else wh / 1000,
        "price": None if (cents := advice.get("cents_per_kwh")) is None else cents / 100,
        "from": _moment(advice.get("from")),
        "until": _moment(advice.get("until")),
        "gain": None if (gain := advice.get("gain_cents")) is None else gain / 100,
    }


def _settled(state: State) -> datetime | None:
    settlement = state["last_settlement"]
    return None if settlement is None else datetime.fromisoformat(settlement["period"])


ACTIONS = ["hold", "sell", "buy"]
SOURCES = ["live", "cached", "history", "prior"]
MEMBERSHIPS = ["applied", "admitted", "suspended", "leaving", "left"]

DESCRIPTIONS = (
    _power("surplus_power", value("power", "surplus_w")),
    _power("net_power", value("power", "net_w")),
    _power("generation_power", value("power", "generation_w")),
    _power("consumption_power", _consumption_w, is_enabled=False),
    _lifetime_energy("exported_energy", value("meter", "export_wh")),
    _lifetime_energy("imported_energy", value("meter", "import_wh")),
    _lifetime_energy("generated_energy", value("meter", "generation_wh")),
    # A difference of registers can step back by the odd Wh that one of them rounds later than the other.
    _lifetime_energy("consumed_energy", _consumed_wh, state_class=SensorStateClass.TOTAL),
    _lifetime_energy("sold_energy", value("energy", "sold_wh")),
    _lifetime_energy("bought_energy", value("energy", "bought_wh")),
    _expected("surplus_today", "surplus_today_wh"),
    _expected("surplus_remaining", "surplus_remaining_wh"),
    _expected("surplus_tomorrow", "surplus_tomorrow_wh"),
    _expected("surplus_next_hour", "surplus_next_hour_wh"),
    _expected("production_today", "production_today_wh"),
    _expected("production_tomorrow", "production_tomorrow_wh"),
    _expected("consumption_today", "consumption_today_wh", is_enabled=False),
    _percent("forecast_confidence", value("forecast", "confidence_percent")),
    _percent("seed_confidence", value("forecast", "seed_confidence_percent"), is_enabled=False),
    EnergySwapSensorDescription(
        key="recommendation",
        translation_key="recommendation",
        device_class=SensorDeviceClass.ENUM,
        options=ACTIONS,
        value_fn=_one_of(value("advice", "action"), ACTIONS),
        attributes_fn=_advice,
    ),
    _money("kes_balance", value("wallet", "kes_cents"), is_balance=True),
    _money("kes_held", value("wallet", "kes_held_cents"), is_balance=True),
    _tokens("token_balance", "ekwh_wh"),
    _tokens("token_held", "ekwh_held_wh"),
    _money("earned_today", value("earnings", "earned_today_cents")),
    _money("saved_today", value("earnings", "saved_today_cents")),
    _money("earned_month", value("earnings", "earned_month_cents")),
    _money("saved_month", value("earnings", "saved_month_cents")),
    _money("spent_today", value("trader", "spent_today_cents")),
    _price("clearing_price", value("market", "clearing_cents_per_kwh"), is_measured=True),
    _price("suggested_sell_price", value("guidance", "suggested_sell")),
    _price("suggested_buy_price", value("guidance", "suggested_buy")),
    _price("best_sell_price", _best("best_sell"), is_enabled=False),
    _price("best_buy_price", _best("best_buy"), is_enabled=False),
    _price("week_average_price", value("guidance", "week_average"), is_enabled=False),
    _percent("price_against_week", value("guidance", "now_against_week_percent"), available_fn=is_hub_connected),
    _percent("reputation", value("reputation", "percent"), available_fn=is_hub_connected),
    EnergySwapSensorDescription(
        key="open_orders",
        translation_key="open_orders",
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda state: None if state["market"] is None else len(state["orders"]),
        available_fn=is_hub_connected,
    ),
    EnergySwapSensorDescription(
        key="last_settlement",
        translation_key="last_settlement",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=_settled,
    ),
    EnergySwapSensorDescription(
        key="last_decision",
        translation_key="last_decision",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda state: _moment((value("trader", "last")(state) or {}).get("at")),
    ),
    EnergySwapSensorDescription(
        key="membership",
        translation_key="membership",
        device_class=SensorDeviceClass.ENUM,
        options=MEMBERSHIPS,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=_one_of(lambda state: state["membership"], MEMBERSHIPS),
    ),
    EnergySwapSensorDescription(
        key="forecast_source",
        translation_key="forecast_source",
        device_class=SensorDeviceClass.ENUM,
        options=SOURCES,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=_one_of(value("forecast", "tier"), SOURCES),
    ),
    EnergySwapSensorDescription(
        key="readings_waiting",
        translation_key="readings_waiting",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=value("hub", "queue"),
    ),
    EnergySwapSensorDescription(
        key="alerts",
        translation_key="alerts",
        entity_category=EntityCategory.DIAGNOSTIC,
        value_fn=lambda state: None if (alerts := state.get("alerts")) is None else len(alerts),
    ),
)
