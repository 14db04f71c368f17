"""A community on an embedded chain in this process; slots pass only when a test lets them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from energy_swap_hub.chain.localnet.service import LocalnetService
from solana.rpc.async_api import AsyncClient

from .world import World, new_world, now


@pytest.fixture
async def localnet() -> AsyncIterator[LocalnetService]:
    """An embedded chain in memory; slots pass only when a test lets them."""
    service = await LocalnetService.open(None, now)
    yield service
    await service.close()


@pytest.fixture
async def client(localnet: LocalnetService) -> AsyncIterator[AsyncClient]:
    client = localnet.client()
    yield client
    await client.close()


@pytest.fixture
async def world(localnet: LocalnetService, client: AsyncClient, tmp_path: Path) -> AsyncIterator[World]:
    async with new_world(tmp_path, client, localnet.tick) as made:
        yield made


@pytest.fixture(autouse=True)
def quick_resend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sender's patience be milliseconds: the rules are the same, only the cadence is faster."""
    monkeypatch.setattr("energy_swap_hub.chain.sender._RESEND_SECONDS", 0.02)
    monkeypatch.setattr("energy_swap_hub.chain.sender._RETRY_SECONDS", 0.02)
    return
