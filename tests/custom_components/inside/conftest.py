"""Home Assistant in the test's own process, and an edge beside it that keeps to the contract."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity import Entity
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

import custom_components  # noqa: E402, F401 - ours, before the testing package finds one of its own
from tests.custom_components.contract_edge import ContractEdge  # noqa: E402

EDGE_ID = "0123456789abcdef"
TOKEN = "a-token-of-pairing"


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
async def edge(enable_custom_integrations: None, socket_enabled: None) -> AsyncIterator[ContractEdge]:
    """An edge that runs; Home Assistant finds our integration, and knows a token of the edge."""
    edge = ContractEdge()
    edge.edge_id = EDGE_ID
    edge.tokens.add(TOKEN)
    await edge.start()
    yield edge
    await edge.stop()


@pytest.fixture
def entry(edge: ContractEdge) -> MockConfigEntry:
    """A household that is paired and not set up yet."""
    return MockConfigEntry(
        domain="energy_swap",
        title="Amina's house",
        unique_id=EDGE_ID,
        data={"host": "127.0.0.1", "port": edge.port, "token": TOKEN},
    )


@pytest.fixture
async def household(hass: HomeAssistant, entry: MockConfigEntry) -> AsyncIterator[MockConfigEntry]:
    """A household that is set up."""
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield entry
    if entry.state is ConfigEntryState.LOADED:
        await hass.config_entries.async_unload(entry.entry_id)
        await hass.async_block_till_done()


@pytest.fixture
def all_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entities that are off by default are on."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)
