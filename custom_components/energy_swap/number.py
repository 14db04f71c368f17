"""The limit prices of every period, and what the trader leaves alone: shown as the edge has them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, override

from homeassistant.components.number import NumberDeviceClass, NumberEntity, NumberEntityDescription, NumberMode
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .commands import carry_out, change_limits
from .coordinator import EnergySwapConfigEntry, EnergySwapCoordinator
from .entity import EnergySwapEntity
from .fields import DAILY_CAP, PRICE, RESERVE, Measure, amount
from .state import State, always, is_trader_known, value

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class EnergySwapNumberDescription(NumberEntityDescription):
    """A number of the edge: how to read it in the edge's units, and the command that sets it."""

    measure: Measure
    read: Callable[[State], int | None]
    available_fn: Callable[[State], bool]
    limit: Literal["sell_at_least", "buy_at_most"] | None = None
    command: str = ""
    field: str = ""


def _number(
    key: str,
    measure: Measure,
    read: Callable[[State], int | None],
    available_fn: Callable[[State], bool],
    **more: Any,
) -> EnergySwapNumberDescription:
    return EnergySwapNumberDescription(
        key=key,
        translation_key=key,
        native_unit_of_measurement=measure.unit,
        native_min_value=measure.least / measure.units,
        native_max_value=measure.most / measure.units,
        native_step=1 / measure.units,
        mode=NumberMode.BOX,
        measure=measure,
        read=read,
        available_fn=available_fn,
        **more,
    )


def _cap(state: State) -> int | None:
    cents = value("trader", "daily_cap_cents")(state)
    return None if cents is None else cents // 100


# Only this household can change its own limits, so the last known ones hold while the hub is away.
DESCRIPTIONS = (
    _number("sell_limit", PRICE, value("market", "sell_at_least"), always, limit="sell_at_least"),
    _number("buy_limit", PRICE, value("market", "buy_at_most"), always, limit="buy_at_most"),
    _number(
        "reserve",
        RESERVE,
        value("trader", "reserve_wh"),
        is_trader_known,
        device_class=NumberDeviceClass.ENERGY,
        command="set_reserve",
        field="wh",
    ),
    _number(
        "daily_cap",
        DAILY_CAP,
        _cap,
        is_trader_known,
        device_class=NumberDeviceClass.MONETARY,
        command="set_daily_cap",
        field="kes",
    ),
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the numbers of one edge."""
    async_add_entities(EnergySwapNumber(entry.runtime_data, description) for description in DESCRIPTIONS)


class EnergySwapNumber(EnergySwapEntity, NumberEntity):
    """A number of the edge; a limit is unknown while the household keeps out of that side of the market."""

    entity_description: EnergySwapNumberDescription

    def __init__(self, coordinator: EnergySwapCoordinator, description: EnergySwapNumberDescription) -> None:
        super().__init__(coordinator, description, description.available_fn)

    @property
    @override
    def native_value(self) -> float | None:
        units = self.entity_description.read(self.coordinator.data)
        return None if units is None else units / self.entity_description.measure.units

    @override
    async def async_set_native_value(self, value: float) -> None:
        description = self.entity_description
        units = amount("value", value, description.measure)
        if description.limit is not None:
            await change_limits(self.coordinator, {description.limit: units}, self._context)
        else:
            command, field = description.command, description.field
            await carry_out(self.coordinator, command, {field: units}, self._context)
