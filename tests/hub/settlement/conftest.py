from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.conftest import ENGINES
from tests.hub.postgresql import new_database
from tests.hub.village import Village, copy_of, forget, found_in, open_village

# The core of settlement runs on both databases, the rest on SQLite.
ON_BOTH = {
    "test_ahead_orders",
    "test_periods",
    "test_spot_orders",
    # and of other modules
    "test_a_community_trades_across_a_change_of_length",
    "test_a_meter_replaced_while_it_was_late_is_trued_up_from_both",
    "test_a_replaced_meter_goes_on_where_the_old_one_ended",
    "test_readings_stored_for_hours_are_trued_up_period_by_period",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = {metafunc.module.__name__.rpartition(".")[2], metafunc.function.__name__}
    if "founded" in metafunc.fixturenames and names & ON_BOTH:
        metafunc.parametrize("founded", ENGINES, indirect=True)


@pytest.fixture(scope="session")
def founded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a village that was founded once, to be copied."""
    url = None
    if getattr(request, "param", "sqlite") == "postgresql":
        url = new_database(request.getfixturevalue("postgresql"))
    return found_in(tmp_path_factory.mktemp("founded"), url)


@pytest.fixture(autouse=True)
def quick_resend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sender's patience be milliseconds: the rules are the same, only the cadence is faster."""
    monkeypatch.setattr("energy_swap_hub.chain.sender._RESEND_SECONDS", 0.02)
    monkeypatch.setattr("energy_swap_hub.chain.sender._RETRY_SECONDS", 0.02)


@pytest.fixture
async def village(founded: Path, tmp_path: Path) -> AsyncIterator[Village]:
    """A founded village of its own for each test; whatever happened, its books must be true at the end."""
    folder = copy_of(founded, tmp_path / "village")
    async with open_village(folder) as village:
        yield village
        await village.check()
    forget(folder)
