"""The village of the hub's tests with a verifier elsewhere: its own key, store, server and view of the chain."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.verifier.verified import Verified, open_verified


@pytest.fixture
async def verified(tmp_path: Path) -> AsyncIterator[Verified]:
    """A founded village whose hub holds one key of three."""
    async with open_verified(tmp_path) as made:
        yield made


@pytest.fixture(autouse=True)
def quick_resend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sender's patience be milliseconds: the rules are the same, only the cadence is faster."""
    monkeypatch.setattr("energy_swap_hub.chain.sender._RESEND_SECONDS", 0.02)
    monkeypatch.setattr("energy_swap_hub.chain.sender._RETRY_SECONDS", 0.0)
