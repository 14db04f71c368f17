"""What happened: orders matched, trades settled, money paid, prices worth a look, a meter gone silent.

Each event entity tells its events once, as the edge tells them; a settled period is told from the state, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .amounts import CENTS_PER_KES, WH_PER_KWH
from .api import EdgeEvent
from .coordinator import EnergySwapConfigEntry, EnergySwapCoordinator
from .entity import EnergySwapEntity
from .state import State, always

PARALLEL_UPDATES = 0

SETTLED = "settled"
SETTLEMENT = EventEntityDescription(key="settlement", translation_key="settlement", event_types=[SETTLED])


@dataclass(frozen=True, kw_only=True)
class EnergySwapEventDescription(EventEntityDescription):
    """Events of the edge, and what each kind of theirs is called here."""

    kinds: Mapping[str, str]


def _events(key: str, **kinds: str) -> EnergySwapEventDescription:
    return EnergySwapEventDescription(
        key=key, translation_key=key, event_types=sorted(set(kinds.values())), kinds=kinds
    )


DESCRIPTIONS: Final = (
    _events("order", order_matched="matched", order_ended="ended"),
    _events("trade", trade_settled="settled"),
    _events("payment", paid_out="paid_out", payment_failed="failed"),
    _events("price_alert", price_alert="alert"),
    _events("meter_alert", meter_silent="silent"),
)


async def async_setup_entry(
    _hass: HomeAssistant, entry: EnergySwapConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback
) -> None:
    """Add the events of one edge."""
    coordinator = entry.runtime_data
    async_add_entities(
        [
            EnergySwapSettlement(coordinator),
            *(EnergySwapEvent(coordinator, description, always) for description in DESCRIPTIONS),
        ]
    )


class EnergySwapEvent(EnergySwapEntity, EventEntity):
    """Events that the edge tells."""

    entity_description: EnergySwapEventDescription

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_listen_to_events(self._take))

    @callback
    def _take(self, event: EdgeEvent) -> None:
        if (event_type := self.entity_description.kinds.get(event.kind)) is not None:
            self._trigger_event(event_type, {"at": event.at, **event.data})
            self.async_write_ha_state()


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
