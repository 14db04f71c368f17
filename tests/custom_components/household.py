"""A household in Home Assistant, as tests look at it."""

from dataclasses import dataclass
from typing import Any, Self

from energy_swap_demo.home_assistant import PATIENCE_SECONDS, HomeAssistant

from tests.custom_components.contract_edge import ContractEdge


@dataclass
class Household:
    """An entry of the integration and the edge behind it."""

    home: HomeAssistant
    edge: ContractEdge
    entry_id: str
    entities: dict[str, str]

    @classmethod
    async def set_up(cls, home: HomeAssistant, edge: ContractEdge) -> Self:
        """Walk the config flow."""
        entry_id = await home.add_energy_swap("127.0.0.1", edge.port, edge.code)
        return cls(home, edge, entry_id, await home.entities(entry_id))

    async def remove(self) -> None:
        """Delete the entry."""
        await self.home.request("DELETE", f"config/config_entries/entry/{self.entry_id}")

    async def states(self) -> dict[str, str]:
        """Return the state of every entity by its key."""
        states = {state["entity_id"]: state["state"] for state in await self.home.command("get_states")}
        return {key: states[entity_id] for key, entity_id in self.entities.items()}

    async def attributes(self, key: str) -> dict[str, Any]:
        """Return the attributes of one entity."""
        state = await self.home.state(self.entities[key])
        assert state is not None
        attributes: dict[str, Any] = state["attributes"]
        return attributes

    async def wait_for(self, key: str, wanted: str, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until an entity has a state."""
        await self.home.wait_for(self.entities[key], lambda state: state == wanted, seconds=seconds)
