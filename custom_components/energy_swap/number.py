"""The limit prices of every period: shown as the hub has them, changed through the edge."""

from dataclasses import dataclass
from typing import Literal, override

from homeassistant.components.number import NumberEntity, NumberEntityDescription, NumberMode
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .commands import change_limits
from .coordinator import EnergySwapConfigEntry
from .entity import EnergySwapEntity
from .fields import PRICE, amount
from .state import always

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class EnergySwapNumberDescription(NumberEntityDescription):
    """A limit price, and the edge's name for it."""

    limit: Literal["sell_at_least", "buy_at_most"]


def _limit(key: str, limit: Literal["sell_at_least", "buy_at_most"]) -> EnergySwapNumberDescription:
    return EnergySwapNumberDescription(
        key=key,
        translation_key=key,
        native_unit_of_measurement=PRICE.unit,
        native_min_value=PRICE.least / PRICE.units,
        native_max_value=PRICE.most / PRICE.units,
        native_step=1 / PRICE.units,
        mode=NumberMode.BOX,
        limit=limit,
    )


DESCRIPTIONS = (_limit("sell_limit", "sell_at_least"), _limit("buy_limit", "buy_at_most"))


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the limit prices of one edge."""
    # Only this household can change its own limits, so the last known ones hold while the hub is away.
    async_add_entities(EnergySwapNumber(entry.runtime_data, description, always) for description in DESCRIPTIONS)


class EnergySwapNumber(EnergySwapEntity, NumberEntity):
    """A limit price; unknown while the household keeps out of that side of the market."""

    entity_description: EnergySwapNumberDescription

    @property
    @override
    def native_value(self) -> float | None:
        market = self.coordinator.data["market"]
        cents = market and market[self.entity_description.limit]
        return None if cents is None else cents / PRICE.units

    @override
    async def async_set_native_value(self, value: float) -> None:
        limit = self.entity_description.limit
        await change_limits(self.coordinator, {limit: amount("value", value, PRICE)})
