"""Events of the edge: told once each, on Home Assistant's bus too, and remembered over a restart."""

from typing import TypedDict

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store

from .api import EdgeEvent
from .const import DOMAIN, EVENT

STORAGE_VERSION = 1
SAVE_SECONDS = 10
MOST_TOLD = 1000  # more than this a connection needs not remember one by one: what was missed came long ago


class _Remembered(TypedDict):
    last: int


class EventMemory:
    """Which event of an edge was told last."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        self.last: int | None = None
        self._floor = -1
        self._told: set[int] = set()
        self._hass = hass
        self._entry = entry
        self._store: Store[_Remembered] = _store(hass, entry)

    async def load(self) -> None:
        """Recall the last event of an earlier run."""
        if (remembered := await self._store.async_load()) is not None:
            self.last = remembered["last"]

    @callback
    def connected(self) -> None:
        """Begin a connection: what happened meanwhile may come after what happens now, so ids may step back."""
        self._floor = -1 if self.last is None else self.last
        self._told.clear()

    def is_new(self, event: EdgeEvent) -> bool:
        """Tell whether an event was not told before."""
        return event.id > self._floor and event.id not in self._told

    @callback
    def remember(self, event: EdgeEvent, device_id: str) -> None:
        """Note an event as told, and put it on the bus."""
        self.last = last = max(event.id, self._floor if self.last is None else self.last)
        self._told.add(event.id)
        if len(self._told) > MOST_TOLD:
            self._floor = min(self._told)
            self._told.discard(self._floor)
        self._store.async_delay_save(lambda: _Remembered(last=last), SAVE_SECONDS)
        self._hass.bus.async_fire(
            EVENT,
            {
                **event.data,
                "entry_id": self._entry.entry_id,
                "device_id": device_id,
                "name": self._entry.title,
                "kind": event.kind,
                "at": event.at,
            },
        )


async def async_forget_events(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Remove what is remembered of a household that is removed."""
    await _store(hass, entry).async_remove()


def _store(hass: HomeAssistant, entry: ConfigEntry) -> Store[_Remembered]:
    return Store(hass, STORAGE_VERSION, f"{DOMAIN}.{entry.entry_id}")
