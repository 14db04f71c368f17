"""Every fault at once while the hub is killed again and again: afterwards the books are M-Pesa's, to the cent.

The seed is printed; ``--seed`` repeats it. The full size takes minutes: ``python -m tests.soak.storm``.
"""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from energy_swap_daraja_simulator.catalogue import FAULTS

from tests.hub.mpesa.storm import Size, storm
from tests.hub.mpesa.storm_books import check_books

SMALL = Size(households=60, top_ups=150, payouts=50, kills=20)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory, where there is one: what a killed process wrote is kept there as well as on a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.mark.timeout(900)
async def test_after_a_storm_the_books_are_m_pesas(
    folder: Path, seed: int, private_key_pem: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    logging.getLogger("energy_swap_daraja_simulator").setLevel(logging.ERROR)  # each fault has its warning
    monkeypatch.setattr("energy_swap_daraja_simulator.simulator._CADENCE_SECONDS", 0.01)
    print(f"--seed {seed}")  # noqa: T201 - pytest shows it when the test fails, or with -s
    where = folder / "hub.sqlite"
    async with storm(seed, SMALL, folder, where, private_key_pem) as after:
        print(after.outcome.text())  # noqa: T201
        ended = await check_books(where, after.simulator, after.phones)
    taken, faults = after.outcome.taken, {number for number, _ in after.outcome.faults}
    assert faults == set(FAULTS)
    assert after.outcome.kills == SMALL.kills
    assert (
        taken["top_up"] + taken["order"]
        >= SMALL.top_ups
        <= sum(n for kind, n in ended.items() if kind.startswith("intent"))
    )
    assert ended["payout paid"] >= SMALL.payouts / 2
