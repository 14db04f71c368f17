from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.hub.village")

from tests.hub.village import Village, copy_of, found_in, open_village  # noqa: E402


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a village that was founded once, to be copied."""
    return found_in(tmp_path_factory.mktemp("founded"))


@pytest.fixture(autouse=True)
def quick_resend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sender's patience be milliseconds: the rules are the same, only the cadence is faster."""
    monkeypatch.setattr("energy_swap_hub.chain.sender._RESEND_SECONDS", 0.02)
    monkeypatch.setattr("energy_swap_hub.chain.sender._RETRY_SECONDS", 0.02)


@pytest.fixture
async def village(founded: Path, tmp_path: Path) -> AsyncIterator[Village]:
    """A founded village of its own for each test; whatever happened, its books must be true at the end."""
    async with open_village(copy_of(founded, tmp_path / "village")) as village:
        yield village
        await village.check()
