"""A settled period, told as it becomes known: what was traded in it, and for how much."""

from typing import override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .amounts import CENTS_PER_KES, WH_PER_KWH
from .coordinator import EnergySwapConfigEntry, EnergySwapCoordinator
from .entity import EnergySwapEntity
from .state import State, always

PARALLEL_UPDATES = 0

SETTLED = "settled"
SETTLEMENT = EventEntityDescription(key="settlement", translation_key="settlement", event_types=[SETTLED])


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the event of one edge."""
    async_add_entities([EnergySwapSettlement(entry.runtime_data)])


class EnergySwapSettlement(EnergySwapEntity, EventEntity):
    """The newest settled period; of several that are settled at once it tells the last."""

    def __init__(self, coordinator: EnergySwapCoordinator) -> None:
        super().__init__(coordinator, SETTLEMENT, always)
        self._seen = _newest_period(coordinator.data)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        state = self.coordinator.data
        newest = _newest_period(state)
        # What is first heard after a start was settled before it, perhaps long ago: that is no event.
        if newest is not None:
            if self._seen is not None and newest > self._seen:
                self._tell(state)
            self._seen = max(newest, self._seen or "")
        super()._handle_coordinator_update()

    def _tell(self, state: State) -> None:
        settlement = state["last_settlement"]
        assert settlement is not None
        self._trigger_event(
            SETTLED,
            {
                "period": settlement["period"],
                "sold_energy": settlement["sold_wh"] / WH_PER_KWH,
                "bought_energy": settlement["bought_wh"] / WH_PER_KWH,
                "earned": settlement["earned_cents"] / CENTS_PER_KES,
                "paid": settlement["paid_cents"] / CENTS_PER_KES,
            },
        )


def _newest_period(state: State) -> str | None:
    """Return when the newest settled period began, "" if none was settled yet, None if the hub was not heard."""
    if (settlement := state["last_settlement"]) is not None:
        return settlement["period"]
    return None if state["wallet"] is None else ""
