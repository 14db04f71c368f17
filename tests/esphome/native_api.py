"""A client of the meter's native API, as Home Assistant is one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aioesphomeapi import EntityState
from aioesphomeapi.client import APIClient

from tests.esphome.simulation import PATIENCE


@dataclass(slots=True)
class Shown:
    """What the meter's entities show, by their names."""

    client: APIClient
    states: dict[str, object] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, name: str, state: object) -> None:
        self.states[name] = state
        self._changed.set()

    async def wait_for(self, name: str, is_reached: Callable[[object], bool]) -> object:
        async with asyncio.timeout(PATIENCE):
            while name not in self.states or not is_reached(self.states[name]):
                self._changed.clear()
                await self._changed.wait()
        return self.states[name]


@asynccontextmanager
async def entities_of(port: int) -> AsyncIterator[Shown]:
    """Connect to the meter at ``port`` and follow its entities."""
    client = APIClient("127.0.0.1", port, None)
    shown = Shown(client)
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await client.connect()
                break
            except Exception:  # noqa: BLE001 whatever it is: the program is still starting
                await asyncio.sleep(0.05)
    names: dict[int, str] = {}

    def take(state: EntityState) -> None:
        shown.take(names[state.key], getattr(state, "state", None))

    entities, _ = await client.list_entities_services()
    names.update({entity.key: entity.name for entity in entities})
    shown.keys.update({entity.name: entity.key for entity in entities})
    client.subscribe_states(take)
    yield shown
    await client.disconnect()
