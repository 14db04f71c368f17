"""The village of the hub's tests with a verifier elsewhere: its own key, store, server and view of the chain."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.verifier.verified import Verified, open_verified


@pytest.fixture(scope="session")
def founded_with_verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a village founded with a verifier; tests work on copies."""
    folder = tmp_path_factory.mktemp("verified")

    async def found() -> None:
        async with open_verified(folder) as made:
            await made.village.found()

    asyncio.run(found())
    return folder


@pytest.fixture
async def verified(founded_with_verifier: Path, tmp_path: Path) -> AsyncIterator[Verified]:
    """A founded village whose hub holds one key of three."""
    folder = tmp_path / "village"
    shutil.copytree(founded_with_verifier, folder)
    async with open_verified(folder) as made:
        yield made


@pytest.fixture(scope="session")
def founded_in_trust_mode(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a village founded with a verifier and the trust mode; tests work on copies."""
    folder = tmp_path_factory.mktemp("trusting")

    async def found() -> None:
        async with open_verified(folder, is_trusting=True) as made:
            await made.village.found()

    asyncio.run(found())
    return folder


@pytest.fixture
async def trusting(founded_in_trust_mode: Path, tmp_path: Path) -> AsyncIterator[Verified]:
    """A founded village whose hub, with a verifier, mints only by the meters' word."""
    folder = tmp_path / "village"
    shutil.copytree(founded_in_trust_mode, folder)
    async with open_verified(folder, is_trusting=True) as made:
        yield made


@pytest.fixture(autouse=True)
def quick_resend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sender's patience be milliseconds: the rules are the same, only the cadence is faster."""
    monkeypatch.setattr("energy_swap_hub.chain.sender._RESEND_SECONDS", 0.02)
    monkeypatch.setattr("energy_swap_hub.chain.sender._RETRY_SECONDS", 0.0)
